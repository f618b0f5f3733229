"""Everything that runs for one ledger: it is started, restarted and halted alone, so its trouble stays its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random

from prometheus_client import Counter

from adapters.contract.errors import EndpointTrouble, HostRefusal, LedgerBroken
from adapters.contract.ledger import Clock, Ledger, Signer
from proofs.errors import VerificationError
from proofs.light_client import ClientState, LightClient
from relay.lanes import LaneId, Lanes
from relay.pipeline.archive import Archive
from relay.pipeline.belief import Belief, RunPure
from relay.pipeline.budget import Budget
from relay.pipeline.identity import IdentityWatch
from relay.pipeline.lane_health import Expected, LaneHealth
from relay.pipeline.limits import Keeping, PipelineLimits, retry_delay
from relay.pipeline.loop import Stepping, keep_stepping
from relay.pipeline.offer import Attestors
from relay.pipeline.send import SendLoop
from relay.pipeline.source_round import FarEnd, SourceRound
from relay.pipeline.submit import SubmitLoop
from relay.pipeline.transactions import Transactions
from relay.pipeline.verified import VerifiedPool
from relay.pipeline.watch import Watch
from relay.store.database import Database
from relay.store.ledgers import halt, known, register

log = logging.getLogger(__name__)

RESTARTS = Counter("causeway_ledger_restarts_total", "Times a ledger's loops were started again.", ["ledger"])


@dataclass(frozen=True, slots=True)
class Accounts:
    """The keys and budgets of one ledger. send: the key that sends users' messages, another than `fee`."""

    fee: Signer | None
    send: Signer | None = None
    fee_per_transaction: int = 0
    fee_per_day: int | None = None
    lane_per_day: dict[LaneId, int] = field(default_factory=dict)


@dataclass(slots=True)
class Shared:
    """What all ledgers of a relay share."""

    database: Database
    lanes: Lanes
    limits: PipelineLimits
    clock: Clock
    chance: Random
    run_pure: RunPure[object]
    keeping: Keeping = field(default_factory=Keeping)


@dataclass(slots=True)
class LedgerRuntime:
    """state: starting, running, waiting (for its endpoints), halted (until an operator decides)."""

    name: str
    ledger: Ledger
    accounts: Accounts
    shared: Shared
    pool: VerifiedPool = field(default_factory=VerifiedPool)
    health: dict[LaneId, LaneHealth] = field(default_factory=dict)
    state: str = "starting"
    error: str = ""
    troubles: dict[str, str] = field(default_factory=dict)
    watch: Watch | None = None
    belief: Belief | None = None
    round: SourceRound | None = None
    submit: SubmitLoop | None = None
    send: SendLoop | None = None
    identity: IdentityWatch | None = None

    async def supervise(self, others: Mapping[str, LedgerRuntime], attestors: Mapping[LaneId, Attestors]) -> None:
        """Run for ever. An endpoint's trouble restarts this ledger later; a broken promise halts it."""
        failures = 0
        while True:
            started, trouble = self.shared.clock(), None
            try:
                await self._run(others, attestors)
            except* (EndpointTrouble, HostRefusal, VerificationError) as errors:
                trouble = errors.exceptions[0]
            except* LedgerBroken as errors:
                await self._halt(errors.exceptions[0])
            if self.state == "halted" or trouble is None:
                # A broken promise outweighs what else went wrong beside it: nothing happens until a new start.
                await asyncio.Event().wait()
            ran_well = self.shared.clock() - started > self.shared.limits.retry_max_seconds
            failures = 1 if ran_well else failures + 1
            self.state, self.error = "waiting", str(trouble)
            RESTARTS.labels(self.name).inc()
            log.warning("ledger %s restarts: %s", self.name, trouble)
            await asyncio.sleep(retry_delay(failures, self.shared.limits, self.shared.chance))

    async def _halt(self, error: BaseException) -> None:
        self.state, self.error = "halted", str(error)
        log.critical("ledger %s halts: %s", self.name, error)
        if self.watch is not None:
            await self.shared.database.run(partial(halt, name=self.name, why=str(error)))

    async def _run(self, others: Mapping[str, LedgerRuntime], attestors: Mapping[LaneId, Attestors]) -> None:
        await self.start(others, attestors)
        loops = {
            "watch": self.watch,
            "round": self.round,
            "submit": self.submit,
            "send": self.send,
            "identity": self.identity,
        }
        self.troubles.clear()
        self.state, self.error = "running", ""
        async with asyncio.TaskGroup() as tasks:
            for name, loop in loops.items():
                if loop is not None:
                    tasks.create_task(self._keep(name, loop), name=f"{self.name}/{name}")

    async def _keep(self, name: str, loop: Stepping) -> None:
        limits, chance = self.shared.limits, self.shared.chance
        await keep_stepping(loop, ledger=self.name, name=name, limits=limits, chance=chance, report=self._report)

    def _report(self, loop: str, trouble: str) -> None:
        """What troubles one loop is the ledger's trouble until all are well again."""
        if trouble:
            self.troubles[loop] = trouble
        else:
            self.troubles.pop(loop, None)
        self.state = "waiting" if self.troubles else "running"
        self.error = next(iter(self.troubles.values()), "")

    async def start(self, others: Mapping[str, LedgerRuntime], attestors: Mapping[LaneId, Attestors]) -> None:
        """Check who the ledger is, find where to read on, restore or bootstrap the light client, build the loops."""
        shared, source = self.shared, self.ledger.source
        identity = await source.identity()
        stored = await shared.database.run(partial(known, name=self.name))
        start = stored.cursor if stored is not None else await source.start(None)
        await shared.database.run(partial(register, name=self.name, identity=identity, start=start))
        stored = await shared.database.run(partial(known, name=self.name))
        assert stored is not None, "it was registered"
        client = await self._believed(stored.client)
        archive = Archive(shared.database, shared.clock, shared.keeping)
        self.belief = Belief(self.name, source, client, shared.database, shared.clock, shared.run_pure, archive)
        self.watch = Watch(
            self.name,
            source,
            shared.database,
            shared.lanes,
            shared.limits,
            shared.clock,
            stored.cursor,
            self._on_read,
            stored.rewind_to,
        )
        ends = tuple(self._far_end(others, lane_id, attestors) for lane_id in self._leaving())
        self.round = SourceRound(
            self.name,
            self.belief,
            self.watch,
            ends,
            shared.database,
            shared.limits,
            shared.clock,
            shared.chance,
            archive,
        )
        self.identity = IdentityWatch(
            self.name, source, self.ledger.destination, shared.database, shared.limits, shared.clock
        )
        self._build_accounts(others)

    async def _believed(self, stored: bytes | None) -> LightClient:
        """Where it left off; from the configured checkpoint at the first start, or when its trust has expired."""
        if stored is not None:
            client = self.ledger.decode_client(stored)
            status = client.status(int(self.shared.clock()))
            if status.state is not ClientState.EXPIRED:
                return client
            log.warning(
                "ledger %s: trust expired at %s: the checkpoint is believed instead", self.name, status.expires_at
            )
        return await self.ledger.bootstrap()

    def _leaving(self) -> tuple[LaneId, ...]:
        return tuple(lane.id for lane in self.shared.lanes.leaving(self.name))

    def _far_end(
        self, others: Mapping[str, LedgerRuntime], lane_id: LaneId, attestors: Mapping[LaneId, Attestors]
    ) -> FarEnd:
        lane = self.shared.lanes[lane_id]
        far = others[lane.destination]
        assert far.ledger.destination is not None, "a lane ends where messages can be submitted"
        return FarEnd(lane, far.ledger.destination, far.pool, self.health[lane_id], attestors.get(lane_id))

    def _build_accounts(self, others: Mapping[str, LedgerRuntime]) -> None:
        if self.accounts.fee is not None and self.ledger.destination is not None:
            transactions = self._transactions(self.accounts.fee)
            budget = Budget(
                self.name,
                transactions.account,
                self.shared.database,
                self.shared.clock,
                self.accounts.fee_per_day,
                self.accounts.lane_per_day,
            )
            forget = self._forget_health(others)
            assert self.watch is not None, "it was built before"
            self.submit = SubmitLoop(
                transactions, self.pool, self.watch, budget, self.shared.limits, self.shared.chance, forget
            )
        if self.accounts.send is not None and self.ledger.sender is not None:
            assert self.watch is not None, "it was built before"
            lanes = self.shared.lanes.leaving(self.name)
            transactions = self._transactions(self.accounts.send)
            limits, chance = self.shared.limits, self.shared.chance
            self.send = SendLoop(self.ledger.sender, transactions, lanes, self.watch, limits, chance)

    def _transactions(self, signer: Signer) -> Transactions:
        destination = self.ledger.destination
        assert destination is not None, "an account belongs to a destination"
        return Transactions(
            self.name,
            destination.account_of(signer.public_key),
            destination,
            signer,
            self.accounts.fee_per_transaction,
            self.shared.database,
            self.shared.limits,
            self.shared.clock,
        )

    def _forget_health(self, others: Mapping[str, LedgerRuntime]) -> Callable[[LaneId], None]:
        """After a submission the client on this host has changed: whoever leads here looks again."""

        def forget(lane_id: LaneId) -> None:
            others[self.shared.lanes[lane_id].source].health[lane_id].forget()

        return forget

    def _on_read(self) -> None:
        """New final blocks: claims can be proved, submissions may have ended, sends have their names."""
        for loop in (self.round, self.send):
            if loop is not None:
                loop.wake.set()
        self.pool.arrived.set()


def build_health(runtimes: Mapping[str, LedgerRuntime], expected: Mapping[LaneId, Expected], shared: Shared) -> None:
    """Each lane's source looks at the client on its destination."""
    for lane in shared.lanes:
        destination = runtimes[lane.destination].ledger.destination
        assert destination is not None, "a lane ends where messages can be submitted"
        runtimes[lane.source].health[lane.id] = LaneHealth(
            lane, destination, expected[lane.id], shared.limits, shared.clock
        )
