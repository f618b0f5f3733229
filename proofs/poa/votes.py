"""Votes on who may sign, as Clique, IBFT 2, QBFT and Istanbul count them: one voice per member and subject.

A vote passes when more than half of the members hold it, at the moment in which somebody votes on that subject, not
before: a set that shrank does not decide old votes until they are touched. A vote for what is already so is none.

Source: EIP-225, "Voting on signers" and its test cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import LimitExceeded, MalformedProof

ADDRESS_BYTES: Final = 20
# Far more signers than any such chain has; a seal costs 40 µs, and a block of IBFT has one of each.
MEMBERS_MAX: Final = 256
# A member can vote on any number of strangers: what piles up until the next epoch is bounded here.
VOTES_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class Vote:
    """`voter` wants `subject` in (authorize) or out."""

    voter: bytes
    subject: bytes
    authorize: bool


@dataclass(frozen=True, slots=True)
class Ballot:
    """members: ascending. votes: undecided, each by a member, at most one per voter and subject."""

    members: tuple[bytes, ...]
    votes: tuple[Vote, ...] = ()

    def with_vote(self, vote: Vote) -> Ballot:
        """Raises LimitExceeded."""
        votes = tuple(each for each in self.votes if (each.voter, each.subject) != (vote.voter, vote.subject))
        if (vote.subject in self.members) != vote.authorize:
            votes = (*votes, vote)
        if 2 * sum(each.subject == vote.subject for each in votes) <= len(self.members):
            check_vote_count(len(votes))
            return Ballot(self.members, votes)
        return self._decided(vote.subject, votes)

    def _decided(self, subject: bytes, votes: tuple[Vote, ...]) -> Ballot:
        """All undecided votes on one subject want the same: the opposite of what is so."""
        if subject not in self.members:
            members = tuple(sorted((*self.members, subject)))
            check_member_count(len(members))
            return Ballot(members, tuple(each for each in votes if each.subject != subject))
        members = tuple(each for each in self.members if each != subject)
        # Who leaves takes his votes with him.
        return Ballot(members, tuple(each for each in votes if subject not in (each.subject, each.voter)))

    def without_votes(self) -> Ballot:
        """As every epoch starts: votes do not outlive it, so that nobody needs older headers to count."""
        return Ballot(self.members)


def check_vote_count(count: int) -> None:
    """Undecided votes are bounded."""
    if count > VOTES_MAX:
        raise LimitExceeded("undecided votes", got=count, limit=VOTES_MAX)


def check_member_count(count: int) -> None:
    """Members are bounded: so is the work per block."""
    if count > MEMBERS_MAX:
        raise LimitExceeded("signers", got=count, limit=MEMBERS_MAX)


def check_members(members: tuple[bytes, ...]) -> None:
    """Ascending and each once: one set has one form."""
    check_member_count(len(members))
    if list(members) != sorted(set(members)):
        raise MalformedProof("signers", got=len(members), expected="each once, ascending")


def ballot_items(ballot: Ballot) -> Encodable:
    """[members, [[voter, subject, 1 or empty] …]] for RLP."""
    return [ballot.members, [[each.voter, each.subject, rlp.int_bytes(each.authorize)] for each in ballot.votes]]


def read_ballot(item: Item) -> Ballot:
    """Raises MalformedProof, LimitExceeded."""
    members, votes = rlp.as_list(item, "ballot", count=2)
    ballot = Ballot(read_members(members), tuple(_read_vote(each) for each in rlp.as_list(votes, "votes")))
    check_vote_count(len(ballot.votes))
    check_votes_are_open(ballot)
    return ballot


def read_members(item: Item) -> tuple[bytes, ...]:
    """Raises MalformedProof, LimitExceeded."""
    members = tuple(rlp.as_bytes(each, "signer", length=ADDRESS_BYTES) for each in rlp.as_list(item, "signers"))
    check_members(members)
    return members


def check_votes_are_open(ballot: Ballot) -> None:
    """Only members vote, once per subject, and for what is not so yet."""
    keys = {(each.voter, each.subject) for each in ballot.votes}
    members = set(ballot.members)
    is_open = all(each.voter in members and (each.subject in members) != each.authorize for each in ballot.votes)
    if len(keys) != len(ballot.votes) or not is_open:
        raise MalformedProof("votes", got=len(ballot.votes), expected="open votes of members, one per subject")


def _read_vote(item: Item) -> Vote:
    voter, subject, authorize = rlp.as_list(item, "vote", count=3)
    return Vote(
        rlp.as_bytes(voter, "voter", length=ADDRESS_BYTES),
        rlp.as_bytes(subject, "subject of a vote", length=ADDRESS_BYTES),
        read_flag(authorize, "vote"),
    )


def read_flag(item: Item, part: str) -> bool:
    """Raises MalformedProof."""
    if item not in (b"", b"\x01"):
        raise MalformedProof(part, got=item, expected="nothing or 1")
    return item == b"\x01"
