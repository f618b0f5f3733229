"""Solidity's ABI, both ways, driven by type descriptions such as "(uint64,string,bytes[])".

A description is parsed once into codecs. Encoding is what `abi.encode` gives; decoding takes that one layout only: each
offset points exactly where the tail before it ended, padding is zero, nothing is left over. So two readers cannot
disagree about the same bytes, and overlapping tails cannot make small data large.

A description names a parameter list: `abi.encode(a, b)` is "(uint64,string)", `abi.encode(struct)` has two pairs of
parentheses, "((uint64,string))".
Values: int, bool, str (string), bytes (bytes, bytesN, 20-byte address), tuples for arrays and tuples.
Descriptions are ours, so a wrong one is a bug (ValueError); data is not, so wrong data is a MalformedProof.

Source: Solidity documentation, "Contract ABI Specification", strict encoding mode.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from proofs.encoding.abi_codecs import (
    PLAIN,
    ArrayCodec,
    Codec,
    FixedArrayCodec,
    FixedBytesCodec,
    IntCodec,
    TupleCodec,
    Value,
)
from proofs.errors import MalformedProof
from proofs.primitives.hashing import keccak256


def encode(types: str, values: Sequence[Value]) -> bytes:
    """abi.encode of a parameter list.

    >>> encode("(uint64,bool)", (5, True)).hex().lstrip("0")
    '50000000000000000000000000000000000000000000000000000000000000001'
    """
    return parse(types).write(values)


def decode(types: str, data: bytes) -> tuple[Value, ...]:
    """The parameter list that all of `data` encodes. Raises MalformedProof."""
    values, end = parse(types).read(data, 0)
    if end != len(data):
        raise MalformedProof("ABI data", got=len(data), expected=end)
    decoded: tuple[Value, ...] = values
    return decoded


def selector(signature: str) -> bytes:
    """The first 4 bytes of a call.

    >>> selector("multicall(bytes[])").hex()
    'ac9650d8'
    """
    return keccak256(signature.encode())[:4]


def event_topic(signature: str) -> bytes:
    """The first topic of an event.

    >>> event_topic("Noop()").hex()[:8]
    'd08bf58b'
    """
    return keccak256(signature.encode())


def encode_call(signature: str, values: Sequence[Value]) -> bytes:
    """Calldata of a function such as "multicall(bytes[])"."""
    return selector(signature) + encode(signature[signature.index("(") :], values)


def decode_call(signature: str, data: bytes) -> tuple[Value, ...]:
    """The arguments of calldata. Raises MalformedProof, also for another function's."""
    if data[:4] != selector(signature):
        raise MalformedProof("ABI selector", got=data[:4], expected=selector(signature))
    return decode(signature[signature.index("(") :], data[4:])


@lru_cache(maxsize=512)
def parse(types: str) -> TupleCodec:
    """The codec of a parameter list. Raises ValueError for a description that is none."""
    codec, end = _parse_type(types, 0)
    if end != len(types) or not isinstance(codec, TupleCodec):
        raise ValueError(f"not a list of ABI types: {types!r}")
    return codec


def _parse_type(types: str, at: int) -> tuple[Codec, int]:
    codec: Codec
    if types.startswith("(", at):
        codec, at = _parse_tuple(types, at + 1)
    else:
        name = _NAME.match(types, at)
        if name is None:
            raise ValueError(f"no ABI type at {at} in {types!r}")
        codec, at = _elementary(name.group()), name.end()
    while suffix := _ARRAY.match(types, at):
        count = suffix.group(1)
        if count == "0" or codec.head_size == 0:
            raise ValueError(f"items without size in {types!r}: data could claim any number of them")
        codec = FixedArrayCodec(codec, int(count)) if count else ArrayCodec(codec)
        at = suffix.end()
    return codec, at


def _parse_tuple(types: str, at: int) -> tuple[Codec, int]:
    parts: list[Codec] = []
    if types.startswith(")", at):
        return TupleCodec(()), at + 1
    while True:
        part, at = _parse_type(types, at)
        parts.append(part)
        if types.startswith(")", at):
            return TupleCodec(tuple(parts)), at + 1
        if not types.startswith(",", at):
            raise ValueError(f"no end of tuple at {at} in {types!r}")
        at += 1


_NAME: Final = re.compile(r"[a-z]+[0-9]*")
_ARRAY: Final = re.compile(r"\[([0-9]*)\]")


def _elementary(name: str) -> Codec:
    if name in PLAIN:
        return PLAIN[name]
    kind = name.rstrip("0123456789")
    size = int(name[len(kind) :] or 0)
    if kind in ("uint", "int") and size in range(8, 257, 8):
        return IntCodec(name, size, signed=kind == "int")
    if kind == "bytes" and size in range(1, 33):
        return FixedBytesCodec(size)
    raise ValueError(f"not an ABI type: {name!r}")
