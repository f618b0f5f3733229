"""IBC v2 packets, their commitments and their paths: what every host stores, whatever ledger it lives on.

All preimages are of fixed length, so that nothing can be shifted from one field into another.
Source: ICS-04 v2 and ICS-24 v2 (ibc-go v11, modules/core/04-channel/v2/types/commitment.go, 24-host/v2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NewType

from proofs.errors import MalformedProof
from proofs.primitives.hashing import sha256

ClientId = NewType("ClientId", str)

UNIVERSAL_ERROR_ACKNOWLEDGEMENT: Final = sha256(b"UNIVERSAL_ERROR_ACKNOWLEDGEMENT")

_VERSION: Final = b"\x02"
_COMMITMENT: Final = b"\x01"
_RECEIPT: Final = b"\x02"
_ACKNOWLEDGEMENT: Final = b"\x03"
_U64_LIMIT: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Payload:
    """What one application says to another. Ports, version and encoding are UTF-8 text, value is opaque."""

    source_port: str
    dest_port: str
    version: str
    encoding: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """One message between two clients.

    sequence: counts per source client from 1, never reused.
    timeout:  unix seconds; the destination receives only while its block time is below it.
    """

    sequence: int
    source_client: ClientId
    dest_client: ClientId
    timeout: int
    payloads: tuple[Payload, ...]


def packet_commitment(packet: Packet) -> bytes:
    payloads = b"".join(payload_hash(payload) for payload in packet.payloads)
    return sha256(
        _VERSION + sha256(packet.dest_client.encode()) + sha256(_u64(packet.timeout, "timeout")) + sha256(payloads)
    )


def payload_hash(payload: Payload) -> bytes:
    texts = (payload.source_port, payload.dest_port, payload.version, payload.encoding)
    return sha256(b"".join(sha256(text.encode()) for text in texts) + sha256(payload.value))


def acknowledgement_commitment(acknowledgements: Sequence[bytes]) -> bytes:
    """One acknowledgement per payload. Raises MalformedProof for an empty list: nobody acknowledged anything."""
    if not acknowledgements:
        raise MalformedProof("acknowledgements", got=0, expected="at least 1")
    return sha256(_VERSION + b"".join(sha256(each) for each in acknowledgements))


def commitment_path(source_client: ClientId, sequence: int) -> bytes:
    """Written on the source, deleted by acknowledgement or timeout."""
    return source_client.encode() + _COMMITMENT + _u64(sequence, "sequence")


def receipt_path(dest_client: ClientId, sequence: int) -> bytes:
    """Written on the destination, never deleted: its absence proves that a packet was not received."""
    return dest_client.encode() + _RECEIPT + _u64(sequence, "sequence")


def acknowledgement_path(dest_client: ClientId, sequence: int) -> bytes:
    """Written on the destination, never deleted."""
    return dest_client.encode() + _ACKNOWLEDGEMENT + _u64(sequence, "sequence")


def send_counter_path(source_client: ClientId) -> bytes:
    """The path of the send counter. Its claim has one meaning on every host: the last sequence sent, u64 big-endian.

    Hosts store it differently (ibc-go stores the *next* sequence, ICS26Router the last one in a slot of its own):
    the light client maps this path to what its host stores.
    """
    return b"nextSequenceSend/" + source_client.encode()


def _u64(value: int, part: str) -> bytes:
    if not 0 <= value < _U64_LIMIT:
        raise MalformedProof(part, got=value, expected="an unsigned 64-bit integer")
    return value.to_bytes(8, "big")
