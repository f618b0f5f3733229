"""The root of a Merkle-Patricia trie from all of its items: receipts and transactions of a block, checked as a whole.

Built bottom-up over the sorted keys, straight into bytes: every node is encoded once and hashed once.
Source: Ethereum yellow paper, appendix D.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from proofs.encoding import rlp
from proofs.errors import LimitExceeded
from proofs.merkle.patricia import EMPTY_ROOT
from proofs.primitives.hashing import keccak256

# A key of 64 nibbles nests 64 deep; twice that keeps the recursion far from Python's own limit.
_KEY_BYTES_MAX: Final = 64
_EMPTY: Final = b"\x80"


def trie_root(items: Mapping[bytes, bytes]) -> bytes:
    """The root over key → value. An empty value is no item. Raises LimitExceeded for a key longer than any ledger's."""
    return _root(sorted([(key.hex(), value) for key, value in items.items() if value]))


def ordered_root(values: Iterable[bytes]) -> bytes:
    """The root over values keyed by the RLP of their index, as blocks hold transactions and receipts."""
    return _root(sorted([(_index_path(index), value) for index, value in enumerate(values) if value]))


# Every block counts its receipts from 0 on.
@lru_cache(maxsize=4_096)
def _index_path(index: int) -> str:
    return rlp.encode(rlp.int_bytes(index)).hex()


def _root(entries: Sequence[tuple[str, bytes]]) -> bytes:
    if not entries:
        return EMPTY_ROOT
    longest = max([len(path) for path, _ in entries]) // 2
    if longest > _KEY_BYTES_MAX:
        raise LimitExceeded("trie key", got=longest, limit=_KEY_BYTES_MAX)
    if len(entries) == 1:
        return keccak256(_leaf(*entries[0]))
    return keccak256(_node(entries, 0, len(entries), 0))


def _node(entries: Sequence[tuple[str, bytes]], first: int, last: int, depth: int) -> bytes:
    """The encoded node over entries[first:last], two or more, which agree in their first `depth` nibbles."""
    path = entries[first][0]
    shared = _shared(path, entries[last - 1][0], depth)
    if shared > depth:
        branch = _reference(_branch(entries, first, last, shared))
        return rlp.encode_list_of((_path(path[depth:shared], 0), branch))
    return _branch(entries, first, last, depth)


def _branch(entries: Sequence[tuple[str, bytes]], first: int, last: int, depth: int) -> bytes:
    parts = [_EMPTY] * 17
    if len(entries[first][0]) == depth:
        parts[16] = rlp.encode(entries[first][1])
        first += 1
    while first < last:
        path, value = entries[first]
        nibble = path[depth]
        end = first + 1
        while end < last and entries[end][0][depth] == nibble:
            end += 1
        is_alone = end - first == 1
        child = _leaf(path[depth + 1 :], value) if is_alone else _node(entries, first, end, depth + 1)
        parts[int(nibble, 16)] = _reference(child)
        first = end
    return rlp.encode_list_of(parts)


def _leaf(nibbles: str, value: bytes) -> bytes:
    path, size = _path(nibbles, 2), len(value)
    if size == 1:
        return rlp.encode_list_of((path, rlp.encode(value)))
    # In one piece: a leaf of a receipt is large, and there is one for each.
    head = rlp.header(0x80, size)
    return rlp.header(0xC0, len(path) + len(head) + size) + path + head + value


def _reference(encoded: bytes) -> bytes:
    return encoded if len(encoded) < 32 else b"\xa0" + keccak256(encoded)


def _shared(one: str, other: str, depth: int) -> int:
    """How many leading nibbles the first and the last of sorted paths share, and so all between them."""
    limit = min(len(one), len(other))
    while depth < limit and one[depth] == other[depth]:
        depth += 1
    return depth


# In a wide trie the leaves keep few nibbles, so the same paths come again and again.
@lru_cache(maxsize=4_096)
def _path(nibbles: str, kind: int) -> bytes:
    """Hex-prefix. kind: 0 for an extension, 2 for a leaf."""
    if len(nibbles) % 2:
        return rlp.encode(bytes.fromhex(f"{kind + 1}{nibbles}"))
    return rlp.encode(bytes.fromhex(f"{kind}0{nibbles}"))
