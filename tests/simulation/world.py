"""Two embedded ledgers, a link, and the real pipeline between them, under a virtual clock and a seed.

A crash is an exception that comes after a write of the store has been committed: the relay is thrown away whole and
started again from the store, as after a SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from sqlalchemy import Connection

from adapters.contract.ledger import Ledger, LightClientSpec
from adapters.embedded import wire
from adapters.embedded.apps import App
from adapters.embedded.chain import Chain
from adapters.embedded.destination import EmbeddedDestination
from adapters.embedded.genesis import Genesis
from adapters.embedded.node import EmbeddedNode, LocalNode
from adapters.embedded.pool import Pool
from adapters.embedded.sender import EmbeddedSender
from adapters.embedded.setup import EmbeddedSetup
from adapters.embedded.source import EmbeddedSource
from proofs.cometbft.client import CometBftClient, bootstrap, decode_client
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import encode_light_block
from proofs.cometbft.types import SECOND, Parameters
from proofs.commitment import ClientId
from relay.keys.signer import Ed25519Signer
from relay.lanes import Lane, LaneId, LanePolicy, Lanes
from relay.pipeline.lane_health import Expected
from relay.pipeline.limits import PipelineLimits
from relay.pipeline.relay import Relay, assemble
from relay.pipeline.runtime import Accounts, LedgerRuntime, Shared
from relay.store.database import Database, open_in_memory
from relay.store.outbox import Message, store_message
from tests.simulation.faults import Faults, FaultyNode
from tests.simulation.virtual_time import clock

T = TypeVar("T")

BLOCK_SECONDS = 1.0
FUNDS = 10**15
FEE_CAP = 10**12
TRUSTING_SECONDS = 14 * 86_400


class Crash(Exception):
    """The process ends here, between two instructions."""


class CrashingDatabase(Database):
    """The same store, but at chosen writes the process dies right after the commit, before anybody hears of it."""

    def __init__(self, inner: Database, chance: Random) -> None:
        self.inner = inner
        self._chance = chance
        self.rate = 0.0
        self.crashes = 0

    def read(self, work: Callable[[Connection], T]) -> T:
        """For those who stand outside the relay: they never crash."""
        return self.inner.run_here(work)

    def close(self) -> None:
        self.inner.close()

    async def run(self, work: Callable[[Connection], T]) -> T:
        result = self.inner.run_here(work)
        if self._chance.random() < self.rate:
            self.crashes += 1
            raise Crash
        await asyncio.sleep(0)
        return result


def signer(name: str) -> Ed25519Signer:
    return Ed25519Signer(name.encode().ljust(32, b"\0"))


FEE, SEND, SETUP = signer("fee"), signer("send"), signer("setup")


@dataclass(slots=True)
class SimLedger:
    name: str
    chain: Chain
    node: LocalNode
    faults: Faults
    ledger: Ledger


def build_ledger(
    name: str,
    *,
    seed: int,
    fault_rate: float,
    final_depth: int = 0,
    apps: dict[str, App] | None = None,
    trusting_seconds: int = TRUSTING_SECONDS,
) -> SimLedger:
    balances = tuple((wire.account_of(key.public_key), FUNDS) for key in (FEE, SEND, SETUP))
    genesis = Genesis(chain_id=f"{name}-1", seed=f"{name}/{seed}".encode(), balances=balances, final_depth=final_depth)
    chain = Chain(genesis, apps=apps)
    node = LocalNode(chain, name=f"{name}/honest")
    for _ in range(final_depth + 2):
        chain.produce_block(clock())
    faults = Faults(Random(f"{seed}/{name}"), fault_rate)
    nodes: list[EmbeddedNode] = [FaultyNode(node, faults, name=f"{name}/{number}") for number in (1, 2)]
    ledger = open_ledger(chain, Pool(nodes, chain_id=genesis.chain_id), trusting_seconds=trusting_seconds)
    return SimLedger(name, chain, node, faults, ledger)


def open_ledger(chain: Chain, pool: Pool, *, trusting_seconds: int = TRUSTING_SECONDS) -> Ledger:
    async def bootstrapped() -> CometBftClient:
        return client_of(chain, trusting_seconds=trusting_seconds)

    return Ledger(
        source=EmbeddedSource(pool),
        destination=EmbeddedDestination(pool),
        sender=EmbeddedSender(pool),
        setup=None,
        trust="light-client",
        trust_shown="light client",
        bootstrap=bootstrapped,
        decode_client=decode_client,
        endpoints=pool.names,
    )


def client_of(chain: Chain, *, trusting_seconds: int = TRUSTING_SECONDS) -> CometBftClient:
    """A light client at the chain's newest final block."""
    trusting = trusting_seconds * SECOND
    return bootstrap(
        encode_light_block(chain.light_block(chain.final)),
        chain_id=chain.genesis.chain_id,
        height=chain.final,
        header_hash=chain.block(chain.final).hash,
        parameters=Parameters(trusting, trusting * 3 // 2, 60 * SECOND),
        host=HostLayout(),
    )


@dataclass(slots=True)
class World:
    seed: int
    ledgers: dict[str, SimLedger]
    lanes: Lanes
    database: CrashingDatabase
    limits: PipelineLimits
    sent: dict[LaneId, int] = field(default_factory=dict)
    restarts: int = 0
    forks: int = 0
    chance: Random = field(default_factory=Random)
    relay: Relay | None = None
    accounts: Accounts = field(default_factory=lambda: Accounts(FEE, SEND, fee_per_transaction=FEE_CAP))

    async def build_relay(self) -> Relay:
        shared = Shared(self.database, self.lanes, self.limits, clock, Random(f"{self.seed}/{self.restarts}"), _direct)
        runtimes = {
            name: LedgerRuntime(name, each.ledger, self.accounts, shared) for name, each in self.ledgers.items()
        }
        expected = {lane.id: Expected("cometbft") for lane in self.lanes}
        self.relay = await assemble(runtimes, shared, expected=expected, attestors={})
        return self.relay

    async def run_relay(self) -> None:
        """Run, and start again after every crash, until cancelled."""
        while True:
            try:
                await (await self.build_relay()).run()
            except* Crash:
                self.restarts += 1

    async def send(self, lane: Lane, text: str, *, port: str = "mailbox", seconds: int = 600) -> None:
        key = f"{lane.id}/{text}"
        message = Message(lane.id, port, text.encode(), int(clock()) + seconds)
        self.database.read(lambda connection: store_message(connection, key, message, now=clock()))
        self.sent[lane.id] = self.sent.get(lane.id, 0) + 1

    async def send_past_relay(self, lane: Lane, text: str, *, seconds: int = 600) -> None:
        """Somebody sends without us, straight on the ledger."""
        ledger = self.ledgers[lane.source]
        pool = Pool([ledger.node], chain_id=ledger.chain.genesis.chain_id)
        sender, expires_at = EmbeddedSender(pool), int(clock()) + seconds
        prepared = await sender.prepare_send(
            lane.source_client,
            dest_port=sender.port,
            value=text.encode(),
            expires_at=expires_at,
            signer=SETUP,
            slot=None,
            fee_cap=FEE_CAP,
        )
        await ledger.node.broadcast(prepared.raw)
        self.sent[lane.id] = self.sent.get(lane.id, 0) + 1


async def _direct(call: Callable[[], object]) -> object:
    return call()


@asynccontextmanager
async def open_world(
    seed: int,
    *,
    fault_rate: float = 0.0,
    final_depth: int = 0,
    limits: PipelineLimits | None = None,
    apps: dict[str, App] | None = None,
    policy: LanePolicy | None = None,
    trusting_seconds: int = TRUSTING_SECONDS,
    belief_seconds: int = TRUSTING_SECONDS,
) -> AsyncIterator[World]:
    """Two ledgers, linked, producing blocks.

    trusting_seconds: of the clients on the hosts. belief_seconds: of the relay's own light clients.
    """
    ledgers = {
        name: build_ledger(
            name,
            seed=seed,
            fault_rate=fault_rate,
            final_depth=final_depth,
            apps=apps,
            trusting_seconds=belief_seconds,
        )
        for name in ("east", "west")
    }
    east, west = ledgers["east"], ledgers["west"]
    database = CrashingDatabase(open_in_memory(), Random(f"{seed}/crashes"))
    async with _blocks(list(ledgers.values())):
        clients = await link(east, west, trusting_seconds=trusting_seconds)
        policy = policy or LanePolicy()
        lanes = Lanes(
            [
                Lane("east", clients[0], "west", clients[1], policy),
                Lane("west", clients[1], "east", clients[0], policy),
            ]
        )
        chance = Random(f"{seed}/world")
        yield World(seed, ledgers, lanes, database, limits or PipelineLimits(poll_seconds=1.0), chance=chance)
    database.close()


@asynccontextmanager
async def _blocks(ledgers: Sequence[SimLedger]) -> AsyncIterator[None]:
    async def produce(sim: SimLedger) -> None:
        while True:
            await asyncio.sleep(BLOCK_SECONDS)
            sim.chain.produce_block(clock())

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(produce(each)) for each in ledgers]
        try:
            yield
        finally:
            for task in running:
                task.cancel()


async def link(
    east: SimLedger, west: SimLedger, *, trusting_seconds: int = TRUSTING_SECONDS
) -> tuple[ClientId, ClientId]:
    """A client of each on the other; their ids are asked before, because each names the other."""
    setups = [
        EmbeddedSetup(
            Pool([each.node], chain_id=each.chain.genesis.chain_id), wait=lambda: asyncio.sleep(BLOCK_SECONDS)
        )
        for each in (east, west)
    ]
    specs = [
        LightClientSpec("cometbft", client_of(each.chain, trusting_seconds=trusting_seconds).encode())
        for each in (west, east)
    ]
    ids = [await setup.next_client_id(spec) for setup, spec in zip(setups, specs, strict=True)]
    for setup, spec, own, other in ((setups[0], specs[0], ids[0], ids[1]), (setups[1], specs[1], ids[1], ids[0])):
        made = await setup.create_client(spec, counterparty=other, prefix=setup.merkle_prefix, signer=SETUP)
        assert made == own
    return ids[0], ids[1]


@asynccontextmanager
async def running(world: World) -> AsyncIterator[asyncio.Task[None]]:
    """The relay runs inside the context."""
    task = asyncio.get_running_loop().create_task(world.run_relay())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(
    condition: Callable[[], bool], *, seconds: float, step: float = 1.0, each: Callable[[], None] | None = None
) -> None:
    """Let virtual time pass until the condition holds; `each` is looked at after every step."""
    for _ in range(int(seconds / step)):
        await asyncio.sleep(step)
        if each is not None:
            each()
        if condition():
            return
    raise AssertionError(f"not within {seconds} virtual seconds")
