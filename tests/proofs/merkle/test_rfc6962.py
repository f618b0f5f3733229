"""The RFC 6962 tree against its own definition, read literally."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import pytest

from proofs.errors import InvalidProof, LimitExceeded, MalformedProof, RootMismatch
from proofs.merkle import rfc6962
from tests.proofs.fuzzing import assert_only_refusals


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, MTH."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = naive_split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, PATH."""
    if len(leaves) == 1:
        return []
    split = naive_split(len(leaves))
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_split(size: int) -> int:
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def leaves_of(size: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(size)]


@pytest.mark.parametrize("size", range(40))
def test_the_root_is_the_one_of_the_definition(size: int) -> None:
    assert rfc6962.root_of(leaves_of(size)) == naive_root(leaves_of(size))


@pytest.mark.parametrize("size", range(1, 40))
def test_every_leaf_of_every_tree_verifies(size: int) -> None:
    leaves = leaves_of(size)
    root = rfc6962.root_of(leaves)
    for index, leaf in enumerate(leaves):
        proof = rfc6962.proof_of(leaves, index)
        assert list(proof) == naive_path(index, leaves)
        assert len(proof) == rfc6962.inclusion_proof_length(index, size)
        rfc6962.verify_inclusion(leaf, proof, index=index, size=size, root=root)


@pytest.mark.parametrize("new_size", range(1, 34))
def test_every_prefix_of_every_tree_is_consistent(new_size: int) -> None:
    leaves = leaves_of(new_size)
    for old_size in range(1, new_size + 1):
        proof = rfc6962.consistency_proof_of(leaves, old_size)
        assert len(proof) == rfc6962.consistency_proof_length(old_size, new_size)
        rfc6962.verify_consistency(
            proof,
            old_size=old_size,
            new_size=new_size,
            old_root=naive_root(leaves[:old_size]),
            new_root=naive_root(leaves),
        )


@pytest.mark.parametrize("seed", range(100))
def test_no_other_leaf_index_size_or_root_verifies(seed: int) -> None:
    chance = random.Random(seed)
    leaves = leaves_of(chance.randrange(2, 60))
    index = chance.randrange(len(leaves))
    case: dict[str, Any] = {"index": index, "size": len(leaves), "root": rfc6962.root_of(leaves)}
    proof = rfc6962.proof_of(leaves, index)
    rfc6962.verify_inclusion(leaves[index], proof, **case)
    others: list[dict[str, Any]] = [{"index": each} for each in range(len(leaves)) if each != index]
    others += [{"root": rfc6962.leaf_hash(leaves[index])}]
    for other in others:
        with pytest.raises(InvalidProof):
            rfc6962.verify_inclusion(leaves[index], proof, **(case | other))
    with pytest.raises(RootMismatch):
        rfc6962.verify_inclusion(leaves[index - 1], proof, **case)


LEAVES = leaves_of(7)
GOOD: dict[str, Any] = {
    "leaf": LEAVES[2],
    "proof": rfc6962.proof_of(LEAVES, 2),
    "index": 2,
    "size": 7,
    "root": rfc6962.root_of(LEAVES),
}
CORRUPTIONS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], type[InvalidProof], str]] = {
    "wrong sibling": (lambda p: p | {"proof": (bytes(32), *p["proof"][1:])}, RootMismatch, "merkle root"),
    "extra sibling": (lambda p: p | {"proof": (*p["proof"], p["root"])}, MalformedProof, "merkle proof length"),
    "missing sibling": (lambda p: p | {"proof": p["proof"][:-1]}, MalformedProof, "merkle proof length"),
    "short sibling": (lambda p: p | {"proof": (b"\x00", *p["proof"][1:])}, MalformedProof, "merkle node"),
    "index at size": (lambda p: p | {"index": 7, "proof": ()}, MalformedProof, "leaf index"),
    "negative index": (lambda p: p | {"index": -1}, MalformedProof, "leaf index"),
    "empty tree": (lambda p: p | {"index": 0, "size": 0, "proof": ()}, MalformedProof, "leaf index"),
    "size over 64 bits": (lambda p: p | {"size": 1 << 64}, LimitExceeded, "tree size"),
    "inner node posing as leaf": (
        lambda p: p | {"leaf": p["proof"][0] + rfc6962.leaf_hash(p["leaf"]), "proof": p["proof"][1:], "size": 4},
        InvalidProof,
        "",
    ),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid_inclusion(corruption: str) -> None:
    rfc6962.verify_inclusion(**GOOD)
    change, error, part = CORRUPTIONS[corruption]
    with pytest.raises(error) as refusal:
        rfc6962.verify_inclusion(**change(GOOD))
    assert not part or getattr(refusal.value, "part", None) == part


CONSISTENT: dict[str, Any] = {
    "proof": rfc6962.consistency_proof_of(LEAVES, 3),
    "old_size": 3,
    "new_size": 7,
    "old_root": rfc6962.root_of(LEAVES[:3]),
    "new_root": rfc6962.root_of(LEAVES),
}
INCONSISTENT: dict[str, tuple[dict[str, Any], type[InvalidProof], str]] = {
    "other old root": ({"old_root": bytes(32)}, RootMismatch, "old merkle root"),
    "other new root": ({"new_root": bytes(32)}, RootMismatch, "new merkle root"),
    "empty old tree": ({"old_size": 0, "proof": ()}, MalformedProof, "old tree size"),
    "old tree larger than new": ({"old_size": 8}, MalformedProof, "old tree size"),
    "proof between equal sizes": ({"old_size": 7}, MalformedProof, "merkle proof length"),
    "equal sizes, other roots": ({"old_size": 7, "proof": ()}, RootMismatch, "new merkle root"),
    "extra hash": ({"proof": (*CONSISTENT["proof"], bytes(32))}, MalformedProof, "merkle proof length"),
    "short hash": ({"proof": (b"", *CONSISTENT["proof"][1:])}, MalformedProof, "merkle node"),
    "size over 64 bits": ({"new_size": 1 << 64}, LimitExceeded, "tree size"),
    "short old root that is a node": (
        {"old_size": 4, "proof": rfc6962.consistency_proof_of(LEAVES, 4), "old_root": b"x"},
        MalformedProof,
        "merkle node",
    ),
}


@pytest.mark.parametrize("corruption", INCONSISTENT)
def test_invalid_consistency(corruption: str) -> None:
    rfc6962.verify_consistency(**CONSISTENT)
    change, error, part = INCONSISTENT[corruption]
    with pytest.raises(error) as refusal:
        rfc6962.verify_consistency(**(CONSISTENT | change))
    assert getattr(refusal.value, "part", None) == part


def test_hostile_numbers_and_hashes_give_only_refusals() -> None:
    def parse(data: bytes) -> None:
        index, size = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:17], "big")
        proof = [data[at : at + 32] for at in range(17, len(data), 32)]
        rfc6962.verify_hash_inclusion(bytes(32), proof, index=index, size=size, root=bytes(32))
        rfc6962.verify_consistency(proof, old_size=index, new_size=size, old_root=bytes(32), new_root=bytes(32))

    seed = (2).to_bytes(8, "big") + (7).to_bytes(9, "big") + b"".join(GOOD["proof"])
    assert_only_refusals(parse, [seed], 1_000)
