"""ICS-23: a key holds a value under a root, or nothing, whatever tree the ledger uses.

    verify_membership(proof, spec=IAVL_SPEC, root=root, key=b"k", value=b"v")
    verify_batch([(["ibc", path], commitment), (["ibc", other], None)], proofs, root=app_hash)

Cosmos chains put trees into a tree: the innermost proof leads to the root of a store, the next one shows that root
under the store's name, and so on up to the app hash. A batch under one app hash checks each shared upper proof once.

Source: ICS-023; ibc-go modules/core/23-commitment/types/merkle.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.errors import MalformedProof, RootMismatch, UnsupportedProof, ValueMismatch
from proofs.merkle import ics23_checks as checks
from proofs.merkle.ics23_checks import IAVL_SPEC, SMT_SPEC, TENDERMINT_SPEC
from proofs.merkle.ics23_format import (
    CommitmentProof,
    CompressedExistenceProof,
    ExistenceProof,
    InnerOp,
    NonExistenceProof,
    ProofSpec,
    decode_commitment_proof,
    split_merkle_proof,
)
from proofs.merkle.ics23_known_trees import root_of_known
from proofs.merkle.ics23_operations import compute_inner, compute_leaf, prehash

__all__ = [
    "COSMOS_SPECS",
    "IAVL_SPEC",
    "SMT_SPEC",
    "TENDERMINT_SPEC",
    "root_of_existence",
    "verify_batch",
    "verify_chained",
    "verify_membership",
    "verify_non_membership",
]

# Innermost first: a module's store, then the multistore of all stores.
COSMOS_SPECS: Final = (IAVL_SPEC, TENDERMINT_SPEC)

_Memo = dict[tuple[bytes, bytes, bytes, int], bytes]


def verify_membership(proof: bytes, *, spec: ProofSpec, root: bytes, key: bytes, value: bytes) -> None:
    """Return only if `proof`, an encoded CommitmentProof, shows `value` at `key`. Raises InvalidProof."""
    check_root(_root_of_encoded(proof, spec=spec, key=key, value=value), root)


def verify_non_membership(proof: bytes, *, spec: ProofSpec, root: bytes, key: bytes) -> None:
    """Return only if `proof`, an encoded CommitmentProof, shows that nothing is at `key`. Raises InvalidProof."""
    check_root(root_of_absence(_absence_for(decode_commitment_proof(proof), key, spec), spec=spec, key=key), root)


def verify_chained(
    proof: bytes, *, root: bytes, path: Sequence[bytes], value: bytes | None, specs: Sequence[ProofSpec] = COSMOS_SPECS
) -> None:
    """Return only if `proof`, an encoded MerkleProof, shows `value` (None: nothing) at `path` under `root`.

    path: outermost first, such as [b"ibc", key]; specs: innermost first, one per element of the path.
    """
    verify_batch([(path, value)], [proof], root=root, specs=specs)


def verify_batch(
    claims: Sequence[tuple[Sequence[bytes], bytes | None]],
    proofs: Sequence[bytes],
    *,
    root: bytes,
    specs: Sequence[ProofSpec] = COSMOS_SPECS,
) -> None:
    """Return only if every (path, value) is shown by the encoded MerkleProof at its place. Raises InvalidProof."""
    check_one_proof_per_claim(proofs, len(claims))
    memo: _Memo = {}
    for (path, value), proof in zip(claims, proofs, strict=True):
        layers = split_merkle_proof(proof)
        check_layer_count(layers, path, specs)
        node = _root_of_store(layers[0], path[-1], value, specs[0])
        for layer in range(1, len(layers)):
            # Upper layers repeat: all keys of one store share them. The key binds all that goes into the result.
            question = (layers[layer], path[-1 - layer], node, layer)
            known = memo.get(question)
            if known is None:
                key, spec = path[-1 - layer], specs[layer]
                known = memo[question] = _root_of_encoded(layers[layer], spec=spec, key=key, value=node)
            node = known
        check_root(node, root)


def _root_of_store(encoded: bytes, key: bytes, value: bytes | None, spec: ProofSpec) -> bytes:
    if value is None:
        return root_of_absence(_absence_for(decode_commitment_proof(encoded), key, spec), spec=spec, key=key)
    return _root_of_encoded(encoded, spec=spec, key=key, value=value)


def _root_of_encoded(encoded: bytes, *, spec: ProofSpec, key: bytes, value: bytes) -> bytes:
    root = root_of_known(encoded, spec=spec, key=key, value=value)
    if root is not None:
        return root
    return root_of_existence(_existence_for(decode_commitment_proof(encoded), key), spec=spec, key=key, value=value)


def root_of_existence(proof: ExistenceProof, *, spec: ProofSpec, key: bytes, value: bytes) -> bytes:
    """Return the root under which `proof` shows `value` at `key`, after all checks of `spec`. Raises InvalidProof."""
    checks.check_spec(spec)
    check_key("ics23 key", proof.key, key)
    check_value(proof.value, value)
    checks.check_leaf(proof.leaf, spec.leaf_spec)
    checks.check_by_format(proof.leaf, spec, layer=0)
    checks.check_depth(len(proof.path), spec)
    node = compute_leaf(proof.leaf, proof.key, proof.value)
    for layer, step in enumerate(proof.path, 1):
        checks.check_inner(step, spec, layer=layer)
        node = compute_inner(step, node)
        checks.check_node_size(node, spec.inner_spec)
    return node


def root_of_absence(proof: NonExistenceProof, *, spec: ProofSpec, key: bytes) -> bytes:
    """Return the root under which `proof` shows that nothing is at `key`. Raises InvalidProof."""
    left, right = proof.left, proof.right
    if left is None and right is None:
        raise MalformedProof("ics23 absence", got="no neighbour", expected="a neighbour on one side at least")
    roots = [root_of_existence(each, spec=spec, key=each.key, value=each.value) for each in (left, right) if each]
    check_one_root(roots)
    check_absent_key(proof.key, key, spec)
    check_between(_comparable(key, spec), left=left, right=right, spec=spec)
    if left is None:
        assert right is not None
        checks.check_left_most(right.path, spec.inner_spec)
    elif right is None:
        checks.check_right_most(left.path, spec.inner_spec)
    else:
        checks.check_neighbours(left.path, right.path, spec.inner_spec)
    return roots[0]


def _comparable(key: bytes, spec: ProofSpec) -> bytes:
    return prehash(spec.leaf_spec.prehash_key, key) if spec.prehash_key_before_comparison else key


def _existence_for(proof: CommitmentProof, key: bytes) -> ExistenceProof:
    """The part of a proof that speaks of `key`: of a batch, the first existence of that very key."""
    if proof.exist is not None:
        return proof.exist
    for entry in proof.batch or ():
        if entry.exist is not None and entry.exist.key == key:
            return entry.exist
    if proof.compressed is not None:
        for packed in proof.compressed.entries:
            if packed.exist is not None and packed.exist.key == key:
                return _unpacked(packed.exist, proof.compressed.lookup_inners)
    raise UnsupportedProof("ics23 proof", got="no existence of the key", expected="an existence proof")


def _absence_for(proof: CommitmentProof, key: bytes, spec: ProofSpec) -> NonExistenceProof:
    if proof.nonexist is not None:
        return proof.nonexist
    wanted = _comparable(key, spec)
    for entry in proof.batch or ():
        if entry.nonexist is not None and _is_between(wanted, entry.nonexist.left, entry.nonexist.right, spec):
            return entry.nonexist
    if proof.compressed is not None:
        lookup = proof.compressed.lookup_inners
        for packed in proof.compressed.entries:
            absence = packed.nonexist
            if absence is not None and _is_between(wanted, absence.left, absence.right, spec):
                left = None if absence.left is None else _unpacked(absence.left, lookup)
                right = None if absence.right is None else _unpacked(absence.right, lookup)
                return NonExistenceProof(absence.key, left, right)
    raise UnsupportedProof("ics23 proof", got="no absence of the key", expected="a non-existence proof")


def _unpacked(packed: CompressedExistenceProof, lookup: Sequence[InnerOp]) -> ExistenceProof:
    for index in packed.path:
        check_lookup(index, lookup)
    return ExistenceProof(packed.key, packed.value, packed.leaf, tuple(lookup[index] for index in packed.path))


_Neighbour = ExistenceProof | CompressedExistenceProof | None


def _is_between(wanted: bytes, left: _Neighbour, right: _Neighbour, spec: ProofSpec) -> bool:
    return (left is None or _comparable(left.key, spec) < wanted) and (
        right is None or wanted < _comparable(right.key, spec)
    )


def check_between(wanted: bytes, *, left: _Neighbour, right: _Neighbour, spec: ProofSpec) -> None:
    """Strictly between its neighbours, in the order of the tree: a sparse tree orders hashes of keys."""
    if not _is_between(wanted, left, right, spec):
        raise ValueMismatch("ics23 absent key", got=wanted, expected="strictly between its neighbours")


def check_lookup(index: int, lookup: Sequence[InnerOp]) -> None:
    """A compressed path refers to steps that are there."""
    if not 0 <= index < len(lookup):
        raise MalformedProof("ics23 compressed path", got=index, expected=f"below {len(lookup)}")


def check_one_root(roots: Sequence[bytes]) -> None:
    """Both neighbours stand in one tree."""
    for each in roots:
        check_root(each, roots[0])


def check_key(part: str, got: bytes, expected: bytes) -> None:
    """A proof of another key proves nothing about this one."""
    if got != expected:
        raise ValueMismatch(part, got=got, expected=expected)


def check_absent_key(got: bytes, key: bytes, spec: ProofSpec) -> None:
    """The proof names the key it is about, or its hash where the tree orders hashes."""
    if got not in (key, _comparable(key, spec)):
        raise ValueMismatch("ics23 named key", got=got, expected=key)


def check_value(got: bytes, expected: bytes) -> None:
    """The proof must speak of the claimed value: the root alone would also fit the one it carries."""
    if got != expected:
        raise ValueMismatch("ics23 value", got=got, expected=expected)


def check_layer_count(layers: Sequence[bytes], path: Sequence[bytes], specs: Sequence[ProofSpec]) -> None:
    """One proof per element of the path and per specification: a missing layer would leave a store root unproved."""
    if not len(layers) == len(path) == len(specs) or not layers:
        raise MalformedProof("ibc proof layers", got=(len(layers), len(path)), expected=len(specs))


def check_one_proof_per_claim(proofs: Sequence[bytes], count: int) -> None:
    if len(proofs) != count:
        raise MalformedProof("ibc proofs", got=len(proofs), expected=count)


def check_root(computed: bytes, expected: bytes) -> None:
    if computed != expected:
        raise RootMismatch("ics23 root", computed=computed, expected=expected)
