"""SCALE, the encoding of everything in Substrate: little-endian integers, compact lengths, no field names.

The bytes do not describe themselves: who reads them says what comes next and how much of it at most. Compact
integers have more than one form for a number; only the shortest is accepted, so that a value has one encoding.
Source: Polkadot specification, appendix A.2.2 "SCALE codec" and parity-scale-codec 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from proofs.errors import LimitExceeded, MalformedProof

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

# The two low bits of a compact integer's first byte: how many bytes there are.
_ONE_BYTE: Final = 0
_TWO_BYTES: Final = 1
_FOUR_BYTES: Final = 2
_MODE_BITS: Final = 2
# The upper six bits of the long form count the bytes above four.
_LONG_BYTES_MIN: Final = 4


class ScaleReader:
    """Reads values one after the other. `part` names the whole in refusals.

    >>> reader = ScaleReader(bytes.fromhex("0800010002"))
    >>> reader.vector(reader.u16, limit=2)
    (256, 512)
    >>> reader.end()
    """

    __slots__ = ("_data", "_part", "_position")

    def __init__(self, data: bytes, part: str = "SCALE") -> None:
        self._data = data
        self._part = part
        self._position = 0

    @property
    def remaining(self) -> int:
        """How many bytes are not read yet."""
        return len(self._data) - self._position

    def fixed(self, length: int) -> bytes:
        """The next `length` bytes as they stand. Raises MalformedProof."""
        start = self._position
        stop = start + length
        if stop > len(self._data):
            raise MalformedProof(self._part, got=f"{self.remaining} bytes left", expected=f"{length} more")
        self._position = stop
        return self._data[start:stop]

    def ahead(self) -> bytes:
        """All bytes that are not read yet, without reading them."""
        return self._data[self._position :]

    def u8(self) -> int:
        return self.fixed(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.fixed(2), "little")

    def u32(self) -> int:
        return int.from_bytes(self.fixed(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.fixed(8), "little")

    def u128(self) -> int:
        return int.from_bytes(self.fixed(16), "little")

    def boolean(self) -> bool:
        return self.variant(2) == 1

    def variant(self, count: int) -> int:
        """The index of an enumeration of `count` variants that are numbered from zero. Raises MalformedProof."""
        index = self.u8()
        if index >= count:
            raise MalformedProof(self._part, got=f"variant {index}", expected=f"below {count}")
        return index

    def compact(self, *, bits: int = 64) -> int:
        """A compact integer of at most `bits` bits in its shortest form. Raises MalformedProof."""
        first = self.u8()
        mode = first & 3
        # Always the shortest, and never too large: every caller has room for six bits.
        if mode == _ONE_BYTE:
            return first >> _MODE_BITS
        if mode == _TWO_BYTES:
            value, smallest = (first | self.u8() << 8) >> _MODE_BITS, 1 << 6
        elif mode == _FOUR_BYTES:
            value, smallest = (first | int.from_bytes(self.fixed(3), "little") << 8) >> _MODE_BITS, 1 << 14
        else:
            length = (first >> _MODE_BITS) + _LONG_BYTES_MIN
            value = int.from_bytes(self.fixed(length), "little")
            smallest = 1 << max(30, 8 * (length - 1))
        if value < smallest:
            raise MalformedProof(f"{self._part} compact", got=value, expected="the shortest form")
        if value >> bits:
            raise MalformedProof(f"{self._part} compact", got=value, expected=f"at most {bits} bits")
        return value

    def bytes_(self, *, limit: int) -> bytes:
        """A byte string (`Vec<u8>`) of at most `limit` bytes. Raises MalformedProof, LimitExceeded."""
        return self.fixed(self._count("bytes", limit))

    def vector(self, read: Callable[[], T], *, limit: int) -> tuple[T, ...]:
        """A vector of at most `limit` items, each read by `read`. Raises MalformedProof, LimitExceeded."""
        return tuple([read() for _ in range(self._count("items", limit))])

    def option(self, read: Callable[[], T]) -> T | None:
        """Nothing, or what `read` reads. Not for booleans, which an option packs into one byte."""
        return read() if self.boolean() else None

    def end(self) -> None:
        """Nothing may follow. Raises MalformedProof."""
        if self.remaining:
            raise MalformedProof(self._part, got=f"{self.remaining} bytes more", expected="the end")

    def _count(self, what: str, limit: int) -> int:
        count = self.compact(bits=32)
        if count > limit:
            raise LimitExceeded(f"{self._part} {what}", got=count, limit=limit)
        return count


def encode_u8(value: int) -> bytes:
    return value.to_bytes(1, "little")


def encode_u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def encode_u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def encode_u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def encode_u128(value: int) -> bytes:
    return value.to_bytes(16, "little")


def encode_compact(value: int) -> bytes:
    """A compact integer in its shortest form.

    >>> [encode_compact(n).hex() for n in (1, 64, 65_535, 1 << 30, 1 << 32)]
    ['04', '0101', 'feff0300', '0300000040', '070000000001']
    """
    assert 0 <= value < 1 << 536, "SCALE has no compact form for more than 67 bytes"
    if value < 1 << 6:
        return encode_u8(value << _MODE_BITS | _ONE_BYTE)
    if value < 1 << 14:
        return encode_u16(value << _MODE_BITS | _TWO_BYTES)
    if value < 1 << 30:
        return encode_u32(value << _MODE_BITS | _FOUR_BYTES)
    length = max(_LONG_BYTES_MIN, (value.bit_length() + 7) // 8)
    return encode_u8((length - _LONG_BYTES_MIN) << _MODE_BITS | 3) + value.to_bytes(length, "little")


def encode_bytes(value: bytes) -> bytes:
    """A byte string with its length in front (`Vec<u8>`)."""
    return encode_compact(len(value)) + value


def encode_vector(items: Sequence[bytes]) -> bytes:
    """A vector of items that are encoded already."""
    return encode_compact(len(items)) + b"".join(items)


def encode_option(encoded: bytes | None) -> bytes:
    """An option of something that is encoded already."""
    return b"\x00" if encoded is None else b"\x01" + encoded
