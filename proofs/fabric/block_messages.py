"""Blocks on the wire. Hashes and signatures cover bytes as carried, so everything signed stays raw here.

Source: fabric-protos common/common.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import BYTES, UINT32, UINT64, Field, Message, decode
from proofs.errors import LimitExceeded

# Ten times the preferred size of a batch that Fabric ships with (AbsoluteMaxBytes 10 MiB), and some metadata.
BLOCK_BYTES_MAX: Final = 16 << 20
# Fabric ships with 500 transactions a block (MaxMessageCount); operators raise it to some thousands.
ENVELOPES_MAX: Final = 16_384
# More than any ordering service has nodes.
SIGNATURES_MAX: Final = 64
# Five slots in 2.x and 3.x; room for one that we do not know, since slots other than 0 are not signed anyway.
METADATA_SLOTS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """number: counted from 0. previous_hash: of the header before, empty for number 0. data_hash: of the envelopes."""

    number: int
    previous_hash: bytes
    data_hash: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """envelopes: as carried; none where only the header was asked for. slots: the metadata, by index."""

    header: BlockHeader
    envelopes: tuple[bytes, ...]
    slots: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MetadataSignature:
    """signature_header: names its creator. identifier_header: names a consenter by id (BFT, from 3.0 on)."""

    signature_header: bytes
    signature: bytes
    identifier_header: bytes


@dataclass(frozen=True, slots=True)
class SignedMetadata:
    """Slot 0. value: what every orderer signs beside the header; raw."""

    value: bytes
    signatures: tuple[MetadataSignature, ...]


@dataclass(frozen=True, slots=True)
class SignatureHeader:
    creator: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class IdentifierHeader:
    identifier: int
    nonce: bytes


@dataclass(frozen=True, slots=True)
class OrdererBlockMetadata:
    """last_config: number of the configuration block in force; None where it is not said."""

    last_config: int | None
    consenter_metadata: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    payload: bytes
    signature: bytes


def decode_block(data: bytes) -> Block:
    """Raises MalformedProof, LimitExceeded."""
    check_block_size(data)
    return decode(data, BLOCK, part="block")


def check_block_size(data: bytes) -> None:
    """Before any work: larger than any block that a channel can be configured to make within reason."""
    if len(data) > BLOCK_BYTES_MAX:
        raise LimitExceeded("block", got=len(data), limit=BLOCK_BYTES_MAX)


def _items(items: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return items


def _block(header: BlockHeader, data: tuple[bytes, ...] | None, metadata: tuple[bytes, ...] | None) -> Block:
    return Block(header, data or (), metadata or ())


def _index(index: int) -> int:
    return index


HEADER: Final = Message(
    "BlockHeader",
    BlockHeader,
    [Field(1, "number", UINT64), Field(2, "previous_hash", BYTES), Field(3, "data_hash", BYTES)],
)
BLOCK_DATA: Final = Message("BlockData", _items, [Field(1, "data", BYTES, repeated=True, limit=ENVELOPES_MAX)])
_BLOCK_METADATA: Final = Message(
    "BlockMetadata", _items, [Field(1, "metadata", BYTES, repeated=True, limit=METADATA_SLOTS_MAX)]
)
BLOCK: Final = Message(
    "Block",
    _block,
    [
        Field(1, "header", HEADER, required=True),
        Field(2, "data", BLOCK_DATA),
        Field(3, "metadata", _BLOCK_METADATA),
    ],
)
SIGNATURE_HEADER: Final = Message(
    "SignatureHeader", SignatureHeader, [Field(1, "creator", BYTES), Field(2, "nonce", BYTES)]
)
IDENTIFIER_HEADER: Final = Message(
    "IdentifierHeader", IdentifierHeader, [Field(1, "identifier", UINT32), Field(2, "nonce", BYTES)]
)
_METADATA_SIGNATURE: Final = Message(
    "MetadataSignature",
    MetadataSignature,
    [Field(1, "signature_header", BYTES), Field(2, "signature", BYTES), Field(3, "identifier_header", BYTES)],
)
SIGNED_METADATA: Final = Message(
    "Metadata",
    SignedMetadata,
    [
        Field(1, "value", BYTES),
        Field(2, "signatures", _METADATA_SIGNATURE, repeated=True, limit=SIGNATURES_MAX),
    ],
)
_LAST_CONFIG: Final = Message("LastConfig", _index, [Field(1, "index", UINT64)])
ORDERER_METADATA: Final = Message(
    "OrdererBlockMetadata",
    OrdererBlockMetadata,
    [Field(1, "last_config", _LAST_CONFIG), Field(2, "consenter_metadata", BYTES)],
)
ENVELOPE: Final = Message("Envelope", Envelope, [Field(1, "payload", BYTES), Field(2, "signature", BYTES)])
