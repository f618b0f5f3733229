"""Two embedded ledgers and a relay between them that moves only when it is told to, with its real API beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from adapters.contract.ledger import AttestationSpec, ClientSpec, LightClientSpec, Signer
from adapters.embedded import wire
from adapters.embedded.apps import App
from adapters.embedded.pool import Pool
from adapters.embedded.setup import EmbeddedSetup
from proofs.light_client import Height
from proofs.primitives.secp256k1 import address_of
from relay.api.server import build_app, serve
from relay.keys.signer import Ed25519Signer, Secp256k1Signer
from relay.lanes import Lane, LaneId, LanePolicy, Lanes
from relay.pipeline.lane_health import Expected
from relay.pipeline.limits import PipelineLimits
from relay.pipeline.offer import Attestors
from relay.pipeline.relay import Relay, assemble
from relay.pipeline.runtime import Accounts, LedgerRuntime, Shared
from relay.store.database import Database, open_in_memory
from relay.store.outbox import Message, store_message
from tests.simulation.virtual_time import clock
from tests.simulation.world import FEE, FEE_CAP, SEND, SETUP, SimLedger, build_ledger, client_of

TOKEN = "token-of-the-stage"
ATTESTORS = tuple(Secp256k1Signer(name.ljust(32, b"\1")) for name in (b"ada", b"ben", b"cyd"))
THRESHOLD = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """What differs from a stage on which everything is well."""

    final_depth: int = 0
    apps: dict[str, App] | None = None
    policy: LanePolicy = field(default_factory=LanePolicy)
    accounts: Accounts = field(default_factory=lambda: Accounts(FEE, SEND, fee_per_transaction=FEE_CAP))
    attested: bool = False  # west's client of east is a quorum of ATTESTORS instead of a light client
    attestors: Attestors | None = None
    expected: Expected | None = None
    limits: PipelineLimits = field(default_factory=PipelineLimits)


@dataclass(slots=True)
class Stage:
    ledgers: dict[str, SimLedger]
    relay: Relay
    database: Database
    lane: Lane  # east → west
    address: str
    session: aiohttp.ClientSession
    _ahead: list[float]

    def now(self) -> float:
        return self.relay.shared.clock()

    def let_pass(self, seconds: float) -> None:
        """Later, by everybody's clock."""
        self._ahead[0] += seconds

    def blocks(self, ledger: str, number: int = 1) -> None:
        for _ in range(number):
            self.ledgers[ledger].chain.produce_block(self.now())

    def runtime(self, ledger: str) -> LedgerRuntime:
        return self.relay.runtimes[ledger]

    async def send(self, *, port: str = "mailbox", seconds: int = 600, text: str = "hello") -> None:
        """A message on east, in a final block that was read, provable from the next block on."""
        message = Message(self.lane.id, port, text.encode(), int(self.now()) + seconds)
        key = f"{text}/{port}/{seconds}"
        self.database.run_here(lambda connection: store_message(connection, key, message, now=self.now()))
        send = self.runtime("east").send
        assert send is not None
        await send.step()
        self.blocks("east", 1 + self.ledgers["east"].chain.genesis.final_depth)
        await self.read("east")

    async def read(self, ledger: str) -> None:
        watch = self.runtime(ledger).watch
        assert watch is not None
        while await watch.step():
            pass

    async def round(self, ledger: str = "east") -> None:
        """Prove on the ledger what is due, in a new block."""
        self.blocks(ledger)
        await self.read(ledger)
        source_round = self.runtime(ledger).round
        assert source_round is not None
        for end in source_round.ends:
            end.health.forget()
        await source_round.step()

    async def submit(self, ledger: str = "west") -> None:
        loop = self.runtime(ledger).submit
        assert loop is not None
        await loop.step()

    async def waits(self, kind: str = "receive", sequence: int = 1) -> dict[str, Any]:
        """The delivery as the API shows it."""
        path = f"/v1/packets/{self.lane.id}:{sequence}"
        async with self.session.get(self.address + path) as answer:
            assert answer.status == 200, await answer.text()
            packet = await answer.json()
        return next(each for each in packet["deliveries"] if each["kind"] == kind)

    async def post(self, path: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self.session.post(self.address + path, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    def transact(self, ledger: str, messages: Sequence[wire.Msg], *, signer: Ed25519Signer, sequence: int) -> bytes:
        """A transaction of somebody else, given to the node. Returns its bytes."""
        chain = self.ledgers[ledger].chain
        body = wire.encode(
            wire.TxBody(chain.genesis.chain_id, signer.public_key, sequence, 10_000_000, 1, tuple(messages))
        )
        raw = wire.encode(wire.Tx(body, signer.sign(wire.sign_bytes(body))))
        chain.add(raw)
        return raw


@asynccontextmanager
async def open_stage(setting: Setting | None = None) -> AsyncIterator[Stage]:
    setting = setting or Setting()
    ledgers = {
        name: build_ledger(name, seed=1, fault_rate=0.0, final_depth=setting.final_depth, apps=setting.apps)
        for name in ("east", "west")
    }
    for each in ledgers.values():
        each.faults.active = False
    lane = await _link(ledgers, attested=setting.attested, policy=setting.policy)
    back = Lane(lane.destination, lane.dest_client, lane.source, lane.source_client, setting.policy)
    database = open_in_memory()
    ahead = [0.0]
    shared = Shared(database, Lanes([lane, back]), setting.limits, lambda: clock() + ahead[0], Random(1), _direct)
    runtimes = {name: LedgerRuntime(name, each.ledger, setting.accounts, shared) for name, each in ledgers.items()}
    attestors: Mapping[LaneId, Attestors] = {lane.id: setting.attestors} if setting.attestors is not None else {}
    expected = setting.expected or (_quorum() if setting.attested else Expected())
    relay = await assemble(runtimes, shared, expected={lane.id: expected, back.id: Expected()}, attestors=attestors)
    for runtime in runtimes.values():
        await runtime.start(runtimes, attestors)
        runtime.state = "running"
    app = build_app(relay, token=TOKEN)
    async with serve(app, host="127.0.0.1", port=0) as address, aiohttp.ClientSession() as session:
        yield Stage(ledgers, relay, database, lane, address, session, ahead)
    database.close()


def _quorum() -> Expected:
    return Expected("attestation", frozenset(address_of(key.public_key) for key in ATTESTORS), THRESHOLD)


async def _link(ledgers: Mapping[str, SimLedger], *, attested: bool, policy: LanePolicy) -> Lane:
    east, west = ledgers["east"], ledgers["west"]
    on_east: ClientSpec = LightClientSpec("cometbft", client_of(west.chain).encode())
    on_west: ClientSpec = LightClientSpec("cometbft", client_of(east.chain).encode())
    if attested:
        header = east.chain.block(east.chain.final).header
        addresses = tuple(address_of(key.public_key) for key in ATTESTORS)
        on_west = AttestationSpec(addresses, THRESHOLD, Height(1, header.height), header.time // 10**9)
    setups = {name: _setup(each) for name, each in ledgers.items()}
    id_east, id_west = await setups["east"].next_client_id(on_east), await setups["west"].next_client_id(on_west)
    prefix = (b"",) if attested else setups["east"].merkle_prefix
    signer: Signer = SETUP
    await setups["east"].create_client(
        on_east, counterparty=id_west, prefix=setups["west"].merkle_prefix, signer=signer
    )
    await setups["west"].create_client(on_west, counterparty=id_east, prefix=prefix, signer=signer)
    return Lane("east", id_east, "west", id_west, policy)


def _setup(ledger: SimLedger) -> EmbeddedSetup:
    async def produce() -> None:
        ledger.chain.produce_block(clock())

    return EmbeddedSetup(Pool([ledger.node], chain_id=ledger.chain.genesis.chain_id), wait=produce)


async def _direct(call: Any) -> object:
    return call()
