"""XXH64, by which runtimes name their storage: for tests that hold the constants of the product to the names.

Source: xxHash specification 0.1.1, "XXH64 algorithm description"; Substrate's twox hashes take seeds from 0 on.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)


def twox64(data: bytes) -> bytes:
    return xxh64(data, seed=0).to_bytes(8, "little")


def twox128(name: str) -> bytes:
    return b"".join(xxh64(name.encode(), seed=seed).to_bytes(8, "little") for seed in (0, 1))


def xxh64(data: bytes, *, seed: int) -> int:
    """For inputs below 32 bytes, which names are."""
    assert len(data) < 32, "the stripes of longer inputs are not needed"
    digest = (seed + _P5 + len(data)) & _MASK
    at = 0
    while at + 8 <= len(data):
        lane = _rotate(_word(data, at, 8) * _P2, 31) * _P1 & _MASK
        digest = (_rotate(digest ^ lane, 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= len(data):
        digest = (_rotate(digest ^ (_word(data, at, 4) * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        digest = _rotate(digest ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    digest = (digest ^ digest >> 33) * _P2 & _MASK
    digest = (digest ^ digest >> 29) * _P3 & _MASK
    return digest ^ digest >> 32


def _word(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(data[at : at + length], "little")


def _rotate(value: int, bits: int) -> int:
    value &= _MASK
    return (value << bits | value >> (64 - bits)) & _MASK
