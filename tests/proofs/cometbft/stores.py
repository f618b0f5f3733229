"""A store of one or more keys inside a multistore, with the ICS-23 proofs that a Cosmos chain would serve for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofs.merkle import ics23, rfc6962
from proofs.merkle.ics23_format import (
    ExistenceProof,
    InnerOp,
    LeafOp,
    NonExistenceProof,
    encode_merkle_proof,
)
from proofs.merkle.ics23_operations import compute_leaf
from proofs.primitives.hashing import sha256

STORE = b"ibc"
_OTHER_STORE_ROOT = sha256(b"bank")


@dataclass(frozen=True, slots=True)
class Store:
    """Two leaves at most: enough for existence, absence on both sides and an upper tree of two stores."""

    values: Mapping[bytes, bytes]

    def root(self) -> bytes:
        upper = self._upper()
        return rfc6962.inner_hash(_leaf(ics23.TENDERMINT_SPEC, b"bank", _OTHER_STORE_ROOT), _leaf_of(upper))

    def prove(self, key: bytes) -> bytes:
        lower = self._existence(key) if key in self.values else self._absence(key)
        return encode_merkle_proof([lower, self._upper()])

    def _upper(self) -> ExistenceProof:
        left = _leaf(ics23.TENDERMINT_SPEC, b"bank", _OTHER_STORE_ROOT)
        step = InnerOp(1, b"\x01" + left, b"")
        return ExistenceProof(STORE, self._store_root(), ics23.TENDERMINT_SPEC.leaf_spec, (step,))

    def _keys(self) -> Sequence[bytes]:
        assert len(self.values) == 2, "a store of the tests has two keys"
        return sorted(self.values)

    def _store_root(self) -> bytes:
        left, right = (_iavl_leaf(key, self.values[key]) for key in self._keys())
        return sha256(_INNER_PREFIX + b"\x20" + left + b"\x20" + right)

    def _existence(self, key: bytes) -> ExistenceProof:
        left, right = self._keys()
        if key == left:
            step = InnerOp(1, _INNER_PREFIX + b"\x20", b"\x20" + _iavl_leaf(right, self.values[right]))
        else:
            step = InnerOp(1, _INNER_PREFIX + b"\x20" + _iavl_leaf(left, self.values[left]) + b"\x20", b"")
        return ExistenceProof(key, self.values[key], _IAVL_LEAF, (step,))

    def _absence(self, key: bytes) -> NonExistenceProof:
        left, right = self._keys()
        if key < left:
            return NonExistenceProof(key, None, self._existence(left))
        if key > right:
            return NonExistenceProof(key, self._existence(right), None)
        return NonExistenceProof(key, self._existence(left), self._existence(right))


# IAVL: height 0, size 1 and version 1 of a leaf, height 1, size 2 and version 1 of its parent, as zig-zag varints.
_INNER_PREFIX = bytes.fromhex("020402")
_IAVL_LEAF = LeafOp(1, 0, 1, 1, bytes.fromhex("000202"))


def _iavl_leaf(key: bytes, value: bytes) -> bytes:
    return compute_leaf(_IAVL_LEAF, key, value)


def _leaf(spec: object, key: bytes, value: bytes) -> bytes:
    return compute_leaf(spec.leaf_spec, key, value)  # type: ignore[attr-defined]  # one of two specs


def _leaf_of(proof: ExistenceProof) -> bytes:
    return compute_leaf(proof.leaf, proof.key, proof.value)
