"""Votes and validators in the form that CometBFT writes are read by patterns, as the general reader reads them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from proofs.cometbft import codec, usual_forms
from proofs.cometbft.types import SECOND, BlockIdFlag, Commit, KeyType, ValidatorSet
from proofs.encoding.protobuf import Message, decode, message_field, varint_field
from proofs.errors import LimitExceeded, VerificationError
from tests.proofs.cometbft.builders import Member, commit, header, members, validator_set
from tests.proofs.fuzzing import mutate

SIX = (*members("a", "b", "c"), *members("d", "e", power=1 << 40), Member(b"\x07" * 32, power=1))
WITH_SECP = (*SIX[:3], Member(b"\x09" * 32, key_type=KeyType.SECP256K1), *SIX[3:])


def without_run(message: Message[Any]) -> Message[Any]:
    return Message(message.name, message.build, [replace(each, run=None) for each in message.fields])


GENERAL_COMMIT, GENERAL_SET = without_run(codec.COMMIT), without_run(codec.VALIDATOR_SET)


def outcome(data: bytes, message: Message[Any]) -> object:
    try:
        return decode(data, message, part="block")
    except VerificationError as refusal:
        return repr(refusal)


def assert_same(data: bytes, message: Message[Any], general: Message[Any]) -> None:
    assert outcome(data, message) == outcome(data, general)


def honest_commit() -> Commit:
    """Absent votes, votes for no block, and times with few and many digits."""
    honest = commit(header(5, SIX), SIX, absent=(1, 4))
    times = (1, 300 * SECOND, 1_700_000_000 * SECOND, 1_700_000_000 * SECOND + 7, 1_700_000_001 * SECOND - 1, 0)
    votes = [
        replace(vote, time=time) if vote.flag is BlockIdFlag.COMMIT else vote
        for vote, time in zip(honest.signatures, times, strict=True)
    ]
    votes[2] = replace(votes[2], flag=BlockIdFlag.NIL)
    return replace(honest, signatures=tuple(votes))


def honest_set() -> ValidatorSet:
    plain = validator_set(SIX)
    priorities = (0, 1, -1, -(1 << 63), (1 << 63) - 1, 1_234_567)
    validators = [
        replace(each, proposer_priority=priority) for each, priority in zip(plain.validators, priorities, strict=True)
    ]
    return ValidatorSet(tuple(validators), validators[2])


def usual_commit() -> Commit:
    return commit(header(5, SIX), SIX, absent=(1, 4))


def test_what_cometbft_writes_is_read_whole() -> None:
    votes = b"".join(message_field(4, each) for each in map(codec._encode_commit_sig, usual_commit().signatures))
    assert usual_forms.read_votes(votes, 6) == (list(usual_commit().signatures), len(votes))
    encoded = codec.encode_validator_set(honest_set())
    validators, size = usual_forms.read_validators(encoded, 6)
    assert (tuple(validators), encoded[size : size + 1]) == (honest_set().validators, b"\x12")


@pytest.mark.parametrize("honest", (honest_commit(), usual_commit(), commit(header(5, WITH_SECP), WITH_SECP)))
def test_votes_are_those_of_the_general_reader(honest: Commit) -> None:
    encoded = codec.encode_commit(honest)
    assert decode(encoded, codec.COMMIT, part="block") == honest
    for seed in range(2_000):
        assert_same(mutate(random.Random(seed), [encoded]), codec.COMMIT, GENERAL_COMMIT)


@pytest.mark.parametrize("honest", (honest_set(), validator_set(WITH_SECP), validator_set(WITH_SECP[3:])))
def test_validators_are_those_of_the_general_reader(honest: ValidatorSet) -> None:
    encoded = codec.encode_validator_set(honest)
    assert decode(encoded, codec.VALIDATOR_SET, part="block") == honest
    for seed in range(2_000):
        assert_same(mutate(random.Random(seed), [encoded]), codec.VALIDATOR_SET, GENERAL_SET)


@pytest.mark.parametrize("byte", (*range(0x30), 0x40, 0x4C, 0x68, 0x7F, 0x80, 0xFE, 0xFF))
def test_every_changed_byte_of_an_entry_means_the_same_to_both(byte: int) -> None:
    two_votes = replace(usual_commit(), signatures=usual_commit().signatures[:2])
    one_validator = ValidatorSet(honest_set().validators[3:4])
    for data, message, general in (
        (codec.encode_commit(two_votes), codec.COMMIT, GENERAL_COMMIT),
        (codec.encode_validator_set(one_validator), codec.VALIDATOR_SET, GENERAL_SET),
    ):
        for at in range(len(data)):
            assert_same(data[:at] + bytes([byte]) + data[at + 1 :], message, general)


@pytest.mark.parametrize(
    "priority",
    (b"\xff" * 9 + b"\x02", b"\xff" * 9 + b"\x01", b"\x80" * 9 + b"\x03", b"\xff" * 10 + b"\x01", b"\x80\x00", b"\x00"),
)
def test_priorities_at_the_ends_of_64_bits(priority: bytes) -> None:
    one = codec._encode_validator(replace(honest_set().validators[0], proposer_priority=0))
    assert_same(message_field(1, one + b"\x20" + priority), codec.VALIDATOR_SET, GENERAL_SET)


def test_an_entry_that_hides_in_another_field_is_not_taken() -> None:
    vote = message_field(4, codec._encode_commit_sig(usual_commit().signatures[0]))
    for data in (b"\x22\x00" + vote, vote + b"\x22\x00" + vote, b"\x22" + bytes([len(vote)]) + vote, vote + b"\x22"):
        assert_same(data, codec.COMMIT, GENERAL_COMMIT)
    assert usual_forms.read_votes(b"\x22\x00" + vote, 6) == ([], 0)


def test_no_more_are_read_than_are_asked_for() -> None:
    votes = b"".join(message_field(4, each) for each in map(codec._encode_commit_sig, usual_commit().signatures))
    taken, size = usual_forms.read_votes(votes, 3)
    assert (tuple(taken), usual_forms.read_votes(votes[size:], 6)[0][0]) == (
        usual_commit().signatures[:3],
        usual_commit().signatures[3],
    )


def test_more_votes_than_any_set_has_are_refused_by_either() -> None:
    votes = message_field(4, codec._encode_commit_sig(usual_commit().signatures[1])) * (codec.VALIDATORS_MAX + 5)
    for message in (codec.COMMIT, GENERAL_COMMIT):
        with pytest.raises(LimitExceeded) as refused:
            decode(varint_field(1, 5) + votes, message, part="block")
        assert (refused.value.got, refused.value.limit) == (codec.VALIDATORS_MAX + 1, codec.VALIDATORS_MAX)
