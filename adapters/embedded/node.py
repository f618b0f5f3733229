"""What can be asked of an embedded ledger, in its process or over HTTP, and the node that answers in the process.

Nothing here sleeps or looks at a clock: a simulation calls `produce_block`, a service hands clock and sleep to `run`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from adapters.contract.errors import EndpointUnavailable, HistoryPruned
from adapters.embedded import clients, execution, wire
from adapters.embedded.chain import Block, Chain
from adapters.embedded.genesis import HOST_CODE, HOST_NAME
from adapters.embedded.refusals import Refused
from adapters.embedded.state import IBC, Snapshot, State, prove
from adapters.embedded.wire import AccountAnswer, BlockAnswer, ClientAnswer, Entry, MessageAnswer, Msg, StatusAnswer
from proofs.cometbft.ibc_messages import encode_light_block
from proofs.light_client import ClientState

# One answer stays small enough for one read, whatever the blocks hold.
BLOCKS_MAX: Final = 256
PATHS_MAX: Final = 1_024
TXS_MAX: Final = 1_024


@runtime_checkable
class EmbeddedNode(Protocol):
    """Raises EndpointUnavailable, EndpointWrong and HistoryPruned; `broadcast` also Refused."""

    @property
    def name(self) -> str: ...

    async def status(self) -> StatusAnswer: ...

    async def blocks(self, start: int, limit: int) -> Sequence[BlockAnswer]:
        """From `start` on, at most `limit`, fewer at the end of the chain."""
        ...

    async def light_block(self, height: int) -> bytes:
        """tendermint.types.LightBlock of a final block."""
        ...

    async def prove(self, keys: Sequence[bytes], at: int) -> Sequence[Entry]:
        """What stands at these keys of store `ibc` under the app hash of header `at`, each with its MerkleProof."""
        ...

    async def values(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """The same at the newest state, without proof."""
        ...

    async def clients(self, ids: Sequence[str]) -> Sequence[ClientAnswer]:
        """As they stand at the newest final block."""
        ...

    async def client_count(self) -> int: ...

    async def simulate(self, sender: str, messages: Sequence[Msg]) -> Sequence[MessageAnswer]: ...

    async def broadcast(self, raw: bytes) -> None: ...

    async def results(self, tx_ids: Sequence[str]) -> Sequence[wire.TxResult | None]: ...

    async def account(self, account: str) -> AccountAnswer: ...


class LocalNode:
    """The node in this process."""

    def __init__(self, chain: Chain, *, name: str = "embedded") -> None:
        self.chain = chain
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def produce_block(self, now: float) -> Block:
        return self.chain.produce_block(now)

    async def run(
        self, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]], block_seconds: float
    ) -> None:
        """Produce blocks until cancelled."""
        while True:
            self.chain.produce_block(clock())
            await sleep(block_seconds)

    async def status(self) -> StatusAnswer:
        chain = self.chain
        if chain.final == 0:
            raise EndpointUnavailable(self._name, "no block is final yet")
        latest, final = chain.block(chain.latest), chain.block(chain.final)
        return StatusAnswer(
            chain_id=chain.genesis.chain_id,
            genesis_hash=chain.genesis.hash,
            host=HOST_NAME,
            code=HOST_CODE,
            latest=chain.latest,
            latest_hash=latest.hash,
            final=chain.final,
            final_hash=final.hash,
            final_time=final.header.time // 10**9,
            gas_price=chain.genesis.gas_price,
        )

    async def blocks(self, start: int, limit: int) -> Sequence[BlockAnswer]:
        end = min(self.chain.latest, start + min(limit, BLOCKS_MAX) - 1)
        found = (self.chain.block(height) for height in range(max(1, start), end + 1))
        return tuple(BlockAnswer(each.header.height, each.hash, each.encoded, each.results) for each in found)

    async def light_block(self, height: int) -> bytes:
        if not 1 <= height <= self.chain.final:
            raise EndpointUnavailable(self._name, f"block {height} is not final")
        return encode_light_block(self.chain.light_block(height))

    async def prove(self, keys: Sequence[bytes], at: int) -> Sequence[Entry]:
        state = self._state(at - 1)
        view = State(state)
        return tuple(Entry(view.get(IBC, key), prove(state, IBC, key)) for key in keys[:PATHS_MAX])

    async def values(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        state = self.chain.newest_state()
        return tuple(state.get(IBC, key) for key in keys[:PATHS_MAX])

    async def clients(self, ids: Sequence[str]) -> Sequence[ClientAnswer]:
        state = State(self._state(self.chain.final))
        return tuple(_describe(state, each) for each in ids[:PATHS_MAX])

    async def client_count(self) -> int:
        return clients.next_number(self.chain.newest_state())

    async def simulate(self, sender: str, messages: Sequence[Msg]) -> Sequence[MessageAnswer]:
        return self.chain.simulate(messages, sender=sender)

    async def broadcast(self, raw: bytes) -> None:
        self.chain.add(raw)

    async def results(self, tx_ids: Sequence[str]) -> Sequence[wire.TxResult | None]:
        return tuple(self.chain.result(each) for each in tx_ids[:TXS_MAX])

    async def account(self, account: str) -> AccountAnswer:
        newest = self.chain.newest_state()
        final = State(self._state(self.chain.final))
        pending = self.chain.mempool.next_pending(account, execution.sequence(newest, account))
        return AccountAnswer(execution.balance(newest, account), execution.sequence(final, account), pending)

    def _state(self, height: int) -> Snapshot:
        if not 0 <= height <= self.chain.latest:
            raise EndpointUnavailable(self._name, f"there is no state behind block {height} yet")
        state = self.chain.state_at(height)
        if state is None:
            raise HistoryPruned(self._name, height)
        return state


def _describe(state: State, client: str) -> ClientAnswer:
    try:
        known = clients.record(state, client)
        encoded = clients.encoded_client(state, client)
    except Refused:
        return ClientAnswer()
    frozen = known.frozen or clients.decode(known.family, encoded).status(0).state is ClientState.FROZEN
    return ClientAnswer(known.family, encoded, frozen, known.counterparty, known.prefix)
