"""From one block to the next and over many: what an honest chain can prove, and what it cannot."""

from __future__ import annotations

import pytest

from proofs.cometbft import predicates as rules
from proofs.cometbft import spec
from proofs.cometbft.types import SECOND, CommitSig, ConsensusState, KeyType, Validator
from proofs.errors import InsufficientVotingPower, NotEnoughTrust
from proofs.primitives.hashing import sha256
from tests.proofs.cometbft.builders import (
    CHAIN_ID,
    FOUR,
    PARAMETERS,
    START,
    Member,
    block,
    header,
    members,
    step,
)

TRUSTED = spec.consensus_state(block(header(1)).signed_header)
NOW = (START + 1000) * SECOND


def verify(evidence: object, trusted: ConsensusState = TRUSTED) -> ConsensusState:
    return spec.verify_step(evidence, trusted, chain_id=CHAIN_ID, parameters=PARAMETERS, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("height", (2, 3, 900))
def test_an_honest_block_is_believed_at_any_distance(height: int) -> None:
    believed = verify(step(block(header(height))))
    assert believed == ConsensusState(
        (START + height) * SECOND + 123_456_789, header(height).app_hash, TRUSTED.next_validators_hash
    )


def test_exactly_two_thirds_of_the_power_do_not_commit_a_block() -> None:
    three = members("a", "b", "c")
    first = spec.consensus_state(block(header(1, three), three).signed_header)
    with pytest.raises(InsufficientVotingPower) as refused:
        verify(step(block(header(2, three), three, absent=[1]), trusted=three), first)
    assert (refused.value.signed, refused.value.total) == (20, 30)


def test_one_third_of_the_trusted_power_is_not_enough_to_skip() -> None:
    """One of three trusted members signs: exactly the level, which must be exceeded."""
    three, others = members("a", "b", "c"), members("a", "x", "y", "z")
    first = spec.consensus_state(block(header(1, three), three).signed_header)
    with pytest.raises(NotEnoughTrust) as refused:
        verify(step(block(header(5, others), others), trusted=three), first)
    assert (refused.value.signed, refused.value.total) == (10, 30)


def test_half_of_the_trusted_power_is_enough_to_skip_to_another_set() -> None:
    others = members("x", "b", "a", "y")
    assert verify(step(block(header(5, others), others))).time > TRUSTED.time


def test_a_committee_with_keys_of_two_kinds_is_believed() -> None:
    mixed = (*FOUR[:2], *(Member(sha256(name), key_type=KeyType.SECP256K1) for name in (b"k", b"l")))
    first = spec.consensus_state(block(header(1, mixed), mixed).signed_header)
    assert verify(step(block(header(2, mixed), mixed), trusted=mixed), first).root == first.root


def test_each_needed_signature_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipping counts two times, by the trusted and by the own set; three of four votes are enough for both."""
    verified: list[bytes] = []
    check = rules.check_vote_signature

    def counting(vote: CommitSig, validator: Validator, message: bytes) -> None:
        verified.append(validator.address)
        check(vote, validator, message)

    monkeypatch.setattr(rules, "check_vote_signature", counting)
    verify(step(block(header(5))))
    assert verified == [member.validator().address for member in FOUR[:3]]
