"""The rules of TBFT votes, one each. A node that copies blocks does not check all of them; a light client must.

Source: consensus-tbft, verifyVote and VerifyBlockSignatures; chainmaker-go v2.1.0 has them in its own tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from proofs.chainmaker.identities import Identity
from proofs.chainmaker.predicates import CONSENSUS_ROLE
from proofs.chainmaker.types import Header, Member, Vote, VoteSet
from proofs.errors import (
    DuplicateSigner,
    InsufficientVotingPower,
    MalformedProof,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
)
from proofs.primitives.hashing import sha256

PRECOMMIT: Final = 1


def check_precommits(votes: VoteSet) -> None:
    """A quorum of pre-votes may be overtaken by another round; only pre-commits make a block final."""
    if votes.type != PRECOMMIT:
        raise UnsupportedProof("vote set type", got=votes.type, expected=PRECOMMIT)


def check_votes_height(votes: VoteSet, header: Header) -> None:
    """The votes kept with a block are those of its height."""
    if votes.height != header.height:
        raise ValueMismatch("vote set height", got=votes.height, expected=header.height)


def check_vote_key(key: str, vote: Vote) -> None:
    """Votes are kept by voter: a key that names somebody else would hide a second vote."""
    if key != vote.voter:
        raise ValueMismatch("voter", got=vote.voter, expected=key)


def check_vote_type(vote: Vote) -> None:
    """A pre-vote inside the set makes nothing final either."""
    if vote.type != PRECOMMIT:
        raise UnsupportedProof("vote type", got=vote.type, expected=PRECOMMIT)


def check_vote_height(vote: Vote, header: Header) -> None:
    """A vote of another height was for another question."""
    if vote.height != header.height:
        raise ValueMismatch("vote height", got=vote.height, expected=header.height)


def check_vote_round(vote: Vote, votes: VoteSet) -> None:
    """Only votes of one round add up."""
    if vote.round != votes.round:
        raise ValueMismatch("vote round", got=vote.round, expected=votes.round)


def check_voter_known(vote: Vote, owners: Mapping[str, str]) -> None:
    """Only validators of the configuration vote. owners: the organisation of each."""
    if vote.voter not in owners:
        raise UnknownSigner(vote.voter.encode(), signers="validators of the configuration")


def check_voter_once(vote: Vote, counted: AbstractSet[str]) -> None:
    """A validator has one vote, however often it is handed in."""
    if vote.voter in counted:
        raise DuplicateSigner(vote.voter.encode())


def check_key_once(identity: Identity, counted: AbstractSet[bytes]) -> None:
    """A certificate names no node, so one key could sign for every node of its organisation."""
    if identity.key.encoded in counted:
        raise DuplicateSigner(identity.key.encoded)


def check_role(identity: Identity) -> None:
    """Clients and administrators have certificates of the same roots."""
    if identity.role != CONSENSUS_ROLE:
        raise ValueMismatch("role", got=identity.role, expected=CONSENSUS_ROLE)


def check_signer_is_of_voter(identity: Identity, owner: str) -> None:
    """The organisation that owns the node signs for it. Nodes do not check this when they copy a block."""
    if identity.org_id != owner:
        raise ValueMismatch("organisation of the voter", got=identity.org_id, expected=owner)


def check_signer_is_voter(identity: Identity, voter: str) -> None:
    """Where the key makes the node id, or the configuration names it, the vote is that node's own."""
    if identity.node_id and identity.node_id != voter:
        raise ValueMismatch("node of the signer", got=identity.node_id, expected=voter)


def check_pin(identity: Identity, pinned: bytes | None) -> None:
    """An operator may have said which key is this node's. pinned: SHA-256 of its SubjectPublicKeyInfo."""
    if pinned is not None and sha256(identity.key.encoded) != pinned:
        raise ValueMismatch("pinned key", got=sha256(identity.key.encoded), expected=pinned)


def check_quorum(*, signed: int, total: int) -> None:
    """More than two thirds of all validators, in whole numbers: floor(2N/3) + 1."""
    if signed * 3 <= total * 2:
        raise InsufficientVotingPower(signed=signed, total=total, signers="validators")


def check_proposer_present(proposer: Member | None) -> Member:
    """Only the genesis block, which is never evidence, has none."""
    if proposer is None:
        raise MalformedProof("proposer", got="absent", expected="a member")
    return proposer


def check_proposer_organisation(identity: Identity, owners: Mapping[str, str]) -> None:
    """Validators propose, in turn: an organisation without one proposes nothing."""
    if identity.org_id not in owners.values():
        raise UnknownSigner(identity.org_id.encode(), signers="organisations of validators")
