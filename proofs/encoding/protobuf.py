"""Protobuf, strictly: one reader driven by hand-written schemas, and a small writer.

Ordinary protobuf libraries drop what they do not know and let the last of two values win, so two readers may believe
different things about the same bytes. This reader refuses unknown fields, wrong wire types, varints longer than
needed, numbers out of range, repeated occurrences of singular fields, truncation and trailing bytes.

A schema is data. `build` gets the values in the order of the field list, so a frozen dataclass fits as it is:

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, slots=True)
    ... class Point:
    ...     x: int
    ...     label: bytes
    ...     path: tuple[bytes, ...]
    >>> FIELDS = [Field(1, "x", INT64), Field(2, "label", BYTES), Field(3, "path", BYTES, repeated=True)]
    >>> POINT = Message("Point", Point, FIELDS)
    >>> encoded = varint_field(1, -1) + bytes_field(2, b"a") + repeated_bytes_field(3, [b"", b"b"])
    >>> decode(encoded, POINT, part="point")
    Point(x=-1, label=b'a', path=(b'', b'b'))

Absent singular numbers are 0, texts and bytes empty, messages None. Schemas are built bottom-up and cannot contain
themselves, so nesting is bounded by the schema.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NoReturn, TypeVar

from proofs.errors import LimitExceeded, MalformedProof

T = TypeVar("T")

_VARINT: Final = 0
_FIXED64: Final = 1
_LEN: Final = 2

_U64: Final = 1 << 64
_VARINT_BITS_MAX: Final = 70  # 64 bits in ten groups of seven
_FIELD_NUMBER_MAX: Final = (1 << 29) - 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A scalar type: how it is written, and how the raw value becomes ours. `convert` answers None to refuse."""

    name: str
    wire: int
    default: object
    convert: Callable[[Any], object] | None = None


def _as_int64(raw: int) -> int:
    return raw - _U64 if raw >> 63 else raw


def _as_int32(raw: int) -> int | None:
    # Negative numbers are written sign-extended to 64 bits.
    if raw < 1 << 31:
        return raw
    value = _as_int64(raw)
    return value if -(1 << 31) <= value < 0 else None


def _as_uint32(raw: int) -> int | None:
    return raw if raw < 1 << 32 else None


def _as_bool(raw: int) -> bool | None:
    return bool(raw) if raw < 2 else None


def _as_text(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


UINT64: Final = Kind("uint64", _VARINT, 0)
INT64: Final = Kind("int64", _VARINT, 0, _as_int64)
UINT32: Final = Kind("uint32", _VARINT, 0, _as_uint32)
INT32: Final = Kind("int32", _VARINT, 0, _as_int32)
ENUM: Final = Kind("enum", _VARINT, 0, _as_int32)  # which numbers mean something is the caller's rule
BOOL: Final = Kind("bool", _VARINT, False, _as_bool)  # noqa: FBT003 - the default of the type, not a flag
FIXED64: Final = Kind("fixed64", _FIXED64, 0)
SFIXED64: Final = Kind("sfixed64", _FIXED64, 0, _as_int64)
BYTES: Final = Kind("bytes", _LEN, b"")
STRING: Final = Kind("string", _LEN, "", _as_text)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a schema.

    kind:     a scalar kind or another schema.
    repeated: a tuple of values. Numbers are taken in packed form only, which is what proto3 writers produce.
    required: its absence is refused.
    optional: an absent scalar is None instead of its default, so that presence can be told (`oneof`, `optional`).
    limit:    the largest number of items of a repeated field, refused before the next one is read.
    run:      a faster reader of repeated messages that have a limit. Given all that follows, tags included, and how
              many to read at the most, it answers with the items at its start and how many bytes they take, maybe
              none. They have to be what this reader would have read.
    """

    number: int
    name: str
    kind: Kind | Message[Any]
    repeated: bool = False
    required: bool = False
    optional: bool = False
    limit: int | None = None
    run: Callable[[bytes, int], tuple[list[Any], int]] | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """A field, prepared for the reader's inner loop."""

    field: Field
    slot: int
    bit: int
    packed: bool
    nested: Message[Any] | None
    convert: Callable[[Any], object] | None
    default: object


@dataclass(frozen=True, slots=True)
class Message(Generic[T]):
    """A message type: its name for refusals, what makes a value of it, and its fields."""

    name: str
    build: Callable[..., T]
    fields: Sequence[Field]
    plan: dict[int, _Step] = field(init=False, repr=False)
    defaults: tuple[object, ...] = field(init=False, repr=False)
    repeated_slots: tuple[int, ...] = field(init=False, repr=False)
    required_bits: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        plan: dict[int, _Step] = {}
        for slot, each in enumerate(self.fields):
            step = _prepare(each, slot)
            wire = _LEN if step.packed or isinstance(each.kind, Message) else each.kind.wire
            assert 1 <= each.number <= _FIELD_NUMBER_MAX
            assert each.run is None or each.number < 16, "a run begins one byte before, at its tag"
            assert all(step.field.number != each.number for step in plan.values()), "a field number is used twice"
            plan[each.number << 3 | wire] = step
        object.__setattr__(self, "plan", plan)
        object.__setattr__(self, "defaults", tuple(_default(each) for each in self.fields))
        object.__setattr__(self, "repeated_slots", tuple(s for s, each in enumerate(self.fields) if each.repeated))
        object.__setattr__(self, "required_bits", sum(1 << s for s, each in enumerate(self.fields) if each.required))


def _prepare(each: Field, slot: int) -> _Step:
    kind = each.kind
    if isinstance(kind, Message):
        return _Step(each, slot, 1 << slot, packed=False, nested=kind, convert=None, default=None)
    packed = each.repeated and kind.wire != _LEN
    return _Step(each, slot, 1 << slot, packed=packed, nested=None, convert=kind.convert, default=kind.default)


def _default(each: Field) -> object:
    if each.repeated:
        return ()
    return None if each.optional or isinstance(each.kind, Message) else each.kind.default


def decode(data: bytes, message: Message[T], *, part: str, canonical: bool = False) -> T:
    """Return the value that all of `data` encodes.

    part:      what these bytes are, for refusals; the message and field names are added.
    canonical: also refuse fields out of order and defaults written out, so that only one encoding is accepted.

    Raises MalformedProof, and LimitExceeded for repeated fields with a limit.
    """
    return _Reader(data, part, canonical).message(0, len(data), message)


class _Reader:
    """Positions only ever move forward over one immutable buffer; nested messages are read in place."""

    __slots__ = ("_canonical", "_data", "_part")

    def __init__(self, data: bytes, part: str, canonical: bool) -> None:  # noqa: FBT001 - internal, one caller
        self._data = data
        self._part = part
        self._canonical = canonical

    # One loop in one piece: a call per field would double the time of a 150-signature commit.
    def message(self, position: int, end: int, message: Message[T]) -> T:  # noqa: C901, PLR0912, PLR0915 - see above
        data = self._data
        plan = message.plan
        values: list[Any] = list(message.defaults)
        seen = 0
        last_number = 0
        while position < end:
            key = data[position]
            position += 1
            if key > 0x7F:
                key, position = self._varint(position - 1, end, message.name)
            step = plan.get(key)
            if step is None:
                self._refuse_key(key, message)
            if step.field.run is not None and not seen & step.bit and not self._canonical:
                assert step.field.limit is not None, "what is read fast is bounded"
                items, size = step.field.run(data[position - 1 : end], step.field.limit + 1)
                if items:
                    self._check_count(len(items), message, step)
                    values[step.slot] = items
                    seen |= step.bit
                    position += size - 1
                    continue
            if key & 7 == _LEN:
                if position < end and data[position] < 0x80:
                    size = data[position]
                    position += 1
                else:
                    size, position = self._varint(position, end, message.name)
                start = position
                position += size
                if position > end:
                    self._refuse(message, step.field, got=size, expected=f"at most {end - start} bytes")
                if step.nested is not None:
                    value = self.message(start, position, step.nested)
                elif step.packed:
                    value = self._packed(start, position, message, step)
                else:
                    value = data[start:position]
                    if step.convert is not None:
                        value = self._convert(value, message, step)
            elif key & 7 == _VARINT:
                if position < end and data[position] < 0x80:
                    value = data[position]
                    position += 1
                else:
                    value, position = self._varint(position, end, message.name)
                if step.convert is not None:
                    raw, value = value, step.convert(value)
                    if value is None:
                        self._refuse_value(raw, message, step)
            else:
                value = self._fixed64(position, end, message, step)
                position += 8
            if self._canonical:
                self._check_canonical(value, message, step, last_number)
                last_number = step.field.number
            if step.field.repeated and not step.packed:
                self._append(values, value, message, step)
            elif seen & step.bit:
                self._refuse(message, step.field, got="twice", expected="once")
            else:
                values[step.slot] = value
            seen |= step.bit
        if message.required_bits & ~seen:
            self._refuse_absent(message, seen)
        for slot in message.repeated_slots:
            values[slot] = tuple(values[slot])
        return message.build(*values)

    def _append(self, values: list[Any], value: object, message: Message[Any], step: _Step) -> None:
        items = values[step.slot]
        if items == ():
            values[step.slot] = items = []
        items.append(value)
        self._check_count(len(items), message, step)

    def _check_count(self, count: int, message: Message[Any], step: _Step) -> None:
        limit = step.field.limit
        if limit is not None and count > limit:
            raise LimitExceeded(f"{self._part} {message.name}.{step.field.name}", got=limit + 1, limit=limit)

    def _check_canonical(self, value: object, message: Message[Any], step: _Step, last_number: int) -> None:
        """Fields ascend, defaults are left out. Source: ADR-027 of the Cosmos SDK, deterministic serialisation."""
        this = step.field
        if this.number < last_number:
            self._refuse(message, this, got=f"after field {last_number}", expected="ascending field numbers")
        is_plain_scalar = step.nested is None and not this.repeated and not this.optional
        if (is_plain_scalar and value == step.default) or (step.packed and value == ()):
            self._refuse(message, this, got="its default, written out", expected="left out")

    def _varint(self, position: int, end: int, where: str) -> tuple[int, int]:
        """Return value and next position. Base 128, least group first, at most 64 bits, no needless last group."""
        data = self._data
        value = 0
        shift = 0
        byte = 0x80
        while byte > 0x7F:
            if position >= end:
                self._refuse_varint(where, "truncated")
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if value >= _U64 or shift > _VARINT_BITS_MAX:
                self._refuse_varint(where, "over 64 bits")
        if byte == 0 and shift > 7:
            self._refuse_varint(where, "longer than needed")
        return value, position

    def _fixed64(self, position: int, end: int, message: Message[Any], step: _Step) -> object:
        if end - position < 8:
            self._refuse(message, step.field, got=f"{end - position} bytes", expected="8 bytes")
        raw = int.from_bytes(self._data[position : position + 8], "little")
        return raw if step.convert is None else step.convert(raw)

    def _packed(self, position: int, end: int, message: Message[Any], step: _Step) -> tuple[object, ...]:
        items: list[object] = []
        is_varint = isinstance(step.field.kind, Kind) and step.field.kind.wire == _VARINT
        while position < end:
            if is_varint:
                raw, position = self._varint(position, end, message.name)
                items.append(raw if step.convert is None else self._convert(raw, message, step))
            else:
                items.append(self._fixed64(position, end, message, step))
                position += 8
            self._check_count(len(items), message, step)
        return tuple(items)

    def _convert(self, raw: Any, message: Message[Any], step: _Step) -> object:
        assert step.convert is not None
        value = step.convert(raw)
        if value is None:
            self._refuse_value(raw, message, step)
        return value

    def _refuse_value(self, raw: object, message: Message[Any], step: _Step) -> NoReturn:
        assert isinstance(step.field.kind, Kind)
        self._refuse(message, step.field, got=raw, expected=step.field.kind.name)

    def _refuse(self, message: Message[Any], this: Field, *, got: object, expected: object) -> NoReturn:
        raise MalformedProof(f"{self._part} {message.name}.{this.name}", got=got, expected=expected)

    def _refuse_varint(self, where: str, got: str) -> NoReturn:
        raise MalformedProof(f"{self._part} {where}", got=f"varint {got}", expected="the shortest varint of a u64")

    def _refuse_key(self, key: int, message: Message[Any]) -> NoReturn:
        known = next((step.field for step in message.plan.values() if step.field.number == key >> 3), None)
        if known is not None:
            self._refuse(message, known, got=f"wire type {key & 7}", expected="the wire type of its kind")
        raise MalformedProof(f"{self._part} {message.name}", got=f"field {key >> 3}", expected="a known field")

    def _refuse_absent(self, message: Message[Any], seen: int) -> NoReturn:
        absent = next(f for slot, f in enumerate(message.fields) if f.required and not seen >> slot & 1)
        self._refuse(message, absent, got="absent", expected="present")


def varint(value: int) -> bytes:
    """Encode an unsigned 64-bit integer, base 128, least group first.

    >>> varint(300).hex()
    'ac02'
    """
    if 0 <= value < 0x80:
        return _ONE_BYTE[value]
    if not 0 <= value < _U64:
        raise MalformedProof("varint", got=value, expected="an unsigned 64-bit integer")
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if 0x1000_0000 <= value < 0x8_0000_0000:  # seconds of our time, and most nanoseconds: worth a line of their own
        low, high = value & 0x3FFF, value >> 14
        return bytes((low & 0x7F | 0x80, low >> 7 | 0x80, high & 0x7F | 0x80, high >> 7 & 0x7F | 0x80, high >> 14))
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


_ONE_BYTE: Final = [bytes([value]) for value in range(0x80)]


def tag(number: int, wire: int) -> bytes:
    assert 1 <= number <= _FIELD_NUMBER_MAX
    return varint(number << 3 | wire)


def length_prefixed(data: bytes) -> bytes:
    """`data` after its length: how protobuf streams and CometBFT sign-bytes delimit a message."""
    return varint(len(data)) + data


def varint_field(number: int, value: int) -> bytes:
    """Any integer, enum or bool field; 0 is left out, negative numbers take ten bytes."""
    if value == 0:
        return b""
    if not -(1 << 63) <= value < _U64:
        raise MalformedProof(f"field {number}", got=value, expected="a 64-bit integer")
    return tag(number, _VARINT) + varint(value % _U64)


def sfixed64_field(number: int, value: int) -> bytes:
    """A signed or unsigned fixed64 field, little-endian; 0 is left out."""
    if value == 0:
        return b""
    if not -(1 << 63) <= value < _U64:
        raise MalformedProof(f"field {number}", got=value, expected="a 64-bit integer")
    return tag(number, _FIXED64) + (value % _U64).to_bytes(8, "little")


def bytes_field(number: int, value: bytes) -> bytes:
    """Empty is left out."""
    return tag(number, _LEN) + varint(len(value)) + value if value else b""


def string_field(number: int, value: str) -> bytes:
    """Empty is left out."""
    return bytes_field(number, value.encode())


def message_field(number: int, encoded: bytes) -> bytes:
    """Written also when empty: an empty message is present. Leave the call out for an absent one."""
    return tag(number, _LEN) + varint(len(encoded)) + encoded


def repeated_bytes_field(number: int, values: Iterable[bytes]) -> bytes:
    """Every item is written, empty ones too. Serves repeated messages as well."""
    return b"".join(message_field(number, value) for value in values)


def packed_field(number: int, values: Iterable[int]) -> bytes:
    """Repeated integers in packed form; an empty list is left out."""
    return bytes_field(number, b"".join(varint(value % _U64) for value in values))
