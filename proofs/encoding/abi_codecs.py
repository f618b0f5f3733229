"""The codecs of Solidity's types: how each is written, and the one way it is read.

`head` is the fixed part side by side with its neighbours; what has no fixed size stands in the tail, and its head holds
the offset. Source: Solidity documentation, "Contract ABI Specification", strict encoding mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from proofs.errors import MalformedProof

_WORD: Final = 32
_ZERO: Final = bytes(_WORD)
# Decoded values are as varied as the descriptions; the codec has checked each against its own.
Value: TypeAlias = Any


class Codec(Protocol):
    """head_size: bytes in the head of what encloses it; dynamic: they hold an offset, the value is in the tail."""

    @property
    def head_size(self) -> int: ...

    @property
    def dynamic(self) -> bool: ...

    def write(self, value: Value) -> bytes: ...

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        """The value that stands at `at`, and where it ends."""
        ...


def _word(data: bytes, at: int) -> bytes:
    word = data[at : at + _WORD]
    if len(word) != _WORD:
        raise MalformedProof("ABI word", got=len(word), expected=_WORD)
    return word


def _size(data: bytes, at: int, part: str) -> int:
    """A length that the rest of the data could hold at all, one byte an item: nothing grows with more."""
    size = int.from_bytes(_word(data, at), "big")
    if size > len(data) - at - _WORD:
        raise MalformedProof(part, got=size, expected=f"at most {len(data) - at - _WORD}")
    return size


@dataclass(frozen=True, slots=True)
class IntCodec:
    name: str
    bits: int
    signed: bool
    head_size: int = _WORD
    dynamic: bool = False

    def write(self, value: Value) -> bytes:
        self._check_range(value)
        return int(value).to_bytes(_WORD, "big", signed=self.signed)

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        value = int.from_bytes(_word(data, at), "big", signed=self.signed)
        self._check_range(value)
        return value, at + _WORD

    def _check_range(self, value: int) -> None:
        low, high = (-(1 << self.bits - 1), 1 << self.bits - 1) if self.signed else (0, 1 << self.bits)
        if not low <= value < high:
            raise MalformedProof(f"ABI {self.name}", got=hex(value), expected=f"{self.bits} bits")


@dataclass(frozen=True, slots=True)
class BoolCodec:
    head_size: int = _WORD
    dynamic: bool = False

    def write(self, value: Value) -> bytes:
        return (1 if value else 0).to_bytes(_WORD, "big")

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        number = int.from_bytes(_word(data, at), "big")
        if number > 1:
            raise MalformedProof("ABI bool", got=hex(number), expected="0 or 1")
        return number == 1, at + _WORD


@dataclass(frozen=True, slots=True)
class AddressCodec:
    """20 bytes at the right of the word, as Solidity treats them: a number."""

    head_size: int = _WORD
    dynamic: bool = False

    def write(self, value: Value) -> bytes:
        _check_length("ABI address", value, 20)
        return _ZERO[:12] + bytes(value)

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        word = _word(data, at)
        if any(word[:12]):
            raise MalformedProof("ABI address", got=word, expected="12 zero bytes before it")
        return word[12:], at + _WORD


@dataclass(frozen=True, slots=True)
class FixedBytesCodec:
    size: int
    head_size: int = _WORD
    dynamic: bool = False

    def write(self, value: Value) -> bytes:
        _check_length(f"ABI bytes{self.size}", value, self.size)
        return bytes(value) + _ZERO[self.size :]

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        word = _word(data, at)
        if any(word[self.size :]):
            raise MalformedProof(f"ABI bytes{self.size}", got=word, expected="zeros after it")
        return word[: self.size], at + _WORD


@dataclass(frozen=True, slots=True)
class BytesCodec:
    head_size: int = _WORD
    dynamic: bool = True

    def write(self, value: Value) -> bytes:
        return len(value).to_bytes(_WORD, "big") + bytes(value) + bytes(-len(value) % _WORD)

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        size = _size(data, at, "ABI bytes length")
        start = at + _WORD
        end = start + size + -size % _WORD
        if end > len(data):
            raise MalformedProof("ABI bytes", got=len(data), expected=end)
        if any(data[start + size : end]):
            raise MalformedProof("ABI bytes padding", got=data[start + size : end], expected="zeros")
        return data[start : start + size], end


@dataclass(frozen=True, slots=True)
class StringCodec:
    head_size: int = _WORD
    dynamic: bool = True

    def write(self, value: Value) -> bytes:
        return _BYTES.write(value.encode())

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        text, end = _BYTES.read(data, at)
        try:
            return text.decode("utf-8"), end
        except UnicodeDecodeError:
            raise MalformedProof("ABI string", got=text, expected="UTF-8") from None


class TupleCodec:
    """Heads side by side, then the tails of the dynamic parts in the same order."""

    __slots__ = ("_heads", "_parts", "dynamic", "head_size")

    def __init__(self, parts: tuple[Codec, ...]) -> None:
        self._parts = parts
        self._heads = sum(part.head_size for part in parts)
        self.dynamic = any(part.dynamic for part in parts)
        self.head_size = _WORD if self.dynamic else self._heads

    def write(self, value: Value) -> bytes:
        _check_count("ABI tuple", value, len(self._parts))
        return _write_all(self._parts, value, self._heads)

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        return _read_all(self._parts, data, at, at + self._heads)


@dataclass(frozen=True, slots=True)
class FixedArrayCodec:
    item: Codec
    count: int

    @property
    def dynamic(self) -> bool:
        return self.item.dynamic

    @property
    def head_size(self) -> int:
        return _WORD if self.dynamic else self.count * self.item.head_size

    def write(self, value: Value) -> bytes:
        _check_count("ABI array", value, self.count)
        return _write_all((self.item,) * self.count, value, self.count * self.item.head_size)

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        return _read_all((self.item,) * self.count, data, at, at + self.count * self.item.head_size)


@dataclass(frozen=True, slots=True)
class ArrayCodec:
    item: Codec
    head_size: int = _WORD
    dynamic: bool = True

    def write(self, value: Value) -> bytes:
        size = len(value)
        return size.to_bytes(_WORD, "big") + _write_all((self.item,) * size, value, size * self.item.head_size)

    def read(self, data: bytes, at: int) -> tuple[Value, int]:
        size = _size(data, at, "ABI array length")
        start = at + _WORD
        heads_end = start + size * self.item.head_size
        if heads_end > len(data):
            raise MalformedProof("ABI array", got=size, expected="as many items as there is data for")
        return _read_all((self.item,) * size, data, start, heads_end)


def _write_all(parts: Sequence[Codec], values: Sequence[Value], heads_size: int) -> bytes:
    heads, tails, tail_at = [], [], heads_size
    for part, value in zip(parts, values, strict=True):
        written = part.write(value)
        if part.dynamic:
            heads.append(tail_at.to_bytes(_WORD, "big"))
            tails.append(written)
            tail_at += len(written)
        else:
            heads.append(written)
    return b"".join(heads + tails)


def _read_all(parts: Sequence[Codec], data: bytes, start: int, heads_end: int) -> tuple[Value, int]:
    values, head, tail = [], start, heads_end
    for part in parts:
        if part.dynamic:
            check_offset(int.from_bytes(_word(data, head), "big"), expected=tail - start)
            value, tail = part.read(data, tail)
            head += _WORD
        else:
            value, head = part.read(data, head)
        values.append(value)
    return tuple(values), tail


def check_offset(offset: int, *, expected: int) -> None:
    """Strict encoding mode: a tail starts where the one before it ended. No gap, no overlap, no way back."""
    if offset != expected:
        raise MalformedProof("ABI offset", got=hex(offset), expected=hex(expected))


def _check_length(part: str, value: bytes, size: int) -> None:
    if len(value) != size:
        raise MalformedProof(part, got=len(value), expected=size)


def _check_count(part: str, values: Sequence[Value], count: int) -> None:
    if len(values) != count:
        raise MalformedProof(part, got=len(values), expected=count)


_BYTES: Final = BytesCodec()
PLAIN: Final[Mapping[str, Codec]] = {
    "bool": BoolCodec(),
    "address": AddressCodec(),
    "bytes": _BYTES,
    "string": StringCodec(),
}
