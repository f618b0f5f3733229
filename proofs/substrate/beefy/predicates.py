"""The rules by which a BEEFY commitment is believed, one function each: it passes, or refuses by a name.

Sources: sp-consensus-beefy; Snowbridge, BeefyClient.sol, for hand-over and for samples of the signatures.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from proofs.errors import (
    DuplicateSigner,
    HeightNotIncreasing,
    InsufficientVotingPower,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    RootMismatch,
    UnknownCommittee,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
)
from proofs.substrate.beefy.messages import ADDRESS_BYTES, MMR_ROOT, SIGNERS_MAX, Commitment, Leaf, SignerSet
from proofs.substrate.headers import header_hash
from proofs.substrate.types import HASH_BYTES, Header


def check_signers(signers: SignerSet) -> None:
    """Somebody signs, and not more than are worked on."""
    if signers.length < 1:
        raise MalformedProof("BEEFY signers", got=0, expected="at least 1")
    if signers.length > SIGNERS_MAX:
        raise LimitExceeded("BEEFY signers", got=signers.length, limit=SIGNERS_MAX)
    if len(signers.root) != HASH_BYTES:
        raise MalformedProof("BEEFY signers' root", got=len(signers.root), expected=HASH_BYTES)


def check_signed_by_set(commitment: Commitment, signers: SignerSet) -> None:
    """The commitment names its set, and that is the one whose signatures are counted."""
    if commitment.set_id != signers.set_id:
        raise ValueMismatch("BEEFY set id", got=commitment.set_id, expected=signers.set_id)


def check_set_is_known(set_id: int, *, current: int, following: int) -> None:
    """Only the present set and the next are known; what comes after is learnt from leaves, one after the other."""
    if set_id > following:
        raise UnknownCommittee(period=set_id, newest=following)
    if set_id < current:
        raise HeightNotIncreasing(got=set_id, trusted=current)


def check_set_follows(got: int, *, current: int) -> None:
    """Sets are counted without gaps."""
    if got != current + 1:
        raise ValueMismatch("next BEEFY set id", got=got, expected=current + 1)


def check_signatures_count(count: int, signers: SignerSet) -> None:
    """Before any is verified: an authority signs once."""
    if count > signers.length:
        raise LimitExceeded("BEEFY signatures", got=count, limit=signers.length)


def check_not_counted_before(index: int, counted: set[int], address: bytes) -> None:
    """One signature each."""
    if index in counted:
        raise DuplicateSigner(address)


def check_address(address: bytes) -> None:
    """An address of Ethereum, 20 bytes, is the leaf of an authority. Source: beefy-mmr, BeefyEcdsaToEthereum."""
    if len(address) != ADDRESS_BYTES:
        raise MalformedProof("BEEFY address", got=len(address), expected=ADDRESS_BYTES)


def check_signed_by(signer: bytes, address: bytes) -> None:
    """The key that made the signature has the address that is in the set at this place."""
    if signer != address:
        raise UnknownSigner(signer=signer, signers=f"the authority 0x{address.hex()}")


def check_place_for_each_signer(count: int, signers: SignerSet) -> None:
    """A commitment in full has one place for every authority of the set."""
    if count != signers.length:
        raise MalformedProof("BEEFY signatures", got=count, expected=signers.length)


def check_addresses(addresses: Sequence[bytes], root: bytes, signers: SignerSet) -> None:
    """Addresses are believed for the root over them, in their order, and nobody has two."""
    if root != signers.root:
        raise RootMismatch("BEEFY addresses", computed=root, expected=signers.root)
    seen: set[bytes] = set()
    for address in addresses:
        if address in seen:
            raise DuplicateSigner(address)
        seen.add(address)


def check_quorum(signed: int, signers: SignerSet) -> None:
    """At least n − ⌊(n − 1) / 3⌋ of n, which is more than two thirds. Source: sp-consensus-beefy, threshold."""
    if signed < signers.length - (signers.length - 1) // 3:
        raise InsufficientVotingPower(signed, signers.length, signers=f"BEEFY set {signers.set_id}")


def check_claims_within_set(claimed: Collection[int], signers: SignerSet) -> None:
    """Who is said to have signed has a place in the set: places beyond its end could make up a quorum."""
    if claimed and not 0 <= min(claimed) <= max(claimed) < signers.length:
        raise MalformedProof("claimed signers", got=max(claimed), expected=f"below {signers.length}")


def check_sample_is_claimed(sample: Collection[int], claimed: Collection[int]) -> None:
    """The sample is drawn among those who are said to have signed."""
    strangers = set(sample) - set(claimed)
    if strangers:
        raise MalformedProof("sample", got=min(strangers), expected="among the claimed signers")


def check_sample_is_shown(shown: Collection[int], sample: Collection[int]) -> None:
    """Exactly the signatures that were drawn: nobody chose them. Source: BeefyClient.verifyCommitment."""
    if set(shown) != set(sample):
        raise MalformedProof("sampled signatures", got=sorted(shown), expected=sorted(sample))


def check_sample_size(size: int, required: int) -> None:
    """As many as the verifier demands: their number is what the odds of a lie depend on, never less."""
    if size < max(required, 1):
        raise MalformedProof("sample", got=size, expected=f"at least {max(required, 1)}")


def check_one_mmr_root(commitment: Commitment) -> None:
    """The payload has one root, of 32 bytes."""
    found = [data for name, data in commitment.payload if name == MMR_ROOT]
    if len(found) != 1:
        raise UnsupportedProof("MMR roots in a payload", got=len(found), expected=1)
    if len(found[0]) != HASH_BYTES:
        raise MalformedProof("MMR root", got=len(found[0]), expected=HASH_BYTES)


def check_leaf_is_not_newer(leaf: Leaf, *, block_number: int) -> None:
    """A leaf names its block's parent: a root of a block has no leaf of a later one."""
    if leaf.parent_number >= block_number:
        raise ValueMismatch("MMR leaf's parent number", got=leaf.parent_number, expected=f"below {block_number}")


def check_header_of_leaf(header: Header, leaf: Leaf) -> None:
    """The shown block is the one that the leaf names as its parent."""
    if header.number != leaf.parent_number:
        raise ValueMismatch("block number", got=header.number, expected=leaf.parent_number)
    digest = header_hash(header)
    if digest != leaf.parent_hash:
        raise ValueMismatch("block hash", got=digest, expected=leaf.parent_hash)


def check_statements_conflict(a: Mapping[tuple[str, int], bytes], b: Mapping[tuple[str, int], bytes]) -> None:
    """Two roots signed for one block, or two blocks of one height. a, b: what and its height → hash."""
    if all(a[each] == b[each] for each in a.keys() & b.keys()):
        raise NotMisbehaviour("no root and no block of one height of which both tell, and differ")
