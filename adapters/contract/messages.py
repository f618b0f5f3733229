"""What hosts say (events) and what is said to them (messages), in the words of IBC v2."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from proofs.commitment import ClientId, Packet
from proofs.light_client import Height, Position


@dataclass(frozen=True, slots=True)
class Written:
    """Where an event stands: its position, and the transaction that caused it as the ledger names it."""

    position: Position
    transaction: str


@dataclass(frozen=True, slots=True)
class Sent:
    at: Written
    packet: Packet


@dataclass(frozen=True, slots=True)
class SentUnreadable:
    """A packet was sent whose texts are none that IBC v2 knows (not UTF-8, say), so it cannot be carried.

    Said all the same: its sequence is used, and must not look as if it had been left out.
    """

    at: Written
    source_client: ClientId
    sequence: int


@dataclass(frozen=True, slots=True)
class Received:
    """The receipt was written. Some hosts say it together with the acknowledgement: then both events are given."""

    at: Written
    packet: Packet


@dataclass(frozen=True, slots=True)
class AckWritten:
    at: Written
    packet: Packet
    acknowledgements: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    at: Written
    packet: Packet


@dataclass(frozen=True, slots=True)
class TimedOut:
    at: Written
    packet: Packet


@dataclass(frozen=True, slots=True)
class AbsenceRecorded:
    """A ledger without a state tree recorded that `path` was empty at `time` (unix seconds, its own clock)."""

    at: Written
    path: bytes
    time: int


@dataclass(frozen=True, slots=True)
class ClientChanged:
    """Client `client` on this host was created, updated, migrated or frozen."""

    at: Written
    client: ClientId


HostEvent: TypeAlias = (
    Sent | SentUnreadable | Received | AckWritten | Acknowledged | TimedOut | AbsenceRecorded | ClientChanged
)


@dataclass(frozen=True, slots=True)
class UpdateClient:
    client: ClientId
    message: bytes


@dataclass(frozen=True, slots=True)
class Receive:
    packet: Packet
    proof: bytes
    at: Height


@dataclass(frozen=True, slots=True)
class Acknowledge:
    packet: Packet
    acknowledgements: tuple[bytes, ...]
    proof: bytes
    at: Height


@dataclass(frozen=True, slots=True)
class Timeout:
    packet: Packet
    proof: bytes
    at: Height


@dataclass(frozen=True, slots=True)
class RecordAbsence:
    """Ask the host to record that `path` is empty, where absence has no proof. Anybody may: it binds nothing else."""

    path: bytes


PacketMessage: TypeAlias = Receive | Acknowledge | Timeout
HostMessage: TypeAlias = UpdateClient | PacketMessage | RecordAbsence


class Rule(StrEnum):
    """Why a host refuses a message. The relay acts on these; everything else is `APP_REFUSES` or `UNKNOWN`."""

    EXPIRED = "expired"  # receive at or after the packet's timeout: time it out
    NOT_YET_EXPIRED = "not_yet_expired"  # timeout whose proven time is below the packet's: a newer height
    UNKNOWN_CLIENT = "unknown_client"
    UNKNOWN_PORT = "unknown_port"  # poison now; an app may be added later
    WRONG_COUNTERPARTY = "wrong_counterparty"
    UNKNOWN_HEIGHT = "unknown_height"  # proof before its client update
    INVALID_PROOF = "invalid_proof"
    CLIENT_FROZEN = "client_frozen"
    CLIENT_EXPIRED = "client_expired"
    OTHER_PACKET = "other_packet"  # another packet under this name is stored: alarm
    QUORUM = "quorum"  # threshold, foreign or duplicate signer
    PAYLOADS = "payloads"  # the host takes another number of payloads
    APP_REFUSES = "app_refuses"
    TOO_LITTLE_GAS = "too_little_gas"
    PAUSED = "paused"
    FEE_CAP = "fee_cap"  # it costs more now than the caller allows
    UNKNOWN = "unknown"
