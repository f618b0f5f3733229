"""Random committees and chains against the plain reading of the rules; the seed is in the name of the test."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from proofs.cometbft import canonical, spec
from proofs.cometbft.belief import KnownHeight
from proofs.cometbft.bisection import Bisection
from proofs.cometbft.client import CometBftClient
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import encode_client_header
from proofs.cometbft.types import SECOND, ConsensusState, TrustLevel
from proofs.errors import HeightNotIncreasing, InsufficientVotingPower, NotEnoughTrust
from proofs.light_client import Height
from proofs.primitives.hashing import sha256
from tests.proofs.cometbft.builders import (
    CHAIN_ID,
    PARAMETERS,
    START,
    Member,
    block,
    header,
    step,
    validator_set,
)

POOL = tuple(sha256(bytes((number,))) for number in range(12))


def random_committee(chance: random.Random) -> tuple[Member, ...]:
    largest = chance.choice((1, 3, 2**50))
    return tuple(Member(seed, chance.randint(1, largest)) for seed in chance.sample(POOL, chance.randint(1, 7)))


def power_of(committee: Sequence[Member], signers: set[bytes]) -> Fraction:
    """The part of the committee's power that signed."""
    signed = sum(member.power for member in committee if member.seed in signers)
    return Fraction(signed, sum(member.power for member in committee))


@pytest.mark.parametrize("seed", range(150))
def test_power_is_counted_as_fractions_say(seed: int) -> None:
    chance = random.Random(seed)
    trusted, own = random_committee(chance), random_committee(chance)
    level = TrustLevel(*chance.choice(((1, 3), (1, 2), (2, 3))))
    absent = [place for place in range(len(own)) if chance.random() < 0.3]
    signers = {member.seed for place, member in enumerate(own) if place not in absent}
    evidence = step(block(header(5, own), own, absent=absent), trusted=trusted)
    state = ConsensusState(START * SECOND, b"", canonical.validators_hash(validator_set(trusted)))
    parameters = replace(PARAMETERS, trust_level=level)

    def verify() -> object:
        return spec.verify_step(evidence, state, chain_id=CHAIN_ID, parameters=parameters, now=(START + 1000) * SECOND)

    if power_of(trusted, signers) <= Fraction(level.numerator, level.denominator):
        with pytest.raises(NotEnoughTrust):
            verify()
    elif power_of(own, signers) <= Fraction(2, 3):
        with pytest.raises(InsufficientVotingPower):
            verify()
    else:
        assert verify()


@pytest.mark.parametrize("seed", range(10))
def test_a_far_block_is_reached_through_the_changes_of_its_committee(seed: int) -> None:
    """Every block one of four members leaves with some chance, so the first set knows nobody in the last one."""
    chance = random.Random(seed)
    committees = [tuple(Member(bytes((1, place)) * 16) for place in range(4))]
    for height in range(1, 40):
        changed = list(committees[-1])
        if chance.random() < 0.5:
            changed[chance.randrange(4)] = Member(bytes((2, height)) * 16)
        committees.append(tuple(changed))
    blocks = [block(header(1 + at, committees[at], committees[at + 1]), committees[at]) for at in range(39)]
    first = KnownHeight(1, spec.consensus_state(blocks[0].signed_header))
    client = CometBftClient(CHAIN_ID, PARAMETERS, HostLayout(), (first,))

    way, halved = Bisection.between(1, 39), 0
    while way.wanted is not None:
        evidence = step(blocks[way.wanted - 1], trusted_height=way.trusted, trusted=committees[way.trusted])
        try:
            client = client.update(encode_client_header(evidence), now=START + 1000)
        except NotEnoughTrust:
            way, halved = way.too_far(), halved + 1
        else:
            way = way.accepted()
    assert client.latest() == Height(7, 39)
    assert halved > 0


def test_there_is_no_way_back() -> None:
    with pytest.raises(HeightNotIncreasing):
        Bisection.between(5, 5)
