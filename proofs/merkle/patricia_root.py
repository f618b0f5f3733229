"""The root of a Merkle-Patricia trie from all of its items: receipts and transactions of a block, checked as a whole.

Built bottom-up over the sorted keys, straight into bytes: every node is encoded once and hashed once.
Source: Ethereum yellow paper, appendix D.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    entries = sorted((key.hex(), value) for key, value in items.items() if value)
    if not entries:
        return EMPTY_ROOT
    longest = max(len(path) for path, _ in entries) // 2
    if longest > _KEY_BYTES_MAX:
        raise LimitExceeded("trie key", got=longest, limit=_KEY_BYTES_MAX)
    return keccak256(_node(entries, 0, len(entries), 0))


def ordered_root(values: Iterable[bytes]) -> bytes:
    """The root over values keyed by the RLP of their index, as blocks hold transactions and receipts."""
    return trie_root({rlp.encode(rlp.int_bytes(index)): value for index, value in enumerate(values)})


def _node(entries: Sequence[tuple[str, bytes]], first: int, last: int, depth: int) -> bytes:
    """The encoded node over entries[first:last], which agree in their first `depth` nibbles."""
    path, value = entries[first]
    if last - first == 1:
        return rlp.encode_list_of((_path(path[depth:], leaf=True), rlp.encode(value)))
    shared = _shared(path, entries[last - 1][0], depth)
    if shared > depth:
        return rlp.encode_list_of(
            (_path(path[depth:shared], leaf=False), _reference(_branch(entries, first, last, shared)))
        )
    return _branch(entries, first, last, depth)


def _branch(entries: Sequence[tuple[str, bytes]], first: int, last: int, depth: int) -> bytes:
    parts = [_EMPTY] * 17
    if len(entries[first][0]) == depth:
        parts[16] = rlp.encode(entries[first][1])
        first += 1
    while first < last:
        nibble = entries[first][0][depth]
        end = first + 1
        while end < last and entries[end][0][depth] == nibble:
            end += 1
        parts[int(nibble, 16)] = _reference(_node(entries, first, end, depth + 1))
        first = end
    return rlp.encode_list_of(parts)


def _reference(encoded: bytes) -> bytes:
    return encoded if len(encoded) < 32 else b"\xa0" + keccak256(encoded)


def _shared(one: str, other: str, depth: int) -> int:
    """How many leading nibbles the first and the last of sorted paths share, and so all between them."""
    limit = min(len(one), len(other))
    while depth < limit and one[depth] == other[depth]:
        depth += 1
    return depth


def _path(nibbles: str, *, leaf: bool) -> bytes:
    flag = 2 * leaf + len(nibbles) % 2
    return rlp.encode(bytes.fromhex(f"{flag}{nibbles}" if len(nibbles) % 2 else f"{flag}0{nibbles}"))
