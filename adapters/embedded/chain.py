"""Blocks: ordered transactions, the state after them, and a header that the committee signs.

Header h carries the app hash of the state after block h - 1, so a write in block h is provable from height h + 1 on.
Time comes from outside with every block and only ever grows. Where finality is delayed, the committee signs a block
when enough others stand on it; until then `fork` may take it back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.embedded import execution, wire
from adapters.embedded.apps import MAILBOX_PORT, App, Mailbox
from adapters.embedded.committee import Committee, Powers, block_id_of
from adapters.embedded.execution import Executor, ReadTx, read_tx
from adapters.embedded.genesis import Genesis
from adapters.embedded.host import Host
from adapters.embedded.mempool import Mempool
from adapters.embedded.refusals import OUT_OF_FUNDS, Refused
from adapters.embedded.state import STAKING, Snapshot, State, app_hash
from adapters.embedded.wire import MessageAnswer, Msg, TxResult
from proofs.cometbft import canonical
from proofs.cometbft.codec import encode_header
from proofs.cometbft.types import SECOND, BlockId, Header, LightBlock, SignedHeader
from proofs.merkle import rfc6962
from proofs.primitives.hashing import sha256

_MILLISECOND: Final = 10**6
_CONSENSUS_HASH: Final = sha256(b"native consensus parameters 1")


@dataclass(slots=True)
class Block:
    """powers sign this block, next_powers the one after it. after: the state behind it, None once it is forgotten."""

    header: Header
    hash: bytes
    encoded: bytes
    txs: tuple[ReadTx, ...]
    results: tuple[TxResult, ...]
    powers: Powers
    next_powers: Powers
    after: Snapshot | None
    signed: SignedHeader | None = None


class Chain:
    """One ledger. Nothing here waits, and every moment is an argument."""

    def __init__(self, genesis: Genesis, *, apps: dict[str, App] | None = None) -> None:
        self.genesis = genesis
        self.apps: dict[str, App] = {MAILBOX_PORT: Mailbox()} | (apps or {})
        self.mempool = Mempool()
        self.absent: tuple[int, ...] = ()  # validators that do not vote
        self._executor = Executor(Host(self.apps))
        self._committee = Committee(genesis.chain_id, genesis.seed)
        self._founded = genesis.found().snapshot()
        self._blocks: list[Block] = []
        self._where: dict[str, TxResult] = {}
        self._final = 0
        self._forks = 0

    @property
    def latest(self) -> int:
        return len(self._blocks)

    @property
    def final(self) -> int:
        """Never falls: a fork makes the chain shorter for a while, but what was final stays so."""
        return self._final

    def block(self, height: int) -> Block:
        assert 1 <= height <= self.latest, "the caller knows which blocks there are"
        return self._blocks[height - 1]

    def produce_block(self, now: float) -> Block:
        """now: unix seconds. A clock that stands still or runs back gives the next millisecond."""
        time = self._time(now)
        height = self.latest + 1
        before = self._after(height - 1)
        assert before is not None, "the newest state is never forgotten"
        powers, next_powers = self._powers()
        state = State(before, version=height)
        txs, results = self._execute(state, height=height, now=time // SECOND)
        validators = self._committee.validators(powers)
        header = Header(
            chain_id=self.genesis.chain_id,
            height=height,
            time=time,
            validators_hash=canonical.validators_hash(validators),
            next_validators_hash=canonical.validators_hash(self._committee.validators(next_powers)),
            app_hash=app_hash(before),
            proposer_address=validators.validators[(height + self._forks) % len(validators.validators)].address,
            last_block_id=block_id_of(self._blocks[-1].header) if self._blocks else BlockId(),
            last_commit_hash=self._last_commit_hash(),
            data_hash=rfc6962.root_of([sha256(tx.raw) for tx in txs]),
            consensus_hash=_CONSENSUS_HASH,
            last_results_hash=rfc6962.root_of([wire.encode(each) for each in self._last_results()]),
            evidence_hash=rfc6962.root_of([]),
        )
        block = Block(
            header,
            canonical.header_hash(header),
            encode_header(header),
            txs,
            results,
            powers,
            next_powers,
            state.snapshot(),
        )
        self._append(block)
        return block

    def fork(
        self,
        depth: int,
        *,
        drop: Collection[str] = (),
        reorder: Callable[[list[ReadTx]], Sequence[ReadTx]] = list,
    ) -> None:
        """Take back the newest `depth` blocks, none of them final. Their transactions wait again, but for `drop`."""
        assert 0 < depth <= self.latest - self.final, "a final block is never taken back"
        gone = self._blocks[-depth:]
        del self._blocks[-depth:]
        self._forks += 1
        for block in gone:
            for result in block.results:
                del self._where[result.tx_id]
        self.mempool.forget(frozenset(drop))
        waiting = [tx for block in gone for tx in block.txs] + list(self.mempool)
        self.mempool = Mempool()
        for tx in reorder([tx for tx in waiting if tx.id not in drop]):
            self._readmit(tx)

    def add(self, raw: bytes) -> str:
        """Take a transaction in, or again. Raises Refused; one that is in a block already is no refusal."""
        tx = read_tx(raw, chain_id=self.genesis.chain_id)
        if tx.id in self._where:
            return tx.id
        state = self.newest_state()
        if tx.body.gas_price < self.genesis.gas_price:
            raise Refused("underpriced", f"price {tx.body.gas_price}, at least {self.genesis.gas_price}")
        self.mempool.add(tx, next_sequence=execution.sequence(state, tx.sender))
        if execution.balance(state, tx.sender) < tx.body.gas * tx.body.gas_price:
            self.mempool.remove(tx)
            raise Refused(OUT_OF_FUNDS, f"balance {execution.balance(state, tx.sender)}")
        return tx.id

    def simulate(self, messages: Sequence[Msg], *, sender: str) -> tuple[MessageAnswer, ...]:
        """On the newest state, at the newest block's time."""
        now = self._blocks[-1].header.time // SECOND if self._blocks else 0
        return self._executor.simulate(self.newest_state(), messages, sender=sender, now=now)

    def result(self, tx_id: str) -> TxResult | None:
        return self._where.get(tx_id)

    def newest_state(self) -> State:
        snapshot = self._after(self.latest)
        assert snapshot is not None, "the newest state is never forgotten"
        return State(snapshot, version=self.latest + 1)

    def state_at(self, height: int) -> Snapshot | None:
        """Behind block `height`, 0 for the founded state; None when it is forgotten."""
        return self._after(height)

    def light_block(self, height: int) -> LightBlock:
        """Of a final block: the committee signs no other."""
        assert 1 <= height <= self.final, "only final blocks are signed"
        block = self.block(height)
        return LightBlock(self._signed(block), self._committee.validators(block.powers))

    def _signed(self, block: Block) -> SignedHeader:
        if block.signed is None:
            block.signed = self._committee.sign(block.header, block.powers, absent=self.absent)
        return block.signed

    def _append(self, block: Block) -> None:
        self._blocks.append(block)
        self._where.update((result.tx_id, result) for result in block.results)
        self._final = max(self._final, self.latest - self.genesis.final_depth)
        if self.genesis.final_depth == 0:
            self._signed(block)
        forgotten = self.final - self.genesis.states_kept
        if forgotten >= 1:
            self.block(forgotten).after = None

    def _readmit(self, tx: ReadTx) -> None:
        try:
            self.add(tx.raw)
        except Refused:
            return  # What it built on is gone: its sender has to see to it.

    def _time(self, now: float) -> int:
        # Whole milliseconds: floats hold them exactly enough, and headers stay short. Forks differ in what is below.
        wanted = int(now * 1000) * _MILLISECOND
        earliest = self._blocks[-1].header.time + _MILLISECOND if self._blocks else 0
        return max(wanted, earliest) + self._forks % _MILLISECOND

    def _after(self, height: int) -> Snapshot | None:
        return self._founded if height == 0 else self.block(height).after

    def _powers(self) -> tuple[Powers, Powers]:
        """A change in block h is next in h + 1 and signs h + 2."""
        stored = State(self._after(self.latest)).get(STAKING, execution.POWERS_KEY)
        assert stored is not None, "the genesis has a set"
        wanted = wire.decode(stored, tuple[tuple[int, int], ...])
        return (self._blocks[-1].next_powers if self._blocks else wanted), wanted

    def _last_commit_hash(self) -> bytes:
        """Over the votes for the last block where they exist already; over nothing where finality comes later."""
        if not self._blocks or self._blocks[-1].signed is None:
            return rfc6962.root_of([])
        return rfc6962.root_of([vote.signature for vote in self._blocks[-1].signed.commit.signatures])

    def _last_results(self) -> tuple[TxResult, ...]:
        return self._blocks[-1].results if self._blocks else ()

    def _execute(self, state: State, *, height: int, now: int) -> tuple[tuple[ReadTx, ...], tuple[TxResult, ...]]:
        txs: list[ReadTx] = []
        results: list[TxResult] = []
        gas_left = self.genesis.block_gas
        for tx in list(self.mempool):
            next_sequence = execution.sequence(state, tx.sender)
            if tx.body.sequence < next_sequence:
                self.mempool.remove(tx)
            elif tx.body.sequence == next_sequence and tx.body.gas <= gas_left:
                if execution.balance(state, tx.sender) < tx.body.gas * tx.body.gas_price:
                    continue
                result = self._executor.run(state, tx, height=height, now=now)
                self.mempool.remove(tx)
                gas_left -= result.gas_used
                txs.append(tx)
                results.append(result)
        return tuple(txs), tuple(results)
