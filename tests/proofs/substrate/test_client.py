"""What a client of a Substrate chain believes, refuses and remembers, on chains with authorities of our own."""

from __future__ import annotations

from proofs.light_client import ClientState, LightClient
from proofs.substrate.client import decode_client
from tests.proofs.substrate.builders import CLAIMS, NOW, START, at, chain_of, keys


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
