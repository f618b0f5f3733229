"""Trees built the plain way, with the ICS-23 proofs that an honest writer gives: IAVL, simple Merkle, sparse Merkle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from proofs.encoding.protobuf import length_prefixed
from proofs.merkle import ics23
from proofs.merkle.ics23_format import ExistenceProof, InnerOp, LeafOp, NonExistenceProof, ProofSpec


def zigzag(value: int) -> bytes:
    value *= 2
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


@dataclass(frozen=True, slots=True)
class Proven:
    """One leaf and the steps above it."""

    key: bytes
    value: bytes
    leaf: LeafOp
    path: tuple[InnerOp, ...] = ()

    def proof(self) -> ExistenceProof:
        return ExistenceProof(self.key, self.value, self.leaf, self.path)


@dataclass(frozen=True, slots=True)
class Tree:
    """root, and its leaves in the order of the tree."""

    spec: ProofSpec
    root: bytes
    leaves: tuple[Proven, ...]

    def existence(self, key: bytes) -> ExistenceProof:
        return next(leaf.proof() for leaf in self.leaves if leaf.key == key)

    def absence(self, key: bytes) -> NonExistenceProof:
        wanted = self._order(key)
        left = [leaf for leaf in self.leaves if self._order(leaf.key) < wanted]
        right = [leaf for leaf in self.leaves if self._order(leaf.key) > wanted]
        return NonExistenceProof(key, left[-1].proof() if left else None, right[0].proof() if right else None)

    def _order(self, key: bytes) -> bytes:
        return sha256(key).digest() if self.spec.prehash_key_before_comparison else key


def iavl(items: Mapping[bytes, bytes], *, version: int = 300) -> Tree:
    """Leaves hold key and hashed value, inner nodes height, size and version; halves instead of rotations."""
    root, _, leaves = _iavl_node(sorted(items.items()), version)
    return Tree(ics23.IAVL_SPEC, root, leaves)


def _iavl_node(items: list[tuple[bytes, bytes]], version: int) -> tuple[bytes, int, tuple[Proven, ...]]:
    if len(items) == 1:
        key, value = items[0]
        prefix = zigzag(0) + zigzag(1) + zigzag(version)
        node = sha256(prefix + length_prefixed(key) + length_prefixed(sha256(value).digest())).digest()
        return node, 0, (Proven(key, value, LeafOp(1, 0, 1, 1, prefix)),)
    half = (len(items) + 1) // 2
    left, left_height, left_leaves = _iavl_node(items[:half], version)
    right, right_height, right_leaves = _iavl_node(items[half:], version)
    height = max(left_height, right_height) + 1
    prefix = zigzag(height) + zigzag(len(items)) + zigzag(version)
    node = sha256(prefix + b"\x20" + left + b"\x20" + right).digest()
    to_left = InnerOp(1, prefix + b"\x20", b"\x20" + right)
    to_right = InnerOp(1, prefix + b"\x20" + left + b"\x20", b"")
    return node, height, _above(left_leaves, to_left) + _above(right_leaves, to_right)


def simple(items: Mapping[bytes, bytes]) -> Tree:
    """CometBFT's simple Merkle map: leaves in key order, split as RFC 6962 does."""
    root, leaves = _simple_node(sorted(items.items()))
    return Tree(ics23.TENDERMINT_SPEC, root, leaves)


def _simple_node(items: list[tuple[bytes, bytes]]) -> tuple[bytes, tuple[Proven, ...]]:
    if len(items) == 1:
        key, value = items[0]
        node = sha256(b"\x00" + length_prefixed(key) + length_prefixed(sha256(value).digest())).digest()
        return node, (Proven(key, value, ics23.TENDERMINT_SPEC.leaf_spec),)
    split = 1
    while split * 2 < len(items):
        split *= 2
    left, left_leaves = _simple_node(items[:split])
    right, right_leaves = _simple_node(items[split:])
    node = sha256(b"\x01" + left + right).digest()
    return node, _above(left_leaves, InnerOp(1, b"\x01", right)) + _above(right_leaves, InnerOp(1, b"\x01" + left, b""))


def sparse(items: Mapping[bytes, bytes]) -> Tree:
    """Leaves stand where the bits of their hashed keys lead; a branch of one leaf is that leaf, an empty one zeros."""
    by_path = sorted((sha256(key).digest(), key, value) for key, value in items.items())
    root, leaves = _sparse_node(by_path, 0)
    return Tree(ics23.SMT_SPEC, root, leaves)


def _sparse_node(items: list[tuple[bytes, bytes, bytes]], depth: int) -> tuple[bytes, tuple[Proven, ...]]:
    if not items:
        return bytes(32), ()
    if len(items) == 1:
        path, key, value = items[0]
        node = sha256(b"\x00" + path + sha256(value).digest()).digest()
        return node, (Proven(key, value, ics23.SMT_SPEC.leaf_spec),)
    right_items = [item for item in items if item[0][depth // 8] >> (7 - depth % 8) & 1]
    left, left_leaves = _sparse_node(items[: len(items) - len(right_items)], depth + 1)
    right, right_leaves = _sparse_node(right_items, depth + 1)
    node = sha256(b"\x01" + left + right).digest()
    return node, _above(left_leaves, InnerOp(1, b"\x01", right)) + _above(right_leaves, InnerOp(1, b"\x01" + left, b""))


def _above(leaves: tuple[Proven, ...], step: InnerOp) -> tuple[Proven, ...]:
    return tuple(Proven(leaf.key, leaf.value, leaf.leaf, (*leaf.path, step)) for leaf in leaves)
