"""Reading a real host: events, evidence and proofs, and what a reorganisation does to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.contract.errors import FinalityViolated
from adapters.contract.ledger import Cursor
from adapters.contract.messages import Acknowledged, AckWritten, ClientChanged, HostEvent, Received, Sent, TimedOut
from adapters.evm.endpoint_quorum import EndpointQuorumClient
from proofs.commitment import (
    acknowledgement_commitment,
    acknowledgement_path,
    commitment_path,
    packet_commitment,
    receipt_path,
    send_counter_path,
)
from proofs.errors import ValueMismatch
from proofs.light_client import Claim, Height
from tests.adapters.evm.ledger_world import FAR, EvmWorld, evm_world, own_anvil
from tests.nodes.anvil import AnvilNode

pytestmark = pytest.mark.nodes


async def read_all(world: EvmWorld, *, limit: int = 1000) -> list[HostEvent]:
    source = world.ledger.source
    through = (await source.head()).final
    cursor = await source.start(None)
    events: list[HostEvent] = []
    while cursor.height < through:
        scan = await source.scan(cursor, through=through, event_limit=limit)
        assert cursor.height < scan.cursor.height <= through
        events += scan.events
        cursor = scan.cursor
    return events


async def believed(world: EvmWorld) -> tuple[EndpointQuorumClient, Height]:
    source = world.ledger.source
    client = await world.ledger.bootstrap()
    head = await source.head()
    evidence = await source.evidence(client.latest(), head.final)
    for step in evidence.answer:
        client = client.update(step, now=world.node.now())
    assert isinstance(client, EndpointQuorumClient)
    return client, head.final


async def test_every_kind_of_event_is_read_with_its_place(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        await world.send(b"first")
        await world.send(b"second", life=60)
        incoming = world.packet_in(1)
        await world.submit(world.update(), world.receive(incoming))
        world.finalise()
        sent = [event for event in await read_all(world) if isinstance(event, Sent)]
        assert [event.packet.sequence for event in sent] == [1, 2]
        assert sent[0].packet.payloads[0].value == b"first"

        anvil.advance(120)
        world.far_height = 20
        await world.submit(world.update(), world.acknowledge(sent[0].packet), world.time_out(sent[1].packet))
        world.finalise()

        events = await read_all(world)
        kinds = [type(event) for event in events]
        assert kinds == [
            ClientChanged,
            Sent,
            Sent,
            ClientChanged,
            Received,
            AckWritten,
            ClientChanged,
            Acknowledged,
            TimedOut,
        ]
        received = next(event for event in events if isinstance(event, Received))
        written = next(event for event in events if isinstance(event, AckWritten))
        assert received.packet == incoming
        assert received.at == written.at
        assert written.acknowledgements == (b"\x01",)
        positions = [event.at.position for event in events]
        assert positions == sorted(positions)


async def test_a_limit_stops_at_the_end_of_a_block_and_nothing_is_lost_or_repeated(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        for number in range(3):
            await world.send(bytes([number]))
        world.far_height = 30
        packets = [world.packet_in(sequence) for sequence in (1, 2, 3)]
        await world.submit(world.update(), *(world.receive(packet) for packet in packets))
        world.finalise()
        assert await read_all(world, limit=1) == await read_all(world)


async def test_ranges_wider_than_a_scan_are_read_in_steps(anvil: AnvilNode) -> None:
    async with evm_world(anvil, log_range=2) as world:
        await world.send()
        world.finalise(9)
        await world.send()
        world.finalise()
        events = await read_all(world)
        assert [event.packet.sequence for event in events if isinstance(event, Sent)] == [1, 2]


async def test_claims_of_all_kinds_are_proved_by_one_call_and_believed(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        await world.send()
        incoming = world.packet_in(1)
        await world.submit(world.update(), world.receive(incoming))
        world.finalise()
        sent = next(event for event in await read_all(world) if isinstance(event, Sent))
        client, at = await believed(world)
        claims = [
            Claim(commitment_path(world.client, 1), packet_commitment(sent.packet)),
            Claim(acknowledgement_path(world.client, 1), acknowledgement_commitment([b"\x01"])),
            Claim(receipt_path(world.client, 2), None),
            Claim(send_counter_path(world.client), (1).to_bytes(8, "big")),
            Claim(send_counter_path(FAR), (0).to_bytes(8, "big")),
        ]
        (proven,) = await world.ledger.source.prove(claims, at)
        assert proven.claims == tuple(claims)
        client.check(proven.claims, at=at, proof=proven.proof)
        with pytest.raises(ValueMismatch):
            client.check(
                [*claims[:2], Claim(receipt_path(world.client, 2), bytes([1]) * 32), *claims[3:]],
                at=at,
                proof=proven.proof,
            )


async def test_a_claim_of_another_value_comes_back_with_the_value_of_the_host(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        world.finalise()
        client, at = await believed(world)
        (proven,) = await world.ledger.source.prove([Claim(commitment_path(world.client, 7), bytes([9]) * 32)], at)
        assert proven.claims[0].value is None
        client.check(proven.claims, at=at, proof=proven.proof)


async def test_the_head_is_final_two_blocks_below_the_latest(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        head = await world.ledger.source.head()
        assert head.final.number == head.latest.number - 2
        assert head.served_by == "anvil"


async def test_finality_by_depth(anvil: AnvilNode) -> None:
    async with evm_world(anvil, finality={"depth": 5}) as world:
        world.finalise(6)
        head = await world.ledger.source.head()
        block = anvil.ask("eth_getBlockByNumber", hex(head.final.number), False)
        assert head.final.number == head.latest.number - 5
        assert head.final_hash.hex() == block["hash"][2:]
        assert head.final_time == int(block["timestamp"], 16)


async def test_a_reorganisation_below_the_cursor_violates_finality(tmp_path: Path) -> None:
    async with own_anvil(tmp_path) as node, evm_world(node, finality={"depth": 1}) as world:
        await world.send()
        world.finalise(4)
        source = world.ledger.source
        head = await source.head()
        scan = await source.scan(await source.start(None), through=head.final, event_limit=100)
        assert any(isinstance(event, Sent) for event in scan.events)
        node.ask("anvil_reorg", 3, [])
        world.finalise(2)
        with pytest.raises(FinalityViolated) as refusal:
            await source.scan(scan.cursor, through=(await source.head()).final, event_limit=100)
        assert refusal.value.height == scan.cursor.height.number
        assert refusal.value.expected == scan.cursor.hash.hex()


async def test_a_reorganisation_above_the_cursor_changes_what_is_read(tmp_path: Path) -> None:
    async with own_anvil(tmp_path) as node, evm_world(node, finality={"depth": 1}) as world:
        source = world.ledger.source
        world.finalise(2)
        head = await source.head()
        cursor = (await source.scan(await source.start(None), through=head.final, event_limit=100)).cursor
        await world.send()
        node.ask("anvil_reorg", 1, [])
        world.finalise(3)
        scan = await source.scan(cursor, through=(await source.head()).final, event_limit=100)
        assert scan.events == ()
        assert scan.cursor.height > cursor.height


async def test_identity_names_chain_genesis_host_and_code(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        identity = await world.ledger.source.identity()
        genesis = anvil.ask("eth_getBlockByNumber", "0x0", False)["hash"][2:]
        assert identity.chain_id == str(anvil.chain_id)
        assert identity.root == genesis
        assert identity.host == str(world.settings["host"]).lower()
        assert identity.code == world.settings["host_code"]


async def test_reading_starts_where_it_is_told(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        source = world.ledger.source
        height = world.settings["host_height"]
        assert isinstance(height, int)
        assert (await source.start(None)).height == Height(0, height - 1)
        block = anvil.ask("eth_getBlockByNumber", "0x1", False)
        assert await source.start(Height(0, 1)) == Cursor(Height(0, 1), bytes.fromhex(block["hash"][2:]))
