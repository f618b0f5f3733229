"""Transactions on the wire, from the envelope down to the keys written. Signed and hashed parts stay raw.

Source: fabric-protos common/common.proto, ledger/rwset/{rwset,kvrwset/kv_rwset}.proto,
peer/{transaction,proposal,proposal_response,chaincode,chaincode_event}.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import BOOL, BYTES, ENUM, INT32, STRING, UINT64, Field, Message

# Organisations that endorse one transaction: a policy over more than these is not seen.
ENDORSEMENTS_MAX: Final = 32
# Namespaces that one transaction touches; keys that it writes in ours.
_NAMESPACES_MAX: Final = 64
_KEYS_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Payload:
    """Both headers raw: they are hashed as they are."""

    channel_header: bytes
    signature_header: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class ChannelHeader:
    type: int
    channel_id: str
    tx_id: str
    epoch: int
    extension: bytes


@dataclass(frozen=True, slots=True)
class Action:
    header: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Endorsement:
    """endorser: a SerializedIdentity. signature: over the response payload and the endorser."""

    endorser: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class EndorsedAction:
    response_payload: bytes
    endorsements: tuple[Endorsement, ...]


@dataclass(frozen=True, slots=True)
class ActionPayload:
    proposal_payload: bytes
    action: EndorsedAction


@dataclass(frozen=True, slots=True)
class ProposalPayload:
    input: bytes
    has_transient: bool


@dataclass(frozen=True, slots=True)
class ResponsePayload:
    proposal_hash: bytes
    extension: bytes


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ChaincodeId:
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ChaincodeAction:
    results: bytes
    events: bytes
    response: Response | None
    chaincode: ChaincodeId


@dataclass(frozen=True, slots=True)
class ChaincodeEvent:
    chaincode: str
    tx_id: str
    name: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class NamespaceWrites:
    namespace: str
    content: bytes


@dataclass(frozen=True, slots=True)
class KeyWrite:
    """value: None where the key is deleted."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class ReadWriteSet:
    writes: tuple[KeyWrite, ...]
    metadata_writes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    header: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class ProcessedTransaction:
    envelope: bytes
    validation_code: int


def _header(channel_header: bytes, signature_header: bytes) -> tuple[bytes, bytes]:
    return channel_header, signature_header


def _payload(header: tuple[bytes, bytes], data: bytes) -> Payload:
    return Payload(*header, data)


HEADER: Final = Message("Header", _header, [Field(1, "channel_header", BYTES), Field(2, "signature_header", BYTES)])
PAYLOAD: Final = Message("Payload", _payload, [Field(1, "header", HEADER, required=True), Field(2, "data", BYTES)])


def _channel_header(
    kind: int,
    _version: int,
    _timestamp: bytes,
    channel_id: str,
    tx_id: str,
    epoch: int,
    extension: bytes,
    _tls_cert_hash: bytes,
) -> ChannelHeader:
    return ChannelHeader(kind, channel_id, tx_id, epoch, extension)


CHANNEL_HEADER: Final = Message(
    "ChannelHeader",
    _channel_header,
    [
        Field(1, "type", INT32),
        Field(2, "version", INT32),
        Field(3, "timestamp", BYTES),  # the client's own word about time: not read
        Field(4, "channel_id", STRING),
        Field(5, "tx_id", STRING),
        Field(6, "epoch", UINT64),
        Field(7, "extension", BYTES),
        Field(8, "tls_cert_hash", BYTES),
    ],
)


def _chaincode_id(_path: str, name: str, version: str) -> ChaincodeId:
    return ChaincodeId(name, version)


CHAINCODE_ID: Final = Message(
    "ChaincodeID", _chaincode_id, [Field(1, "path", STRING), Field(2, "name", STRING), Field(3, "version", STRING)]
)


def _only(item: ChaincodeId) -> ChaincodeId:
    return item


HEADER_EXTENSION: Final = Message(
    "ChaincodeHeaderExtension", _only, [Field(2, "chaincode_id", CHAINCODE_ID, required=True)]
)


def _actions(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    return actions


TRANSACTION: Final = Message(
    "Transaction",
    _actions,
    [
        Field(
            1,
            "actions",
            Message("TransactionAction", Action, [Field(1, "header", BYTES), Field(2, "payload", BYTES)]),
            repeated=True,
            limit=1,
        )
    ],
)
ENDORSEMENT: Final = Message("Endorsement", Endorsement, [Field(1, "endorser", BYTES), Field(2, "signature", BYTES)])
_ENDORSED_ACTION: Final = Message(
    "ChaincodeEndorsedAction",
    EndorsedAction,
    [
        Field(1, "proposal_response_payload", BYTES),
        Field(2, "endorsements", ENDORSEMENT, repeated=True, limit=ENDORSEMENTS_MAX),
    ],
)
ACTION_PAYLOAD: Final = Message(
    "ChaincodeActionPayload",
    ActionPayload,
    [Field(1, "chaincode_proposal_payload", BYTES), Field(2, "action", _ENDORSED_ACTION, required=True)],
)


def _proposal_payload(spec: bytes, transient: tuple[bytes, ...]) -> ProposalPayload:
    return ProposalPayload(spec, bool(transient))


PROPOSAL_PAYLOAD: Final = Message(
    "ChaincodeProposalPayload",
    _proposal_payload,
    [Field(1, "input", BYTES), Field(2, "transient_map", BYTES, repeated=True, limit=_NAMESPACES_MAX)],
)


def _input(args: tuple[bytes, ...], _decorations: tuple[bytes, ...], _is_init: object) -> tuple[bytes, ...]:
    return args


def _spec(
    _type: int, chaincode: ChaincodeId, args: tuple[bytes, ...] | None, _timeout: int
) -> tuple[str, tuple[bytes, ...]]:
    return chaincode.name, args or ()


def _invocation(spec: tuple[str, tuple[bytes, ...]]) -> tuple[str, tuple[bytes, ...]]:
    return spec


_CHAINCODE_INPUT: Final = Message(
    "ChaincodeInput",
    _input,
    [
        Field(1, "args", BYTES, repeated=True, limit=_NAMESPACES_MAX),
        Field(2, "decorations", BYTES, repeated=True, limit=_NAMESPACES_MAX),
        Field(3, "is_init", BOOL),
    ],
)
INVOCATION: Final = Message(
    "ChaincodeInvocationSpec",
    _invocation,
    [
        Field(
            1,
            "chaincode_spec",
            Message(
                "ChaincodeSpec",
                _spec,
                [
                    Field(1, "type", ENUM),
                    Field(2, "chaincode_id", CHAINCODE_ID, required=True),
                    Field(3, "input", _CHAINCODE_INPUT),
                    Field(4, "timeout", INT32),
                ],
            ),
            required=True,
        )
    ],
)
RESPONSE_PAYLOAD: Final = Message(
    "ProposalResponsePayload", ResponsePayload, [Field(1, "proposal_hash", BYTES), Field(2, "extension", BYTES)]
)


def _response(status: int, _message: str, payload: bytes) -> Response:
    return Response(status, payload)


CHAINCODE_ACTION: Final = Message(
    "ChaincodeAction",
    ChaincodeAction,
    [
        Field(1, "results", BYTES),
        Field(2, "events", BYTES),
        Field(
            3,
            "response",
            Message(
                "Response",
                _response,
                [Field(1, "status", INT32), Field(2, "message", STRING), Field(3, "payload", BYTES)],
            ),
        ),
        Field(4, "chaincode_id", CHAINCODE_ID, required=True),
    ],
)
EVENT: Final = Message(
    "ChaincodeEvent",
    ChaincodeEvent,
    [
        Field(1, "chaincode_id", STRING),
        Field(2, "tx_id", STRING),
        Field(3, "event_name", STRING),
        Field(4, "payload", BYTES),
    ],
)


def _namespace(namespace: str, content: bytes, _collections: tuple[bytes, ...]) -> NamespaceWrites:
    return NamespaceWrites(namespace, content)


def _namespaces(data_model: int, namespaces: tuple[NamespaceWrites, ...]) -> tuple[int, tuple[NamespaceWrites, ...]]:
    return data_model, namespaces


RESULTS: Final = Message(
    "TxReadWriteSet",
    _namespaces,
    [
        Field(1, "data_model", ENUM),
        Field(
            2,
            "ns_rwset",
            Message(
                "NsReadWriteSet",
                _namespace,
                [
                    Field(1, "namespace", STRING),
                    Field(2, "rwset", BYTES),
                    Field(3, "collection_hashed_rwset", BYTES, repeated=True, limit=_NAMESPACES_MAX),
                ],
            ),
            repeated=True,
            limit=_NAMESPACES_MAX,
        ),
    ],
)


def _key_write(key: str, deleted: object, value: bytes) -> KeyWrite:
    # To a peer an empty value is a deletion, whatever the flag says. Source: rwsetutil, IsKVWriteDelete.
    return KeyWrite(key, None if deleted or not value else value)


def _read_write_set(
    _reads: tuple[bytes, ...],
    _ranges: tuple[bytes, ...],
    writes: tuple[KeyWrite, ...],
    metadata_writes: tuple[bytes, ...],
) -> ReadWriteSet:
    return ReadWriteSet(writes, metadata_writes)


READ_WRITE_SET: Final = Message(
    "KVRWSet",
    _read_write_set,
    [
        Field(1, "reads", BYTES, repeated=True, limit=_KEYS_MAX),
        Field(2, "range_queries_info", BYTES, repeated=True, limit=_KEYS_MAX),
        Field(
            3,
            "writes",
            Message(
                "KVWrite", _key_write, [Field(1, "key", STRING), Field(2, "is_delete", BOOL), Field(3, "value", BYTES)]
            ),
            repeated=True,
            limit=_KEYS_MAX,
        ),
        Field(4, "metadata_writes", BYTES, repeated=True, limit=_KEYS_MAX),
    ],
)
PROPOSAL: Final = Message(
    "Proposal",
    lambda header, payload, _extension: Proposal(header, payload),
    [Field(1, "header", BYTES), Field(2, "payload", BYTES), Field(3, "extension", BYTES)],
)
PROCESSED_TRANSACTION: Final = Message(
    "ProcessedTransaction",
    ProcessedTransaction,
    [Field(1, "transaction_envelope", BYTES), Field(2, "validation_code", INT32)],
)
