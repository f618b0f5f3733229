"""Bundles and checkpoints as files: a name, a version byte, a protobuf message with one encoding, a SHA-256 digest.

The digest is over everything before it. It finds accidents; whoever changes a bundle on purpose writes it again, and is
refused by what the bytes mean. The digest of a checkpoint is also its name: it is what people publish and compare.

docs/bundle.md describes the fields.
"""

from __future__ import annotations

from typing import Final

from proofs.bundle.types import Bundle, Checkpoint, Kind
from proofs.commitment import ClientId, Packet, Payload
from proofs.encoding.protobuf import (
    BYTES,
    ENUM,
    STRING,
    UINT64,
    Field,
    Message,
    bytes_field,
    decode,
    message_field,
    repeated_bytes_field,
    string_field,
    varint_field,
)
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch, UnsupportedProof
from proofs.light_client import Height, Position
from proofs.primitives.hashing import sha256

BUNDLE_NAME: Final = b"causeway evidence bundle"
CHECKPOINT_NAME: Final = b"causeway checkpoint"
VERSION: Final = b"\x01"

# A day of headers of a hundred validators at one in two minutes; a stranger reads no more than this for one packet.
BUNDLE_BYTES_MAX: Final = 64 << 20
# Each step costs at least one signature: a minute of work at most.
STEPS_MAX: Final = 16_384
# Hosts take one payload today, and none takes more than a few.
PAYLOADS_MAX: Final = 64
_DIGEST_BYTES: Final = 32


def encode_bundle(bundle: Bundle) -> bytes:
    body = (
        message_field(1, _checkpoint_fields(bundle.checkpoint))
        + repeated_bytes_field(2, bundle.evidence)
        + varint_field(3, bundle.kind)
        + message_field(4, encode_packet(bundle.packet))
        + repeated_bytes_field(5, bundle.acknowledgements)
        + message_field(6, _height_fields(bundle.at))
        + (b"" if bundle.written is None else message_field(7, _position_fields(bundle.written)))
        + bytes_field(8, bundle.proof)
    )
    return _sealed(BUNDLE_NAME, body)


def decode_bundle(encoded: bytes) -> Bundle:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, RootMismatch."""
    return decode(_opened(BUNDLE_NAME, encoded), _BUNDLE, part="bundle", canonical=True)


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    return _sealed(CHECKPOINT_NAME, _checkpoint_fields(checkpoint))


def decode_checkpoint(encoded: bytes) -> Checkpoint:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, RootMismatch."""
    return decode(_opened(CHECKPOINT_NAME, encoded), _CHECKPOINT, part="checkpoint", canonical=True)


def checkpoint_digest(checkpoint: Checkpoint) -> bytes:
    """The name of a checkpoint: the last 32 bytes of its file."""
    return encode_checkpoint(checkpoint)[-_DIGEST_BYTES:]


def encode_packet(packet: Packet) -> bytes:
    """ibc.core.channel.v2.Packet."""
    return (
        varint_field(1, packet.sequence)
        + string_field(2, packet.source_client)
        + string_field(3, packet.dest_client)
        + varint_field(4, packet.timeout)
        + repeated_bytes_field(5, (_payload_fields(payload) for payload in packet.payloads))
    )


def check_size(encoded: bytes) -> None:
    """Nothing is hashed or read of what is larger than a bundle can be."""
    if len(encoded) > BUNDLE_BYTES_MAX:
        raise LimitExceeded("bundle bytes", got=len(encoded), limit=BUNDLE_BYTES_MAX)


def check_name(encoded: bytes, name: bytes) -> None:
    """A checkpoint is not taken for a bundle, nor anything else for one of them."""
    if encoded[: len(name)] != name:
        raise MalformedProof("name of the file's kind", got=encoded[: len(name)], expected=name.decode())


def check_version(version: bytes) -> None:
    """Bytes of another version mean something else."""
    if version != VERSION:
        raise UnsupportedProof("format version", got=version, expected=VERSION)


def check_digest(content: bytes, digest: bytes) -> None:
    """A changed byte is found before anything is made of it."""
    computed = sha256(content)
    if digest != computed:
        raise RootMismatch("digest of the file", computed=computed, expected=digest)


def check_kind(number: int) -> None:
    """There are three steps that can be proved."""
    if number not in list(Kind):
        raise UnsupportedProof("kind of the bundle", got=number, expected="1 (receive), 2 (acknowledge), 3 (timeout)")


def _sealed(name: bytes, body: bytes) -> bytes:
    content = name + VERSION + body
    return content + sha256(content)


def _opened(name: bytes, encoded: bytes) -> bytes:
    """The body, once everything around it is as it must be."""
    check_size(encoded)
    check_name(encoded, name)
    check_version(encoded[len(name) : len(name) + 1])
    content, digest = encoded[:-_DIGEST_BYTES], encoded[-_DIGEST_BYTES:]
    check_digest(content, digest)
    return content[len(name) + 1 :]


def _checkpoint_fields(checkpoint: Checkpoint) -> bytes:
    return string_field(1, checkpoint.family) + bytes_field(2, checkpoint.client)


def _payload_fields(payload: Payload) -> bytes:
    return (
        string_field(1, payload.source_port)
        + string_field(2, payload.dest_port)
        + string_field(3, payload.version)
        + string_field(4, payload.encoding)
        + bytes_field(5, payload.value)
    )


def _height_fields(height: Height) -> bytes:
    return varint_field(1, height.revision) + varint_field(2, height.number)


def _position_fields(position: Position) -> bytes:
    return (
        message_field(1, _height_fields(position.height))
        + varint_field(2, position.transaction)
        + varint_field(3, position.event)
    )


def _packet(sequence: int, source: str, destination: str, timeout: int, payloads: tuple[Payload, ...]) -> Packet:
    return Packet(sequence, ClientId(source), ClientId(destination), timeout, payloads)


def _bundle(
    checkpoint: Checkpoint,
    evidence: tuple[bytes, ...],
    kind: int,
    packet: Packet,
    acknowledgements: tuple[bytes, ...],
    at: Height,
    written: Position | None,
    proof: bytes,
) -> Bundle:
    check_kind(kind)
    return Bundle(checkpoint, evidence, Kind(kind), packet, acknowledgements, at, written, proof)


_CHECKPOINT: Final = Message(
    "Checkpoint", Checkpoint, [Field(1, "family", STRING), Field(2, "client", BYTES, required=True)]
)
_PAYLOAD: Final = Message(
    "Payload",
    Payload,
    [
        Field(1, "source_port", STRING),
        Field(2, "destination_port", STRING),
        Field(3, "version", STRING),
        Field(4, "encoding", STRING),
        Field(5, "value", BYTES),
    ],
)
_PACKET: Final = Message(
    "Packet",
    _packet,
    [
        Field(1, "sequence", UINT64),
        Field(2, "source_client", STRING),
        Field(3, "destination_client", STRING),
        Field(4, "timeout_timestamp", UINT64),
        Field(5, "payloads", _PAYLOAD, repeated=True, limit=PAYLOADS_MAX),
    ],
)
_HEIGHT: Final = Message("Height", Height, [Field(1, "revision", UINT64), Field(2, "number", UINT64)])
_POSITION: Final = Message(
    "Position",
    Position,
    [Field(1, "height", _HEIGHT, required=True), Field(2, "transaction", UINT64), Field(3, "event", UINT64)],
)
_BUNDLE: Final = Message(
    "Bundle",
    _bundle,
    [
        Field(1, "checkpoint", _CHECKPOINT, required=True),
        Field(2, "evidence", BYTES, repeated=True, limit=STEPS_MAX),
        Field(3, "kind", ENUM),
        Field(4, "packet", _PACKET, required=True),
        Field(5, "acknowledgements", BYTES, repeated=True, limit=PAYLOADS_MAX),
        Field(6, "at", _HEIGHT, required=True),
        Field(7, "written", _POSITION),
        Field(8, "proof", BYTES, required=True),
    ],
)
