"""Would the host take these messages, in this order, and what would each cost?

They are run twice: one by one with ample gas, which says what each does and uses; then as they will be sent, with the
limits that follow from it. A message whose acknowledgement comes out differently the second time would have been
answered with an error for ever, for lack of gas: it is given more, or refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.contract.errors import HostRefusal, RefusedForEver, RefusedForNow
from adapters.contract.ledger import Account, Cost, Endpoint
from adapters.contract.messages import HostMessage, Rule
from adapters.evm.chain import Header
from adapters.evm.codec import encode_batch, encode_message
from adapters.evm.connection import EndpointPool
from adapters.evm.fees import GasPrice
from adapters.evm.refusals import refusal_of
from adapters.evm.simulation import UPDATE_CHANGES_NOTHING, UPDATE_FREEZES, Outcome, Run, simulate

_MARGIN_PERCENT: Final = 115
_MARGIN_GAS: Final = 50_000
# Gas given back for cleared storage is at most a fifth of what was used (EIP-3529), and is needed before it comes back.
_REFUND_PERCENT: Final = 125
_RAISED_PERCENT: Final = 200

Written: TypeAlias = Mapping[tuple[bytes, ...], tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that the host takes when it has ample gas. index: among the screened. gas: what it will be given."""

    index: int
    calldata: bytes
    gas: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Screening:
    pool: EndpointPool
    endpoint: Endpoint
    host: bytes
    account: Account
    on: Header
    gas_most: int
    price: GasPrice

    async def screen(self, messages: Sequence[HostMessage]) -> list[Cost | HostRefusal]:
        answers, calldata = encode_all(messages)
        outcomes = await self._run([Run(each, self.gas_most) for each in calldata.values()])
        candidates = []
        for (index, call), outcome in zip(calldata.items(), outcomes, strict=True):
            refusal = self._refusal(messages[index], outcome)
            if refusal is not None:
                answers[index] = refusal
            else:
                candidates.append(Candidate(index, call, gas_limit(outcome), outcome))
        starved = await self._starved(candidates)
        if starved:
            raised = [
                Candidate(each.index, each.calldata, raised_limit(each, self.gas_most), each.outcome)
                if each.index in starved
                else each
                for each in candidates
            ]
            candidates, starved = raised, await self._starved(raised)
        for each in candidates:
            answers[each.index] = self._cost(each) if each.index not in starved else _starving(each)
        return [answers[index] for index in range(len(messages))]

    def _refusal(self, message: HostMessage, outcome: Outcome) -> HostRefusal | None:
        if not outcome.accepted:
            # A frame keeps a 64th of its gas back, so an inner one runs out before all is used.
            spent = outcome.gas_used * 64 >= self.gas_most * 62
            return refusal_of(outcome.returned, message=message, account=self.account, out_of_gas=spent)
        if UPDATE_FREEZES in outcome.updates:
            return RefusedForEver(
                Rule.CLIENT_FROZEN, "this update contradicts a known height: it would freeze the client"
            )
        limit = gas_limit(outcome)
        if limit > self.gas_most:
            return RefusedForNow(Rule.TOO_LITTLE_GAS, f"needs {limit} gas, a transaction may have {self.gas_most}")
        return None

    async def _starved(self, candidates: Sequence[Candidate]) -> set[int]:
        """Indices of those that do something else within the limits than with ample gas."""
        groups = list(group_by_gas(candidates, self.gas_most))
        outcomes = await self._run(
            [Run(encode_batch([each.calldata for each in group]), sum(each.gas for each in group)) for group in groups]
        )
        return {
            each.index
            for group, outcome in zip(groups, outcomes, strict=True)
            for each in group
            if not outcome.accepted or not holds_all(outcome.acknowledgements, each.outcome.acknowledgements)
        }

    async def _run(self, runs: Sequence[Run]) -> list[Outcome]:
        if not runs:
            return []
        sender = bytes.fromhex(self.account[2:])
        return await simulate(
            self.pool, runs, sender=sender, to=self.host, host=self.host, on=self.on, endpoint=self.endpoint
        )

    def _cost(self, candidate: Candidate) -> Cost:
        outcome = candidate.outcome
        redundant = outcome.noops > 0 or UPDATE_CHANGES_NOTHING in outcome.updates
        return Cost(gas=candidate.gas, fee=candidate.gas * self.price.most, redundant=redundant)


def encode_all(messages: Sequence[HostMessage]) -> tuple[dict[int, Cost | HostRefusal], dict[int, bytes]]:
    """Calldata by index, and the refusals of those that this host has no function for."""
    refused: dict[int, Cost | HostRefusal] = {}
    calldata: dict[int, bytes] = {}
    for index, message in enumerate(messages):
        try:
            calldata[index] = encode_message(message)
        except RefusedForEver as refusal:
            refused[index] = refusal
    return refused, calldata


def gas_limit(outcome: Outcome) -> int:
    """What a message is given, from what it used with ample gas. Refunds hide a part of what it needs."""
    return outcome.gas_used * max(_MARGIN_PERCENT, _REFUND_PERCENT) // 100 + _MARGIN_GAS


def raised_limit(candidate: Candidate, most: int) -> int:
    return min(candidate.gas * _RAISED_PERCENT // 100, most)


def group_by_gas(candidates: Sequence[Candidate], most: int) -> Iterator[list[Candidate]]:
    """In order, as many in one transaction as its gas allows."""
    group: list[Candidate] = []
    used = 0
    for each in candidates:
        if group and used + each.gas > most:
            yield group
            group, used = [], 0
        group.append(each)
        used += each.gas
    if group:
        yield group


def holds_all(written: Written, expected: Written) -> bool:
    return all(written.get(packet) == acknowledgements for packet, acknowledgements in expected.items())


def _starving(candidate: Candidate) -> HostRefusal:
    return RefusedForNow(
        Rule.TOO_LITTLE_GAS,
        f"with {candidate.gas} gas it ends otherwise than with {candidate.outcome.gas_used} used of more",
    )
