"""The root of Substrate's state trie over given entries, in both layouts.

Keys are taken in order, so that only the nodes on the way to the last one are open: no call nests, however long keys
are.

Source: Polkadot specification, section 2.4 "State storage and the storage trie"; sp-trie 38, `LayoutV0`, `LayoutV1`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from proofs.merkle.substrate_node import HASH_BYTES, HASHED_VALUE_BYTES_MIN, WIDTH, Node, encode_node
from proofs.merkle.substrate_trie import EMPTY_ROOT, check_key_length
from proofs.primitives.hashing import blake2b_256

if TYPE_CHECKING:
    from collections.abc import Mapping


class StateVersion(IntEnum):
    """V0: every value stands in its node. V1: one of more than 32 bytes is named by its hash."""

    V0 = 0
    V1 = 1


@dataclass(slots=True)
class _Open:
    """A node to which children may still be added; `path` leads from the root to it, in hex digits."""

    path: str
    value: bytes | None = None
    children: list[bytes | None] = field(default_factory=lambda: [None] * WIDTH)

    def add(self, child: _Open, version: StateVersion) -> None:
        depth = len(self.path)
        encoded = child.encode(depth + 1, version)
        nibble = int(child.path[depth], WIDTH)
        self.children[nibble] = encoded if len(encoded) < HASH_BYTES else blake2b_256(encoded)

    def encode(self, start: int, version: StateVersion) -> bytes:
        """The node, whose own nibbles begin at `start` of its path."""
        partial, value, children = self.path[start:], self.value, tuple(self.children)
        if value is not None and version == StateVersion.V1 and len(value) >= HASHED_VALUE_BYTES_MIN:
            return encode_node(Node(partial, value_hash=blake2b_256(value), children=children))
        return encode_node(Node(partial, value, children=children))


def trie_root(entries: Mapping[bytes, bytes], *, version: StateVersion) -> bytes:
    """The root of the trie that holds exactly `entries`. Raises LimitExceeded for a key that is too long.

    >>> trie_root({b"abcd": b"hello world"}, version=StateVersion.V1).hex()[:16]
    '7ab18659d3b2789e'
    """
    opened: list[_Open] = []
    for key in sorted(entries):
        check_key_length(key)
        path = key.hex()
        shared = _shared_digits(opened[-1].path, path) if opened else 0
        _close_beyond(opened, path[:shared], version)
        opened.append(_Open(path, entries[key]))
    if not opened:
        return EMPTY_ROOT
    while len(opened) > 1:
        done = opened.pop()
        opened[-1].add(done, version)
    return blake2b_256(opened[0].encode(0, version))


def _close_beyond(opened: list[_Open], shared: str, version: StateVersion) -> None:
    """Close what the next key does not go through. Where it parts from the last one, there is a branch."""
    while opened and len(opened[-1].path) > len(shared):
        done = opened.pop()
        if not opened or len(opened[-1].path) < len(shared):
            opened.append(_Open(shared))
        opened[-1].add(done, version)


def _shared_digits(one: str, other: str) -> int:
    for at, (digit, digit_of_other) in enumerate(zip(one, other, strict=False)):
        if digit != digit_of_other:
            return at
    return min(len(one), len(other))
