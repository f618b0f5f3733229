"""One path, height and value, proved for another chain, set, host, revision or height: refused by name.

Two chains of one operator often start with the same keys, and both count their sets from 0. No vote names its chain;
the state of each block does.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.errors import InvalidSignature, RootMismatch, UnknownHeight, ValueMismatch, WrongLedger
from proofs.light_client import Height
from proofs.substrate.client import bootstrap
from proofs.substrate.evidence import encode_step
from proofs.substrate.headers import header_hash
from proofs.substrate.host import HostLayout
from tests.proofs.substrate.builders import (
    CLAIMS,
    LAYOUT,
    NOW,
    PARAMETERS,
    SENT,
    SET_ID,
    START,
    Chain,
    at,
    chain_of,
)

ELSEWHERE = b"\x0b" * 32


def other_chain(length: int = 3) -> Chain:
    chain = Chain(genesis=ELSEWHERE)
    chain.grow(length - 1)
    return chain


@pytest.mark.parametrize("first", (1, 2), ids=("from_the_checkpoint", "with_blocks_left_out"))
def test_blocks_of_another_chain_with_the_same_authorities_and_set(first: int) -> None:
    with pytest.raises(WrongLedger) as refused:
        chain_of(3).client().update(other_chain().step(START + first, START + 2), now=NOW)
    assert (refused.value.part, refused.value.got) == ("genesis hash", ELSEWHERE)


def test_blocks_of_two_chains_convict_nobody() -> None:
    ours, theirs = chain_of(3), other_chain()
    with pytest.raises(WrongLedger) as refused:
        ours.client().misbehaviour(ours.step(START + 1, START + 1), theirs.step(START + 1, START + 1), now=NOW)
    assert refused.value.part == "genesis hash"


def test_a_block_of_another_chain_with_the_time_and_name_of_ours() -> None:
    """Our state's proof does not lead to their state root."""
    ours, theirs = chain_of(3), other_chain()
    step = theirs.made(START + 1, START + 1, theirs.votes(START + 1))
    mixed = replace(step, state=ours.made(START + 1, START + 1, []).state)
    with pytest.raises(RootMismatch):
        ours.client().update(encode_step(mixed), now=NOW)


def test_a_checkpoint_of_another_chain() -> None:
    ours, theirs = chain_of(1), other_chain()
    with pytest.raises(WrongLedger) as refused:
        bootstrap(
            theirs.checkpoint(), checkpoint_hash=header_hash(ours.header(START)), parameters=PARAMETERS, layout=LAYOUT
        )
    assert refused.value.part == "checkpoint"
    with pytest.raises(WrongLedger) as refused:
        bootstrap(
            theirs.checkpoint(), checkpoint_hash=header_hash(theirs.header(START)), parameters=PARAMETERS, layout=LAYOUT
        )
    assert (refused.value.part, refused.value.expected) == ("genesis hash", PARAMETERS.genesis_hash)


def test_a_proof_of_another_chain() -> None:
    ours, theirs = chain_of(1), other_chain()
    with pytest.raises(RootMismatch):
        ours.client().check(CLAIMS, at=at(START), proof=theirs.prove(START, CLAIMS))


@pytest.mark.parametrize("set_id", (SET_ID - 1, SET_ID + 1))
def test_votes_of_the_same_authorities_as_another_set(set_id: int) -> None:
    chain = chain_of(2)
    with pytest.raises(InvalidSignature):
        chain.client().update(chain.step(START + 1, START + 1, set_id=set_id), now=NOW)


def test_a_proof_at_another_revision() -> None:
    chain = chain_of(1)
    with pytest.raises(WrongLedger) as refused:
        chain.client().check(CLAIMS, at=Height(1, START), proof=chain.prove(START, CLAIMS))
    assert (refused.value.part, refused.value.got) == ("revision", 1)


def test_a_proof_off_by_one_height() -> None:
    chain = chain_of(3)
    client = chain.client().update(chain.step(START + 1, START + 1), now=NOW)
    for proved in (START, START + 2):
        with pytest.raises(RootMismatch):
            client.check(CLAIMS, at=at(START + 1), proof=chain.prove(proved, CLAIMS))
    for asked in (START - 1, START + 2):
        with pytest.raises(UnknownHeight) as refused:
            client.check(CLAIMS, at=at(asked), proof=chain.prove(START + 1, CLAIMS))
        assert refused.value.number == asked


@pytest.mark.parametrize("place", (0, 15, 16, 31), ids=("pallet", "pallet_end", "map", "map_end"))
def test_a_proof_of_another_host_on_the_same_chain(place: int) -> None:
    """Another pallet, or another map of it, that stores the very value under the very path."""
    prefix = bytes(byte ^ (each == place) for each, byte in enumerate(LAYOUT.prefix))
    theirs = HostLayout(prefix)
    chain = Chain(host={theirs.key(SENT.path): SENT.value or b""})
    proof = chain.prove(START, [SENT], theirs)
    chain.client(layout=theirs).check([SENT], at=at(START), proof=proof)
    with pytest.raises(ValueMismatch) as refused:
        chain.client().check([SENT], at=at(START), proof=chain.prove(START, [SENT]))
    assert (refused.value.part, refused.value.got) == ("storage value", "nothing")
    with pytest.raises((ValueMismatch, RootMismatch)):
        chain.client().check([SENT], at=at(START), proof=proof)


def test_another_client_or_sequence_on_the_same_host() -> None:
    chain = chain_of(1)
    for path in (b"attestations-1" + SENT.path[14:], SENT.path[:-1] + b"\x08", SENT.path + b"\x00"):
        moved = replace(SENT, path=path)
        with pytest.raises(ValueMismatch) as refused:
            chain.client().check([moved], at=at(START), proof=chain.prove(START, [moved]))
        assert refused.value.got == "nothing"
