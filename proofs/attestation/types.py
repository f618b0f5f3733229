"""What attestors say, and the bytes they say it in.

A state attestation binds a height to a time; a packet attestation says what stood at some paths at a height. Both are
ABI-encoded, whatever ledger reads them; what carries data and signatures together is protobuf on Cosmos and ABI on EVM.
Source: ibc-go v11 light-clients/attestations, Solidity AttestationLightClient (August 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding import abi, protobuf
from proofs.errors import LimitExceeded, MalformedProof
from proofs.primitives.hashing import keccak256

ABSENT: Final = bytes(32)

# A host scans entries linearly and verifies every signature again for each message: ours hold very few.
ENTRIES_MAX: Final = 256
# The threshold is a uint8 on EVM.
ATTESTORS_MAX: Final = 255
_DATA_BYTES_MAX: Final = 96 + 64 * ENTRIES_MAX
_ROTATION_BYTES_MAX: Final = 160 + 32 * ATTESTORS_MAX

_STATE: Final = "(uint64,uint64)"
_STATE_BYTES: Final = 64
_PACKETS: Final = "((uint64,(bytes32,bytes32)[]))"
_ROTATION: Final = "(uint64,bytes32,address[],uint8)"
_PROOF: Final = "((bytes,bytes[]))"
_SET: Final = "(address[],uint8)"


@dataclass(frozen=True, slots=True)
class StateAttestation:
    """At `height` the ledger's time was `timestamp`, unix seconds."""

    height: int
    timestamp: int

    def encode(self) -> bytes:
        return abi.encode(_STATE, (self.height, self.timestamp))


@dataclass(frozen=True, slots=True)
class PathEntry:
    """path: keccak-256 of the raw path. commitment: 32 bytes, zero for absence."""

    path: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class PacketAttestation:
    """What stood at these paths at `height`. Never one path twice: hosts disagree on what that means."""

    height: int
    entries: tuple[PathEntry, ...]

    def encode(self) -> bytes:
        return abi.encode(_PACKETS, ((self.height, [(each.path, each.commitment) for each in self.entries]),))


@dataclass(frozen=True, slots=True)
class AttestorSet:
    """addresses: 20 bytes each. threshold: how many of them must sign."""

    addresses: tuple[bytes, ...]
    threshold: int

    def digest(self) -> bytes:
        return keccak256(abi.encode(_SET, (self.addresses, self.threshold)))


@dataclass(frozen=True, slots=True)
class SetRotation:
    """Our own extension, for native hosts: the quorum of the old set names the next one.

    version:  1 for the first rotation of a client, so that an old rotation is never replayed.
    previous: digest of the set it replaces.
    """

    version: int
    previous: bytes
    following: AttestorSet

    def encode(self) -> bytes:
        values = (self.version, self.previous, self.following.addresses, self.following.threshold)
        return abi.encode(_ROTATION, values)


@dataclass(frozen=True, slots=True)
class Attested:
    """Data and the signatures over it, 65 bytes each: r‖s‖v, v 27 or 28."""

    data: bytes
    signatures: tuple[bytes, ...]

    def encode_protobuf(self) -> bytes:
        """AttestationProof as Cosmos reads it."""
        return protobuf.bytes_field(1, self.data) + protobuf.repeated_bytes_field(2, self.signatures)

    def encode_abi(self) -> bytes:
        """AttestationProof as EVM reads it: abi.encode of a struct, so it starts with the offset word."""
        return abi.encode(_PROOF, ((self.data, self.signatures),))


_ATTESTED: Final = protobuf.Message(
    "AttestationProof",
    Attested,
    [
        protobuf.Field(1, "attestation_data", protobuf.BYTES),
        protobuf.Field(2, "signatures", protobuf.BYTES, repeated=True, limit=ATTESTORS_MAX),
    ],
)


def path_entry(path: bytes, value: bytes | None) -> PathEntry:
    """The entry that says `value` stands at `path`, or nothing. Raises MalformedProof for a value hosts cannot hold."""
    if value is not None and (len(value) != len(ABSENT) or value == ABSENT):
        raise MalformedProof("attested value", got=value, expected="32 bytes, not all zero")
    return PathEntry(keccak256(path), ABSENT if value is None else value)


def decode_protobuf(encoded: bytes) -> Attested:
    """Raises MalformedProof, LimitExceeded."""
    return protobuf.decode(encoded, _ATTESTED, part="attestation")


def decode_abi(encoded: bytes) -> Attested:
    """Raises MalformedProof, LimitExceeded."""
    ((data, signatures),) = abi.decode(_PROOF, encoded)
    if len(signatures) > ATTESTORS_MAX:
        raise LimitExceeded("attestation signatures", got=len(signatures), limit=ATTESTORS_MAX)
    return Attested(data, signatures)


def is_rotation(data: bytes) -> bool:
    """A state attestation is two words and nothing else is; the tag keeps them apart in what is signed."""
    return len(data) != _STATE_BYTES


def decode_state(data: bytes) -> StateAttestation:
    """Raises MalformedProof."""
    height, timestamp = abi.decode(_STATE, data)
    return StateAttestation(height, timestamp)


def decode_packets(data: bytes) -> PacketAttestation:
    """Raises MalformedProof, LimitExceeded."""
    if len(data) > _DATA_BYTES_MAX + 32:
        raise LimitExceeded("packet attestation", got=len(data), limit=_DATA_BYTES_MAX + 32)
    ((height, entries),) = abi.decode(_PACKETS, data)
    return PacketAttestation(height, tuple(PathEntry(path, commitment) for path, commitment in entries))


def decode_rotation(data: bytes) -> SetRotation:
    """Raises MalformedProof, LimitExceeded."""
    if len(data) > _ROTATION_BYTES_MAX:
        raise LimitExceeded("attestor set rotation", got=len(data), limit=_ROTATION_BYTES_MAX)
    version, previous, addresses, threshold = abi.decode(_ROTATION, data)
    return SetRotation(version, previous, AttestorSet(addresses, threshold))
