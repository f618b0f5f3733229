"""A reader for Bitcoin's serialisation: it moves forward over one buffer, and refuses what no node would write.

Source: Bitcoin Core serialize.h (CompactSize; non-canonical forms are refused there as well).
"""

from __future__ import annotations

from typing import Final

from proofs.errors import MalformedProof

# First byte → how many bytes follow, and the least number that needs them.
_LONG_FORMS: Final = {0xFD: (2, 0xFD), 0xFE: (4, 1 << 16), 0xFF: (8, 1 << 32)}


class Reader:
    """`part` names the bytes in refusals."""

    __slots__ = ("_data", "_part", "at")

    def __init__(self, data: bytes, part: str) -> None:
        self._data = data
        self._part = part
        self.at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.at

    def take(self, count: int) -> bytes:
        check_enough_bytes(self.left, count, self._part)
        start = self.at
        self.at += count
        return self._data[start : self.at]

    def number(self, size: int) -> int:
        """An unsigned little-endian number of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def compact_size(self) -> int:
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        size, least = _LONG_FORMS[first]
        value = self.number(size)
        check_is_minimal(value, least, self._part)
        return value

    def count(self, *, item_bytes: int) -> int:
        """A number of items of at least `item_bytes` each: more than fit into the rest are refused at once."""
        count = self.compact_size()
        check_enough_bytes(self.left, count * item_bytes, self._part)
        return count

    def bytes(self) -> bytes:
        """A length and that many bytes."""
        return self.take(self.compact_size())

    def end(self) -> None:
        check_no_bytes_left(self.left, self._part)


def check_enough_bytes(left: int, wanted: int, part: str) -> None:
    """Truncated, or a length that lies."""
    if wanted > left:
        raise MalformedProof(part, got=f"{left} bytes left", expected=f"{wanted} bytes")


def check_is_minimal(value: int, least: int, part: str) -> None:
    """serialize.h, non-canonical ReadCompactSize: one number, one form."""
    if value < least:
        raise MalformedProof(f"{part} length", got=value, expected=f"at least {least} in this form")


def check_no_bytes_left(left: int, part: str) -> None:
    if left:
        raise MalformedProof(part, got=f"{left} trailing bytes", expected="none")


def compact_size(value: int) -> bytes:
    if value < 0xFD:
        return bytes((value,))
    first, size = next((first, size) for first, (size, _) in _LONG_FORMS.items() if value < 1 << 8 * size)
    return bytes((first,)) + value.to_bytes(size, "little")
