"""What a header must say to follow another one, as far as headers alone can tell.

No block is final by these rules: they tell a chain of headers from a pile of them. Gas used, state and receipts need
the execution of the block, and work or stake behind it stand elsewhere.

Source: yellow paper, section 4.4.4; EIP-1559, 3675 (proof of stake), 4844 and 7691 (blobs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.errors import (
    HeightNotIncreasing,
    LimitExceeded,
    MalformedProof,
    TimeNotIncreasing,
    UnsupportedProof,
    ValueMismatch,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.primitives.hashing import keccak256

EXTRA_DATA_BYTES_MAX: Final = 32
_GAS_LIMIT_LEAST: Final = 5_000
_GAS_LIMIT_MOST: Final = (1 << 63) - 1
_GAS_LIMIT_STEP: Final = 1_024
_ELASTICITY: Final = 2
_BASE_FEE_STEP: Final = 8
_FIRST_BASE_FEE: Final = 1_000_000_000
_GAS_PER_BLOB: Final = 1 << 17
_NO_OMMERS: Final = keccak256(rlp.encode([]))


@dataclass(frozen=True, slots=True)
class Blobs:
    """How many blobs a block should have, and may have at most: they change with the forks."""

    target: int
    limit: int


CANCUN: Final = Blobs(3, 6)
PRAGUE: Final = Blobs(6, 9)


def verify_child(parent: ExecutionHeader, child: ExecutionHeader, *, blobs: Blobs = CANCUN) -> None:
    """Return only if `child` can stand on `parent`, whatever decides on forks. Raises InvalidProof.

    blobs: those of the fork of `child`.
    """
    check_child_parent_hash(child, parent)
    check_child_number(child, parent)
    check_child_time(child, parent)
    check_child_fields(child, parent)
    check_extra_data(child)
    check_gas_limit(child, parent)
    check_gas_used(child)
    check_base_fee(child, parent)
    check_blob_gas(child, blobs)
    check_excess_blob_gas(child, parent, blobs)


def verify_staked_child(parent: ExecutionHeader, child: ExecutionHeader, *, blobs: Blobs = CANCUN) -> None:
    """As `verify_child`, on a chain that stakes and does not mine. Raises InvalidProof."""
    check_no_work(child)
    verify_child(parent, child, blobs=blobs)


def check_child_parent_hash(child: ExecutionHeader, parent: ExecutionHeader) -> None:
    """A header names its parent by hash."""
    if child.parent_hash != (expected := parent.hash()):
        raise ValueMismatch("parent hash", got=child.parent_hash, expected=expected)


def check_child_number(child: ExecutionHeader, parent: ExecutionHeader) -> None:
    """One more than the parent's."""
    if child.number != parent.number + 1:
        raise HeightNotIncreasing(got=child.number, trusted=parent.number)


def check_child_time(child: ExecutionHeader, parent: ExecutionHeader) -> None:
    """Later than the parent."""
    if child.timestamp <= parent.timestamp:
        raise TimeNotIncreasing(got=child.timestamp, trusted=parent.timestamp)


def check_child_fields(child: ExecutionHeader, parent: ExecutionHeader) -> None:
    """Forks add fields and take none away."""
    for name in ("base_fee_per_gas", "withdrawals_root", "excess_blob_gas", "requests_hash"):
        if getattr(child, name) is None and getattr(parent, name) is not None:
            raise UnsupportedProof("fields of a header", got=f"no {name}", expected="those of the parent")


def check_extra_data(child: ExecutionHeader) -> None:
    """Yellow paper: 32 bytes at most. (Proof of authority keeps its seals there and has rules of its own.)"""
    if len(child.extra_data) > EXTRA_DATA_BYTES_MAX:
        raise LimitExceeded("extra data", got=len(child.extra_data), limit=EXTRA_DATA_BYTES_MAX)


def check_gas_limit(child: ExecutionHeader, parent: ExecutionHeader) -> None:
    """Less than a 1,024th away from the parent's, and within what any block may have."""
    is_first_with_fee = child.base_fee_per_gas is not None and parent.base_fee_per_gas is None
    before = parent.gas_limit * (_ELASTICITY if is_first_with_fee else 1)
    if abs(child.gas_limit - before) >= before // _GAS_LIMIT_STEP:
        raise ValueMismatch("gas limit", got=child.gas_limit, expected=f"near {before}")
    if not _GAS_LIMIT_LEAST <= child.gas_limit <= _GAS_LIMIT_MOST:
        raise MalformedProof("gas limit", got=child.gas_limit, expected=f"{_GAS_LIMIT_LEAST} to {_GAS_LIMIT_MOST}")


def check_gas_used(child: ExecutionHeader) -> None:
    """No more than the limit."""
    if child.gas_used > child.gas_limit:
        raise ValueMismatch("gas used", got=child.gas_used, expected=f"at most {child.gas_limit}")


def compute_base_fee(parent: ExecutionHeader) -> int:
    """EIP-1559: up to an eighth more or less, by how full the parent was."""
    fee, target = parent.base_fee_per_gas, parent.gas_limit // _ELASTICITY
    if fee is None:
        return _FIRST_BASE_FEE
    if parent.gas_used > target:
        return fee + max(fee * (parent.gas_used - target) // target // _BASE_FEE_STEP, 1)
    return fee - fee * (target - parent.gas_used) // max(target, 1) // _BASE_FEE_STEP


def check_base_fee(child: ExecutionHeader, parent: ExecutionHeader) -> None:
    """EIP-1559: the fee follows from the parent."""
    if child.base_fee_per_gas is not None and child.base_fee_per_gas != (expected := compute_base_fee(parent)):
        raise ValueMismatch("base fee", got=child.base_fee_per_gas, expected=expected)


def check_blob_gas(child: ExecutionHeader, blobs: Blobs) -> None:
    """EIP-4844: whole blobs, and no more than the limit."""
    used = child.blob_gas_used
    if used is not None and (used % _GAS_PER_BLOB or used > blobs.limit * _GAS_PER_BLOB):
        raise ValueMismatch("blob gas used", got=used, expected=f"at most {blobs.limit} whole blobs")


def check_excess_blob_gas(child: ExecutionHeader, parent: ExecutionHeader, blobs: Blobs) -> None:
    """EIP-4844: what the parents had above the target, added up."""
    before = (parent.excess_blob_gas or 0) + (parent.blob_gas_used or 0)
    expected = max(before - blobs.target * _GAS_PER_BLOB, 0)
    if child.excess_blob_gas is not None and child.excess_blob_gas != expected:
        raise ValueMismatch("excess blob gas", got=child.excess_blob_gas, expected=expected)


def check_no_work(child: ExecutionHeader) -> None:
    """EIP-3675: difficulty and nonce are zero, and there are no ommers."""
    got = (child.difficulty, child.nonce, child.ommers_hash)
    if got != (0, bytes(8), _NO_OMMERS):
        raise ValueMismatch("difficulty, nonce and ommers", got=got, expected=(0, bytes(8), _NO_OMMERS))
