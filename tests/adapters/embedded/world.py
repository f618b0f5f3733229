"""Two embedded ledgers with a client of each on the other, and the steps of a relay done by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from nacl.signing import SigningKey

from adapters.contract.ledger import Account, Cost, LightClientSpec, Port, Prepared
from adapters.contract.messages import Acknowledge, HostEvent, HostMessage, Receive, Sent, Timeout, UpdateClient
from adapters.embedded import wire
from adapters.embedded.apps import App
from adapters.embedded.chain import Chain
from adapters.embedded.destination import EmbeddedDestination
from adapters.embedded.execution import GAS_BASE, message_gas
from adapters.embedded.genesis import Genesis
from adapters.embedded.node import LocalNode
from adapters.embedded.pool import Pool
from adapters.embedded.sender import EmbeddedSender
from adapters.embedded.settings import read_settings
from adapters.embedded.setup import EmbeddedSetup
from adapters.embedded.source import EmbeddedSource
from adapters.embedded.wire import Msg, TxResult
from proofs.cometbft.client import CometBftClient, bootstrap
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import encode_light_block
from proofs.commitment import (
    ClientId,
    Packet,
    acknowledgement_commitment,
    acknowledgement_path,
    commitment_path,
    packet_commitment,
    receipt_path,
)
from proofs.encoding.proof_batch import split_batch
from proofs.light_client import Claim, Height

START = 1_800_000_000
BALANCE = 10**15


class KeySigner:
    """A signer of tests: its key is derived from a name."""

    scheme = "ed25519"

    def __init__(self, name: str) -> None:
        self._key = SigningKey(sha256(name.encode()).digest())

    @classmethod
    def from_secret(cls, secret: bytes) -> KeySigner:
        signer = cls("")
        signer._key = SigningKey(secret)
        return signer

    @property
    def public_key(self) -> bytes:
        return bytes(self._key.verify_key)

    @property
    def account(self) -> Account:
        return Account(wire.account_of(self.public_key))

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message).signature


ALICE, BOB, OPERATOR = KeySigner("alice"), KeySigner("bob"), KeySigner("operator")


@dataclass
class Clock:
    now: float = START


class Side:
    """One ledger with everything that reads and writes it."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        final_depth: int = 0,
        apps: dict[str, App] | None = None,
        states_kept: int = 1_000,
    ) -> None:
        self.clock = clock
        self.genesis = Genesis(
            f"{name}-1",
            name.encode(),
            balances=tuple((each.account, BALANCE) for each in (ALICE, BOB, OPERATOR)),
            operator=OPERATOR.account,
            final_depth=final_depth,
            states_kept=states_kept,
        )
        self.chain = Chain(self.genesis, apps=apps)
        self.node = LocalNode(self.chain, name=name)
        self.pool = Pool([self.node], chain_id=self.genesis.chain_id)
        self.source = EmbeddedSource(self.pool)
        self.destination = EmbeddedDestination(self.pool)
        self.sender = EmbeddedSender(self.pool)
        self.setup = EmbeddedSetup(self.pool, wait=self.wait)
        self.client = ClientId("")
        for _ in range(final_depth + 1):
            self.block()

    async def wait(self) -> None:
        self.block()

    def block(self, seconds: float = 1) -> None:
        self.clock.now += seconds
        self.chain.produce_block(self.clock.now)

    def settle(self) -> None:
        """Blocks until all that is known is final."""
        for _ in range(self.genesis.final_depth + 1):
            self.block()

    @property
    def checkpoint(self) -> dict[str, object]:
        return {"height": 1, "hash": self.chain.block(1).hash.hex()}

    def light_client(self, at: int = 1) -> CometBftClient:
        settings = read_settings(
            {"chain_id": self.genesis.chain_id, "nodes": [self.node], "checkpoint": self.checkpoint}
        )
        block = self.chain.light_block(at)
        return bootstrap(
            encode_light_block(block),
            chain_id=self.genesis.chain_id,
            height=at,
            header_hash=self.chain.block(at).hash,
            parameters=settings.parameters,
            host=HostLayout(),
        )

    def height(self, number: int | None = None) -> Height:
        return Height(1, self.chain.final if number is None else number)

    async def submit(self, messages: Sequence[HostMessage], signer: KeySigner = BOB) -> TxResult:
        costs = await self.destination.screen(messages, signer.account)
        charged = [each if isinstance(each, Cost) else Cost(200_000, 200_000) for each in costs]
        prepared = await self.destination.prepare(messages, costs=charged, signer=signer, slot=None, fee_cap=1 << 60)
        return await self.included(prepared)

    async def execute(self, messages: Sequence[Msg], signer: KeySigner = ALICE, *, gas: int | None = None) -> TxResult:
        """Any messages of the ledger, also those that a relay never sends."""
        limit = GAS_BASE + sum(message_gas(each) for each in messages) if gas is None else gas
        sequence = (await self.destination.account(signer.account)).next_pending
        body = wire.TxBody(self.genesis.chain_id, signer.public_key, sequence or 0, limit, 1, tuple(messages))
        encoded = wire.encode(body)
        raw = wire.encode(wire.Tx(encoded, signer.sign(wire.sign_bytes(encoded))))
        return await self.included(Prepared(wire.tx_id(raw), raw, sequence, limit))  # type: ignore[arg-type] # a test's id

    async def included(self, prepared: Prepared) -> TxResult:
        await self.destination.broadcast(prepared.raw)
        self.settle()
        result = self.chain.result(prepared.tx_id)
        assert result is not None
        return result

    async def send(
        self, value: bytes = b"hello", *, port: str = "mailbox", timeout_seconds: int = 600, signer: KeySigner = ALICE
    ) -> Packet:
        prepared = await self.sender.prepare_send(
            self.client,
            dest_port=Port(port),
            value=value,
            expires_at=int(self.clock.now) + timeout_seconds,
            signer=signer,
            slot=None,
            fee_cap=1 << 60,
        )
        result = await self.included(prepared)
        assert not result.code, result
        sent = [event.packet for event in result.events if event.kind == "send_packet"]
        assert sent[0] is not None
        return wire.packet_from_wire(sent[0])

    async def events(self) -> list[HostEvent]:
        start = await self.source.start(None)
        scan = await self.source.scan(start, through=self.height(), event_limit=10_000)
        return list(scan.events)

    async def update_of(self, other: Side) -> UpdateClient | None:
        """The update that brings our client of the other ledger to its newest final height."""
        known = (await self.destination.clients([self.client]))[0].latest
        steps = (await other.source.evidence(known, other.height())).answer
        assert len(steps) <= 1
        return UpdateClient(self.client, steps[0]) if steps else None

    async def proof(self, claim: Claim, at: Height | None = None) -> tuple[bytes, Height]:
        """As it goes to a host: a batch of one."""
        height = at or self.height()
        (proven,) = await self.source.prove([claim], height)
        split_batch(proven.proof, count=1)
        return proven.proof, height


async def linked(clock: Clock | None = None, **options: object) -> tuple[Side, Side]:
    clock = clock or Clock()
    a, b = Side("ledger-a", clock, **options), Side("ledger-b", clock, **options)  # type: ignore[arg-type] # tests' options
    client_on_a, client_on_b = ClientId("07-tendermint-0"), ClientId("07-tendermint-0")
    for here, there, ours, theirs in ((a, b, client_on_a, client_on_b), (b, a, client_on_b, client_on_a)):
        spec = LightClientSpec("cometbft", there.light_client().encode())
        here.client = await here.setup.create_client(
            spec, counterparty=theirs, prefix=there.setup.merkle_prefix, signer=ALICE
        )
        assert here.client == ours
    return a, b


async def receive_messages(a: Side, b: Side, packet: Packet) -> list[HostMessage]:
    """Sent on a, to be received on b."""
    a.block()
    claim = Claim(commitment_path(packet.source_client, packet.sequence), packet_commitment(packet))
    proof, at = await a.proof(claim)
    return _with_update(await b.update_of(a), Receive(packet, proof, at))


async def acknowledge_messages(a: Side, b: Side, packet: Packet, acks: tuple[bytes, ...]) -> list[HostMessage]:
    """Sent on a, received on b, to be acknowledged on a."""
    b.block()
    claim = Claim(acknowledgement_path(packet.dest_client, packet.sequence), acknowledgement_commitment(acks))
    proof, at = await b.proof(claim)
    return _with_update(await a.update_of(b), Acknowledge(packet, acks, proof, at))


async def timeout_messages(a: Side, b: Side, packet: Packet) -> list[HostMessage]:
    """Sent on a, to be timed out there by its absence on b."""
    b.block()
    proof, at = await b.proof(Claim(receipt_path(packet.dest_client, packet.sequence), None))
    return _with_update(await a.update_of(b), Timeout(packet, proof, at))


def _with_update(update: UpdateClient | None, message: HostMessage) -> list[HostMessage]:
    return [message] if update is None else [update, message]


def names(events: Sequence[HostEvent]) -> list[str]:
    return [type(each).__name__ for each in events]


def sent_packets(events: Sequence[HostEvent]) -> list[Packet]:
    return [each.packet for each in events if isinstance(each, Sent)]
