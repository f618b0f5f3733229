"""Believed heights ascend in number and time, and a stored client that says otherwise is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.encoding import rlp
from proofs.errors import HeightNotIncreasing, MalformedProof, TimeNotIncreasing, UnsupportedProof
from proofs.poa.history import STATES_MAX, History
from proofs.poa.qbft.belief import Belief, decode_belief, encode_belief
from proofs.poa.qbft.types import Block
from proofs.poa.votes import Vote
from tests.proofs.poa.builders import BFT_PARAMETERS, LAYOUT

A, B = b"\x01" * 20, b"\x02" * 20
FIRST = Block(5, b"\x05" * 32, b"\x04" * 32, bytes(32), 100, (A, B), ())
SECOND = replace(FIRST, number=7, hash=b"\x07" * 32, parent_hash=b"\x06" * 32, time=110)


def belief(*states: Block) -> Belief:
    return Belief(BFT_PARAMETERS, LAYOUT, History(states))


def test_a_right_history_is_read() -> None:
    assert decode_belief(encode_belief(belief(FIRST, SECOND))) == belief(FIRST, SECOND)
    assert decode_belief(encode_belief(replace(belief(FIRST), frozen_at=5))).frozen_at == 5


def test_a_history_is_neither_empty_nor_endless() -> None:
    many = [replace(FIRST, number=number) for number in range(STATES_MAX + 1)]
    for states in ((), many):
        with pytest.raises(MalformedProof) as refused:
            decode_belief(encode_belief(belief(*states)))
        assert (refused.value.part, refused.value.got) == ("consensus states", len(states))


def test_heights_ascend() -> None:
    for later in (replace(SECOND, number=5), replace(SECOND, number=4)):
        with pytest.raises(HeightNotIncreasing) as refused:
            decode_belief(encode_belief(belief(FIRST, later)))
        assert (refused.value.got, refused.value.trusted) == (later.number, 5)


def test_time_never_runs_backwards() -> None:
    with pytest.raises(TimeNotIncreasing) as refused:
        decode_belief(encode_belief(belief(FIRST, replace(SECOND, time=99))))
    assert (refused.value.got, refused.value.trusted) == (99, 100)


def test_a_state_has_validators() -> None:
    with pytest.raises(MalformedProof) as refused:
        decode_belief(encode_belief(belief(replace(FIRST, validators=()))))
    assert (refused.value.part, refused.value.got) == ("validators", 0)


def test_a_block_between_is_the_parent_of_the_one_above_it() -> None:
    history = History((FIRST, SECOND))
    between = replace(FIRST, number=6, hash=b"\x06" * 32, parent_hash=FIRST.hash, time=105)
    assert history.with_state(between) == History((FIRST, between, SECOND))
    assert history.with_state(replace(between, hash=b"\xff" * 32)) is None
    assert History((FIRST, replace(SECOND, number=8))).with_state(replace(between, hash=b"\xff" * 32)) is not None


def items_of(encoded: bytes) -> list[rlp.Item]:
    return rlp.as_list(rlp.decode(encoded[1:]), "client")


def test_votes_that_are_not_known_are_not_listed() -> None:
    voted = belief(replace(FIRST, votes=(Vote(A, b"\x03" * 20, authorize=True),)))
    items = items_of(encode_belief(voted))
    block = rlp.as_list(rlp.as_list(items[2], "states")[0], "block")
    block[6] = b""
    with pytest.raises(MalformedProof) as refused:
        decode_belief(b"\x01" + rlp.encode(items))
    assert (refused.value.part, refused.value.got) == ("votes", 1)


@pytest.mark.parametrize(("at", "part"), ((0, "flavour"), (4, "validator source")))
def test_names_are_known_ones(at: int, part: str) -> None:
    items = items_of(encode_belief(belief(FIRST)))
    rlp.as_list(items[0], "parameters")[at] = b"another"
    with pytest.raises(MalformedProof) as refused:
        decode_belief(b"\x01" + rlp.encode(items))
    assert (refused.value.part, refused.value.got) == (part, b"another")


def test_another_version_is_another_language() -> None:
    with pytest.raises(UnsupportedProof):
        decode_belief(b"\x02" + encode_belief(belief(FIRST))[1:])
