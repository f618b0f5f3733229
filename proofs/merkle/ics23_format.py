"""The ICS-23 commitment proof on the wire: decoded strictly, encoded for the hosts that serve it.

A proof is one of four: a key exists, a key is absent (shown by its neighbours), many of both, or many of both with
the inner steps kept once. All four end as the first two here. Which steps are acceptable is not decided in this
module: see ics23_checks.

Source: cosmos.ics23.v1 (github.com/cosmos/ics23, proto/cosmos/ics23/v1/proofs.proto), ibc.core.commitment.v1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding import protobuf
from proofs.encoding.protobuf import BOOL, BYTES, ENUM, INT32, Field, Message
from proofs.errors import LimitExceeded, MalformedProof

# Two paths of 128 steps of 90 bytes, for absence, are 23 KiB, a batch of 20 keys is 9 KiB, and values are short.
# What this admits at the most, 8,000 steps of four bytes, is read in less than 50 milliseconds.
PROOF_BYTES_MAX: Final = 32 << 10
# The deepest specified tree is the sparse Merkle tree with 256 levels.
PATH_MAX: Final = 256
# Batches seen have 20 entries; all are read to find the one of the key.
ENTRIES_MAX: Final = 64
# A batch of 20 keys of a tree with a thousand leaves has 150 distinct steps.
_LOOKUP_MAX: Final = 2048
# A store, a sub-store and so on: Cosmos uses 2.
CHAIN_MAX: Final = 8

_PROOFS_TAG: Final = 0x0A  # field 1, length-delimited


@dataclass(frozen=True, slots=True)
class LeafOp:
    """How key and value become a leaf hash: hash(prefix + length(prehash(key)) + length(prehash(value)))."""

    hash: int = 0
    prehash_key: int = 0
    prehash_value: int = 0
    length: int = 0
    prefix: bytes = b""


@dataclass(frozen=True, slots=True)
class InnerOp:
    """One step towards the root: hash(prefix + child + suffix). Siblings hide in prefix and suffix."""

    hash: int
    prefix: bytes
    suffix: bytes


@dataclass(frozen=True, slots=True)
class ExistenceProof:
    key: bytes
    value: bytes
    leaf: LeafOp
    path: tuple[InnerOp, ...]


@dataclass(frozen=True, slots=True)
class NonExistenceProof:
    key: bytes
    left: ExistenceProof | None
    right: ExistenceProof | None


@dataclass(frozen=True, slots=True)
class BatchEntry:
    exist: ExistenceProof | None
    nonexist: NonExistenceProof | None


@dataclass(frozen=True, slots=True)
class CompressedExistenceProof:
    """`path`: indices into the inner steps that the batch keeps once."""

    key: bytes
    value: bytes
    leaf: LeafOp
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CompressedNonExistenceProof:
    key: bytes
    left: CompressedExistenceProof | None
    right: CompressedExistenceProof | None


@dataclass(frozen=True, slots=True)
class CompressedBatchEntry:
    exist: CompressedExistenceProof | None
    nonexist: CompressedNonExistenceProof | None


@dataclass(frozen=True, slots=True)
class CompressedBatch:
    entries: tuple[CompressedBatchEntry, ...]
    lookup_inners: tuple[InnerOp, ...]


@dataclass(frozen=True, slots=True)
class CommitmentProof:
    """Exactly one is set."""

    exist: ExistenceProof | None = None
    nonexist: NonExistenceProof | None = None
    batch: tuple[BatchEntry, ...] | None = None
    compressed: CompressedBatch | None = None


@dataclass(frozen=True, slots=True)
class InnerSpec:
    """The shape of inner nodes: which sibling slots lie before and after the child, and the empty child's hash."""

    child_order: tuple[int, ...]
    child_size: int
    min_prefix_length: int
    max_prefix_length: int
    empty_child: bytes
    hash: int


@dataclass(frozen=True, slots=True)
class ProofSpec:
    """A tree format, as data. Depth 0 means the default."""

    leaf_spec: LeafOp
    inner_spec: InnerSpec
    max_depth: int = 0
    min_depth: int = 0
    prehash_key_before_comparison: bool = False


def _items(items: tuple[BatchEntry, ...]) -> tuple[BatchEntry, ...]:
    return items


def _proofs(proofs: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return proofs


LEAF_OP: Final = Message(
    "LeafOp",
    LeafOp,
    [
        Field(1, "hash", ENUM),
        Field(2, "prehash_key", ENUM),
        Field(3, "prehash_value", ENUM),
        Field(4, "length", ENUM),
        Field(5, "prefix", BYTES),
    ],
)
INNER_OP: Final = Message(
    "InnerOp", InnerOp, [Field(1, "hash", ENUM, required=True), Field(2, "prefix", BYTES), Field(3, "suffix", BYTES)]
)
EXISTENCE: Final = Message(
    "ExistenceProof",
    ExistenceProof,
    [
        Field(1, "key", BYTES),
        Field(2, "value", BYTES),
        Field(3, "leaf", LEAF_OP, required=True),
        Field(4, "path", INNER_OP, repeated=True, limit=PATH_MAX),
    ],
)
NON_EXISTENCE: Final = Message(
    "NonExistenceProof",
    NonExistenceProof,
    [Field(1, "key", BYTES), Field(2, "left", EXISTENCE), Field(3, "right", EXISTENCE)],
)
_BATCH_ENTRY: Final = Message(
    "BatchEntry", BatchEntry, [Field(1, "exist", EXISTENCE), Field(2, "nonexist", NON_EXISTENCE)]
)
_BATCH: Final = Message("BatchProof", _items, [Field(1, "entries", _BATCH_ENTRY, repeated=True, limit=ENTRIES_MAX)])
_COMPRESSED_EXISTENCE: Final = Message(
    "CompressedExistenceProof",
    CompressedExistenceProof,
    [
        Field(1, "key", BYTES),
        Field(2, "value", BYTES),
        Field(3, "leaf", LEAF_OP, required=True),
        Field(4, "path", INT32, repeated=True, limit=PATH_MAX),
    ],
)
_COMPRESSED_NON_EXISTENCE: Final = Message(
    "CompressedNonExistenceProof",
    CompressedNonExistenceProof,
    [Field(1, "key", BYTES), Field(2, "left", _COMPRESSED_EXISTENCE), Field(3, "right", _COMPRESSED_EXISTENCE)],
)
_COMPRESSED_ENTRY: Final = Message(
    "CompressedBatchEntry",
    CompressedBatchEntry,
    [Field(1, "exist", _COMPRESSED_EXISTENCE), Field(2, "nonexist", _COMPRESSED_NON_EXISTENCE)],
)
_COMPRESSED_BATCH: Final = Message(
    "CompressedBatchProof",
    CompressedBatch,
    [
        Field(1, "entries", _COMPRESSED_ENTRY, repeated=True, limit=ENTRIES_MAX),
        Field(2, "lookup_inners", INNER_OP, repeated=True, limit=_LOOKUP_MAX),
    ],
)
_COMMITMENT: Final = Message(
    "CommitmentProof",
    CommitmentProof,
    [
        Field(1, "exist", EXISTENCE),
        Field(2, "nonexist", NON_EXISTENCE),
        Field(3, "batch", _BATCH),
        Field(4, "compressed", _COMPRESSED_BATCH),
    ],
)
_MERKLE_PROOF: Final = Message("MerkleProof", _proofs, [Field(1, "proofs", BYTES, repeated=True, limit=CHAIN_MAX)])
_INNER_SPEC: Final = Message(
    "InnerSpec",
    InnerSpec,
    [
        Field(1, "child_order", INT32, repeated=True, limit=CHAIN_MAX),
        Field(2, "child_size", INT32),
        Field(3, "min_prefix_length", INT32),
        Field(4, "max_prefix_length", INT32),
        Field(5, "empty_child", BYTES),
        Field(6, "hash", ENUM),
    ],
)
# Part of the 07-tendermint client state.
PROOF_SPEC: Final = Message(
    "ProofSpec",
    ProofSpec,
    [
        Field(1, "leaf_spec", LEAF_OP, required=True),
        Field(2, "inner_spec", _INNER_SPEC, required=True),
        Field(3, "max_depth", INT32),
        Field(4, "min_depth", INT32),
        Field(5, "prehash_key_before_comparison", BOOL),
    ],
)


def decode_commitment_proof(data: bytes) -> CommitmentProof:
    """Raises MalformedProof, LimitExceeded."""
    check_proof_size(data)
    proof = protobuf.decode(data, _COMMITMENT, part="ics23 proof")
    check_one_kind(proof)
    return proof


def split_merkle_proof(data: bytes) -> tuple[bytes, ...]:
    """Return the commitment proofs of an ibc.core.commitment.v1.MerkleProof, innermost store first, still encoded."""
    check_proof_size(data)
    return _split_two(data) or protobuf.decode(data, _MERKLE_PROOF, part="ibc proof")


def _split_two(data: bytes) -> tuple[bytes, bytes] | None:
    """The usual case without the general reader: two proofs, each with a length of two bytes. None for any other."""
    if len(data) < 6 or data[0] != _PROOFS_TAG or data[1] < 0x80 or not 0 < data[2] < 0x80:
        return None
    middle = 3 + (data[1] & 0x7F | data[2] << 7)
    start = middle + 3
    if start > len(data) or data[middle] != _PROOFS_TAG or data[middle + 1] < 0x80 or not 0 < data[middle + 2] < 0x80:
        return None
    end = start + (data[middle + 1] & 0x7F | data[middle + 2] << 7)
    return (data[3:middle], data[start:]) if end == len(data) else None


def decode_proof_spec(data: bytes) -> ProofSpec:
    return protobuf.decode(data, PROOF_SPEC, part="proof spec")


def check_proof_size(data: bytes) -> None:
    """Before any work: larger than any real proof."""
    if len(data) > PROOF_BYTES_MAX:
        raise LimitExceeded("ics23 proof", got=len(data), limit=PROOF_BYTES_MAX)


def check_one_kind(proof: CommitmentProof) -> None:
    """A oneof: a second kind would be a second meaning for the same bytes."""
    kinds = sum(each is not None for each in (proof.exist, proof.nonexist, proof.batch, proof.compressed))
    if kinds != 1:
        raise MalformedProof("ics23 proof kinds", got=kinds, expected=1)


def encode_leaf_op(leaf: LeafOp) -> bytes:
    return (
        protobuf.varint_field(1, leaf.hash)
        + protobuf.varint_field(2, leaf.prehash_key)
        + protobuf.varint_field(3, leaf.prehash_value)
        + protobuf.varint_field(4, leaf.length)
        + protobuf.bytes_field(5, leaf.prefix)
    )


def encode_inner_op(step: InnerOp) -> bytes:
    return (
        protobuf.varint_field(1, step.hash)
        + protobuf.bytes_field(2, step.prefix)
        + protobuf.bytes_field(3, step.suffix)
    )


def encode_existence(proof: ExistenceProof) -> bytes:
    return (
        protobuf.bytes_field(1, proof.key)
        + protobuf.bytes_field(2, proof.value)
        + protobuf.message_field(3, encode_leaf_op(proof.leaf))
        + protobuf.repeated_bytes_field(4, map(encode_inner_op, proof.path))
    )


def encode_non_existence(proof: NonExistenceProof) -> bytes:
    encoded = protobuf.bytes_field(1, proof.key)
    if proof.left is not None:
        encoded += protobuf.message_field(2, encode_existence(proof.left))
    if proof.right is not None:
        encoded += protobuf.message_field(3, encode_existence(proof.right))
    return encoded


def encode_commitment_proof(proof: ExistenceProof | NonExistenceProof) -> bytes:
    if isinstance(proof, ExistenceProof):
        return protobuf.message_field(1, encode_existence(proof))
    return protobuf.message_field(2, encode_non_existence(proof))


def encode_merkle_proof(proofs: Sequence[ExistenceProof | NonExistenceProof]) -> bytes:
    """Innermost store first."""
    return protobuf.repeated_bytes_field(1, map(encode_commitment_proof, proofs))


def encode_proof_spec(spec: ProofSpec) -> bytes:
    inner = spec.inner_spec
    encoded_inner = (
        protobuf.packed_field(1, inner.child_order)
        + protobuf.varint_field(2, inner.child_size)
        + protobuf.varint_field(3, inner.min_prefix_length)
        + protobuf.varint_field(4, inner.max_prefix_length)
        + protobuf.bytes_field(5, inner.empty_child)
        + protobuf.varint_field(6, inner.hash)
    )
    return (
        protobuf.message_field(1, encode_leaf_op(spec.leaf_spec))
        + protobuf.message_field(2, encoded_inner)
        + protobuf.varint_field(3, spec.max_depth)
        + protobuf.varint_field(4, spec.min_depth)
        + protobuf.varint_field(5, spec.prehash_key_before_comparison)
    )
