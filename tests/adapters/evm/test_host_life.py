"""The life of a packet on our host: received at most once, ends acknowledged or timed out, and all of it provable."""

from __future__ import annotations

import pytest

from proofs.commitment import (
    UNIVERSAL_ERROR_ACKNOWLEDGEMENT,
    Packet,
    acknowledgement_commitment,
    acknowledgement_path,
    commitment_path,
    packet_commitment,
    receipt_path,
)
from proofs.encoding import abi
from proofs.primitives.hashing import keccak256
from tests.adapters.evm.world import PACKET_TYPE, Log, World, hex0, packet_attestation, packet_values, state_attestation

pytestmark = pytest.mark.nodes

COMMITMENTS_SLOT = 0x1260944489272988D9DF285149B5AA1B0F48F2136D6F416159F840A3E0747600
NOOP = abi.event_topic("Noop()")
WRITE_ACKNOWLEDGEMENT = abi.event_topic(f"WriteAcknowledgement(string,uint256,{PACKET_TYPE},bytes[])")
ZERO = bytes(32)


def received_with(world: World, packet: Packet) -> list[Log]:
    """Update, prove and receive; the logs of the receive."""
    return world.transact(world.host, receive_call(world, packet))


def receive_call(world: World, packet: Packet) -> bytes:
    height = world.update(world.there)
    proof = packet_attestation(
        height, [(commitment_path(packet.source_client, packet.sequence), packet_commitment(packet))]
    )
    return world.receive(packet, proof, height)


def acknowledge_call(world: World, packet: Packet, acknowledgement: bytes) -> bytes:
    height = world.update(world.here)
    path = acknowledgement_path(packet.dest_client, packet.sequence)
    proof = packet_attestation(height, [(path, acknowledgement_commitment([acknowledgement]))])
    return world.acknowledge(packet, acknowledgement, proof, height)


def time_out_call(world: World, packet: Packet, *, timestamp: int) -> bytes:
    height = world.update(world.here, timestamp=timestamp)
    proof = packet_attestation(height, [(receipt_path(packet.dest_client, packet.sequence), ZERO)])
    return world.time_out(packet, proof, height)


def test_a_sent_packet_is_committed_and_announced_in_the_words_of_the_protocol(world: World) -> None:
    deadline = world.node.now() + 600
    payload = (world.port(world.mailbox), "elsewhere", "mailbox-1", "application/octet-stream", b"\x00\x01")
    logs = world.transact(
        world.mailbox,
        abi.encode_call("send(string,string,uint64,bytes)", (world.here, "elsewhere", deadline, b"\x00\x01")),
    )
    sent, announced = logs
    (values,) = abi.decode(f"({PACKET_TYPE})", sent.data)
    sequence = values[0]
    assert values == (sequence, world.here, world.there, deadline, (payload,))
    assert sent.topics == (
        abi.event_topic(f"SendPacket(string,uint256,{PACKET_TYPE})"),
        keccak256(world.here.encode()),
        sequence.to_bytes(32, "big"),
    )
    assert announced.address == world.mailbox
    assert announced.topics[1][12:] == world.account


def test_sequences_count_from_one_per_client_without_gaps(world: World) -> None:
    first, second = world.send(), world.send()
    assert second.sequence == first.sequence + 1


def test_a_packet_is_received_once_then_acknowledged_once(world: World) -> None:
    packet = world.send(b"once")
    logs = received_with(world, packet)
    delivered, written = logs
    assert delivered.topics[0] == abi.event_topic("MessageDelivered(string,string,uint64,string,bytes)")
    assert abi.decode("(string,string,string,bytes)", delivered.data) == (
        world.here, world.there, world.port(world.mailbox), b"once",
    )  # fmt: skip
    assert written.topics[1:] == (keccak256(world.there.encode()), packet.sequence.to_bytes(32, "big"))
    assert abi.decode(f"({PACKET_TYPE},bytes[])", written.data) == (packet_values(packet), (b"\x01",))
    assert world.stored(acknowledgement_path(world.there, packet.sequence)) == acknowledgement_commitment([b"\x01"])

    repeated = received_with(world, packet)
    assert [log.topics for log in repeated] == [(NOOP,)]

    ended = world.transact(world.host, acknowledge_call(world, packet, b"\x01"))
    assert ended[0].topics[0] == abi.event_topic("MessageAcknowledged(string,uint64,bytes)")
    assert ended[1].topics[0] == abi.event_topic(f"AckPacket(string,uint256,{PACKET_TYPE},bytes)")
    assert world.stored(commitment_path(world.here, packet.sequence)) == ZERO

    again = world.transact(world.host, acknowledge_call(world, packet, b"\x01"))
    assert [log.topics for log in again] == [(NOOP,)]


def test_a_packet_that_was_not_received_in_time_ends_once_by_timeout(world: World) -> None:
    packet = world.send(b"late", timeout=world.node.now() + 30)
    ended = world.transact(world.host, time_out_call(world, packet, timestamp=packet.timeout))
    assert [log.topics[0] for log in ended] == [
        abi.event_topic("MessageTimedOut(string,uint64)"),
        abi.event_topic(f"TimeoutPacket(string,uint256,{PACKET_TYPE})"),
    ]
    assert world.stored(commitment_path(world.here, packet.sequence)) == ZERO
    again = world.transact(world.host, time_out_call(world, packet, timestamp=packet.timeout))
    assert [log.topics for log in again] == [(NOOP,)]
    too_late = world.transact(world.host, acknowledge_call(world, packet, b"\x01"))
    assert [log.topics for log in too_late] == [(NOOP,)], "ended is ended, whatever is proved later"


def test_an_app_that_fails_with_a_reason_gets_the_error_acknowledgement_written(world: World) -> None:
    packet = world.send(b"d", app=world.unruly)
    error, written = received_with(world, packet)
    assert error.topics == (abi.event_topic("IBCAppRecvPacketCallbackError(bytes)"),)
    (reason,) = abi.decode("(bytes)", error.data)
    assert reason == abi.encode_call("Refused(uint64)", (packet.sequence,))
    assert abi.decode(f"({PACKET_TYPE},bytes[])", written.data)[1] == (UNIVERSAL_ERROR_ACKNOWLEDGEMENT,)
    assert world.stored(receipt_path(world.there, packet.sequence)) != ZERO


def test_the_gas_trap_too_little_gas_becomes_an_error_for_ever_in_a_careful_app(world: World) -> None:
    packet = world.send(b"g", app=world.unruly)
    call = receive_call(world, packet)
    acknowledgements = {}
    for gas in (1_500_000, 10_000_000):
        snapshot = world.node.ask("evm_snapshot")
        written = world.of_host(world.transact(world.host, call, gas=gas))[-1]
        acknowledgements[gas] = abi.decode(f"({PACKET_TYPE},bytes[])", written.data)[1]
        assert world.node.ask("evm_revert", snapshot)
    assert acknowledgements == {1_500_000: (UNIVERSAL_ERROR_ACKNOWLEDGEMENT,), 10_000_000: (b"done",)}


def test_a_multicall_does_all_in_order_or_nothing(world: World) -> None:
    packets = [world.send(bytes((number,))) for number in range(3)]
    height = 50_000 + packets[0].sequence
    update = abi.encode_call("updateClient(string,bytes)", (world.there, state_attestation(height, world.node.now())))
    proofs = [
        packet_attestation(height, [(commitment_path(world.here, p.sequence), packet_commitment(p))]) for p in packets
    ]
    receives = [world.receive(packet, proof, height) for packet, proof in zip(packets, proofs, strict=True)]

    logs = world.of_host(world.transact(world.host, abi.encode_call("multicall(bytes[])", ((update, *receives),))))
    updated, *written = logs
    assert updated.topics == (abi.event_topic("ICS02ClientUpdated(string,uint8)"),)
    assert abi.decode("(string,uint8)", updated.data) == (world.there, 0)
    assert [log.topics[0] for log in written] == [WRITE_ACKNOWLEDGEMENT] * 3
    assert [int.from_bytes(log.topics[2], "big") for log in written] == [p.sequence for p in packets]


@pytest.mark.parametrize("name", ("commitment", "receipt", "acknowledgement", "counter"))
def test_what_is_stored_is_provable_at_the_slots_of_the_protocol(world: World, name: str) -> None:
    packet = world.send(b"slots")
    received_with(world, packet)
    paths = {
        "commitment": (commitment_path(world.here, packet.sequence), packet_commitment(packet)),
        "receipt": (
            receipt_path(world.there, packet.sequence),
            keccak256(abi.encode(f"({PACKET_TYPE})", (packet_values(packet),))),
        ),
        "acknowledgement": (
            acknowledgement_path(world.there, packet.sequence),
            acknowledgement_commitment([b"\x01"]),
        ),
    }
    if name == "counter":
        key = keccak256(world.here.encode() + (COMMITMENTS_SLOT + 1).to_bytes(32, "big"))
        value = packet.sequence
    else:
        path, commitment = paths[name]
        key = keccak256(keccak256(path) + COMMITMENTS_SLOT.to_bytes(32, "big"))
        value = int.from_bytes(commitment, "big")
    (proved,) = world.node.ask("eth_getProof", hex0(world.host), [hex0(key)], "latest")["storageProof"]
    assert int(proved["value"], 16) == value
