"""Votes are counted as EIP-225 counts them, against a reading of it with counters instead of lists."""

from __future__ import annotations

import random

import pytest

from proofs.encoding import rlp
from proofs.errors import LimitExceeded, MalformedProof
from proofs.poa.votes import MEMBERS_MAX, VOTES_MAX, Ballot, Vote, ballot_items, read_ballot, read_flag


def address(number: int) -> bytes:
    return number.to_bytes(20, "big")


class NaiveCount:
    """Tallies per subject, changed by every vote, as the specification describes them."""

    def __init__(self, members: set[bytes]) -> None:
        self.members = members
        self.cast: dict[bytes, dict[bytes, bool]] = {}

    def vote(self, voter: bytes, subject: bytes, *, authorize: bool) -> None:
        self.cast.setdefault(subject, {}).pop(voter, None)
        if (subject in self.members) != authorize:
            self.cast[subject][voter] = authorize
        if len(self.cast[subject]) > len(self.members) // 2:
            if subject in self.members:
                self.members.remove(subject)
                for votes in self.cast.values():
                    votes.pop(subject, None)
            else:
                self.members.add(subject)
            del self.cast[subject]


@pytest.mark.parametrize("seed", range(100))
def test_every_history_of_votes_ends_as_the_naive_count_ends(seed: int) -> None:
    chance = random.Random(seed)
    everybody = [address(number) for number in range(1, 9)]
    members = set(chance.sample(everybody, chance.randrange(1, 7)))
    ballot, naive = Ballot(tuple(sorted(members))), NaiveCount(set(members))
    for _ in range(200):
        if not ballot.members:
            break
        if chance.random() < 0.02:
            ballot, naive.cast = ballot.without_votes(), {}
        vote = Vote(chance.choice(ballot.members), chance.choice(everybody), authorize=chance.random() < 0.5)
        ballot = ballot.with_vote(vote)
        naive.vote(vote.voter, vote.subject, authorize=vote.authorize)
        assert ballot.members == tuple(sorted(naive.members))
        open_votes = {(each.subject, each.voter): each.authorize for each in ballot.votes}
        assert open_votes == {(s, v): kind for s, votes in naive.cast.items() for v, kind in votes.items()}
        assert read_ballot(rlp.decode(rlp.encode(ballot_items(ballot)))) == ballot


def test_open_votes_and_members_are_bounded() -> None:
    members = tuple(address(number) for number in range(1, 4))
    full = Ballot(members, tuple(Vote(members[0], address(10 + n), authorize=True) for n in range(VOTES_MAX)))
    with pytest.raises(LimitExceeded) as refused:
        full.with_vote(Vote(members[0], address(9), authorize=True))
    assert (refused.value.part, refused.value.got) == ("undecided votes", VOTES_MAX + 1)
    many = tuple(address(number) for number in range(1, MEMBERS_MAX + 1))
    newcomer = address(MEMBERS_MAX + 1)
    nearly = Ballot(many, tuple(Vote(each, newcomer, authorize=True) for each in many[: MEMBERS_MAX // 2]))
    with pytest.raises(LimitExceeded) as refused:
        nearly.with_vote(Vote(many[-1], newcomer, authorize=True))
    assert (refused.value.part, refused.value.got) == ("signers", MEMBERS_MAX + 1)


A, B, C = (address(number) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("ballot", "part"),
    (
        (Ballot((B, A)), "signers"),
        (Ballot((A, A)), "signers"),
        (Ballot((A, B), (Vote(C, A, authorize=False),)), "votes"),
        (Ballot((A, B), (Vote(A, B, authorize=True),)), "votes"),
        (Ballot((A, B), (Vote(A, C, authorize=False),)), "votes"),
        (Ballot((A, B), (Vote(A, C, authorize=True), Vote(A, C, authorize=True))), "votes"),
    ),
)
def test_a_ballot_that_no_history_leaves_behind_is_refused(ballot: Ballot, part: str) -> None:
    with pytest.raises(MalformedProof) as refused:
        read_ballot(rlp.decode(rlp.encode(ballot_items(ballot))))
    assert refused.value.part == part


def test_too_many_open_votes_are_not_read() -> None:
    votes = tuple(Vote(A, address(10 + number), authorize=True) for number in range(VOTES_MAX + 1))
    with pytest.raises(LimitExceeded):
        read_ballot(rlp.decode(rlp.encode(ballot_items(Ballot((A, B, C), votes)))))


@pytest.mark.parametrize("item", (b"\x00", b"\x02", []))
def test_a_flag_is_one_or_nothing(item: rlp.Item) -> None:
    with pytest.raises(MalformedProof):
        read_flag(item, "flag")
