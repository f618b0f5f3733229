"""The host's ABI, against the selectors and topics of the deployed ICS26Router, and its logs against their packets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi.abi import encode as oracle

from adapters.contract.errors import RefusedForEver
from adapters.contract.messages import (
    Acknowledge,
    Acknowledged,
    AckWritten,
    ClientChanged,
    HostMessage,
    Receive,
    Received,
    RecordAbsence,
    Rule,
    Sent,
    TimedOut,
    Timeout,
    UpdateClient,
)
from adapters.evm import codec
from adapters.evm.codec import Log, acknowledgements_of, decode_log, encode_batch, encode_message
from proofs.commitment import ClientId, Packet, Payload
from proofs.errors import MalformedProof, ValueMismatch
from proofs.light_client import Height, Position
from proofs.primitives.hashing import keccak256

PACKET = Packet(
    7,
    ClientId("client-0"),
    ClientId("attestations-1"),
    1_800_000_000,
    (Payload("0xabc", "mailbox", "mailbox-1", "application/octet-stream", b"\x00\x01"),),
)
AT = Height(0, 9)
PACKET_VALUES = (
    7,
    "client-0",
    "attestations-1",
    1_800_000_000,
    [("0xabc", "mailbox", "mailbox-1", "application/octet-stream", b"\x00\x01")],
)
PLACE = Position(Height(0, 5), 1, 2)

MESSAGES: dict[str, tuple[HostMessage, str, str, tuple[object, ...]]] = {
    "receive": (
        Receive(PACKET, b"proof", AT),
        "5ebd10ca",
        f"({codec.PACKET},bytes,(uint64,uint64))",
        (PACKET_VALUES, b"proof", (0, 9)),
    ),
    "acknowledge": (
        Acknowledge(PACKET, (b"\x01",), b"proof", AT),
        "1bca011a",
        f"({codec.PACKET},bytes,bytes,(uint64,uint64))",
        (PACKET_VALUES, b"\x01", b"proof", (0, 9)),
    ),
    "timeout": (
        Timeout(PACKET, b"proof", AT),
        "b98c330a",
        f"({codec.PACKET},bytes,(uint64,uint64))",
        (PACKET_VALUES, b"proof", (0, 9)),
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_encoded_as_another_library_does(name: str) -> None:
    message, selector, types, values = MESSAGES[name]
    assert encode_message(message) == bytes.fromhex(selector) + oracle([types], [values])


def test_updates_and_batches_are_encoded_as_another_library_does() -> None:
    update = encode_message(UpdateClient(ClientId("client-0"), b"update"))
    assert update == bytes.fromhex("6fbf8079") + oracle(["string", "bytes"], ["client-0", b"update"])
    assert encode_batch([update]) == update
    assert encode_batch([update, b"x"]) == bytes.fromhex("ac9650d8") + oracle(["bytes[]"], [[update, b"x"]])


def test_what_the_host_has_no_function_for_is_refused() -> None:
    with pytest.raises(RefusedForEver) as refusal:
        encode_message(Acknowledge(PACKET, (b"a", b"b"), b"", AT))
    assert refusal.value.rule == Rule.PAYLOADS
    with pytest.raises(RefusedForEver):
        encode_message(RecordAbsence(b"path"))


def test_topics_are_those_of_the_deployed_host() -> None:
    listed = {
        codec.SEND_PACKET_EVENT: "ab3a4458a269be61dfa43faa33aa7b1f5d570716f83ad078bc2ba5dab039abae",
        codec.WRITE_ACKNOWLEDGEMENT_EVENT: "76765590e2b799b0506100f8a6610cfecab2c71e8e1f8aa981b099aff0dfdb74",
        codec.ACK_PACKET_EVENT: "f9bab74bcdb634f4d3dd064cc42a13df056598e1c0336905d2f5750fbfb08b7b",
        codec.TIMEOUT_PACKET_EVENT: "01e5ed58494819ef3f6480dd08e433b7c08ed75c7abdf2c22c6f04b71340a168",
        codec.NOOP_EVENT: "d08bf58b0e4eec5bfc697a4fdbb6839057fbf4dd06f1b1ce07445c0e5a654caf",
        codec.CLIENT_ADDED_EVENT: "0ecded31ecd211a73abf0fb3bc09150bbe321a05550fbe29ea0f16b6e25fbfa8",
        codec.CLIENT_UPDATED_EVENT: "87bbef2779889a19f0435ddca81fda94132c06ffddb0ea73def256307a293aef",
    }
    assert {topic.hex() for topic in listed} == set(listed.values())


def log_of(topic: bytes, client: str, types: list[str], values: list[object], *, sequence: int = 7) -> Log:
    indexed = (keccak256(client.encode()), sequence.to_bytes(32, "big"))
    return Log((topic, *indexed), oracle(types, values), PLACE, bytes(32), "0xaa")


SEND = log_of(codec.SEND_PACKET_EVENT, "client-0", [codec.PACKET], [PACKET_VALUES])
WRITE = log_of(
    codec.WRITE_ACKNOWLEDGEMENT_EVENT, "attestations-1", [codec.PACKET, "bytes[]"], [PACKET_VALUES, [b"\x01"]]
)


def test_events_are_read_with_their_packet_and_place() -> None:
    (sent,) = decode_log(SEND)
    assert isinstance(sent, Sent)
    assert sent.packet == PACKET
    assert sent.at.position == PLACE
    assert sent.at.transaction == "0xaa"
    received, written = decode_log(WRITE)
    assert isinstance(received, Received)
    assert isinstance(written, AckWritten)
    assert received.packet == written.packet == PACKET
    assert written.acknowledgements == (b"\x01",)
    (acknowledged,) = decode_log(
        log_of(codec.ACK_PACKET_EVENT, "client-0", [codec.PACKET, "bytes"], [PACKET_VALUES, b"\x01"])
    )
    assert isinstance(acknowledged, Acknowledged)
    (timed_out,) = decode_log(log_of(codec.TIMEOUT_PACKET_EVENT, "client-0", [codec.PACKET], [PACKET_VALUES]))
    assert isinstance(timed_out, TimedOut)


@pytest.mark.parametrize("topic", (codec.CLIENT_ADDED_EVENT, codec.CLIENT_MIGRATED_EVENT))
def test_new_and_migrated_clients_are_changes(topic: bytes) -> None:
    data = oracle(["string", codec.COUNTERPARTY, "address"], ["client-3", ("far-0", [b""]), bytes(20)])
    (changed,) = decode_log(Log((topic,), data, PLACE, bytes(32), "0xaa"))
    assert isinstance(changed, ClientChanged)
    assert changed.client == "client-3"


def test_updates_and_misbehaviour_are_changes() -> None:
    update = Log((codec.CLIENT_UPDATED_EVENT,), oracle(["string", "uint8"], ["client-3", 1]), PLACE, b"", "")
    seen = Log((codec.MISBEHAVIOUR_EVENT,), oracle(["string"], ["client-4"]), PLACE, b"", "")
    assert [each.client for log in (update, seen) for each in decode_log(log) if isinstance(each, ClientChanged)] == [
        "client-3",
        "client-4",
    ]


def test_logs_of_no_interest_are_nothing() -> None:
    assert decode_log(replace(SEND, topics=())) == ()
    assert decode_log(replace(SEND, topics=(codec.NOOP_EVENT,))) == ()


@pytest.mark.parametrize("position", (1, 2))
def test_topics_that_name_another_packet_are_refused(position: int) -> None:
    topics = list(SEND.topics)
    topics[position] = bytes(32)
    with pytest.raises(ValueMismatch) as refusal:
        decode_log(replace(SEND, topics=tuple(topics)))
    assert refusal.value.part == "event topics"


def test_a_write_acknowledgement_is_indexed_by_the_destination_client() -> None:
    with pytest.raises(ValueMismatch):
        decode_log(replace(WRITE, topics=(WRITE.topics[0], *SEND.topics[1:])))


def test_data_that_is_cut_or_too_long_is_refused() -> None:
    for data in (SEND.data[:-32], SEND.data + bytes(32), b""):
        with pytest.raises(MalformedProof):
            decode_log(replace(SEND, data=data))


def test_acknowledgements_are_read_from_their_event_only() -> None:
    assert acknowledgements_of(WRITE.topics, WRITE.data) == (b"\x01",)
    assert acknowledgements_of(SEND.topics, SEND.data) is None
    assert acknowledgements_of((), b"") is None
