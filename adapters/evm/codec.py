"""The host's ABI: messages to calldata, logs to events. Only what the deployed ICS26Router declares is used.

Source: the signatures listed for ICS26Router, ICS02Client and their events (cosmos/solidity-ibc-eureka, August 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.contract.errors import RefusedForEver
from adapters.contract.messages import (
    Acknowledge,
    Acknowledged,
    AckWritten,
    ClientChanged,
    HostEvent,
    HostMessage,
    Receive,
    Received,
    RecordAbsence,
    Rule,
    Sent,
    SentUnreadable,
    TimedOut,
    Timeout,
    UpdateClient,
    Written,
)
from proofs.commitment import ClientId, Packet, Payload
from proofs.encoding.abi import decode, encode_call, event_topic
from proofs.errors import ValueMismatch
from proofs.light_client import Height, Position
from proofs.primitives.hashing import keccak256

PAYLOAD: Final = "(string,string,string,string,bytes)"
PACKET: Final = f"(uint64,string,string,uint64,{PAYLOAD}[])"
_RAW_PACKET: Final = PACKET.replace("string", "bytes")  # texts and bytes lie the same way
HEIGHT: Final = "(uint64,uint64)"
COUNTERPARTY: Final = "(string,bytes[])"

RECV_PACKET: Final = f"recvPacket(({PACKET},bytes,{HEIGHT}))"
ACK_PACKET: Final = f"ackPacket(({PACKET},bytes,bytes,{HEIGHT}))"
TIMEOUT_PACKET: Final = f"timeoutPacket(({PACKET},bytes,{HEIGHT}))"
UPDATE_CLIENT: Final = "updateClient(string,bytes)"
MULTICALL: Final = "multicall(bytes[])"

SEND_PACKET_EVENT: Final = event_topic(f"SendPacket(string,uint256,{PACKET})")
WRITE_ACKNOWLEDGEMENT_EVENT: Final = event_topic(f"WriteAcknowledgement(string,uint256,{PACKET},bytes[])")
ACK_PACKET_EVENT: Final = event_topic(f"AckPacket(string,uint256,{PACKET},bytes)")
TIMEOUT_PACKET_EVENT: Final = event_topic(f"TimeoutPacket(string,uint256,{PACKET})")
NOOP_EVENT: Final = event_topic("Noop()")
CLIENT_ADDED_EVENT: Final = event_topic(f"ICS02ClientAdded(string,{COUNTERPARTY},address)")
CLIENT_UPDATED_EVENT: Final = event_topic("ICS02ClientUpdated(string,uint8)")
CLIENT_MIGRATED_EVENT: Final = event_topic(f"ICS02ClientMigrated(string,{COUNTERPARTY},address)")
MISBEHAVIOUR_EVENT: Final = event_topic("ICS02MisbehaviourSubmitted(string)")


@dataclass(frozen=True, slots=True)
class Log:
    """One log of the host, as an endpoint gave it. transaction: 0x-hex."""

    topics: tuple[bytes, ...]
    data: bytes
    position: Position
    block_hash: bytes
    transaction: str


def encode_message(message: HostMessage) -> bytes:
    """Calldata of one message. Raises RefusedForEver for what this host has no function for."""
    match message:
        case UpdateClient():
            return encode_call(UPDATE_CLIENT, (message.client, message.message))
        case Receive():
            return encode_call(RECV_PACKET, ((_packet(message.packet), message.proof, _height(message.at)),))
        case Acknowledge():
            if len(message.acknowledgements) != 1:
                raise RefusedForEver(
                    Rule.PAYLOADS, f"{len(message.acknowledgements)} acknowledgements, the host takes 1"
                )
            acknowledged = (_packet(message.packet), message.acknowledgements[0], message.proof, _height(message.at))
            return encode_call(ACK_PACKET, (acknowledged,))
        case Timeout():
            return encode_call(TIMEOUT_PACKET, ((_packet(message.packet), message.proof, _height(message.at)),))
        case RecordAbsence():
            raise RefusedForEver(Rule.UNKNOWN, "this host proves absence, it does not record it")


def encode_batch(calls: Sequence[bytes]) -> bytes:
    """Calldata of one transaction. A single call goes without the multicall around it: it is cheaper."""
    assert calls, "a transaction says something"
    return calls[0] if len(calls) == 1 else encode_call(MULTICALL, (tuple(calls),))


def decode_log(log: Log) -> tuple[HostEvent, ...]:
    """What a log means to a relay; nothing for logs of no interest. Raises MalformedProof, ValueMismatch."""
    reader = _READERS.get(log.topics[0]) if log.topics else None
    return () if reader is None else reader(log)


def acknowledgements_of(topics: Sequence[bytes], data: bytes) -> tuple[bytes, ...] | None:
    """The acknowledgements that a log says were written, None for any other log. Raises MalformedProof."""
    if not topics or topics[0] != WRITE_ACKNOWLEDGEMENT_EVENT:
        return None
    _, acknowledgements = decode(f"({PACKET},bytes[])", data)
    return tuple(acknowledgements)


def _packet(packet: Packet) -> tuple[Any, ...]:
    payloads = tuple((p.source_port, p.dest_port, p.version, p.encoding, p.value) for p in packet.payloads)
    return (packet.sequence, packet.source_client, packet.dest_client, packet.timeout, payloads)


def _height(height: Height) -> tuple[int, int]:
    return (height.revision, height.number)


def _read_packet(values: Sequence[Any]) -> Packet:
    sequence, source_client, dest_client, timeout, payloads = values
    return Packet(
        sequence, ClientId(source_client), ClientId(dest_client), timeout, tuple(Payload(*each) for each in payloads)
    )


def _written(log: Log) -> Written:
    return Written(log.position, log.transaction)


def check_topics_name_packet(log: Log, client: ClientId, sequence: int) -> None:
    """[ICS26Router events] The indexed client id and sequence are those of the packet in the data."""
    expected = (keccak256(client.encode()), sequence.to_bytes(32, "big"))
    if log.topics[1:] != expected:
        raise ValueMismatch("event topics", got=b"".join(log.topics[1:]), expected=b"".join(expected))


def _sent(log: Log) -> tuple[HostEvent, ...]:
    packet = _read_packet(decode(f"({PACKET})", log.data)[0])
    check_topics_name_packet(log, packet.source_client, packet.sequence)
    return (Sent(_written(log), packet),)


def decode_unreadable(log: Log) -> tuple[HostEvent, ...]:
    """A log whose texts are not UTF-8: only that a sequence was used is of interest. Raises MalformedProof."""
    if log.topics[0] != SEND_PACKET_EVENT:
        return ()
    sequence, source_client, *_ = decode(f"({_RAW_PACKET})", log.data)[0]
    try:
        return (SentUnreadable(_written(log), ClientId(source_client.decode()), sequence),)
    except UnicodeDecodeError:
        return ()  # no client of ours has such an id


def _acknowledgement_written(log: Log) -> tuple[HostEvent, ...]:
    """This host has no event of its own for a receipt: both are written at once."""
    values, acknowledgements = decode(f"({PACKET},bytes[])", log.data)
    packet = _read_packet(values)
    check_topics_name_packet(log, packet.dest_client, packet.sequence)
    return (Received(_written(log), packet), AckWritten(_written(log), packet, tuple(acknowledgements)))


def _acknowledged(log: Log) -> tuple[HostEvent, ...]:
    packet = _read_packet(decode(f"({PACKET},bytes)", log.data)[0])
    check_topics_name_packet(log, packet.source_client, packet.sequence)
    return (Acknowledged(_written(log), packet),)


def _timed_out(log: Log) -> tuple[HostEvent, ...]:
    packet = _read_packet(decode(f"({PACKET})", log.data)[0])
    check_topics_name_packet(log, packet.source_client, packet.sequence)
    return (TimedOut(_written(log), packet),)


def _client_changed(types: str) -> Callable[[Log], tuple[HostEvent, ...]]:
    def read(log: Log) -> tuple[HostEvent, ...]:
        return (ClientChanged(_written(log), ClientId(decode(types, log.data)[0])),)

    return read


_READERS: Final[dict[bytes, Callable[[Log], tuple[HostEvent, ...]]]] = {
    SEND_PACKET_EVENT: _sent,
    WRITE_ACKNOWLEDGEMENT_EVENT: _acknowledgement_written,
    ACK_PACKET_EVENT: _acknowledged,
    TIMEOUT_PACKET_EVENT: _timed_out,
    CLIENT_ADDED_EVENT: _client_changed(f"(string,{COUNTERPARTY},address)"),
    CLIENT_UPDATED_EVENT: _client_changed("(string,uint8)"),
    CLIENT_MIGRATED_EVENT: _client_changed(f"(string,{COUNTERPARTY},address)"),
    MISBEHAVIOUR_EVENT: _client_changed("(string)"),
}

# Only these are asked for: the host's other logs do not cross the wire.
WATCHED_TOPICS: Final = tuple(_READERS)
