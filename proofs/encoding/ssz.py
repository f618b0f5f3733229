"""Strict SSZ: one encoding per value, and the hash tree root of a value, from types written as data.

A type is a value of one of the classes below. `decode` takes exactly the bytes of one value: wrong sizes, gaps, offsets
that are not where they must be, set padding bits and trailing bytes are refused. Nothing is allocated beyond the bytes
at hand, because the count of a list follows from its bytes and is bounded before its elements are read; depth is that
of the type, which is ours.
Source: consensus-specs, ssz/simple-serialize.md.

>>> UINT64.encode(5).hex()
'0500000000000000'
>>> Bitlist(8).decode(bytes([0b1101]))
(True, False, True)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

from proofs.encoding.ssz_layout import check_within_limit, join_parts, split_fields, split_items
from proofs.errors import MalformedProof
from proofs.merkle.ssz_tree import CHUNK_BYTES, hash_pairs, merkle_root, mix_in_length, pad_to_chunks, tree_depth

T = TypeVar("T")


class SszType(Protocol[T]):
    """`size`: encoded bytes of every value, or None where values differ in size."""

    @property
    def size(self) -> int | None: ...

    def decode(self, data: bytes) -> T: ...

    def encode(self, value: T) -> bytes: ...

    def root(self, value: T) -> bytes: ...


def check_exact_size(data: bytes, *, size: int, part: str) -> None:
    """A value of fixed size has exactly its bytes: truncated and trailing bytes are both refused."""
    if len(data) != size:
        raise MalformedProof(f"{part} bytes", got=len(data), expected=size)


@dataclass(frozen=True, slots=True)
class Uint:
    """`size` bytes, little-endian."""

    size: int

    def decode(self, data: bytes) -> int:
        check_exact_size(data, size=self.size, part="uint")
        return int.from_bytes(data, "little")

    def encode(self, value: int) -> bytes:
        return value.to_bytes(self.size, "little")

    def root(self, value: int) -> bytes:
        return value.to_bytes(CHUNK_BYTES, "little")


@dataclass(frozen=True, slots=True)
class Boolean:
    size: int = 1

    def decode(self, data: bytes) -> bool:
        check_exact_size(data, size=1, part="boolean")
        check_is_zero_or_one(data[0])
        return data[0] == 1

    def encode(self, value: bool) -> bytes:  # noqa: FBT001  # a value of this type, not a flag
        return bytes([value])

    def root(self, value: bool) -> bytes:  # noqa: FBT001  # as above
        return bytes([value]).ljust(CHUNK_BYTES, b"\0")


def check_is_zero_or_one(byte: int) -> None:
    """Any other byte would be a second encoding of true."""
    if byte > 1:
        raise MalformedProof("boolean", got=byte, expected="0 or 1")


@dataclass(frozen=True, slots=True)
class ByteVector:
    size: int

    def decode(self, data: bytes) -> bytes:
        check_exact_size(data, size=self.size, part="byte vector")
        return data

    def encode(self, value: bytes) -> bytes:
        assert len(value) == self.size, "values of this type have one size"
        return value

    def root(self, value: bytes) -> bytes:
        if self.size <= CHUNK_BYTES:
            return value.ljust(CHUNK_BYTES, b"\0")
        return merkle_root(pad_to_chunks(value), limit=-(-self.size // CHUNK_BYTES))


@dataclass(frozen=True, slots=True)
class ByteList:
    limit: int
    size: None = None

    def decode(self, data: bytes) -> bytes:
        check_within_limit(len(data), limit=self.limit, part="byte list")
        return data

    def encode(self, value: bytes) -> bytes:
        return value

    def root(self, value: bytes) -> bytes:
        return mix_in_length(merkle_root(pad_to_chunks(value), limit=-(-self.limit // CHUNK_BYTES)), len(value))


@dataclass(frozen=True, slots=True)
class PackedVector:
    """`count` byte vectors of `item_bytes` each, kept side by side: 512 public keys are one value, not 512."""

    item_bytes: int
    count: int

    @property
    def size(self) -> int:
        return self.item_bytes * self.count

    def decode(self, data: bytes) -> bytes:
        check_exact_size(data, size=self.size, part="packed vector")
        return data

    def encode(self, value: bytes) -> bytes:
        assert len(value) == self.size, "values of this type have one size"
        return value

    def root(self, value: bytes) -> bytes:
        # All items at once, level by level: 512 calls for 512 keys cost more than their hashes.
        size, depth = self.item_bytes, tree_depth(-(-self.item_bytes // CHUNK_BYTES))
        padding = bytes((CHUNK_BYTES << depth) - size)
        level = b"".join([value[at : at + size] + padding for at in range(0, self.size, size)])
        for _ in range(depth):
            level = hash_pairs(level)
        return merkle_root(level, limit=self.count)


@dataclass(frozen=True, slots=True)
class Bitvector:
    length: int

    def __post_init__(self) -> None:
        check_type_not_empty(self.length, part="bitvector type")

    @property
    def size(self) -> int:
        return -(-self.length // 8)

    def decode(self, data: bytes) -> tuple[bool, ...]:
        check_exact_size(data, size=self.size, part="bitvector")
        check_padding_bits(data, length=self.length)
        return _bits(data, self.length)

    def encode(self, value: Sequence[bool]) -> bytes:
        assert len(value) == self.length, "values of this type have one size"
        return _bit_bytes(value, self.size)

    def root(self, value: Sequence[bool]) -> bytes:
        return merkle_root(pad_to_chunks(self.encode(value)), limit=-(-self.length // 256))


def check_type_not_empty(count: int, *, part: str) -> None:
    """SSZ has no vectors of nothing: their encodings would be no bytes at all."""
    if count < 1:
        raise MalformedProof(part, got=count, expected="at least 1")


def check_padding_bits(data: bytes, *, length: int) -> None:
    """Bits above the length are zero, or one value had many encodings."""
    if int.from_bytes(data, "little") >> length:
        raise MalformedProof("bitvector padding", got=data[-1], expected="zero bits")


@dataclass(frozen=True, slots=True)
class Bitlist:
    limit: int
    size: None = None

    def decode(self, data: bytes) -> tuple[bool, ...]:
        check_bitlist_delimiter(data)
        length = int.from_bytes(data, "little").bit_length() - 1
        check_within_limit(length, limit=self.limit, part="bitlist")
        return _bits(data, length)

    def encode(self, value: Sequence[bool]) -> bytes:
        return _bit_bytes((*value, True), len(value) // 8 + 1)

    def root(self, value: Sequence[bool]) -> bytes:
        bits = _bit_bytes(value, -(-len(value) // 8))
        return mix_in_length(merkle_root(pad_to_chunks(bits), limit=-(-self.limit // 256)), len(value))


def check_bitlist_delimiter(data: bytes) -> None:
    """The last byte holds the bit that marks the end, so it is never zero and never missing."""
    if not data or not data[-1]:
        raise MalformedProof("bitlist delimiter", got=data[-1:], expected="a set bit in the last byte")


_BITS_OF: Final = tuple(tuple(bool(byte >> at & 1) for at in range(8)) for byte in range(256))


def _bits(data: bytes, length: int) -> tuple[bool, ...]:
    """Byte by byte: shifting one huge integer per bit would be quadratic on a hostile list."""
    return tuple(itertools.chain.from_iterable(map(_BITS_OF.__getitem__, data)))[:length]


def _bit_bytes(bits: Sequence[bool], size: int) -> bytes:
    packed = bytearray(size)
    for at, bit in enumerate(bits):
        packed[at >> 3] |= bit << (at & 7)
    return bytes(packed)


@dataclass(frozen=True, slots=True)
class Vector(Generic[T]):
    item: SszType[T]
    count: int

    def __post_init__(self) -> None:
        check_type_not_empty(self.count, part="vector type")

    @property
    def size(self) -> int | None:
        return None if self.item.size is None else self.item.size * self.count

    def decode(self, data: bytes) -> tuple[T, ...]:
        parts = split_items(data, item_size=self.item.size)
        if len(parts) != self.count:
            raise MalformedProof("vector items", got=len(parts), expected=self.count)
        return tuple(map(_reader_of_cut(self.item) or _as_it_is, parts))

    def encode(self, value: Sequence[T]) -> bytes:
        assert len(value) == self.count, "values of this type have one count"
        return join_parts([(self.item.size, self.item.encode(each)) for each in value])

    def root(self, value: Sequence[T]) -> bytes:
        return _items_root(self.item, value, count=self.count)


@dataclass(frozen=True, slots=True)
class List(Generic[T]):
    item: SszType[T]
    limit: int
    size: None = None

    def decode(self, data: bytes) -> tuple[T, ...]:
        parts = split_items(data, item_size=self.item.size, limit=self.limit)
        check_within_limit(len(parts), limit=self.limit, part="list")
        return tuple(map(self.item.decode, parts))

    def encode(self, value: Sequence[T]) -> bytes:
        return join_parts([(self.item.size, self.item.encode(each)) for each in value])

    def root(self, value: Sequence[T]) -> bytes:
        return mix_in_length(_items_root(self.item, value, count=self.limit), len(value))


def _items_root(item: SszType[T], value: Sequence[T], *, count: int) -> bytes:
    if isinstance(item, Uint | Boolean):
        packed = pad_to_chunks(b"".join(map(item.encode, value)))
        return merkle_root(packed, limit=-(-count * item.size // CHUNK_BYTES))
    return merkle_root(b"".join(map(item.root, value)), limit=count)


def _reader_of_cut(kind: SszType[Any]) -> Callable[[bytes], Any] | None:
    """How to read a part that was cut to the size of its type; None: as it is. Nothing is left to check in most."""
    if isinstance(kind, ByteVector):
        return None
    return _read_uint if isinstance(kind, Uint) else kind.decode


def _as_it_is(part: bytes) -> Any:
    return part


_read_uint: Final = partial(int.from_bytes, byteorder="little")


@dataclass(frozen=True, slots=True)
class Container(Generic[T]):
    """Named fields in order. `build` makes the value from keyword arguments; fields are read back as attributes."""

    build: Callable[..., T]
    fields: Mapping[str, SszType[Any]]
    sizes: tuple[int | None, ...] = field(init=False, repr=False)
    size: int | None = field(init=False, repr=False)
    readers: tuple[Callable[[bytes], Any] | None, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sizes = tuple(each.size for each in self.fields.values())
        whole = None if None in sizes else sum(size for size in sizes if size is not None)
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "size", whole)
        object.__setattr__(self, "readers", tuple(map(_reader_of_cut, self.fields.values())))

    def decode(self, data: bytes) -> T:
        parts = split_fields(data, sizes=self.sizes)
        named = zip(self.fields, self.readers, parts, strict=True)
        return self.build(**{name: part if read is None else read(part) for name, read, part in named})

    def encode(self, value: T) -> bytes:
        return join_parts([(kind.size, kind.encode(getattr(value, name))) for name, kind in self.fields.items()])

    def root(self, value: T) -> bytes:
        roots = [kind.root(getattr(value, name)) for name, kind in self.fields.items()]
        return merkle_root(b"".join(roots), limit=len(roots))


UINT8: Final = Uint(1)
UINT64: Final = Uint(8)
UINT256: Final = Uint(32)
BYTES4: Final = ByteVector(4)
BYTES20: Final = ByteVector(20)
BYTES32: Final = ByteVector(32)
