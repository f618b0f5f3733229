"""One path, height, client and value, proved for another group, contract, generation or height: refused by name.

One set of nodes seals many groups with the same keys, and no header names its own. The hash links from the checkpoint
tell them apart, and on 3.x also what transactions say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proofs.encoding.proof_batch import join_batch
from proofs.errors import MalformedProof, RootMismatch, UnknownHeight, ValueMismatch, WrongLedger
from proofs.fisco_bcos.client import FiscoBcosClient, bootstrap
from proofs.fisco_bcos.host import HostLayout
from proofs.fisco_bcos.types import Generation, Suite
from proofs.light_client import Height
from tests.proofs.fisco_bcos.builders import (
    HOST,
    LAYOUT,
    NOW,
    SENT,
    SM,
    STANDARD,
    V2,
    V3,
    Chain,
    World,
    at_position,
    call,
    evidence,
    header,
    parameters,
    receipt_v2,
    receipt_v3,
    world,
    written,
)

BOTH = pytest.mark.parametrize("generation", Generation)
AT = Height(0, 2)


def other_group(generation: Generation) -> Chain:
    """Another group of the same sealers: only its first block, which nobody reads, is another one."""
    chain = Chain(generation)
    chain.headers = [header(generation, 1, b"\x0b" * 32, chain.keys)]
    chain.grow(2)
    return chain


def renamed(client: FiscoBcosClient, **changes: Any) -> FiscoBcosClient:
    """The same belief of an operator who configured another chain or group."""
    return FiscoBcosClient(replace(client.belief, parameters=replace(client.belief.parameters, **changes)))


def hosted(client: FiscoBcosClient, layout: HostLayout) -> FiscoBcosClient:
    return FiscoBcosClient(replace(client.belief, layout=layout))


def proof_of(seen: World) -> bytes:
    return join_batch([seen.encoded()])


@BOTH
def test_the_honest_proofs_pass(generation: Generation) -> None:
    world(generation).check(SENT)
    other_group(generation).follower()


# --- another group


@BOTH
@pytest.mark.parametrize("first", (2, 3), ids=("from_the_checkpoint", "from_a_later_block"))
def test_blocks_of_another_group_of_the_same_sealers(generation: Generation, first: int) -> None:
    ours, theirs = Chain(generation), other_group(generation)
    ours.grow(first - 2)
    client = ours.follower() if first > 2 else ours.client()
    with pytest.raises(ValueMismatch) as refused:
        client.update(theirs.step(first, 3), now=NOW)
    assert (refused.value.part, refused.value.got) == ("parent hash", theirs.headers[first - 2].hash(STANDARD))


@BOTH
def test_blocks_of_two_groups_convict_nobody(generation: Generation) -> None:
    """Sealers sign one block of each height in every group: that is no contradiction."""
    ours, theirs = Chain(generation), other_group(generation)
    ours.grow(1)
    with pytest.raises(ValueMismatch) as refused:
        ours.client().misbehaviour(ours.step(2, 2), theirs.step(2, 2), now=NOW)
    assert refused.value.part == "parent hash"


@BOTH
def test_a_checkpoint_of_another_group(generation: Generation) -> None:
    ours, theirs = Chain(generation), other_group(generation)
    with pytest.raises(WrongLedger) as refused:
        bootstrap(
            evidence(theirs.headers[:1], theirs.keys),
            checkpoint_hash=ours.headers[0].hash(STANDARD),
            parameters=parameters(generation),
            layout=LAYOUT,
        )
    assert (refused.value.part, refused.value.got) == ("checkpoint", theirs.headers[0].hash(STANDARD))


@BOTH
def test_a_proof_of_another_group_at_the_same_place(generation: Generation) -> None:
    """The same call at the same place; what else its block did is another thing."""
    theirs = world(generation, count=19)
    with pytest.raises(RootMismatch) as refused:
        world(generation).client.check([at_position(SENT)], at=AT, proof=proof_of(theirs))
    assert refused.value.part == "receipts root"


@pytest.mark.parametrize("name", ("chain_id", "group_id"))
def test_a_transaction_of_another_chain_or_group(name: str) -> None:
    """Whoever configured the wrong checkpoint finds out with the first proof; a transaction bears both names."""
    other: dict[str, Any] = {name: "other"}
    theirs = world(V3, transaction=replace(call(), **other))
    with pytest.raises(WrongLedger) as refused:
        theirs.check(SENT)
    assert (refused.value.part, refused.value.expected) == ("chain and group", "chain0/group0")
    with pytest.raises(WrongLedger):
        renamed(world(V3).client, **other).check([SENT], at=AT, proof=proof_of(world(V3)))


def test_receipts_of_2x_name_no_chain_so_the_checkpoint_alone_does() -> None:
    """The trap: with the checkpoint of another group, its configured name is believed of it."""
    for name in ("chain_id", "group_id"):
        renamed(world(V2).client, **{name: "other"}).check([SENT], at=AT, proof=proof_of(world(V2)))


# --- another host


def test_an_event_of_another_contract_on_the_same_group() -> None:
    elsewhere = HostLayout(b"\x98" * 20, STANDARD)
    for generation, part in ((V2, "host contract"), (V3, "called contract")):
        seen = world(generation)
        with pytest.raises(WrongLedger) as refused:
            hosted(seen.client, elsewhere).check([SENT], at=AT, proof=proof_of(seen))
        assert refused.value.part == part


def test_another_contract_that_the_host_was_called_for() -> None:
    """A namesake emits the very event, within a transaction that calls our host, or for the host by its own call."""
    log = written(address=b"\x98" * 20)
    with pytest.raises(WrongLedger) as refused:
        world(V3, receipt=receipt_v3(log)).check(SENT)
    assert (refused.value.part, refused.value.got) == ("host contract", b"\x98" * 20)
    with pytest.raises(WrongLedger) as refused:
        world(V3, transaction=call(to="0x" + "98" * 20)).check(SENT)
    assert (refused.value.part, refused.value.expected) == ("called contract", "0x" + HOST.hex())
    with pytest.raises(WrongLedger) as refused:
        world(V2, receipt=receipt_v2(log), log=0).check(SENT)
    assert refused.value.part == "host contract"


# --- another revision or height


@BOTH
def test_a_proof_at_another_revision(generation: Generation) -> None:
    seen = world(generation)
    with pytest.raises(WrongLedger) as refused:
        seen.client.check([SENT], at=Height(1, 2), proof=proof_of(seen))
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("revision", 1, 0)


@BOTH
def test_a_proof_off_by_one_height(generation: Generation) -> None:
    seen = world(generation)
    with pytest.raises(RootMismatch) as refused:
        seen.client.check([SENT], at=Height(0, 1), proof=proof_of(seen))
    assert refused.value.part == "receipts root"
    for number in (0, 3):
        with pytest.raises(UnknownHeight) as unknown:
            seen.client.check([SENT], at=Height(0, number), proof=proof_of(seen))
        assert unknown.value.number == number
    with pytest.raises(ValueMismatch) as position:
        seen.check(at_position(SENT, number=1))
    assert position.value.part == "position"


def test_a_receipt_of_3x_that_names_another_block() -> None:
    with pytest.raises(ValueMismatch) as refused:
        world(V3, receipt=receipt_v3(written(), number=3)).check(SENT)
    assert (refused.value.part, refused.value.got) == ("block number of the receipt", 3)


# --- another generation or suite


def test_evidence_and_proofs_of_the_other_generation() -> None:
    for ours, theirs, part in ((V2, V3, "header"), (V3, V2, "header")):
        foreign = other_group(theirs)
        with pytest.raises(MalformedProof) as refused:
            Chain(ours).client().update(foreign.step(2, 3), now=NOW)
        assert refused.value.part == part
        with pytest.raises(MalformedProof) as refused:
            world(ours).client.check([SENT], at=AT, proof=proof_of(world(theirs)))
        assert refused.value.part == "proof"


@BOTH
def test_seals_of_the_other_suite(generation: Generation) -> None:
    """The suite is configured: the same header has another hash under the other one."""
    chain = Chain(generation, SM)
    with pytest.raises(WrongLedger) as refused:
        bootstrap(
            evidence(chain.headers, chain.keys, suite=SM),
            checkpoint_hash=chain.headers[0].hash(SM),
            parameters=parameters(generation, Suite.KECCAK_SECP256K1),
            layout=LAYOUT,
        )
    assert (refused.value.part, refused.value.got) == ("checkpoint", chain.headers[0].hash(STANDARD))
