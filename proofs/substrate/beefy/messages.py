"""What BEEFY signs and how it is written: commitments to a Merkle mountain range of past blocks, and its leaves.

BEEFY makes final blocks cheap to verify elsewhere: ECDSA over Keccak-256, and authorities named by a binary Merkle root
over their Ethereum addresses instead of in full. Everything is SCALE. The range has a leaf for each block, which names
the block's parent, the authorities of the next session, and something of the chain's own: on relay chains the root over
the heads of parachains.
Source: sp-consensus-beefy (commitment.rs, payload.rs, mmr.rs); Polkadot specification, section "BEEFY".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding.scale import (
    ScaleReader,
    encode_bytes,
    encode_u8,
    encode_u32,
    encode_u64,
    encode_vector,
)
from proofs.errors import MalformedProof, UnsupportedProof
from proofs.primitives.hashing import keccak256
from proofs.substrate.types import HASH_BYTES

MMR_ROOT: Final = b"mh"
PAYLOAD_ID_BYTES: Final = 2
ADDRESS_BYTES: Final = 20
SIGNATURE_BYTES: Final = 65
# As many as authorities of GRANDPA, who are the same.
SIGNERS_MAX: Final = 4_096

# Known chains sign one item, of 32 bytes.
_ITEMS_MAX: Final = 16
_ITEM_BYTES_MAX: Final = 1_024
_LEAF_VERSION: Final = 0
_PROOF_VERSION: Final = 1
_BYTE_BITS: Final = 8


@dataclass(frozen=True, slots=True)
class Commitment:
    """payload: (id of 2 bytes, data); which of them counts is the reader's to know."""

    payload: tuple[tuple[bytes, bytes], ...]
    block_number: int
    set_id: int


@dataclass(frozen=True, slots=True)
class SignerSet:
    """Who signs: how many, and the binary Merkle root over their addresses."""

    set_id: int
    length: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Leaf:
    """extra: on relay chains the root over the heads of parachains."""

    parent_number: int
    parent_hash: bytes
    next_signers: SignerSet
    extra: bytes


@dataclass(frozen=True, slots=True)
class SignedCommitment:
    """signatures: one place for every authority, nothing where he did not sign. r‖s‖v, 65 bytes, v is 0 or 1."""

    commitment: Commitment
    signatures: tuple[bytes | None, ...]


def commitment_hash(commitment: Commitment) -> bytes:
    return keccak256(encode_commitment(commitment))


def encode_commitment(commitment: Commitment) -> bytes:
    payload = encode_vector([name + encode_bytes(data) for name, data in commitment.payload])
    return payload + encode_u32(commitment.block_number) + encode_u64(commitment.set_id)


def decode_commitment(encoded: bytes) -> Commitment:
    """Raises MalformedProof, LimitExceeded."""
    reader = ScaleReader(encoded, "commitment")
    commitment = _read_commitment(reader)
    reader.end()
    return commitment


def encode_leaf(leaf: Leaf) -> bytes:
    return b"".join((
        encode_u8(_LEAF_VERSION),
        encode_u32(leaf.parent_number),
        leaf.parent_hash,
        encode_signers(leaf.next_signers),
        leaf.extra,
    ))  # fmt: skip


def decode_leaf(encoded: bytes) -> Leaf:
    """Raises MalformedProof, UnsupportedProof."""
    reader = ScaleReader(encoded, "MMR leaf")
    leaf = read_leaf(reader)
    reader.end()
    return leaf


def read_leaf(reader: ScaleReader) -> Leaf:
    """Raises MalformedProof, UnsupportedProof."""
    check_leaf_version(reader.u8())
    return Leaf(reader.u32(), reader.fixed(HASH_BYTES), read_signers(reader), reader.fixed(HASH_BYTES))


def encode_signers(signers: SignerSet) -> bytes:
    return encode_u64(signers.set_id) + encode_u32(signers.length) + signers.root


def read_signers(reader: ScaleReader) -> SignerSet:
    """Raises MalformedProof."""
    return SignerSet(reader.u64(), reader.u32(), reader.fixed(HASH_BYTES))


def encode_signed_commitment(signed: SignedCommitment) -> bytes:
    """As nodes store and serve it: a bit for each authority, then the signatures that there are."""
    given = [each for each in signed.signatures if each is not None]
    return b"".join((
        encode_u8(_PROOF_VERSION),
        encode_commitment(signed.commitment),
        encode_bytes(_bits(signed.signatures)),
        encode_u32(len(signed.signatures)),
        encode_vector(given),
    ))  # fmt: skip


def decode_signed_commitment(encoded: bytes) -> SignedCommitment:
    """A justification of engine BEEF, as `beefy_subscribeJustifications` serves it.

    Raises MalformedProof, LimitExceeded, UnsupportedProof.
    """
    reader = ScaleReader(encoded, "signed commitment")
    signed = read_signed_commitment(reader)
    reader.end()
    return signed


def read_signed_commitment(reader: ScaleReader) -> SignedCommitment:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    check_proof_version(reader.u8())
    commitment = _read_commitment(reader)
    bits = reader.bytes_(limit=SIGNERS_MAX // _BYTE_BITS + 1)
    length = reader.u32()
    given = reader.vector(lambda: reader.fixed(SIGNATURE_BYTES), limit=SIGNERS_MAX)
    check_bits_length(len(bits), length)
    has_signed = [bool(bits[at // _BYTE_BITS] << at % _BYTE_BITS & 0x80) for at in range(length)]
    check_signature_for_each_bit(len(given), sum(has_signed))
    left = iter(given)
    signed = SignedCommitment(commitment, tuple(next(left) if each else None for each in has_signed))
    check_bits(bits, _bits(signed.signatures))
    return signed


def check_leaf_version(version: int) -> None:
    """Of another version the fields that follow are others. Source: MmrLeafVersion."""
    if version != _LEAF_VERSION:
        raise UnsupportedProof("MMR leaf version", got=version, expected=_LEAF_VERSION)


def check_proof_version(version: int) -> None:
    """Of another version the rest is something else. Source: VersionedFinalityProof."""
    if version != _PROOF_VERSION:
        raise UnsupportedProof("BEEFY justification version", got=version, expected=_PROOF_VERSION)


def check_bits_length(got: int, length: int) -> None:
    """Bits are filled up to whole bytes, by a whole byte where they are whole already."""
    if got != length // _BYTE_BITS + 1:
        raise MalformedProof("signers' bits", got=got, expected=length // _BYTE_BITS + 1)


def check_signature_for_each_bit(got: int, expected: int) -> None:
    """A signature belongs to a bit by its place alone."""
    if got != expected:
        raise MalformedProof("signatures", got=got, expected=expected)


def check_bits(got: bytes, expected: bytes) -> None:
    """What fills up the last byte is zero: one commitment has one encoding."""
    if got != expected:
        raise MalformedProof("signers' bits", got=got, expected=expected)


def _read_commitment(reader: ScaleReader) -> Commitment:
    payload = reader.vector(
        lambda: (reader.fixed(PAYLOAD_ID_BYTES), reader.bytes_(limit=_ITEM_BYTES_MAX)), limit=_ITEMS_MAX
    )
    return Commitment(payload, reader.u32(), reader.u64())


def _bits(signatures: tuple[bytes | None, ...]) -> bytes:
    """The first authority's bit is the highest of the first byte."""
    size = len(signatures) // _BYTE_BITS + 1
    bits = sum(1 << 8 * size - 1 - at for at, each in enumerate(signatures) if each is not None)
    return bits.to_bytes(size, "big")
