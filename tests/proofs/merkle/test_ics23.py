"""ICS-23 on trees of three kinds: what is there, what is not there, and what a forger would have believed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs.encoding import protobuf
from proofs.errors import InvalidProof, LimitExceeded, MalformedProof, RootMismatch, UnsupportedProof, ValueMismatch
from proofs.merkle import ics23, ics23_checks
from proofs.merkle.ics23_format import (
    PROOF_BYTES_MAX,
    ExistenceProof,
    InnerOp,
    NonExistenceProof,
    ProofSpec,
    decode_commitment_proof,
    decode_proof_spec,
    encode_commitment_proof,
    encode_merkle_proof,
    encode_proof_spec,
    split_merkle_proof,
)
from proofs.merkle.ics23_known_trees import root_of_known
from tests.proofs.fuzzing import assert_only_refusals, mutate
from tests.proofs.merkle.trees import Tree, iavl, simple, sparse

TREES: dict[str, Callable[[dict[bytes, bytes]], Tree]] = {"iavl": iavl, "simple": simple, "sparse": sparse}


def items_of(seed: int, count: int) -> dict[bytes, bytes]:
    chance = random.Random(seed)
    return {
        chance.randbytes(chance.randrange(1, 200)): chance.randbytes(chance.randrange(1, 300)) for _ in range(count)
    }


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", TREES)
def test_every_key_of_every_tree_exists_and_no_other(kind: str, seed: int) -> None:
    items = items_of(seed, 1 + seed * 3)
    tree = TREES[kind](items)
    for key, value in items.items():
        proof = encode_commitment_proof(tree.existence(key))
        ics23.verify_membership(proof, spec=tree.spec, root=tree.root, key=key, value=value)
        with pytest.raises(ValueMismatch):
            ics23.verify_membership(proof, spec=tree.spec, root=tree.root, key=key, value=value + b"x")
        with pytest.raises(ValueMismatch):
            ics23.verify_membership(proof, spec=tree.spec, root=tree.root, key=key + b"x", value=value)
        with pytest.raises(RootMismatch):
            ics23.verify_membership(proof, spec=tree.spec, root=bytes(32), key=key, value=value)
        with pytest.raises(UnsupportedProof):
            ics23.verify_non_membership(proof, spec=tree.spec, root=tree.root, key=key)
    for other in items_of(seed + 1_000, 20):
        proof = encode_commitment_proof(tree.absence(other))
        ics23.verify_non_membership(proof, spec=tree.spec, root=tree.root, key=other)
        with pytest.raises(UnsupportedProof):
            ics23.verify_membership(proof, spec=tree.spec, root=tree.root, key=other, value=b"v")
        for key in items:
            with pytest.raises(InvalidProof):
                ics23.verify_non_membership(proof, spec=tree.spec, root=tree.root, key=key)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", TREES)
def test_only_neighbours_prove_an_absence(kind: str, seed: int) -> None:
    """Of all pairs around a key, and of all single leaves, only the next ones are taken."""
    items = items_of(seed, 9)
    tree = TREES[kind](items)
    for absent in items_of(seed + 500, 3):
        honest = tree.absence(absent)
        for left in (None, *(leaf.proof() for leaf in tree.leaves)):
            for right in (None, *(leaf.proof() for leaf in tree.leaves)):
                proof = NonExistenceProof(absent, left, right)
                if proof == honest:
                    continue
                with pytest.raises(InvalidProof):
                    ics23.root_of_absence(proof, spec=tree.spec, key=absent)


ITEMS = {b"key %d" % number: b"value %d" % number for number in range(20)}
STORE = iavl(ITEMS)
STORES = simple({b"bank": b"b" * 32, b"ibc": STORE.root, b"staking": b"s" * 32, b"acc": b"a" * 32, b"gov": b"g" * 32})


def chained(key: bytes) -> bytes:
    lower: ExistenceProof | NonExistenceProof = STORE.existence(key) if key in ITEMS else STORE.absence(key)
    return encode_merkle_proof([lower, STORES.existence(b"ibc")])


def test_a_batch_under_one_app_hash() -> None:
    claims: list[tuple[list[bytes], bytes | None]] = [([b"ibc", key], value) for key, value in ITEMS.items()]
    claims += [([b"ibc", key], None) for key in (b"a", b"key 0 ", b"z")]
    proofs = [chained(path[1]) for path, _ in claims]
    ics23.verify_batch(claims, proofs, root=STORES.root)
    for wrong in range(len(claims)):
        changed = list(claims)
        changed[wrong] = (claims[wrong][0], b"another value")
        with pytest.raises(InvalidProof):
            ics23.verify_batch(changed, proofs, root=STORES.root)


def test_a_shared_upper_proof_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def counting(encoded: bytes, *, spec: ProofSpec, key: bytes, value: bytes) -> bytes | None:
        asked.append(key)
        return root_of_known(encoded, spec=spec, key=key, value=value)

    monkeypatch.setattr(ics23, "root_of_known", counting)
    claims = [([b"ibc", key], value) for key, value in ITEMS.items()]
    ics23.verify_batch(claims, [chained(key) for key in ITEMS], root=STORES.root)
    assert asked.count(b"ibc") == 1
    assert len(asked) == len(ITEMS) + 1


CHAIN_REFUSED: dict[str, tuple[bytes, list[bytes], type[InvalidProof], str]] = {
    "store proof alone": (
        encode_merkle_proof([STORE.existence(b"key 1")]),
        [b"ibc", b"key 1"],
        MalformedProof,
        "ibc proof layers",
    ),
    "three layers": (
        encode_merkle_proof([STORE.existence(b"key 1"), STORES.existence(b"ibc"), STORES.existence(b"ibc")]),
        [b"ibc", b"key 1"],
        MalformedProof,
        "ibc proof layers",
    ),
    "no layer": (b"", [b"ibc", b"key 1"], MalformedProof, "ibc proof layers"),
    "another store": (chained(b"key 1"), [b"bank", b"key 1"], ValueMismatch, "ics23 key"),
    "another key": (chained(b"key 1"), [b"ibc", b"key 2"], ValueMismatch, "ics23 key"),
    "path too short": (chained(b"key 1"), [b"key 1"], MalformedProof, "ibc proof layers"),
    "absence above": (
        encode_merkle_proof([STORE.existence(b"key 1"), STORES.absence(b"ibd")]),
        [b"ibc", b"key 1"],
        UnsupportedProof,
        "ics23 proof",
    ),
    "layers swapped": (
        encode_merkle_proof([STORES.existence(b"ibc"), STORE.existence(b"key 1")]),
        [b"ibc", b"key 1"],
        ValueMismatch,
        "ics23 key",
    ),
}


@pytest.mark.parametrize("corruption", CHAIN_REFUSED)
def test_invalid_chain(corruption: str) -> None:
    proof, path, error, part = CHAIN_REFUSED[corruption]
    with pytest.raises(error) as refusal:
        ics23.verify_chained(proof, root=STORES.root, path=path, value=b"value 1")
    assert getattr(refusal.value, "part", None) == part


def test_one_proof_per_claim() -> None:
    with pytest.raises(MalformedProof) as refusal:
        ics23.verify_batch([([b"ibc", b"key 1"], b"value 1")], [], root=STORES.root)
    assert (refusal.value.part, refusal.value.got, refusal.value.expected) == ("ibc proofs", 0, 1)


GOOD = STORE.existence(b"key 7")
DEEP = InnerOp(1, bytes.fromhex("fe0102020220"), b"\x20" + bytes(32))
EXISTENCE_REFUSED: dict[str, tuple[ExistenceProof, type[InvalidProof], str]] = {
    "leaf without a hash": (
        replace(GOOD, leaf=replace(GOOD.leaf, hash=0)),
        UnsupportedProof,
        "ics23 leaf operations",
    ),
    "leaf with a hashed key": (
        replace(GOOD, leaf=replace(GOOD.leaf, prehash_key=1)),
        UnsupportedProof,
        "ics23 leaf operations",
    ),
    "value not hashed": (
        replace(GOOD, leaf=replace(GOOD.leaf, prehash_value=0)),
        UnsupportedProof,
        "ics23 leaf operations",
    ),
    "no length": (replace(GOOD, leaf=replace(GOOD.leaf, length=0)), UnsupportedProof, "ics23 leaf operations"),
    "leaf prefix of an inner node": (
        replace(GOOD, leaf=replace(GOOD.leaf, prefix=GOOD.path[0].prefix)),
        MalformedProof,
        "ics23 leaf prefix",
    ),
    "leaf prefix with more": (
        replace(GOOD, leaf=replace(GOOD.leaf, prefix=GOOD.leaf.prefix + b"\x00")),
        MalformedProof,
        "iavl prefix rest",
    ),
    "leaf of negative version": (
        replace(GOOD, leaf=replace(GOOD.leaf, prefix=bytes.fromhex("000201"))),
        MalformedProof,
        "iavl version",
    ),
    "leaf prefix cut": (
        replace(GOOD, leaf=replace(GOOD.leaf, prefix=bytes.fromhex("0002"))),
        MalformedProof,
        "iavl version",
    ),
    "leaf number without end": (
        replace(GOOD, leaf=replace(GOOD.leaf, prefix=bytes.fromhex("00") + b"\x80" * 11)),
        MalformedProof,
        "iavl size",
    ),
    "inner step of another hash": (
        replace(GOOD, path=(replace(GOOD.path[0], hash=2), *GOOD.path[1:])),
        UnsupportedProof,
        "ics23 inner hash",
    ),
    "inner step that starts like a leaf": (
        replace(GOOD, path=(replace(GOOD.path[0], prefix=b"\x00" + GOOD.path[0].prefix), *GOOD.path[1:])),
        MalformedProof,
        "ics23 inner prefix",
    ),
    "inner prefix too long": (
        replace(GOOD, path=(replace(GOOD.path[0], prefix=b"\x02" * 46), *GOOD.path[1:])),
        MalformedProof,
        "ics23 inner prefix length",
    ),
    "inner prefix too short": (
        replace(GOOD, path=(replace(GOOD.path[0], prefix=b"\x02" * 3), *GOOD.path[1:])),
        MalformedProof,
        "ics23 inner prefix length",
    ),
    "suffix of half a child": (
        replace(GOOD, path=(replace(GOOD.path[0], suffix=bytes(32)), *GOOD.path[1:])),
        MalformedProof,
        "ics23 inner suffix length",
    ),
    "height below its layer": (
        replace(GOOD, path=(*GOOD.path, replace(GOOD.path[-1], prefix=b"\x02" + GOOD.path[-1].prefix[1:]))),
        MalformedProof,
        "iavl height",
    ),
    "two left siblings in one prefix": (
        replace(GOOD, path=(replace(GOOD.path[0], prefix=bytes.fromhex("02040220") + bytes(20)), *GOOD.path[1:])),
        MalformedProof,
        "iavl prefix rest",
    ),
    "too deep": (replace(GOOD, path=(DEEP,) * 129), LimitExceeded, "ics23 depth"),
    "empty value": (replace(GOOD, value=b""), MalformedProof, "ics23 value"),
    "empty key": (replace(GOOD, key=b""), MalformedProof, "ics23 key"),
}


@pytest.mark.parametrize("corruption", EXISTENCE_REFUSED)
def test_invalid_existence(corruption: str) -> None:
    proof, error, part = EXISTENCE_REFUSED[corruption]
    with pytest.raises(error) as refusal:
        ics23.root_of_existence(proof, spec=ics23.IAVL_SPEC, key=proof.key, value=proof.value)
    assert getattr(refusal.value, "part", None) == part
    encoded = encode_commitment_proof(proof)
    assert root_of_known(encoded, spec=ics23.IAVL_SPEC, key=proof.key, value=proof.value) is None


SIMPLE = STORES.existence(b"ibc")
SIMPLE_REFUSED = {
    "prefix of another tree": replace(SIMPLE, path=(replace(SIMPLE.path[0], prefix=b"\x02"), *SIMPLE.path[1:])),
    "siblings on both sides": replace(SIMPLE, path=(InnerOp(1, b"\x01" + bytes(32), bytes(32)), *SIMPLE.path[1:])),
}


@pytest.mark.parametrize("corruption", SIMPLE_REFUSED)
def test_invalid_simple_step(corruption: str) -> None:
    proof = SIMPLE_REFUSED[corruption]
    with pytest.raises(MalformedProof) as refusal:
        ics23.root_of_existence(proof, spec=ics23.TENDERMINT_SPEC, key=b"ibc", value=STORE.root)
    assert refusal.value.part == "simple merkle inner prefix"


def _with_inner(**changes: object) -> ProofSpec:
    return replace(ics23.IAVL_SPEC, inner_spec=replace(ics23.IAVL_SPEC.inner_spec, **changes))  # type: ignore[arg-type]  # names are checked at run time


UNSOUND_SPECS = {
    "no child size": (_with_inner(child_size=0), "proof spec child size"),
    "prefix that can hide a child": (_with_inner(max_prefix_length=37), "proof spec prefix lengths"),
    "longest below shortest": (_with_inner(max_prefix_length=3), "proof spec prefix lengths"),
    "negative prefix": (_with_inner(min_prefix_length=-1), "proof spec prefix lengths"),
    "no children": (_with_inner(child_order=()), "proof spec child order"),
    "child named twice": (_with_inner(child_order=(0, 0)), "proof spec child order"),
    "short empty child": (_with_inner(empty_child=b"x"), "proof spec empty child"),
    "negative depth": (replace(ics23.IAVL_SPEC, max_depth=-1), "proof spec depth"),
}


@pytest.mark.parametrize("corruption", UNSOUND_SPECS)
def test_an_unsound_specification_is_refused(corruption: str) -> None:
    spec, part = UNSOUND_SPECS[corruption]
    with pytest.raises(UnsupportedProof) as refusal:
        ics23.root_of_existence(GOOD, spec=spec, key=GOOD.key, value=GOOD.value)
    assert refusal.value.part == part


def test_a_tree_of_fixed_depth_has_no_shallow_leaves() -> None:
    spec = replace(ics23.IAVL_SPEC, min_depth=len(GOOD.path) + 1)
    with pytest.raises(MalformedProof) as refusal:
        ics23.root_of_existence(GOOD, spec=spec, key=GOOD.key, value=GOOD.value)
    assert refusal.value.part == "ics23 depth"


def test_a_node_longer_than_its_slot_is_refused() -> None:
    spec = replace(_with_inner(hash=2), leaf_spec=replace(ics23.IAVL_SPEC.leaf_spec, hash=1))
    proof = replace(GOOD, path=(replace(GOOD.path[0], hash=2),))
    with pytest.raises(MalformedProof) as refusal:
        ics23.root_of_existence(proof, spec=spec, key=GOOD.key, value=GOOD.value)
    assert (refusal.value.part, refusal.value.got) == ("ics23 node", 64)


FIRST, SECOND, THIRD = (leaf.proof() for leaf in STORE.leaves[:3])
OTHER_TREE = iavl({b"zz": b"v", b"zzz": b"w"}).existence(b"zzz")
BETWEEN = b"key 0 "
ASK_BETWEEN = {"proof of another absent key"}
ABSENCE_REFUSED: dict[str, tuple[NonExistenceProof, type[InvalidProof], str]] = {
    "proof of another absent key": (
        NonExistenceProof(BETWEEN + b"x", FIRST, SECOND),
        ValueMismatch,
        "ics23 named key",
    ),
    "no neighbour": (NonExistenceProof(BETWEEN, None, None), MalformedProof, "ics23 absence"),
    "neighbours of two trees": (NonExistenceProof(BETWEEN, FIRST, OTHER_TREE), RootMismatch, "ics23 root"),
    "key at its left neighbour": (NonExistenceProof(FIRST.key, FIRST, SECOND), ValueMismatch, "ics23 absent key"),
    "key at its right neighbour": (NonExistenceProof(SECOND.key, FIRST, SECOND), ValueMismatch, "ics23 absent key"),
    "a leaf skipped": (NonExistenceProof(BETWEEN, FIRST, THIRD), MalformedProof, "ics23 left neighbour"),
    "one leaf twice": (NonExistenceProof(BETWEEN, FIRST, replace(FIRST, key=b"key 9")), RootMismatch, "ics23 root"),
    "right one is not left-most": (NonExistenceProof(b"a", None, SECOND), MalformedProof, "ics23 right neighbour"),
    "left one is not right-most": (NonExistenceProof(b"z", SECOND, None), MalformedProof, "ics23 left neighbour"),
}


@pytest.mark.parametrize("corruption", ABSENCE_REFUSED)
def test_invalid_absence(corruption: str) -> None:
    proof, error, part = ABSENCE_REFUSED[corruption]
    with pytest.raises(error) as refusal:
        ics23.root_of_absence(proof, spec=ics23.IAVL_SPEC, key=BETWEEN if corruption in ASK_BETWEEN else proof.key)
    assert getattr(refusal.value, "part", None) == part


NOT_NEIGHBOURS = {
    "one path within the other": (GOOD.path, GOOD.path[1:]),
    "the same path": (GOOD.path, GOOD.path),
    "both empty": ((), ()),
    "right before left": (SECOND.path, FIRST.path),
}


@pytest.mark.parametrize("corruption", NOT_NEIGHBOURS)
def test_paths_that_are_not_neighbours(corruption: str) -> None:
    left, right = NOT_NEIGHBOURS[corruption]
    with pytest.raises(MalformedProof) as refusal:
        ics23_checks.check_neighbours(left, right, ics23.IAVL_SPEC.inner_spec)
    assert refusal.value.part == "ics23 neighbours"


def test_two_kinds_in_one_proof_are_refused() -> None:
    both = encode_commitment_proof(GOOD) + encode_commitment_proof(STORE.absence(b"z"))
    for data, kinds in ((both, 2), (b"", 0)):
        with pytest.raises(MalformedProof) as refusal:
            decode_commitment_proof(data)
        assert (refusal.value.part, refusal.value.got) == ("ics23 proof kinds", kinds)


def test_a_megabyte_is_refused_unread() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        ics23.verify_chained(bytes(1 << 20), root=STORES.root, path=[b"ibc", b"k"], value=b"v")
    assert refusal.value.limit == PROOF_BYTES_MAX


@pytest.mark.parametrize("spec", (ics23.IAVL_SPEC, ics23.TENDERMINT_SPEC, ics23.SMT_SPEC))
def test_a_specification_survives_its_encoding(spec: ProofSpec) -> None:
    assert decode_proof_spec(encode_proof_spec(spec)) == spec


def compressed(paths: list[int], lookup: tuple[InnerOp, ...]) -> bytes:
    """A compressed batch of one existence of the key of GOOD."""
    proof = encode_commitment_proof(replace(GOOD, path=()))[2:] + protobuf.packed_field(4, paths)
    entry = protobuf.message_field(1, protobuf.message_field(1, proof))
    steps = protobuf.repeated_bytes_field(
        2,
        (
            protobuf.varint_field(1, s.hash) + protobuf.bytes_field(2, s.prefix) + protobuf.bytes_field(3, s.suffix)
            for s in lookup
        ),
    )
    return protobuf.message_field(4, entry + steps)


def test_a_compressed_path_refers_to_steps_that_are_there() -> None:
    count = len(GOOD.path)
    claim = {"spec": ics23.IAVL_SPEC, "root": STORE.root, "key": GOOD.key, "value": GOOD.value}
    ics23.verify_membership(compressed(list(range(count)), GOOD.path), **claim)  # type: ignore[arg-type]  # one dictionary for three calls
    for index in (count, -1):
        with pytest.raises(MalformedProof) as refusal:
            ics23.verify_membership(compressed([index], GOOD.path), **claim)  # type: ignore[arg-type]  # as above
        assert (refusal.value.part, refusal.value.got) == ("ics23 compressed path", index)


@pytest.mark.parametrize("kind", ("iavl", "simple"))
def test_the_short_way_gives_what_the_long_way_gives(kind: str) -> None:
    """On honest proofs it is taken; on mutated ones it never accepts what the long way would not."""
    items = items_of(1, 40)
    tree = TREES[kind](items)
    honest = {key: encode_commitment_proof(tree.existence(key)) for key in items}
    taken = 0
    for key, encoded in honest.items():
        short = root_of_known(encoded, spec=tree.spec, key=key, value=items[key])
        assert short in (tree.root, None if len(encoded) < 128 + 3 else tree.root)
        taken += short is not None
    assert taken > 30
    accepted = 0
    for seed in range(4_000):
        chance = random.Random(seed)
        key = chance.choice(sorted(items))
        mutated = mutate(chance, [honest[key]])
        short = root_of_known(mutated, spec=tree.spec, key=key, value=items[key])
        if short is not None:
            existence = decode_commitment_proof(mutated).exist
            assert existence is not None
            assert ics23.root_of_existence(existence, spec=tree.spec, key=key, value=items[key]) == short
            accepted += 1
    assert accepted > 100, "most of the flips in sibling hashes stay well-formed"


def test_a_proof_is_split_like_the_general_reader_splits_it() -> None:
    schema = protobuf.Message("M", lambda items: items, [protobuf.Field(1, "proofs", protobuf.BYTES, repeated=True)])
    seeds = [chained(key) for key in ITEMS]
    for seed in range(2_000):
        data = mutate(random.Random(seed), seeds)
        try:
            expected = protobuf.decode(data, schema, part="t")
        except InvalidProof:
            expected = None
        try:
            got: object = split_merkle_proof(data)
        except InvalidProof:
            got = None
        assert got == expected


def test_hostile_bytes_give_only_refusals() -> None:
    proofs = [chained(b"key 7"), chained(b"absent"), chained(b"z")]

    def parse(data: bytes) -> None:
        for key, value in ((b"key 7", b"value 7"), (b"absent", None)):
            ics23.verify_chained(data, root=STORES.root, path=[b"ibc", key], value=value)

    assert assert_only_refusals(parse, proofs, 1_500) == 0


def test_hostile_single_proofs_give_only_refusals() -> None:
    seeds = [encode_commitment_proof(GOOD), encode_commitment_proof(STORE.absence(b"key 70"))]
    seeds.append(compressed(list(range(len(GOOD.path))), GOOD.path))

    def parse(data: bytes) -> None:
        for spec in (ics23.IAVL_SPEC, ics23.TENDERMINT_SPEC, ics23.SMT_SPEC):
            try:
                ics23.verify_membership(data, spec=spec, root=STORE.root, key=GOOD.key, value=GOOD.value)
            except InvalidProof:
                ics23.verify_non_membership(data, spec=spec, root=STORE.root, key=b"key 70")

    assert_only_refusals(parse, seeds, 1_500)


def test_hostile_specifications_give_only_refusals() -> None:
    def parse(data: bytes) -> None:
        ics23.root_of_existence(GOOD, spec=decode_proof_spec(data), key=GOOD.key, value=GOOD.value)

    assert_only_refusals(parse, [encode_proof_spec(ics23.IAVL_SPEC)], 1_500)
