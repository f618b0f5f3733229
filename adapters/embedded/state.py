"""The stores of a ledger at one version, their common root, and proofs out of it.

Each store is a tree; the roots of all stores are the leaves of a simple Merkle tree, whose root is the app hash that
the next header carries. A proof is the protobuf ibc.core.commitment.v1.MerkleProof: one ICS-23 proof within the store,
one of the store's root within the app hash. Source: cosmos-sdk store/rootmulti, store/internal/maps; ICS-23.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adapters.embedded import tree
from adapters.embedded.tree import Step, Tree
from proofs.encoding.protobuf import bytes_field, length_prefixed, message_field, repeated_bytes_field, varint_field
from proofs.primitives.hashing import sha256

IBC: Final = "ibc"
BANK: Final = "bank"
MAILBOX: Final = "mailbox"
STAKING: Final = "staking"
STORES: Final = (BANK, IBC, MAILBOX, STAKING)  # sorted by name, as their Merkle leaves are

_SHA256: Final = 1
_VAR_PROTO: Final = 1

Snapshot = Mapping[str, Tree]


class State:
    """What transactions work on. Taking a snapshot and going back to one is free: trees are immutable."""

    __slots__ = ("_trees", "version")

    def __init__(self, trees: Snapshot | None = None, *, version: int = 1) -> None:
        self._trees: dict[str, Tree] = dict(trees) if trees is not None else dict.fromkeys(STORES)
        self.version = version

    def get(self, store: str, key: bytes) -> bytes | None:
        return tree.get(self._trees[store], key)

    def set(self, store: str, key: bytes, value: bytes) -> None:
        self._trees[store] = tree.insert(self._trees[store], key, value, self.version)

    def delete(self, store: str, key: bytes) -> None:
        self._trees[store] = tree.remove(self._trees[store], key, self.version)

    def snapshot(self) -> Snapshot:
        return dict(self._trees)

    def restore(self, snapshot: Snapshot) -> None:
        self._trees = dict(snapshot)


def app_hash(snapshot: Snapshot) -> bytes:
    return _simple_root([_store_leaf(name, snapshot[name]) for name in STORES])


def prove(snapshot: Snapshot, store: str, key: bytes) -> bytes:
    """MerkleProof that `key` holds its value in `store`, or that it holds nothing."""
    return repeated_bytes_field(1, (_prove_in_store(snapshot[store], key), _prove_store(snapshot, store)))


def _prove_in_store(within: Tree, key: bytes) -> bytes:
    if tree.get(within, key) is not None:
        return message_field(1, _existence(within, key))
    below, above = tree.neighbours(within, key)
    absence = bytes_field(1, key)
    if below is not None:
        absence += message_field(2, _existence(within, below))
    if above is not None:
        absence += message_field(3, _existence(within, above))
    return message_field(2, absence)


def _existence(within: Tree, key: bytes) -> bytes:
    leaf, steps = tree.path_to(within, key)
    return _existence_proof(key, leaf.value, leaf.prefix, steps)


def _prove_store(snapshot: Snapshot, store: str) -> bytes:
    leaves = [_store_leaf(name, snapshot[name]) for name in STORES]
    steps = _simple_branch(leaves, STORES.index(store))
    return message_field(1, _existence_proof(store.encode(), tree.root_hash(snapshot[store]), b"\x00", steps))


def _existence_proof(key: bytes, value: bytes, leaf_prefix: bytes, steps: Sequence[Step]) -> bytes:
    leaf_op = (
        varint_field(1, _SHA256) + varint_field(3, _SHA256) + varint_field(4, _VAR_PROTO) + bytes_field(5, leaf_prefix)
    )
    path = (varint_field(1, _SHA256) + bytes_field(2, step.prefix) + bytes_field(3, step.suffix) for step in steps)
    return bytes_field(1, key) + bytes_field(2, value) + message_field(3, leaf_op) + repeated_bytes_field(4, path)


def _store_leaf(name: str, store: Tree) -> bytes:
    value = sha256(tree.root_hash(store))
    return sha256(b"\x00" + length_prefixed(name.encode()) + length_prefixed(value))


def _split(size: int) -> int:
    """The largest power of two below `size`. Source: RFC 6962 section 2.1."""
    return 1 << (size - 1).bit_length() - 1


def _simple_root(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    at = _split(len(hashes))
    return sha256(b"\x01" + _simple_root(hashes[:at]) + _simple_root(hashes[at:]))


def _simple_branch(hashes: Sequence[bytes], index: int) -> list[Step]:
    """From the leaf upwards."""
    if len(hashes) == 1:
        return []
    at = _split(len(hashes))
    if index < at:
        return [*_simple_branch(hashes[:at], index), Step(b"\x01", _simple_root(hashes[at:]))]
    return [*_simple_branch(hashes[at:], index - at), Step(b"\x01" + _simple_root(hashes[:at]), b"")]
