"""What a client of a Substrate chain believes, refuses and remembers, on chains with authorities of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.errors import (
    ClientFrozen,
    InsufficientVotingPower,
    NotMisbehaviour,
    UnknownHeight,
    UnknownSigner,
    WrongLedger,
)
from proofs.light_client import ClientState, Height, LightClient
from proofs.substrate import membership
from proofs.substrate.belief import SETS_MAX
from proofs.substrate.client import SubstrateClient, decode_client
from proofs.substrate.evidence import encode_step
from proofs.substrate.known_blocks import BLOCKS_MAX
from tests.proofs.substrate.builders import CLAIMS, NOW, SET_ID, START, Chain, at, chain_of, keys, vote


def test_it_follows_an_honest_chain_and_survives_its_encoding() -> None:
    chain = chain_of(4)
    client: LightClient = chain.client().update(chain.step(START + 1, START + 2), now=NOW)
    client = client.update(chain.step(START + 3, START + 3), now=NOW)
    assert client.latest() == at(START + 3)
    assert [client.timestamp_at(at(START + each)) for each in (0, 2, 3)] == [
        1_700_000_000,
        1_700_000_002,
        1_700_000_003,
    ]
    assert client.status(NOW).state is ClientState.ACTIVE
    assert client.status(1_700_000_003 + 86_400).state is ClientState.EXPIRED
    assert decode_client(client.encode()) == client
    assert (client.family, client.portable) == ("substrate", True)
    client.check(CLAIMS, at=at(START + 2), proof=chain.prove(START + 2, CLAIMS))


def test_blocks_between_two_steps_may_be_left_out() -> None:
    chain = chain_of(40)
    assert chain.client().update(chain.step(START + 39, START + 39), now=NOW).latest() == at(START + 39)


def test_a_change_of_authorities_is_followed_by_the_block_that_announces_it() -> None:
    chain = chain_of(3)
    first = chain.signers
    chain.change(keys(5, first=20))
    announced = chain.last
    chain.grow(4)
    client = chain.client().update(chain.step(announced, announced, signers=first, set_id=7), now=NOW)
    assert (client.belief.sets[-1].set_id, client.belief.sets[-1].since) == (8, announced)
    client = client.update(chain.step(chain.last, chain.last, by=(0, 1, 2, 3)), now=NOW)
    assert client.latest() == at(chain.last)
    assert decode_client(client.encode()) == client


def test_a_delayed_change_is_followed_in_one_step_or_in_several() -> None:
    chain = chain_of(2)
    first = chain.signers
    chain.change(keys(4, first=20), delay=3)
    ends = chain.last
    chain.grow(2)
    late = chain.step(chain.last, chain.last)
    whole = chain.client().update(chain.step(ends - 3, ends, signers=first, set_id=7), now=NOW)
    pieces = chain.client().update(chain.step(ends - 3, ends - 2, signers=first, set_id=7), now=NOW)
    assert pieces.belief.pending is not None
    assert decode_client(pieces.encode()) == pieces
    pieces = pieces.update(chain.step(ends, ends, signers=first, set_id=7), now=NOW)
    for client in (whole, pieces):
        assert client.belief.sets[-1].set_id == 8
        assert client.update(late, now=NOW).latest() == at(chain.last)


# --- what contradicts


def fork(chain: Chain, below: int) -> Chain:
    """The same chain up to the block before `below`, then another one."""
    other = Chain()
    other.headers = chain.headers[: below - START]
    other.states = chain.states[: below - START]
    for _ in range(len(chain.headers) - len(other.headers)):
        other.grow(extrinsics_root=b"\x33" * 32)
    return other


def test_what_is_known_already_changes_nothing() -> None:
    chain = chain_of(4)
    client = chain.client().update(chain.step(START + 1, START + 3), now=NOW)
    assert client.update(chain.step(START + 1, START + 3), now=NOW) == client
    assert client.update(chain.step(START + 2, START + 2), now=NOW) == client


def test_a_second_final_block_freezes() -> None:
    chain = chain_of(4)
    client = chain.client().update(chain.step(START + 2, START + 2), now=NOW)
    frozen = client.update(fork(chain, START + 2).step(START + 2, START + 2), now=NOW)
    assert frozen.belief.frozen_at == START + 2
    assert frozen.status(NOW).state is ClientState.FROZEN
    assert decode_client(frozen.encode()) == frozen
    for use in (
        lambda: frozen.update(chain.step(START + 3, START + 3), now=NOW),
        lambda: frozen.check([], at=at(START), proof=b""),
        lambda: frozen.misbehaviour(b"", b"", now=NOW),
    ):
        with pytest.raises(ClientFrozen) as refused:
            use()
        assert refused.value.frozen_at == START + 2


@pytest.mark.parametrize("first", (2, 3), ids=("among_its_headers", "as_the_parent_of_its_first_header"))
def test_a_later_block_that_builds_on_another_than_the_known_one_freezes(first: int) -> None:
    chain = chain_of(4)
    client = chain.client().update(chain.step(START + 2, START + 2), now=NOW)
    frozen = client.update(fork(chain, START + 1).step(START + first, START + 3), now=NOW)
    assert frozen.belief.frozen_at == START + 2


def test_votes_that_are_not_enough_freeze_nobody() -> None:
    chain = chain_of(4)
    client = chain.client().update(chain.step(START + 2, START + 2), now=NOW)
    with pytest.raises(InsufficientVotingPower):
        client.update(fork(chain, START + 2).step(START + 2, START + 2, by=(0, 1)), now=NOW)


def test_misbehaviour() -> None:
    chain = chain_of(5)
    client, other = chain.client(), fork(chain, START + 2)
    client.misbehaviour(chain.step(START + 2, START + 2), other.step(START + 2, START + 2), now=NOW)
    client.misbehaviour(chain.step(START + 3, START + 4), other.step(START + 2, START + 3), now=NOW)
    with pytest.raises(NotMisbehaviour):
        client.misbehaviour(chain.step(START + 2, START + 3), chain.step(START + 2, START + 2), now=NOW)
    with pytest.raises(NotMisbehaviour):
        client.misbehaviour(chain.step(START + 2, START + 2), other.step(START + 4, START + 4), now=NOW)
    with pytest.raises(InsufficientVotingPower):
        client.misbehaviour(chain.step(START + 2, START + 2), other.step(START + 2, START + 2, by=(0, 1)), now=NOW)


def test_a_set_that_is_gone_can_still_be_convicted() -> None:
    chain = chain_of(3)
    old = chain.signers
    chain.change(keys(4, first=20))
    ends = chain.last
    chain.grow()
    client = chain.client().update(chain.step(ends - 1, ends, signers=old, set_id=SET_ID), now=NOW)
    client = client.update(chain.step(ends + 1, ends + 1), now=NOW)
    rival = fork(chain, ends)
    assert client.update(rival.step(ends, ends), now=NOW).belief.frozen_at == ends
    # The new set says nothing about blocks before its own.
    with pytest.raises(UnknownSigner):
        client.update(rival.step(ends, ends, signers=chain.signers, set_id=SET_ID + 1), now=NOW)


def test_sets_and_blocks_are_forgotten_from_the_oldest_on() -> None:
    chain = chain_of(1)
    client = chain.client()
    for count in range(SETS_MAX + 2):
        old, set_id = chain.signers, chain.set_id
        chain.change(keys(4, first=10 * (count + 1)))
        client = client.update(chain.step(chain.last, chain.last, signers=old, set_id=set_id), now=NOW)
    assert [each.set_id for each in client.belief.sets] == [SET_ID + n for n in range(3, SETS_MAX + 3)]
    with pytest.raises(UnknownHeight) as refused:
        client.update(chain.step(START + 1, START + 1, signers=keys()), now=NOW)
    assert refused.value.number == START
    blocks = tuple(replace(client.belief.latest, number=5_000 + n) for n in range(BLOCKS_MAX))
    full = SubstrateClient(replace(client.belief, blocks=blocks, sets=(replace(client.belief.sets[-1], since=0),)))
    chain.headers = [replace(chain.headers[-1], number=7_000)]
    step = chain.made(START, START, [vote(each, chain.headers[0], set_id=chain.set_id) for each in chain.signers])
    step = replace(step, state=chain.states[-1].nodes(membership.STEP_KEYS))
    assert len(full.update(encode_step(step), now=NOW).belief.blocks) == BLOCKS_MAX
    assert full.update(encode_step(step), now=NOW).belief.blocks[0].number == 5_001


def test_heights_of_another_revision_or_unknown() -> None:
    with pytest.raises(WrongLedger) as refused:
        chain_of(1).client().timestamp_at(Height(1, START))
    assert (refused.value.part, refused.value.got) == ("revision", 1)
    with pytest.raises(UnknownHeight):
        chain_of(1).client().timestamp_at(at(START + 1))
