"""Messages from plain values, as Go writes them. Apart from the product's own schemas: a mistake there shows.

Plain values are those of the vectors: names of protobuf, bytes in base64 (or bytes), what is absent is left out.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from proofs.encoding.protobuf import bytes_field, message_field, packed_field, varint_field

Schema = Mapping[str, tuple[int, Any]]

MEMBER: Schema = {"org_id": (1, "text"), "member_type": (2, "number"), "member_info": (3, "bytes")}
ENDORSEMENT: Schema = {"signer": (1, MEMBER), "signature": (2, "bytes")}
PAYLOAD: Schema = {
    "chain_id": (1, "text"),
    "tx_type": (2, "number"),
    "tx_id": (3, "text"),
    "timestamp": (4, "number"),
    "expiration_time": (5, "number"),
    "contract_name": (6, "text"),
    "method": (7, "text"),
    "parameters": (8, {"key": (1, "text"), "value": (2, "bytes")}),
    "sequence": (9, "number"),
    "limit": (10, {"gas_limit": (1, "number")}),
}
EVENT: Schema = {
    "topic": (1, "text"),
    "tx_id": (2, "text"),
    "contract_name": (3, "text"),
    "contract_version": (4, "text"),
    "event_data": (5, "text"),
}
CONTRACT_RESULT: Schema = {
    "code": (1, "number"),
    "result": (2, "bytes"),
    "message": (3, "text"),
    "gas_used": (4, "number"),
    "contract_event": (5, EVENT),
}
RESULT: Schema = {
    "code": (1, "number"),
    "contract_result": (2, CONTRACT_RESULT),
    "rw_set_hash": (3, "bytes"),
    "message": (4, "text"),
}
TRANSACTION: Schema = {
    "payload": (1, PAYLOAD),
    "sender": (2, ENDORSEMENT),
    "endorsers": (3, ENDORSEMENT),
    "result": (4, RESULT),
    "payer": (5, ENDORSEMENT),
}
WRITE_SET: Schema = {
    "tx_id": (1, "text"),
    "tx_reads": (
        2,
        {
            "key": (1, "bytes"),
            "value": (2, "bytes"),
            "contract_name": (3, "text"),
            "version": (4, {"ref_tx_id": (3, "text"), "ref_offset": (4, "number")}),
        },
    ),
    "tx_writes": (3, {"key": (1, "bytes"), "value": (2, "bytes"), "contract_name": (3, "text")}),
}
HEADER: Schema = {
    "block_version": (1, "number"),
    "block_type": (2, "number"),
    "chain_id": (3, "text"),
    "block_height": (4, "number"),
    "block_hash": (5, "bytes"),
    "pre_block_hash": (6, "bytes"),
    "pre_conf_height": (7, "number"),
    "tx_count": (8, "number"),
    "tx_root": (9, "bytes"),
    "dag_hash": (10, "bytes"),
    "rw_set_root": (11, "bytes"),
    "block_timestamp": (12, "number"),
    "consensus_args": (13, "bytes"),
    "proposer": (14, MEMBER),
    "signature": (15, "bytes"),
}
DAG: Schema = {"vertexes": (2, {"neighbors": (1, "packed")})}
VOTE: Schema = {
    "type": (1, "number"),
    "voter": (2, "text"),
    "height": (3, "number"),
    "round": (4, "number"),
    "hash": (5, "bytes"),
    "endorsement": (6, ENDORSEMENT),
}
VOTE_SET: Schema = {
    "type": (1, "number"),
    "height": (2, "number"),
    "round": (3, "number"),
    "sum": (4, "number"),
    "maj23": (5, "bytes"),
    "votes": (6, {"key": (1, "text"), "value": (2, VOTE)}),
}
CONFIG: Schema = {
    "chain_id": (1, "text"),
    "version": (2, "text"),
    "auth_type": (3, "text"),
    "sequence": (4, "number"),
    "crypto": (5, {"hash": (1, "text")}),
    "consensus": (
        8,
        {"type": (1, "number"), "nodes": (2, {"org_id": (1, "text"), "address": (2, "text"), "node_id": (3, "text")})},
    ),
    "trust_roots": (9, {"org_id": (1, "text"), "root": (2, "text")}),
    "trust_members": (
        10,
        {"member_info": (1, "text"), "org_id": (2, "text"), "role": (3, "text"), "node_id": (4, "text")},
    ),
}


def encode(schema: Schema, values: Mapping[str, Any]) -> bytes:
    unknown = values.keys() - schema.keys()
    assert not unknown, unknown
    parts = []
    for name, (number, kind) in sorted(schema.items(), key=lambda item: item[1][0]):
        if name not in values:
            continue
        value = values[name]
        if kind == "packed":
            parts.append(packed_field(number, value))
        elif isinstance(value, list):
            parts += [message_field(number, _value(kind, each)) for each in value]
        elif kind == "number":
            parts.append(varint_field(number, value))
        elif isinstance(kind, Mapping):
            parts.append(message_field(number, _value(kind, value)))
        else:
            parts.append(bytes_field(number, _value(kind, value)))
    return b"".join(parts)


def _value(kind: Any, value: Any) -> bytes:
    if isinstance(kind, Mapping):
        return encode(kind, value)
    if isinstance(value, bytes):
        return value
    return value.encode() if kind == "text" else b64decode(value)
