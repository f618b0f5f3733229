"""The client as a whole: it follows work, changes branches, forgets what is old, and proves packets."""

from __future__ import annotations

import pytest

from proofs.bitcoin.belief import BLOCKS_MAX
from proofs.bitcoin.client import decode_client
from proofs.bitcoin.networks import REGTEST
from proofs.bitcoin.spec import median_time
from proofs.errors import ClientFrozen, NotYetFinal, UnknownHeight, UnsupportedProof
from proofs.light_client import ClientState, Height
from tests.proofs.bitcoin.builders import (
    client_at,
    evidence,
    first_block,
    mine,
    now_after,
    world,
)

OTHER = b"\x22" * 32


def test_a_block_is_final_when_enough_blocks_follow_it() -> None:
    chain = mine([first_block(REGTEST)], 20)
    client = client_at(chain[:13], confirmations=3)
    assert client.latest() == Height(0, 12)
    client = client.update(evidence(chain[13:]), now=now_after(chain))
    assert client.belief.tip == chain[20]
    assert client.latest() == Height(0, 17)
    assert client.timestamp_at(Height(0, 17)) == median_time(chain[:18])
    assert client.status(now_after(chain)).state is ClientState.ACTIVE


def test_a_claim_about_a_packet_is_proved() -> None:
    seen = world()
    seen.client.check([seen.claim(), seen.claim(written=None)], at=seen.at, proof=2 * seen.proof())


def test_the_same_headers_again_change_nothing() -> None:
    chain = mine([first_block(REGTEST)], 20)
    client = client_at(chain[:13]).update(evidence(chain[13:]), now=now_after(chain))
    assert client.update(evidence(chain[5:]), now=now_after(chain)) is client
    assert client.update(evidence(chain[14:16]), now=now_after(chain)) is client


def test_a_heavier_branch_replaces_blocks_that_are_not_final() -> None:
    common = mine([first_block(REGTEST)], 14)
    ours, theirs = mine(common, 2), mine(common, 3, merkle_root=OTHER)
    client = client_at(common[:13]).update(evidence(ours[13:]), now=now_after(theirs))
    with pytest.raises(NotYetFinal) as refusal:
        client.update(evidence(theirs[13:-1]), now=now_after(theirs))
    assert (refusal.value.got, refusal.value.needed) == (theirs[-2].work, ours[-1].work + 1)
    assert client.update(evidence(theirs[13:]), now=now_after(theirs)).belief.tip == theirs[-1]


def test_a_heavier_branch_below_a_final_block_freezes_the_client() -> None:
    common = mine([first_block(REGTEST)], 14)
    ours, theirs = mine(common, 6), mine(common, 7, merkle_root=OTHER)
    client = client_at(common[:13], confirmations=3).update(evidence(ours[13:]), now=now_after(theirs))
    assert client.latest() == Height(0, 17)
    frozen = client.update(evidence(theirs[15:]), now=now_after(theirs))
    assert frozen.belief.frozen_at == 15
    assert frozen.status(0).state is ClientState.FROZEN
    with pytest.raises(ClientFrozen):
        frozen.update(evidence(theirs[15:]), now=now_after(theirs))
    assert decode_client(frozen.encode()) == frozen


def test_a_final_height_never_moves_back() -> None:
    """A branch of fewer blocks can have more work; what was final stays final."""
    common = mine([first_block(REGTEST)], 20)
    client = client_at(common[:13], confirmations=1).update(evidence(common[13:]), now=now_after(common))
    assert client.latest() == Height(0, 19)
    again = client.update(evidence(common[5:]), now=now_after(common))
    assert again.latest() == Height(0, 19)


def test_headers_that_build_on_nothing_known_have_to_wait_for_those_between() -> None:
    chain = mine([first_block(REGTEST)], 20)
    with pytest.raises(UnknownHeight) as refusal:
        client_at(chain[:13]).update(evidence(chain[15:]), now=now_after(chain))
    assert refusal.value.number == 13


def test_a_client_equals_what_its_bytes_say() -> None:
    client = world().client
    assert decode_client(client.encode()) == client


def test_the_window_is_bounded() -> None:
    chain = mine([first_block(REGTEST)], 4_100)
    client = client_at(chain[:1], confirmations=6)
    for at in range(1, len(chain), 500):
        client = client.update(evidence(chain[at : at + 500]), now=now_after(chain))
    assert len(client.belief.chain) == 2016 + 6 < BLOCKS_MAX
    assert client.belief.tip.hash == chain[-1].hash
    with pytest.raises(UnknownHeight) as refusal:
        client.timestamp_at(Height(0, 2_000))
    assert refusal.value.number == 2_000
    assert decode_client(client.encode()) == client


def test_work_convicts_nobody() -> None:
    chain = mine([first_block(REGTEST)], 14)
    with pytest.raises(UnsupportedProof):
        client_at(chain[:13]).misbehaviour(evidence(chain[13:]), evidence(chain[13:]), now=0)
