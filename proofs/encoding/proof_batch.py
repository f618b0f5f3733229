"""Several proofs in one: one proof per claim, in the order of the claims.

A protobuf message with one repeated bytes field (1). Which claim a proof belongs to is told by its place alone,
so the number of proofs must be the number of claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from proofs.encoding import protobuf
from proofs.errors import LimitExceeded, MalformedProof

# Room for 1,024 claims of 4 KiB: more than any transaction of a ledger takes.
BATCH_BYTES_MAX: Final = 4 << 20
_PROOFS_TAG: Final = 0x0A  # field 1, length-delimited


def join_batch(proofs: Sequence[bytes]) -> bytes:
    return protobuf.repeated_bytes_field(1, proofs)


def split_batch(batch: bytes, *, count: int) -> tuple[bytes, ...]:
    """Return the `count` proofs of `batch`, at least one. Raises MalformedProof, LimitExceeded."""
    check_something_is_claimed(count)
    check_batch_size(batch)
    proofs = _split_usual(batch, count) or protobuf.decode(batch, _batch_of(count), part="proof batch")
    check_one_proof_per_claim(proofs, count)
    return proofs


def _split_usual(batch: bytes, count: int) -> tuple[bytes, ...] | None:
    """The usual case without the general reader: `count` proofs of 128 to 16,383 bytes each. None for any other."""
    proofs = []
    start = 0
    for _ in range(count):
        head = batch[start : start + 3]
        if len(head) < 3 or head[0] != _PROOFS_TAG or head[1] < 0x80 or not 0 < head[2] < 0x80:
            return None
        stop = start + 3 + (head[1] & 0x7F | head[2] << 7)
        proofs.append(batch[start + 3 : stop])
        start = stop
    return tuple(proofs) if start == len(batch) else None


def check_something_is_claimed(count: int) -> None:
    """Nothing claimed is nothing proved: a caller that lost its claims must not be told that they hold."""
    if count < 1:
        raise MalformedProof("claims", got=count, expected="at least 1")


def check_batch_size(batch: bytes) -> None:
    """Before any work: a batch larger than any ledger takes is not read."""
    if len(batch) > BATCH_BYTES_MAX:
        raise LimitExceeded("proof batch", got=len(batch), limit=BATCH_BYTES_MAX)


def check_one_proof_per_claim(proofs: Sequence[bytes], count: int) -> None:
    """A missing proof would leave a claim unproved, one too many would be read by nobody."""
    if len(proofs) != count:
        raise MalformedProof("proof batch", got=len(proofs), expected=count)


def _proofs(proofs: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return proofs


# A caller's batches have few different sizes.
@lru_cache(maxsize=64)
def _batch_of(count: int) -> protobuf.Message[tuple[bytes, ...]]:
    """One proof too many is read, to say how many there are; no more, as empty ones come by the hundred thousand."""
    return protobuf.Message(
        "ProofBatch", _proofs, [protobuf.Field(1, "proofs", protobuf.BYTES, repeated=True, limit=count + 1)]
    )
