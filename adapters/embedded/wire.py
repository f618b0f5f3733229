"""What goes in and out of an embedded ledger: transactions, events, blocks and answers, as strict MessagePack.

Structs are written as maps without unknown fields. A transaction has one encoding only: what does not come out the same
when it is written again is refused, so that nobody can give a signed transaction a second hash.
"""

from __future__ import annotations

from typing import Final, TypeAlias, TypeVar

import msgspec

from proofs.commitment import ClientId, Packet, Payload
from proofs.light_client import Height
from proofs.primitives.hashing import sha256

T = TypeVar("T")

# A transaction must fit into a block beside others, and a block into an answer.
TX_BYTES_MAX: Final = 1 << 20
MESSAGES_MAX: Final = 600
SIGN_DOMAIN: Final = b"causeway/native/tx/1\x00"


class TxHeight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    revision: int
    number: int


class TxPayload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source_port: str
    dest_port: str
    version: str
    encoding: str
    value: bytes


class TxPacket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sequence: int
    source_client: str
    dest_client: str
    timeout: int
    payloads: tuple[TxPayload, ...]


class MsgUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="update"):
    client: str
    message: bytes


class MsgMisbehaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="misbehaviour"):
    client: str
    first: bytes
    second: bytes


class MsgReceive(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="receive"):
    packet: TxPacket
    proof: bytes
    at: TxHeight


class MsgAcknowledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="acknowledge"):
    packet: TxPacket
    acknowledgements: tuple[bytes, ...]
    proof: bytes
    at: TxHeight


class MsgTimeout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="timeout"):
    packet: TxPacket
    proof: bytes
    at: TxHeight


class MsgSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="send"):
    """By way of the application that owns `payload.source_port`: it may refuse."""

    client: str
    timeout: int
    payloads: tuple[TxPayload, ...]


class MsgCreateClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="create_client"):
    family: str
    encoded: bytes


class MsgRegister(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="register"):
    """Only the creator of the client, once."""

    client: str
    counterparty: str
    prefix: tuple[bytes, ...]


class MsgAllowRelayers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="allow_relayers"):
    """Only the creator of the client. An empty list allows everybody again."""

    client: str
    accounts: tuple[str, ...]


class MsgTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="transfer"):
    to: str
    amount: int


class MsgSetValidators(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="set_validators"):
    """Only the operator of the ledger. Pairs of validator number and power, who sign two blocks later."""

    powers: tuple[tuple[int, int], ...]


Msg: TypeAlias = (
    MsgUpdate
    | MsgMisbehaviour
    | MsgReceive
    | MsgAcknowledge
    | MsgTimeout
    | MsgSend
    | MsgCreateClient
    | MsgRegister
    | MsgAllowRelayers
    | MsgTransfer
    | MsgSetValidators
)


class TxBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """public_key: ed25519, 32 bytes. gas: the most it may use. gas_price: per unit, in the ledger's smallest coin."""

    chain_id: str
    public_key: bytes
    sequence: int
    gas: int
    gas_price: int
    messages: tuple[Msg, ...]


class Tx(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: bytes
    signature: bytes


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """kind: send_packet, recv_packet, write_acknowledgement, acknowledge_packet, timeout_packet or client_changed."""

    kind: str
    packet: TxPacket | None = None
    acknowledgements: tuple[bytes, ...] = ()
    client: str = ""


class TxResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """code: "" when it succeeded, else the rule or error that refused it. fee: what was paid."""

    tx_id: str
    height: int
    code: str
    detail: str
    gas_used: int
    fee: int
    redundant: int
    events: tuple[Event, ...]


class BlockAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """header: protobuf tendermint.types.Header; its hash links it to its parent."""

    height: int
    hash: bytes
    header: bytes
    results: tuple[TxResult, ...]


class StatusAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chain_id: str
    genesis_hash: bytes
    host: str
    code: bytes
    latest: int
    latest_hash: bytes
    final: int
    final_hash: bytes
    final_time: int
    gas_price: int


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: bytes | None
    proof: bytes


class MessageAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one simulated message would do. code as in TxResult."""

    code: str
    detail: str
    gas: int
    redundant: bool


class AccountAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    balance: int
    next_final: int
    next_pending: int


class ClientAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """family is "" for an id without a client; frozen tells of misbehaviour that was submitted to the host."""

    family: str = ""
    encoded: bytes = b""
    frozen: bool = False
    counterparty: str = ""
    prefix: tuple[bytes, ...] = ()


def encode(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


def decode(data: bytes, kind: type[T]) -> T:
    """Strict: types are not converted. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(data, type=kind)


def tx_id(raw: bytes) -> str:
    return sha256(raw).hex()


def sign_bytes(body: bytes) -> bytes:
    """A domain of its own: a signature over a transaction is never one over anything else."""
    return SIGN_DOMAIN + sha256(body)


def account_of(public_key: bytes) -> str:
    return sha256(public_key)[:20].hex()


def packet_to_wire(packet: Packet) -> TxPacket:
    payloads = tuple(payload_to_wire(each) for each in packet.payloads)
    return TxPacket(packet.sequence, packet.source_client, packet.dest_client, packet.timeout, payloads)


def payload_to_wire(payload: Payload) -> TxPayload:
    return TxPayload(payload.source_port, payload.dest_port, payload.version, payload.encoding, payload.value)


def packet_from_wire(packet: TxPacket) -> Packet:
    payloads = tuple(payload_from_wire(each) for each in packet.payloads)
    return Packet(
        packet.sequence, ClientId(packet.source_client), ClientId(packet.dest_client), packet.timeout, payloads
    )


def payload_from_wire(each: TxPayload) -> Payload:
    return Payload(each.source_port, each.dest_port, each.version, each.encoding, each.value)


def height_to_wire(height: Height) -> TxHeight:
    return TxHeight(height.revision, height.number)


def height_from_wire(height: TxHeight) -> Height:
    return Height(height.revision, height.number)
