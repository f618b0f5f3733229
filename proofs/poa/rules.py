"""Rules that every flavour of proof of authority shares: headers follow one another, and a client ages and freezes."""

from __future__ import annotations

from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Item
from proofs.errors import (
    ClientFrozen,
    HeaderFromFuture,
    HeightNotIncreasing,
    MalformedProof,
    NotMisbehaviour,
    TimeNotIncreasing,
    TrustExpired,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.light_client import Height
from proofs.primitives.hashing import keccak256

NO_OMMERS_HASH: Final = keccak256(rlp.encode([]))


def check_number_follows(number: int, *, parent: int) -> None:
    """Yellow paper, section 4.4.4: a block's number is its parent's and one more."""
    if number != parent + 1:
        raise HeightNotIncreasing(got=number, trusted=parent)


def check_parent_hash(header: ExecutionHeader, parent_hash: bytes) -> None:
    """A header names the block it builds on."""
    if header.parent_hash != parent_hash:
        raise ValueMismatch("parent hash", got=header.parent_hash, expected=parent_hash)


def check_time_advances(time: int, *, earliest: int) -> None:
    """EIP-225 and Istanbul: no block before its parent's time and the block period. earliest: unix seconds."""
    if time < earliest:
        raise TimeNotIncreasing(got=time, trusted=earliest)


def check_not_from_future(time: int, *, now: int, drift: int) -> None:
    """A block is not from a time that has not come yet; drift: seconds that clocks may differ."""
    if time > now + drift:
        raise HeaderFromFuture(header_time=time, now=now, drift=drift)


def check_no_ommers(header: ExecutionHeader) -> None:
    """EIP-225: no ommers, "as they have no meaning in this context"; Istanbul the same."""
    if header.ommers_hash != NO_OMMERS_HASH:
        raise ValueMismatch("ommers hash", got=header.ommers_hash, expected=NO_OMMERS_HASH)


def check_not_frozen(frozen_at: int | None) -> None:
    """After misbehaviour nothing is believed until an operator decides."""
    if frozen_at is not None:
        raise ClientFrozen(frozen_at)


def check_within_trusting_period(*, expires_at: int, now: int) -> None:
    """Signers that left may have sold their keys: what is older than the trusting period vouches for nothing new."""
    if now >= expires_at:
        raise TrustExpired(expired_at=expires_at, now=now)


def check_revision(at: Height) -> None:
    """These chains count no revisions."""
    if at.revision != 0:
        raise WrongLedger("revision", got=at.revision, expected=0)


def check_conflict(a: bytes, b: bytes) -> None:
    """Two blocks of one height contradict each other only if they are two. a, b: hashes."""
    if a == b:
        raise NotMisbehaviour("one block given twice")


def check_client_version(encoded: bytes, version: int) -> None:
    """The first byte of every encoding of a client says how to read the others."""
    if encoded[:1] != bytes([version]):
        raise UnsupportedProof("client version", got=encoded[:1], expected=version)


def check_checkpoint_hash(computed: bytes, expected: bytes) -> None:
    """A client starts from the block that an operator configured, and from no other."""
    if computed != expected:
        raise WrongLedger("checkpoint", got=computed, expected=expected)


def check_seconds(part: str, value: int, *, least: int) -> None:
    """A period or length of a configuration, bounded on both sides."""
    if not least <= value < 1 << 32:
        raise MalformedProof(part, got=value, expected=f"{least} to 2^32 - 1")


def check_final_blocks_conflict(a: dict[int, bytes], b: dict[int, bytes]) -> None:
    """Two pieces of evidence contradict each other at a height that both make final. a, b: number → hash."""
    if all(a[number] == b[number] for number in a.keys() & b.keys()):
        raise NotMisbehaviour("no height at which both are final and differ")


def read_frozen(item: Item) -> int | None:
    """A list of one height, or of none. Raises MalformedProof."""
    frozen = rlp.as_list(item, "frozen at")
    return rlp.as_int(rlp.as_list(item, "frozen at", count=1)[0], "frozen at", bits=64) if frozen else None
