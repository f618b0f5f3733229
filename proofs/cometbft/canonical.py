"""The bytes that validators sign and the hashes that headers carry. Both have exactly one form.

A vote differs from its neighbours in one commit only by its timestamp, so what stands before and behind that is built
once per commit. Source: CometBFT, spec/core/data_structures.md and spec/core/encoding.md.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from proofs.cometbft.types import (
    SECOND,
    BlockId,
    Commit,
    CommitSig,
    Header,
    KeyType,
    PartSetHeader,
    PublicKey,
    ValidatorSet,
)
from proofs.encoding.protobuf import (
    bytes_field,
    message_field,
    sfixed64_field,
    string_field,
    varint,
    varint_field,
)
from proofs.merkle import rfc6962
from proofs.primitives.hashing import sha256

PRECOMMIT: Final = 2

# Looking a member up in its enumeration takes longer than comparing it.
_ED25519: Final = KeyType.ED25519

_TIMESTAMP_TAG: Final = b"\x2a"  # field 5 of CanonicalVote, length-delimited


def timestamp(time: int) -> bytes:
    """google.protobuf.Timestamp of whole nanoseconds; the part below a second is never negative."""
    seconds, nanoseconds = divmod(time, SECOND)
    return varint_field(1, seconds) + varint_field(2, nanoseconds)


def part_set_header(parts: PartSetHeader) -> bytes:
    return varint_field(1, parts.total) + bytes_field(2, parts.hash)


def block_id(block: BlockId) -> bytes:
    """BlockID and CanonicalBlockID have the same fields."""
    return bytes_field(1, block.hash) + message_field(2, part_set_header(block.parts))


def public_key(key: PublicKey) -> bytes:
    return message_field(key.type, key.data)


def vote_sign_bytes(
    *, chain_id: str, vote_type: int, height: int, round_: int, block: BlockId | None, time: int
) -> bytes:
    """One CanonicalVote behind its length. block: None for a vote for no block."""
    prefix, suffix = _around_timestamp(chain_id, vote_type, height, round_, block)
    return _join(prefix, time, suffix)


class CommitVotes:
    """The sign bytes of the votes for the block of one commit."""

    __slots__ = ("_fronts", "_prefix", "_suffix")

    def __init__(self, chain_id: str, commit: Commit) -> None:
        self._prefix, self._suffix = _around_timestamp(
            chain_id, PRECOMMIT, commit.height, commit.round, commit.block_id
        )
        # Votes of one block are cast within seconds: what stands before the nanoseconds is mostly the same.
        self._fronts: dict[tuple[int, int], bytes] = {}

    def sign_bytes(self, vote: CommitSig) -> bytes:
        seconds, nanoseconds = divmod(vote.time, SECOND)
        fraction = b"\x10" + varint(nanoseconds) if nanoseconds else b""
        front = self._fronts.get((seconds, len(fraction)))
        if front is None:
            whole = _join(self._prefix, vote.time, self._suffix)
            front = self._fronts[seconds, len(fraction)] = whole[: len(whole) - len(fraction) - len(self._suffix)]
        return front + fraction + self._suffix


def _around_timestamp(
    chain_id: str, vote_type: int, height: int, round_: int, block: BlockId | None
) -> tuple[bytes, bytes]:
    prefix = varint_field(1, vote_type) + sfixed64_field(2, height) + sfixed64_field(3, round_)
    if block is not None and block != BlockId():
        prefix += message_field(4, block_id(block))
    return prefix, string_field(6, chain_id)


def _join(prefix: bytes, time: int, suffix: bytes) -> bytes:
    when = timestamp(time)
    body = b"".join((prefix, _TIMESTAMP_TAG, varint(len(when)), when, suffix))
    return varint(len(body)) + body


def header_hash(header: Header) -> bytes:
    """The root over the fourteen fields, each in its protobuf wrapper, so that fields can be proved one by one."""
    return rfc6962.root_of(header_leaves(header))


def header_leaves(header: Header) -> list[bytes]:
    return [
        varint_field(1, header.block_version) + varint_field(2, header.app_version),
        string_field(1, header.chain_id),
        varint_field(1, header.height),
        timestamp(header.time),
        block_id(header.last_block_id),
        bytes_field(1, header.last_commit_hash),
        bytes_field(1, header.data_hash),
        bytes_field(1, header.validators_hash),
        bytes_field(1, header.next_validators_hash),
        bytes_field(1, header.consensus_hash),
        bytes_field(1, header.app_hash),
        bytes_field(1, header.last_results_hash),
        bytes_field(1, header.evidence_hash),
        bytes_field(1, header.proposer_address),
    ]


def validators_hash(validators: ValidatorSet) -> bytes:
    """The root over keys and powers alone: proposer and priorities change with every round."""
    return _set_root(tuple([_simple_validator(each.public_key, each.power) for each in validators.validators]))


# Sets stay the same for many blocks. What is remembered follows from the leaves alone; each has some 100 kB at most.
@lru_cache(maxsize=16)
def _set_root(leaves: tuple[bytes, ...]) -> bytes:
    return rfc6962.root_of(leaves)


def _simple_validator(key: PublicKey, power: int) -> bytes:
    """SimpleValidator in protobuf. Nearly all keys are Ed25519, whose two headers are always the same."""
    if key.type is _ED25519 and len(key.data) == 32:
        return b"\x0a\x22\x0a\x20" + key.data + _power(power)
    return message_field(1, public_key(key)) + _power(power)


@lru_cache(maxsize=4_096)
def _power(power: int) -> bytes:
    return varint_field(2, power)


def address(key: PublicKey) -> bytes:
    """Twenty bytes that name a key in votes. Source: CometBFT crypto/ed25519, Cosmos SDK ADR-028 for secp256k1."""
    if key.type is not _ED25519:
        return hashlib.new("ripemd160", sha256(key.data)).digest()
    return _ed25519_address(key.data)


# Validators stay for months.
@lru_cache(maxsize=4_096)
def _ed25519_address(key: bytes) -> bytes:
    return sha256(key)[:20]
