"""Protobuf fields left out or rewritten in place: hashes and signatures are over messages with some fields blanked.

The rest stays byte for byte, so nothing is hashed that was not received. For bytes that a strict decoder accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from proofs.encoding.protobuf import message_field
from proofs.errors import MalformedProof


@dataclass(frozen=True, slots=True)
class _Slice:
    """One field: start to end with its key; value_start: where a length-delimited value begins."""

    number: int
    wire: int
    start: int
    value_start: int
    end: int


def without(encoded: bytes, numbers: AbstractSet[int]) -> bytes:
    """The message with these fields absent."""
    return b"".join(encoded[each.start : each.end] for each in _fields(encoded) if each.number not in numbers)


def replaced(encoded: bytes, number: int, change: Callable[[bytes], bytes]) -> bytes:
    """The message with the value of one length-delimited field changed, where it is present."""
    return b"".join(
        message_field(number, change(encoded[each.value_start : each.end]))
        if each.number == number and each.wire == 2
        else encoded[each.start : each.end]
        for each in _fields(encoded)
    )


def _fields(encoded: bytes) -> Iterator[_Slice]:
    position = 0
    while position < len(encoded):
        start = position
        key, position = _varint(encoded, position)
        value_start = position
        wire = key & 7
        if wire == 0:
            _, position = _varint(encoded, position)
        elif wire == 2:
            size, value_start = _varint(encoded, position)
            position = value_start + size
        else:
            raise MalformedProof("protobuf field", got=f"wire type {wire}", expected="a varint or a length")
        if position > len(encoded):
            raise MalformedProof("protobuf field", got="truncated", expected="a whole message")
        yield _Slice(key >> 3, wire, start, value_start, position)


def _varint(encoded: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(encoded):
            break
        byte = encoded[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise MalformedProof("protobuf field", got="no varint", expected="a whole varint")
