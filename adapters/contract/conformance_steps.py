"""What a plugin brings to the conformance kit, and the steps that its checks take on a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from adapters.contract.errors import HostRefusal
from adapters.contract.ledger import (
    ClientOnHost,
    Cost,
    Cursor,
    Destination,
    Failed,
    Fate,
    Included,
    Ledger,
    Pending,
    Port,
    Prepared,
    Sender,
    Signer,
    Vanished,
)
from adapters.contract.messages import HostEvent, HostMessage, Receive, Sent, UpdateClient
from proofs.commitment import ClientId, Packet
from proofs.errors import InvalidProof
from proofs.light_client import Claim, Height, LightClient

# More blocks than any development ledger needs to make a transaction final.
ADVANCES_MAX: Final = 200
EVENTS_MAX: Final = 100_000
FEE_CAP: Final = 1 << 60
HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Incoming:
    """Messages that the ledger accepts now, in this order: client updates, then receives of packets never received."""

    updates: tuple[UpdateClient, ...]
    receives: tuple[Receive, ...]


class Harness(Protocol):
    """What a plugin's tests bring.

    client:  an active client on the ledger with a registered counterparty: packets can be sent and received through it.
    signer:  an account with ample funds. pauper: one without.
    """

    @property
    def ledger(self) -> Ledger: ...

    @property
    def client(self) -> ClientId: ...

    @property
    def signer(self) -> Signer: ...

    @property
    def pauper(self) -> Signer: ...

    async def advance(self) -> None:
        """Let at least one more block become final, or wait until one may have."""
        ...

    async def incoming(self, ports: Sequence[str]) -> Incoming:
        """One new packet per port, sent by the counterparty and proved to our client."""
        ...


@dataclass(eq=False)
class PromiseBroken(AssertionError):
    promise: str
    got: object
    expected: object

    def __str__(self) -> str:
        return f"{self.promise}: got {self.got!r}, expected {self.expected!r}"


def require(promise: str, *, got: object, expected: object) -> None:
    if got != expected:
        raise PromiseBroken(promise, got, expected)


def destination_of(harness: Harness) -> Destination:
    assert harness.ledger.destination is not None, "the kit is for ledgers that are written to"
    return harness.ledger.destination


def sender_of(harness: Harness) -> Sender:
    assert harness.ledger.sender is not None, "the kit sends through the plugin's sender"
    return harness.ledger.sender


def own_port(harness: Harness) -> str:
    return sender_of(harness).port


def limits_of(harness: Harness) -> tuple[int, ...]:
    limits = destination_of(harness).limits
    return limits.messages, limits.bytes, limits.gas, limits.in_flight


def check_attestors(client: ClientOnHost) -> None:
    if client.signers:
        require("a quorum is more than half", got=client.threshold * 2 > len(client.signers), expected=True)


def check_refused(light_client: LightClient, claims: Sequence[Claim], at: Height, proof: bytes) -> None:
    try:
        light_client.check(claims, at=at, proof=proof)
    except InvalidProof:
        return
    raise PromiseBroken("a false claim is refused", "accepted", InvalidProof)


def is_redundant(answer: Cost | HostRefusal) -> bool:
    return isinstance(answer, Cost) and answer.redundant


async def prepare_send(
    harness: Harness, value: bytes, *, signer: Signer | None = None, slot: int | None = None, fee_cap: int = FEE_CAP
) -> Prepared:
    head = await harness.ledger.source.head()
    return await sender_of(harness).prepare_send(
        harness.client,
        dest_port=Port(own_port(harness)),
        value=value,
        expires_at=head.final_time + 3_600,
        signer=signer or harness.signer,
        slot=slot,
        fee_cap=fee_cap,
    )


async def end_of(harness: Harness, prepared: Prepared) -> Fate:
    for _ in range(ADVANCES_MAX):
        (fate,) = await destination_of(harness).fates([(prepared.tx_id, prepared.raw)])
        match fate:
            case Included(final=True) | Failed(final=True) | Vanished():
                return fate
            case Included() | Failed() | Pending():
                await harness.advance()
    raise PromiseBroken("a transaction ends", Pending, Included)


async def send_packet(harness: Harness, value: bytes = b"conformance") -> Packet:
    prepared = await prepare_send(harness, value)
    await destination_of(harness).broadcast(prepared.raw)
    fate = await end_of(harness, prepared)
    require("a message is sent", got=type(fate), expected=Included)
    return (await sent_packets(harness))[-1]


async def sent_packets(harness: Harness) -> list[Packet]:
    events = await all_events(harness)
    return [each.packet for each in events if isinstance(each, Sent) and each.packet.source_client == harness.client]


async def all_events(harness: Harness) -> list[HostEvent]:
    source = harness.ledger.source
    events, _ = await read_events(
        harness, await source.start(None), (await source.head()).final, event_limit=EVENTS_MAX
    )
    return events


async def read_events(
    harness: Harness, start: Cursor, through: Height, *, event_limit: int
) -> tuple[list[HostEvent], Cursor]:
    """Scan until `through` is reached."""
    events: list[HostEvent] = []
    cursor = start
    while cursor.height < through:
        scan = await harness.ledger.source.scan(cursor, through=through, event_limit=event_limit)
        require("a scan moves on", got=cursor.height < scan.cursor.height <= through, expected=True)
        heights = [each.at.position.height for each in scan.events]
        require("events lie behind the old cursor", got=all(cursor.height < each for each in heights), expected=True)
        require("and not beyond the new one", got=all(each <= scan.cursor.height for each in heights), expected=True)
        events.extend(scan.events)
        cursor = scan.cursor
    return events, cursor


async def until_final_above(harness: Harness, height: Height) -> Height:
    for _ in range(ADVANCES_MAX):
        final = (await harness.ledger.source.head()).final
        if final > height:
            return final
        await harness.advance()
    raise PromiseBroken("blocks become final", height, "a higher one")


async def client_at_final(harness: Harness) -> tuple[Height, LightClient]:
    """A light client from the checkpoint to a final height at which all that is final now can be proved."""
    source = harness.ledger.source
    final = (await source.head()).final
    for _ in range(source.traits.proof_lag):
        final = await until_final_above(harness, final)
    light_client = await harness.ledger.bootstrap()
    now = (await source.head()).final_time
    for step in (await source.evidence(light_client.latest(), final)).answer:
        light_client = light_client.update(step, now=now)
    require("evidence leads to its target", got=light_client.latest(), expected=final)
    return final, light_client


async def screen_messages(harness: Harness, messages: Sequence[HostMessage]) -> Sequence[Cost | HostRefusal]:
    destination = destination_of(harness)
    return await destination.screen(messages, destination.account_of(harness.signer.public_key))


async def deliver_messages(
    harness: Harness, messages: Sequence[HostMessage], *, costs_of: Sequence[HostMessage] | None = None
) -> Fate:
    """costs_of: what is screened for the costs, where the messages themselves would be refused."""
    costs = [each for each in await screen_messages(harness, costs_of or messages) if isinstance(each, Cost)]
    require("each message has a cost", got=len(costs), expected=len(messages))
    destination = destination_of(harness)
    prepared = await destination.prepare(messages, costs=costs, signer=harness.signer, slot=None, fee_cap=FEE_CAP)
    await destination.broadcast(prepared.raw)
    return await end_of(harness, prepared)
