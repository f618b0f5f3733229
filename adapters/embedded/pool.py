"""Several nodes of one ledger: the least blamed answers, and the next one when it cannot.

A node's failure is ours to work around; only when all of them fail does the last failure leave here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from adapters.contract.errors import EndpointTrouble, EndpointWrong, IdentityChanged
from adapters.contract.ledger import Endpoint, LedgerIdentity, Served
from adapters.embedded.node import EmbeddedNode
from adapters.embedded.refusals import Refused
from adapters.embedded.wire import StatusAnswer
from proofs.errors import InvalidProof

T = TypeVar("T")

# A node that lied is asked last until the others have failed this many times more often.
_BLAME_WEIGHT: Final = 100
_COUNT_MAX: Final = (1 << 63) - 1


class Pool:
    def __init__(self, nodes: Sequence[EmbeddedNode], *, chain_id: str) -> None:
        assert nodes, "a pool has at least one node"
        self.chain_id = chain_id
        self._nodes = tuple(nodes)
        self._failures = dict.fromkeys((node.name for node in nodes), 0)

    @property
    def names(self) -> tuple[Endpoint, ...]:
        return tuple(Endpoint(node.name) for node in self._nodes)

    async def ask(self, question: Callable[[EmbeddedNode], Awaitable[T]], *, may_refuse: bool = False) -> Served[T]:
        """Raises the last node's EndpointTrouble when every node fails, Refused only where that is an answer."""
        trouble: EndpointTrouble | None = None
        for node in sorted(self._nodes, key=lambda each: self._failures[each.name]):
            try:
                answer = await question(node)
            except EndpointTrouble as failure:
                self._failures[node.name] += 1
                trouble = failure
            except Refused as refusal:
                if may_refuse:
                    raise
                self._failures[node.name] += 1
                trouble = EndpointWrong(node.name, "answer", got=str(refusal), expected="what was asked for")
            else:
                self._failures[node.name] = max(0, self._failures[node.name] - 1)
                return Served(answer, Endpoint(node.name))
        assert trouble is not None, "every node either answers or fails"
        raise trouble

    async def status(self) -> Served[StatusAnswer]:
        async def asked(node: EmbeddedNode) -> StatusAnswer:
            status = await node.status()
            if status.chain_id != self.chain_id:
                raise EndpointWrong(node.name, "chain id", got=status.chain_id, expected=self.chain_id)
            if status.final > status.latest:
                raise EndpointWrong(node.name, "final height", got=status.final, expected=f"at most {status.latest}")
            counts = (status.latest, status.final, status.final_time, status.gas_price)
            check_countable(counts, "status", node.name)
            return status

        return await self.ask(asked)

    async def identity(self) -> LedgerIdentity:
        """All nodes that answer must name the same ledger. Raises IdentityChanged."""
        served = await self.status()
        identity = _identity(served.answer)
        for node in self._nodes:
            try:
                other = _identity(await node.status())
            except (EndpointTrouble, Refused):
                continue
            if other != identity:
                raise IdentityChanged(f"identity by {node.name}", got=str(other), expected=str(identity))
        return identity

    def blame(self, endpoint: Endpoint, reason: InvalidProof) -> None:  # noqa: ARG002 - every falsehood weighs the same
        if endpoint in self._failures:
            self._failures[endpoint] += _BLAME_WEIGHT


def check_countable(numbers: Sequence[int], what: str, endpoint: str) -> None:
    """Heights, times, slots and fees count upwards from nothing, and no ledger will ever count this far."""
    for number in numbers:
        if not 0 <= number <= _COUNT_MAX:
            raise EndpointWrong(endpoint, what, got=number, expected=f"0 to {_COUNT_MAX}")


def _identity(status: StatusAnswer) -> LedgerIdentity:
    return LedgerIdentity(status.chain_id, status.genesis_hash.hex(), status.host, status.code.hex())
