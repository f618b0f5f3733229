"""An IAVL+ tree of immutable nodes: every version shares what did not change, and keeping an old one costs nothing.

Keys and values stand in the leaves only. An inner node routes by the smallest key of its right side. A node carries the
version that wrote it, which its hash covers, so equal content written in another order of blocks has another root.
Nodes are hashed once, when somebody asks. Source: cosmos/iavl, docs/node/node.md and docs/proof/proof.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


class Leaf:
    __slots__ = ("_hash", "low", "value", "version")

    height: Final = 0
    size: Final = 1

    def __init__(self, key: bytes, value: bytes, version: int) -> None:
        assert key, "an empty key has no proof"
        assert value, "an empty value has no proof"
        self.low: bytes = key
        self.value = value
        self.version = version
        self._hash: bytes | None = None

    @property
    def prefix(self) -> bytes:
        return _zigzag(0) + _zigzag(1) + _zigzag(self.version)

    @property
    def hash(self) -> bytes:
        if self._hash is None:
            body = self.prefix + _sized(self.low) + _sized(hashlib.sha256(self.value).digest())
            self._hash = hashlib.sha256(body).digest()
        return self._hash


class Inner:
    __slots__ = ("_hash", "height", "left", "low", "right", "size", "version")

    def __init__(self, left: Node, right: Node, version: int) -> None:
        self.left = left
        self.right = right
        self.low: bytes = left.low
        self.height: int = max(left.height, right.height) + 1
        self.size: int = left.size + right.size
        self.version = version
        self._hash: bytes | None = None

    @property
    def prefix(self) -> bytes:
        return _zigzag(self.height) + _zigzag(self.size) + _zigzag(self.version)

    @property
    def hash(self) -> bytes:
        if self._hash is None:
            body = self.prefix + _sized(self.left.hash) + _sized(self.right.hash)
            self._hash = hashlib.sha256(body).digest()
        return self._hash


Node: TypeAlias = Leaf | Inner
Tree: TypeAlias = Node | None


@dataclass(frozen=True, slots=True)
class Step:
    """What surrounds a child's hash in its parent's preimage."""

    prefix: bytes
    suffix: bytes


def root_hash(tree: Tree) -> bytes:
    return EMPTY_ROOT if tree is None else tree.hash


def get(tree: Tree, key: bytes) -> bytes | None:
    while isinstance(tree, Inner):
        tree = tree.left if key < tree.right.low else tree.right
    return tree.value if tree is not None and tree.low == key else None


def insert(tree: Tree, key: bytes, value: bytes, version: int) -> Node:
    """The tree in which `key` holds `value`."""
    if tree is None:
        return Leaf(key, value, version)
    if isinstance(tree, Leaf):
        new = Leaf(key, value, version)
        if key == tree.low:
            return new
        return Inner(new, tree, version) if key < tree.low else Inner(tree, new, version)
    if key < tree.right.low:
        return _balanced(insert(tree.left, key, value, version), tree.right, version)
    return _balanced(tree.left, insert(tree.right, key, value, version), version)


def remove(tree: Tree, key: bytes, version: int) -> Tree:
    """The tree without `key`; the same tree when it was not there."""
    if get(tree, key) is None:
        return tree
    return _remove(tree, key, version)


def _remove(tree: Tree, key: bytes, version: int) -> Tree:
    if not isinstance(tree, Inner):
        return None
    if key < tree.right.low:
        left = _remove(tree.left, key, version)
        return tree.right if left is None else _balanced(left, tree.right, version)
    right = _remove(tree.right, key, version)
    return tree.left if right is None else _balanced(tree.left, right, version)


def _balanced(left: Node, right: Node, version: int) -> Inner:
    """Join two sides whose heights differ by at most two, so that they differ by at most one."""
    if left.height > right.height + 1:
        assert isinstance(left, Inner), "the higher side is an inner node"
        if _height(left.left) < _height(left.right):
            left = _rotated_left(left, version)
        return Inner(left.left, Inner(left.right, right, version), version)
    if right.height > left.height + 1:
        assert isinstance(right, Inner), "the higher side is an inner node"
        if _height(right.right) < _height(right.left):
            right = _rotated_right(right, version)
        return Inner(Inner(left, right.left, version), right.right, version)
    return Inner(left, right, version)


def _height(node: Node) -> int:
    return node.height


def _rotated_left(node: Inner, version: int) -> Inner:
    right = node.right
    assert isinstance(right, Inner), "the higher side is an inner node"
    return Inner(Inner(node.left, right.left, version), right.right, version)


def _rotated_right(node: Inner, version: int) -> Inner:
    left = node.left
    assert isinstance(left, Inner), "the higher side is an inner node"
    return Inner(left.left, Inner(left.right, node.right, version), version)


def path_to(tree: Tree, key: bytes) -> tuple[Leaf, list[Step]]:
    """The leaf of a key that is there, and what surrounds it, from the leaf upwards."""
    steps: list[Step] = []
    while isinstance(tree, Inner):
        if key < tree.right.low:
            steps.append(Step(tree.prefix + b"\x20", b"\x20" + tree.right.hash))
            tree = tree.left
        else:
            steps.append(Step(tree.prefix + b"\x20" + tree.left.hash + b"\x20", b""))
            tree = tree.right
    assert tree is not None, "an empty tree has no leaf"
    assert tree.low == key, "asked for the path of an absent key"
    return tree, steps[::-1]


def neighbours(tree: Tree, key: bytes) -> tuple[bytes | None, bytes | None]:
    """The nearest smaller and the nearest larger key of an absent one."""
    below: bytes | None = None
    above: bytes | None = None
    while isinstance(tree, Inner):
        if key < tree.right.low:
            above = tree.right.low
            tree = tree.left
        else:
            below = _highest(tree.left)
            tree = tree.right
    if tree is not None:
        assert tree.low != key, "asked for the neighbours of a key that is there"
        if tree.low < key:
            below = tree.low
        else:
            above = tree.low
    return below, above


def _highest(tree: Node) -> bytes:
    while isinstance(tree, Inner):
        tree = tree.right
    return tree.low


def items(tree: Tree) -> Iterator[tuple[bytes, bytes]]:
    """All pairs in the order of their keys."""
    if isinstance(tree, Inner):
        yield from items(tree.left)
        yield from items(tree.right)
    elif tree is not None:
        yield tree.low, tree.value


def _zigzag(value: int) -> bytes:
    """Go's signed varint; nothing here is negative."""
    return _uvarint(value << 1)


def _uvarint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _sized(data: bytes) -> bytes:
    return _uvarint(len(data)) + data
