"""What BEEFY's signers are believed for, on sets with keys of our own: each rule by the one change that it refuses."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from proofs.errors import (
    DuplicateSigner,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.primitives import secp256k1
from proofs.substrate.beefy import spec as beefy_spec
from proofs.substrate.beefy.messages import (
    MMR_ROOT,
    Commitment,
    Leaf,
    SignedCommitment,
    SignerSet,
    decode_commitment,
    decode_leaf,
    decode_signed_commitment,
    encode_commitment,
    encode_leaf,
    encode_signed_commitment,
)
from proofs.substrate.beefy.spec import (
    LeafPath,
    MemberSignature,
    verify_members,
    verify_sample,
    verify_signed_commitment,
)
from tests.proofs.fuzzing import assert_only_refusals
from tests.proofs.substrate.beefy.builders import (
    AFTER_THEM,
    BLOCK,
    NOW_SIGNING,
    QUORUM,
    SET_ID,
    SIGNING_NEXT,
    commitment,
    leaf,
    range_to,
    signers,
)

RANGE = range_to(BLOCK, SIGNING_NEXT.set)
SAID = commitment(RANGE.root())
MEMBERS = NOW_SIGNING.members(SAID, QUORUM)
NEWEST, PATH = RANGE.leaves[3], RANGE.path(3)


def refused(error: type[VerificationError], attempt: Any, **fields: object) -> None:
    with pytest.raises(error) as refusal:
        attempt()
    assert {name: getattr(refusal.value, name) for name in fields} == fields


def step(members: Sequence[MemberSignature] = MEMBERS, said: Commitment = SAID) -> None:
    verify_members(said, members, NOW_SIGNING.set)


# --- leaves


def show(newest: Leaf = NEWEST, path: LeafPath = PATH) -> None:
    beefy_spec.verify_leaf(newest, path, root=RANGE.root(), block_number=BLOCK)


def test_every_leaf_under_the_root_is_shown_by_its_path() -> None:
    for place in range(4):
        show(RANGE.leaves[place], RANGE.path(place))


def test_a_leaf_of_another_range() -> None:
    refused(RootMismatch, lambda: show(leaf(BLOCK, AFTER_THEM.set)), part="MMR", expected=RANGE.root())


def test_a_leaf_of_a_later_block() -> None:
    newer = leaf(BLOCK + 1, SIGNING_NEXT.set)
    refused(ValueMismatch, lambda: show(newer), part="MMR leaf's parent number", got=BLOCK)


# --- the payload


def root_in(*payload: tuple[bytes, bytes]) -> bytes:
    return beefy_spec.mmr_root_of(replace(SAID, payload=payload))


def test_other_items_of_the_payload_are_signed_but_not_read() -> None:
    assert root_in((b"zz", b"more"), (MMR_ROOT, RANGE.root())) == RANGE.root()


def test_a_payload_without_a_root() -> None:
    refused(UnsupportedProof, lambda: root_in((b"zz", RANGE.root())), part="MMR roots in a payload", got=0)


def test_a_payload_with_two_roots() -> None:
    twice = ((MMR_ROOT, RANGE.root()), (MMR_ROOT, b"\x01" * 32))
    refused(UnsupportedProof, lambda: root_in(*twice), part="MMR roots in a payload", got=2)


def test_a_root_of_another_length() -> None:
    refused(MalformedProof, lambda: root_in((MMR_ROOT, bytes(31))), part="MMR root", got=31)


# --- signatures


def members(*by: int) -> list[MemberSignature]:
    return NOW_SIGNING.members(SAID, by)


def changed(place: int = 0, **fields: Any) -> list[MemberSignature]:
    return [replace(each, **fields) if at == place else each for at, each in enumerate(MEMBERS)]


def test_one_signature_less_than_a_quorum() -> None:
    refused(
        InsufficientVotingPower, lambda: step(members(*QUORUM[:4])), signed=4, total=7, signers=f"BEEFY set {SET_ID}"
    )


@pytest.mark.parametrize(("count", "quorum"), ((1, 1), (2, 2), (3, 3), (4, 3), (6, 5), (7, 5), (10, 7), (13, 9)))
def test_quorum(count: int, quorum: int) -> None:
    by = signers(count)
    verify_members(SAID, by.members(SAID, range(quorum)), by.set)
    refused(InsufficientVotingPower, lambda: verify_members(SAID, by.members(SAID, range(quorum - 1)), by.set))


def test_one_signer_twice() -> None:
    refused(DuplicateSigner, lambda: step(members(0, 1, 3, 4, 4)), signer=NOW_SIGNING.addresses[4])


def test_more_signatures_than_signers() -> None:
    refused(LimitExceeded, lambda: step(members(0, 1, 2, 3, 4, 5, 6, 0)), part="BEEFY signatures", got=8, limit=7)


def test_a_signature_of_somebody_else() -> None:
    other = NOW_SIGNING.signature(2, SAID)
    refused(UnknownSigner, lambda: step(changed(signature=other)), signer=NOW_SIGNING.addresses[2])


def test_a_signature_over_something_else() -> None:
    other = NOW_SIGNING.members(replace(SAID, block_number=BLOCK + 1), QUORUM)
    refused(UnknownSigner, lambda: step(other))


def test_a_stranger_with_a_place_of_his_own() -> None:
    stranger = signers(1, first=90).member(0, SAID)
    refused(RootMismatch, lambda: step([*MEMBERS[:4], replace(stranger, index=6, path=MEMBERS[4].path)]))


def test_a_member_at_another_place() -> None:
    refused(RootMismatch, lambda: step(changed(index=2)), part="binary Merkle tree")


def test_a_place_beyond_the_set() -> None:
    refused(MalformedProof, lambda: step(changed(index=7)), part="Merkle leaf index", got=7)


@pytest.mark.parametrize("length", (19, 21))
def test_an_address_of_another_length(length: int) -> None:
    refused(MalformedProof, lambda: step(changed(address=bytes(length))), part="BEEFY address", got=length)


def test_a_signature_with_its_twin() -> None:
    given = MEMBERS[0].signature
    twin = (secp256k1.ORDER - int.from_bytes(given[32:64], "big")).to_bytes(32, "big")
    high = given[:32] + twin + bytes([given[64] ^ 1])
    refused(InvalidSignature, lambda: step(changed(signature=high)), scheme="secp256k1: s in the upper half")


def test_signatures_of_another_set_with_the_same_keys() -> None:
    """A set that stays has a new id in the next session: what it signs then does not count now."""
    said = replace(SAID, set_id=SET_ID + 1)
    again = NOW_SIGNING.members(said, QUORUM)
    refused(ValueMismatch, lambda: verify_members(said, again, NOW_SIGNING.set), part="BEEFY set id", got=SET_ID + 1)


def test_a_set_without_a_root() -> None:
    bare = replace(NOW_SIGNING.set, root=b"")
    refused(MalformedProof, lambda: verify_members(SAID, MEMBERS, bare), part="BEEFY signers' root", got=0)


# --- in full, as nodes serve it


def full(by: Sequence[int] = QUORUM, **changes: Any) -> None:
    given: dict[str, Any] = {
        "signed": NOW_SIGNING.signed(SAID, by),
        "addresses": NOW_SIGNING.addresses,
        "signers": NOW_SIGNING.set,
        **changes,
    }
    verify_signed_commitment(given["signed"], given["addresses"], given["signers"])


def test_a_commitment_in_full() -> None:
    full()
    decoded = decode_signed_commitment(encode_signed_commitment(NOW_SIGNING.signed(SAID, QUORUM)))
    full(signed=decoded)


def test_a_commitment_in_full_without_quorum() -> None:
    refused(InsufficientVotingPower, lambda: full(QUORUM[:4]), signed=4, total=7)


def test_a_commitment_in_full_with_a_place_too_many_or_too_few() -> None:
    signed = NOW_SIGNING.signed(SAID, QUORUM)
    for signatures, got in ((signed.signatures[:-1], 6), ((*signed.signatures, None), 8)):
        refused(
            MalformedProof,
            lambda signatures=signatures: full(signed=replace(signed, signatures=signatures)),
            part="BEEFY signatures",
            got=got,
            expected=7,
        )
    refused(MalformedProof, lambda: full(addresses=NOW_SIGNING.addresses[:-1]), part="BEEFY signatures", got=6)


def test_addresses_of_other_signers() -> None:
    others = [*NOW_SIGNING.addresses[:-1], SIGNING_NEXT.addresses[0]]
    refused(RootMismatch, lambda: full(addresses=others), part="BEEFY addresses", expected=NOW_SIGNING.set.root)


def test_an_address_that_is_none() -> None:
    refused(MalformedProof, lambda: full(addresses=[b"", *NOW_SIGNING.addresses[1:]]), part="BEEFY address", got=0)


def test_a_set_in_which_somebody_stands_twice() -> None:
    doubled = replace(NOW_SIGNING, keys=(*NOW_SIGNING.keys[:6], NOW_SIGNING.keys[0]))
    signed = doubled.signed(SAID, QUORUM)
    refused(
        DuplicateSigner,
        lambda: full(signed=signed, addresses=doubled.addresses, signers=doubled.set),
        signer=NOW_SIGNING.addresses[0],
    )


def test_signatures_in_full_in_each_others_places() -> None:
    signed = NOW_SIGNING.signed(SAID, QUORUM)
    swapped = (signed.signatures[1], signed.signatures[0], *signed.signatures[2:])
    refused(UnknownSigner, lambda: full(signed=replace(signed, signatures=swapped)))


def test_a_commitment_in_full_of_another_set() -> None:
    signed = NOW_SIGNING.signed(replace(SAID, set_id=SET_ID + 1), QUORUM)
    refused(ValueMismatch, lambda: full(signed=signed), part="BEEFY set id")


def test_a_commitment_in_full_for_nobody() -> None:
    refused(MalformedProof, lambda: full(signers=SignerSet(SET_ID, 0, bytes(32))), part="BEEFY signers")


# --- samples


CLAIMED = frozenset({0, 1, 3, 4, 6})
SAMPLE = frozenset({1, 4})


def sampled(shown: Sequence[int] = (1, 4), **changes: Any) -> None:
    given: dict[str, Any] = {"claimed": CLAIMED, "sample": SAMPLE, "required": 2, **changes}
    verify_sample(SAID, members(*shown), NOW_SIGNING.set, **given)


def test_a_sample_of_a_claimed_quorum() -> None:
    sampled()
    sampled((4, 1))


def test_a_sample_of_claims_that_are_no_quorum() -> None:
    refused(InsufficientVotingPower, lambda: sampled(claimed={0, 1, 3, 4}), signed=4, total=7)


def test_claims_of_places_beyond_the_set() -> None:
    for place in (7, -1):
        refused(MalformedProof, lambda place=place: sampled(claimed={1, 3, 4, 6, place}), part="claimed signers")


def test_a_place_that_is_claimed_twice_counts_once() -> None:
    refused(InsufficientVotingPower, lambda: sampled(claimed=[0, 1, 3, 4, 4]), signed=4)


def test_a_sample_of_somebody_who_is_not_claimed() -> None:
    refused(MalformedProof, lambda: sampled((2, 4), sample={2, 4}), part="sample", got=2)


def test_a_sample_that_is_too_small() -> None:
    refused(MalformedProof, lambda: sampled(required=3), part="sample", got=2, expected="at least 3")
    refused(MalformedProof, lambda: sampled((), sample=(), required=0), part="sample", got=0, expected="at least 1")


@pytest.mark.parametrize("shown", ((1,), (0, 4), (1, 4, 6), ()))
def test_other_signatures_than_those_that_were_drawn(shown: tuple[int, ...]) -> None:
    refused(MalformedProof, lambda: sampled(shown), part="sampled signatures", expected=[1, 4])


def test_one_drawn_signature_is_somebody_elses() -> None:
    shown = [members(1)[0], replace(members(4)[0], signature=NOW_SIGNING.signature(3, SAID))]
    refused(
        UnknownSigner,
        lambda: verify_sample(SAID, shown, NOW_SIGNING.set, claimed=CLAIMED, sample=SAMPLE, required=2),
    )


# --- encodings


@pytest.mark.parametrize("count", (1, 7, 8, 9, 16, 100))
def test_signed_commitments_have_one_encoding(count: int) -> None:
    chance = random.Random(count)
    signatures = tuple(chance.randbytes(65) if chance.random() < 0.6 else None for _ in range(count))
    signed = SignedCommitment(SAID, signatures)
    encoded = encode_signed_commitment(signed)
    assert decode_signed_commitment(encoded) == signed


def test_commitments_and_leaves_have_one_encoding() -> None:
    assert decode_commitment(encode_commitment(SAID)) == SAID
    assert decode_leaf(encode_leaf(NEWEST)) == NEWEST
    assert len(encode_leaf(NEWEST)) == 113


def bits(signed: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Eight of eight signed: two bytes of bits, the last of which only fills up."""
    at = len(encode_commitment(SAID)) + 2
    return signed[:at] + change(signed[at : at + 2]) + signed[at + 2 :]


EIGHT = encode_signed_commitment(SignedCommitment(SAID, (b"\x07" * 65,) * 8))


SHORTER = len(encode_commitment(SAID)) + 1
ONE_BYTE = EIGHT[:SHORTER] + b"\x04\xff" + EIGHT[SHORTER + 3 :]
INVALID: dict[str, tuple[Callable[[bytes], object], bytes, type[VerificationError], dict[str, object]]] = {
    "a leaf of another version": (
        decode_leaf, b"\x01" + encode_leaf(NEWEST)[1:], UnsupportedProof, {"part": "MMR leaf version", "got": 1},
    ),
    "bytes behind a leaf": (decode_leaf, encode_leaf(NEWEST) + b"\x00", MalformedProof, {"part": "MMR leaf"}),
    "bytes behind a commitment": (
        decode_commitment, encode_commitment(SAID) + b"\x00", MalformedProof, {"part": "commitment"},
    ),
    "a justification of another version": (
        decode_signed_commitment, b"\x02" + EIGHT[1:], UnsupportedProof, {"part": "BEEFY justification version"},
    ),
    "bytes behind a justification": (
        decode_signed_commitment, EIGHT + b"\x00", MalformedProof, {"part": "signed commitment"},
    ),
    "a bit beyond the last authority": (
        decode_signed_commitment, bits(EIGHT, lambda b: b[:1] + b"\x01"), MalformedProof, {"part": "signers' bits"},
    ),
    "a bit less than signatures": (
        decode_signed_commitment, bits(EIGHT, lambda _: b"\x7f\x00"), MalformedProof,
        {"part": "signatures", "got": 8, "expected": 7},
    ),
    "a byte of bits less": (
        decode_signed_commitment, ONE_BYTE, MalformedProof, {"part": "signers' bits", "got": 1, "expected": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", INVALID)
def test_invalid_encoding(name: str) -> None:
    decode, data, error, fields = INVALID[name]
    refused(error, lambda: decode(data), **fields)


def test_hostile_bytes() -> None:
    assert_only_refusals(decode_signed_commitment, [EIGHT], 500)
    assert_only_refusals(decode_commitment, [encode_commitment(SAID)], 300)
    assert_only_refusals(decode_leaf, [encode_leaf(NEWEST)], 300)


@pytest.mark.parametrize("seed", range(20))
def test_any_quorum_of_any_set_is_believed_and_nothing_less(seed: int) -> None:
    chance = random.Random(seed)
    by = signers(chance.randrange(1, 12), first=chance.randrange(1, 50))
    chosen = chance.sample(range(len(by.keys)), chance.randrange(len(by.keys) + 1))
    if 3 * len(chosen) > 2 * len(by.keys):
        verify_members(SAID, by.members(SAID, chosen), by.set)
        verify_signed_commitment(by.signed(SAID, chosen), by.addresses, by.set)
    else:
        refused(InsufficientVotingPower, lambda: verify_members(SAID, by.members(SAID, chosen), by.set))
