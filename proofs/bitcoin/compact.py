"""Targets in four bytes: an exponent of base 256 and a signed mantissa of three bytes.

Source: Bitcoin Core arith_uint256.cpp, SetCompact and GetCompact; validation of chain work in chain.cpp.
"""

from __future__ import annotations

from typing import Final

from proofs.errors import MalformedProof

_SIGN: Final = 0x0080_0000
_MANTISSA: Final = 0x007F_FFFF
_HASHES: Final = 1 << 256


def decode_compact(bits: int) -> int:
    """Return the target, which may be 0. Raises MalformedProof for a negative one and for one above 256 bits."""
    mantissa = bits & _MANTISSA
    exponent = bits >> 24
    # Digits below the point are lost before sign and size are looked at: 0x01803456 is zero, not negative.
    target = mantissa >> 8 * (3 - exponent) if exponent <= 3 else mantissa << 8 * (exponent - 3)
    check_is_not_negative(bits, target)
    check_fits_256_bits(bits, target)
    return target


def check_is_not_negative(bits: int, target: int) -> None:
    """A sign bit beside a value makes no target. Source: pow.cpp, DeriveTarget."""
    if target and bits & _SIGN:
        raise MalformedProof("compact target", got=f"{bits:#010x}", expected="no sign")


def check_fits_256_bits(bits: int, target: int) -> None:
    """No hash is that large. Source: pow.cpp, DeriveTarget."""
    if target >= _HASHES:
        raise MalformedProof("compact target", got=f"{bits:#010x}", expected="at most 256 bits")


def encode_compact(target: int) -> int:
    """The one canonical form; digits beyond the mantissa are cut off."""
    exponent = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - exponent) if exponent <= 3 else target >> 8 * (exponent - 3)
    if mantissa & _SIGN:
        mantissa >>= 8
        exponent += 1
    return exponent << 24 | mantissa


def work_of(target: int) -> int:
    """How many hashes it takes on average to get below the target."""
    return _HASHES // (target + 1)
