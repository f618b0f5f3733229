"""One path, height, client and value, proved for another chain, route, revision or height: refused by name.

Headers name no network. What tells chains apart is the checkpoint, and that every block names the one before it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.bitcoin.belief import Belief
from proofs.bitcoin.client import BitcoinClient, bootstrap
from proofs.bitcoin.networks import MAINNET, REGTEST, TESTNET4, Network
from proofs.bitcoin.types import Block, Parameters, Route
from proofs.commitment import ClientId
from proofs.errors import (
    NotYetFinal,
    RootMismatch,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.light_client import ClientState, Height
from tests.proofs.bitcoin.builders import (
    ROUTE,
    World,
    client_at,
    evidence,
    first_block,
    mine,
    now_after,
    packet_script,
    small_network,
    transaction,
    world,
)

HERE = world()
AT = HERE.at


def told(client: BitcoinClient, route: Route) -> BitcoinClient:
    """The same belief of an operator who configured another route."""
    belief = replace(client.belief, parameters=replace(client.belief.parameters, route=route))
    return BitcoinClient(belief)


def elsewhere() -> World:
    """Another chain with the same packet at the same place: its other transactions differ."""
    others = [transaction(b"\x51", salt=salt) for salt in (21, 22)]
    return world([*others, transaction(b"\x51", packet_script(), salt=9), transaction(b"\x51", salt=23)])


def test_the_honest_proofs_pass() -> None:
    for seen in (HERE, elsewhere()):
        seen.client.check([seen.claim()], at=AT, proof=seen.proof())
    assert elsewhere().claim() == HERE.claim()


# --- another height or revision


@pytest.mark.parametrize("number", (AT.number - 1, AT.number + 1), ids=("below", "above"))
def test_a_proof_off_by_one_height(number: int) -> None:
    """A sequence names its height; whoever leaves that out of account meets another root."""
    with pytest.raises(ValueMismatch) as refused:
        HERE.client.check([HERE.claim()], at=Height(0, number), proof=HERE.proof())
    assert refused.value.part == "height of the claim"
    there = replace(HERE, position=replace(HERE.position, height=Height(0, number)))
    with pytest.raises(RootMismatch) as root:
        HERE.client.check([there.claim()], at=Height(0, number), proof=HERE.proof())
    assert root.value.part == "root of transactions"


def test_a_proof_at_a_height_that_too_little_was_built_on() -> None:
    tip = HERE.client.belief.tip.height
    with pytest.raises(NotYetFinal) as refused:
        HERE.client.check([HERE.claim()], at=Height(0, tip), proof=HERE.proof())
    assert (refused.value.got, refused.value.needed) == (HERE.client.latest().number, tip)


def test_a_proof_at_another_revision() -> None:
    with pytest.raises(WrongLedger) as refused:
        HERE.client.check([HERE.claim()], at=Height(1, AT.number), proof=HERE.proof())
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("revision", 1, 0)


# --- another host, which here is a route of the configuration


def test_a_packet_of_another_virtual_client() -> None:
    other = told(HERE.client, Route(ClientId("bitcoin-1"), ROUTE.dest_client))
    with pytest.raises(WrongLedger) as refused:
        other.check([HERE.claim()], at=AT, proof=HERE.proof())
    assert (refused.value.part, refused.value.got) == ("path", HERE.claim().path)


def test_a_packet_for_a_client_on_another_ledger() -> None:
    other = told(HERE.client, Route(ROUTE.source_client, ClientId("bitcoin-client-8")))
    with pytest.raises(ValueMismatch) as refused:
        other.check([HERE.claim()], at=AT, proof=HERE.proof())
    assert (refused.value.part, refused.value.got) == ("destination client", ROUTE.dest_client)


# --- another chain


def test_a_proof_of_another_chain_at_the_same_place() -> None:
    other = elsewhere()
    with pytest.raises(RootMismatch) as refused:
        HERE.client.check([other.claim()], at=AT, proof=other.proof())
    assert refused.value.part == "root of transactions"
    with pytest.raises(RootMismatch):
        other.client.check([HERE.claim()], at=AT, proof=HERE.proof())


def test_headers_of_another_network_hang_on_nothing() -> None:
    small = small_network()
    foreign = mine([first_block(small)], 12, small)
    with pytest.raises(UnknownHeight) as refused:
        HERE.client.update(evidence(foreign[1:]), now=now_after(foreign))
    assert refused.value.number == HERE.client.belief.tip.height + 1


def test_headers_that_name_our_block_under_easier_rules() -> None:
    """What one network calls work is too little, or none, on another."""
    chain = mine([first_block(REGTEST)], 14)
    strict = BitcoinClient(on_network(client_at(chain[:13]).belief, MAINNET))
    with pytest.raises(UnsupportedProof) as refused:
        strict.update(evidence(chain[13:]), now=now_after(chain))
    assert refused.value.part == "target"


def test_a_branch_that_left_below_the_checkpoint_hangs_on_nothing() -> None:
    """Two ledgers that share a past, as after a split: the checkpoint decides which one is followed."""
    common = mine([first_block(REGTEST)], 10)
    ours, theirs = mine(common, 4), mine(common, 4, merkle_root=b"\x22" * 32)
    follower = client_at(ours, confirmations=1)
    with pytest.raises(UnknownHeight):
        follower.update(evidence(theirs[12:]), now=now_after(theirs))


def test_a_branch_that_left_above_the_checkpoint_is_told_apart_by_work_alone() -> None:
    """The trap: after a split that keeps the rules of work, the heavier side is believed, later it freezes."""
    common = mine([first_block(REGTEST)], 14)
    ours, theirs = mine(common, 4), mine(common, 6, merkle_root=b"\x22" * 32)
    follower = client_at(common, confirmations=1)
    assert follower.update(evidence(theirs[15:]), now=now_after(theirs)).belief.tip == theirs[-1]
    on_ours = follower.update(evidence(ours[15:]), now=now_after(theirs))
    frozen = on_ours.update(evidence(theirs[15:]), now=now_after(theirs))
    assert frozen.status(0).state is ClientState.FROZEN


def on_network(belief: Belief, network: Network) -> Belief:
    return replace(belief, parameters=replace(belief.parameters, network=network))


def start(chain: list[Block], checkpoint: Block, network: Network) -> BitcoinClient:
    return bootstrap(
        evidence(chain),
        checkpoint_height=chain[-1].height,
        checkpoint_hash=checkpoint.hash,
        parameters=Parameters(network, 3, ROUTE),
    )


def test_a_checkpoint_of_another_chain() -> None:
    ours, theirs = HERE.chain[:15], elsewhere().chain[:15]
    with pytest.raises(WrongLedger) as refused:
        start(theirs, ours[-1], REGTEST)
    assert (refused.value.part, refused.value.got) == ("checkpoint", theirs[-1].hash[::-1])


def test_a_genesis_block_of_another_network() -> None:
    with pytest.raises(WrongLedger) as refused:
        start(HERE.chain[:1], HERE.chain[0], replace(REGTEST, genesis_hash=TESTNET4.genesis_hash))
    assert (refused.value.part, refused.value.got) == ("genesis block", REGTEST.genesis_hash[::-1])
