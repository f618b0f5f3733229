"""As much of CBOR (RFC 8949) as vector files hold: numbers, strings, lists, maps and three constants."""

from __future__ import annotations

from typing import Any


def decode(data: bytes) -> Any:
    value, end = _item(data, 0)
    assert end == len(data), "one item is the whole file"
    return value


def _item(data: bytes, at: int) -> tuple[Any, int]:
    major, short = data[at] >> 5, data[at] & 31
    if major == 7:
        return {20: False, 21: True, 22: None}[short], at + 1
    at += 1
    argument = short
    if short >= 24:
        size = 1 << (short - 24)
        argument = int.from_bytes(data[at : at + size], "big")
        at += size
    if major in (2, 3):
        text = data[at : at + argument]
        return (text.decode() if major == 3 else text), at + argument
    if major in (4, 5):
        flat, at = _items(data, at, argument * (major - 3))
        return (flat if major == 4 else dict(zip(flat[::2], flat[1::2], strict=True))), at
    assert major in (0, 1), "no tags"
    return (argument if major == 0 else -1 - argument), at


def _items(data: bytes, at: int, count: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(count):
        item, at = _item(data, at)
        items.append(item)
    return items, at
