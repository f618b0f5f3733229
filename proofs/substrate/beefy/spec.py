"""How a BEEFY commitment is believed: by a quorum of signatures, or by a sample of them that the verifier drew.

Three forms, from strong to weak:

- `verify_signed_commitment`: what nodes serve, with the addresses of the whole set, whose root is trusted.
- `verify_members`: a quorum again, but each signer shows his place in the set by a path to its root.
- `verify_sample`: Snowbridge's interactive scheme. Somebody claims a quorum, then the verifier draws some of them by
  chance that nobody could know before, and only these signatures are seen. It is no quorum, and is not called one: that
  a claim with too few signers passes is a question of odds, and the draw, its chance and the time between are the
  verifier's to see to. Nothing here draws.

The next authorities come from a leaf under a root that those before them signed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from proofs.merkle import binary_merkle, mmr
from proofs.primitives import secp256k1
from proofs.substrate.beefy import predicates as rules
from proofs.substrate.beefy.messages import (
    MMR_ROOT,
    Commitment,
    Leaf,
    SignedCommitment,
    SignerSet,
    commitment_hash,
    encode_leaf,
)


@dataclass(frozen=True, slots=True)
class MemberSignature:
    """index, path: the address's place among the leaves of its set. signature: r‖s‖v, v is 0 or 1."""

    index: int
    address: bytes
    path: tuple[bytes, ...]
    signature: bytes


@dataclass(frozen=True, slots=True)
class LeafPath:
    """The simplified proof: a bit of `order` for each item says whether it stands to the left."""

    items: tuple[bytes, ...]
    order: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What signers said, with what shows it: the addresses of their whole set, and a leaf under the signed root."""

    signed: SignedCommitment
    addresses: tuple[bytes, ...]
    leaf: Leaf
    path: LeafPath

    @property
    def commitment(self) -> Commitment:
        return self.signed.commitment


@dataclass(frozen=True, slots=True)
class Trust:
    """Who signs in the present session, and who in the next."""

    current: SignerSet
    following: SignerSet


def verify_statement(trust: Trust, statement: Statement) -> bytes:
    """Return the root that a quorum of the present or the next signers signed. Raises VerificationError."""
    commitment = statement.commitment
    rules.check_set_is_known(commitment.set_id, current=trust.current.set_id, following=trust.following.set_id)
    signers = trust.following if is_handed_over(trust, commitment) else trust.current
    root = mmr_root_of(commitment)
    verify_leaf(statement.leaf, statement.path, root=root, block_number=commitment.block_number)
    verify_signed_commitment(statement.signed, statement.addresses, signers)
    return root


def is_handed_over(trust: Trust, commitment: Commitment) -> bool:
    """Whether the next signers signed: then the session of the present ones is over."""
    return commitment.set_id == trust.following.set_id


def hand_over(trust: Trust, leaf: Leaf) -> Trust:
    """The next signers become the present ones, and a leaf that they signed names the next. Raises InvalidProof."""
    rules.check_set_follows(leaf.next_signers.set_id, current=trust.following.set_id)
    rules.check_signers(leaf.next_signers)
    return Trust(trust.following, leaf.next_signers)


def verify_signed_commitment(signed: SignedCommitment, addresses: Sequence[bytes], signers: SignerSet) -> None:
    """Return only if a quorum of `signers` signed. addresses: of all, in their order. Raises InvalidProof."""
    rules.check_signers(signers)
    rules.check_signed_by_set(signed.commitment, signers)
    rules.check_place_for_each_signer(len(signed.signatures), signers)
    rules.check_place_for_each_signer(len(addresses), signers)
    for address in addresses:
        rules.check_address(address)
    rules.check_addresses(addresses, binary_merkle.merkle_root(addresses), signers)
    rules.check_quorum(len(signed.signatures) - signed.signatures.count(None), signers)
    digest = commitment_hash(signed.commitment)
    for address, signature in zip(addresses, signed.signatures, strict=True):
        if signature is not None:
            verify_signature(digest, signature, address)


def verify_members(commitment: Commitment, members: Sequence[MemberSignature], signers: SignerSet) -> None:
    """Return only if a quorum of `signers` signed, each of whom shows his place. Raises InvalidProof."""
    _verify_places(commitment, members, signers)
    rules.check_quorum(len(members), signers)
    _verify_each(commitment, members, signers)


def verify_sample(
    commitment: Commitment,
    members: Sequence[MemberSignature],
    signers: SignerSet,
    *,
    claimed: Collection[int],
    sample: Collection[int],
    required: int,
) -> None:
    """Return only if everybody in `sample` signed, out of a claimed quorum. No quorum is verified. Raises InvalidProof.

    claimed:  places of those who are said to have signed, fixed before anybody knew the sample.
    sample:   places that the verifier drew among them.
    required: how many he demands; Snowbridge takes 18 more than ⌈log2 n⌉ of n, and more for often used signers.
    """
    _verify_places(commitment, members, signers)
    rules.check_claims_within_set(claimed, signers)
    rules.check_quorum(len(set(claimed)), signers)
    rules.check_sample_is_claimed(sample, claimed)
    rules.check_sample_size(len(set(sample)), required)
    rules.check_sample_is_shown([each.index for each in members], sample)
    _verify_each(commitment, members, signers)


def verify_signature(digest: bytes, signature: bytes, address: bytes) -> None:
    """Return only if the key with `address` signed. s in the lower half, as nodes sign. Raises InvalidProof."""
    key = secp256k1.recover(digest, signature, v_base=0)
    rules.check_signed_by(secp256k1.address_of(key), address)


def mmr_root_of(commitment: Commitment) -> bytes:
    """Raises InvalidProof."""
    rules.check_one_mmr_root(commitment)
    return next(data for name, data in commitment.payload if name == MMR_ROOT)


def verify_leaf(leaf: Leaf, path: LeafPath, *, root: bytes, block_number: int) -> None:
    """Return only if the leaf is one of those under the root of this block. Raises InvalidProof."""
    rules.check_leaf_is_not_newer(leaf, block_number=block_number)
    mmr.verify_leaf_by_order(root, encode_leaf(leaf), path.items, path.order)


def _verify_places(commitment: Commitment, members: Sequence[MemberSignature], signers: SignerSet) -> None:
    """Cheap rules, before any hash or signature."""
    rules.check_signers(signers)
    rules.check_signed_by_set(commitment, signers)
    rules.check_signatures_count(len(members), signers)
    counted: set[int] = set()
    for each in members:
        rules.check_address(each.address)
        rules.check_not_counted_before(each.index, counted, each.address)
        counted.add(each.index)


def _verify_each(commitment: Commitment, members: Sequence[MemberSignature], signers: SignerSet) -> None:
    digest = commitment_hash(commitment)
    for each in members:
        place = {"index": each.index, "count": signers.length}
        binary_merkle.verify_inclusion(signers.root, each.address, items=each.path, **place)
        verify_signature(digest, each.signature, each.address)
