"""RLP, the one encoding of Ethereum's headers, accounts and trie nodes.

Every value has exactly one encoding and no other is accepted, so a hash of the bytes is a hash of the value.
The decoder keeps its own stack, so depth costs no Python frames and is bounded beside the loop.
Source: Ethereum yellow paper, appendix B.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from proofs.errors import LimitExceeded, MalformedProof

Item: TypeAlias = "bytes | list[Item]"
Encodable: TypeAlias = "bytes | Sequence[Encodable]"

# Ethereum's deepest object, a block with access lists, nests 6 deep.
DEPTH_LIMIT: Final = 32
# Above any trie node, header or proof we read, and few enough to be refused in some 20 milliseconds.
ITEM_LIMIT: Final = 32_768
# A length of 2^64 bytes is not a length.
_LENGTH_BYTES_MAX: Final = 8
_SHORT: Final = 55


# One loop in one piece: a call per item would double the time of a proof.
def decode(data: bytes, *, depth_limit: int = DEPTH_LIMIT, item_limit: int = ITEM_LIMIT) -> Item:  # noqa: C901, PLR0912 - see above
    """Decode exactly one item that fills `data`.

    Raises MalformedProof, LimitExceeded.

    >>> decode(bytes.fromhex("c483636174"))
    [b'cat']
    """
    top: list[Item] = []
    items, end = top, len(data)
    enclosing: list[tuple[list[Item], int]] = []
    position = 0
    # The outermost list does not count, what stands in it does.
    left = item_limit + 1
    while True:
        while position == end:
            if not enclosing:
                return _only(top)
            items, end = enclosing.pop()
        if not enclosing and top:
            raise MalformedProof("RLP", got=len(data), expected=f"{position} bytes, nothing after the item")
        while position < end:
            left -= 1
            if left < 0:
                raise LimitExceeded("RLP items", got=item_limit + 1, limit=item_limit)
            prefix = data[position]
            # The most frequent case first: empty items and hashes, which is what trie nodes are made of.
            if 0x80 <= prefix <= 0xB7 and prefix != 0x81 and (stop := position + prefix - 0x7F) <= end:
                items.append(data[position + 1 : stop])
            elif prefix < 0x80:
                stop = position + 1
                items.append(data[position:stop])
            # Trie nodes within a proof: strings whose lengths take one byte, or two.
            elif prefix == 0xB8 and position + 1 < end and _SHORT < (size := data[position + 1]) <= end - position - 2:
                stop = position + 2 + size
                items.append(data[position + 2 : stop])
            elif (
                prefix == 0xB9
                and position + 2 < end
                and 0xFF < (size := data[position + 1] << 8 | data[position + 2]) <= end - position - 3
            ):
                stop = position + 3 + size
                items.append(data[position + 3 : stop])
            else:
                start, stop = _payload(data, position, end, prefix)
                if prefix >= 0xC0:
                    if len(enclosing) >= depth_limit:
                        raise LimitExceeded("RLP depth", got=len(enclosing) + 1, limit=depth_limit)
                    enclosing.append((items, end))
                    inner: list[Item] = []
                    items.append(inner)
                    items, position, end = inner, start, stop
                    break
                items.append(data[start:stop])
            position = stop
            if not enclosing:
                break


def _only(top: list[Item]) -> Item:
    if not top:
        raise MalformedProof("RLP", got="nothing", expected="one item")
    return top[0]


def _payload(data: bytes, position: int, end: int, prefix: int) -> tuple[int, int]:
    """Where the payload of the string or list at `position` starts and stops; both within the enclosing `end`."""
    length = prefix - (0x80 if prefix < 0xC0 else 0xC0)
    start = position + 1
    if length > _SHORT:
        first = start
        start += length - _SHORT
        length = _long_length(data, first, start, end)
    if start + length > end:
        raise MalformedProof("RLP length", got=length, expected=f"at most {max(end - start, 0)}")
    if prefix == 0x81 and data[start] < 0x80:
        raise MalformedProof("RLP byte", got=data[start], expected="the byte itself, without a prefix")
    return start, start + length


def _long_length(data: bytes, first: int, stop: int, end: int) -> int:
    if stop > end:
        raise MalformedProof("RLP length", got=end - first, expected=f"{stop - first} bytes of length")
    assert stop - first <= _LENGTH_BYTES_MAX, "a prefix byte leaves room for no more"
    if data[first] == 0:
        raise MalformedProof("RLP length", got=data[first:stop], expected="no leading zero")
    length = int.from_bytes(data[first:stop], "big")
    if length <= _SHORT:
        raise MalformedProof("RLP length", got=length, expected="the short form")
    return length


def encode(item: Encodable) -> bytes:
    """Encode bytes, or nested sequences of bytes.

    >>> encode([b"cat", [], b""]).hex()
    'c683636174c080'
    """
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return header(0x80, len(item)) + item
    parts: list[bytes] = []
    for each in item:
        # Strings here and not by a call: headers are hashed as often as they are read.
        if isinstance(each, bytes):
            size = len(each)
            if size != 1 or each[0] >= 0x80:
                parts.append(header(0x80, size))
            parts.append(each)
        else:
            parts.append(encode(each))
    return encode_list_of(parts)


def encode_list_of(encoded: Sequence[bytes]) -> bytes:
    """A list of items that are encoded already."""
    payload = b"".join(encoded)
    return header(0xC0, len(payload)) + payload


# Lengths repeat: the nodes of a trie and the receipts of a block have few different ones.
@lru_cache(maxsize=4_096)
def header(base: int, length: int) -> bytes:
    """What stands before a payload. base: 0x80 for a string (but a byte below 0x80 has none), 0xC0 for a list."""
    if length <= _SHORT:
        return bytes((base + length,))
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((base + _SHORT + len(size),)) + size


def as_bytes(item: Item, part: str, *, length: int | None = None) -> bytes:
    """The item as a byte string, of exactly `length` bytes if given. Raises MalformedProof."""
    if not isinstance(item, bytes):
        raise MalformedProof(part, got="a list", expected="bytes")
    if length is not None and len(item) != length:
        raise MalformedProof(part, got=len(item), expected=length)
    return item


def as_list(item: Item, part: str, *, count: int | None = None) -> list[Item]:
    """The item as a list, of exactly `count` items if given. Raises MalformedProof."""
    if not isinstance(item, list):
        raise MalformedProof(part, got="bytes", expected="a list")
    if count is not None and len(item) != count:
        raise MalformedProof(part, got=len(item), expected=count)
    return item


def as_int(item: Item, part: str, *, bits: int = 256) -> int:
    """The item as an unsigned integer: big-endian, no leading zero, zero is empty. Raises MalformedProof."""
    data = as_bytes(item, part)
    if data[:1] == b"\x00":
        raise MalformedProof(part, got=data, expected="no leading zero")
    if len(data) * 8 > bits:
        raise MalformedProof(part, got=len(data), expected=f"at most {bits // 8} bytes")
    return int.from_bytes(data, "big")


def int_bytes(value: int) -> bytes:
    """An unsigned integer as the byte string that RLP gives it.

    >>> int_bytes(1024).hex(), int_bytes(0)
    ('0400', b'')
    """
    assert value >= 0, "RLP knows unsigned integers only"
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
