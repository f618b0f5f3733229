"""How a BEEFY commitment is believed: by a quorum of signatures, or by a sample of them that the verifier drew.

Three forms, from strong to weak:

- `verify_signed_commitment`: what nodes serve, with the addresses of the whole set, whose root is trusted.
- `verify_members`: a quorum again, but each signer shows his place in the set by a path to its root.
- `verify_sample`: Snowbridge's interactive scheme. Somebody claims a quorum, then the verifier draws some of them by
  chance that nobody could know before, and only these signatures are seen. It is no quorum, and is not called one: that
  a claim with too few signers passes is a question of odds, and the draw, its chance and the time between are the
  verifier's to see to. Nothing here draws.

The next authorities come from a leaf under a root that the present ones signed.

Trust root: for BEEFY, a present and a next set of signers as an operator configured them.

Not checked: for BEEFY, that what is signed was made final by GRANDPA: its authorities sign nothing else.
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
class BeefyBelief:
    """Who signs now and next, and the newest root that was signed: of all leaves up to `block_number`."""

    current: SignerSet
    following: SignerSet
    block_number: int
    mmr_root: bytes


def advance(
    belief: BeefyBelief, commitment: Commitment, members: Sequence[MemberSignature], leaf: Leaf, path: LeafPath
) -> BeefyBelief:
    """Believe a commitment by a quorum of the present or the next signers. Raises VerificationError.

    Signed by the next, it ends the present session: the leaf then says who comes after them.
    """
    current, following = belief.current, belief.following
    rules.check_set_is_known(commitment.set_id, current=current.set_id, following=following.set_id)
    rules.check_block_increases(commitment.block_number, trusted=belief.block_number)
    hands_over = commitment.set_id == following.set_id
    verify_members(commitment, members, following if hands_over else current)
    root = mmr_root_of(commitment)
    verify_leaf(leaf, path, root=root, block_number=commitment.block_number)
    if hands_over:
        current, following = hand_over(following, leaf)
    return BeefyBelief(current, following, commitment.block_number, root)


def hand_over(following: SignerSet, leaf: Leaf) -> tuple[SignerSet, SignerSet]:
    """The next signers become the present ones, and a leaf that they signed names the next. Raises InvalidProof."""
    rules.check_set_follows(leaf.next_signers.set_id, current=following.set_id)
    rules.check_signers(leaf.next_signers)
    return following, leaf.next_signers


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
