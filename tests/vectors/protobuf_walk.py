"""Just enough protobuf to find the light-client messages inside transactions of the Eureka relayer."""

from __future__ import annotations

import json
from typing import Any

from proofs.commitment import ClientId, Packet, Payload

Fields = dict[int, list[Any]]


def fields(data: bytes) -> Fields:
    found: Fields = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        length, at = _varint(data, at)
        if tag & 7 == 0:
            found.setdefault(tag >> 3, []).append(length)
            continue
        assert tag & 7 == 2, "only numbers and byte strings"
        found.setdefault(tag >> 3, []).append(data[at : at + length])
        at += length
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def packet(data: bytes) -> Packet:
    found = fields(data)
    payloads = []
    for each in found.get(5, []):
        inner = fields(each)
        source_port, dest_port, version, encoding = (inner[place][0].decode() for place in (1, 2, 3, 4))
        payloads.append(Payload(source_port, dest_port, version, encoding, inner[5][0]))
    source, dest = (ClientId(found[place][0].decode()) for place in (2, 3))
    return Packet(found[1][0], source, dest, found[4][0], tuple(payloads))


def eureka_messages(body: bytes) -> list[dict[str, Any]]:
    """The messages of a TxBody, in the form of the decoded files."""
    messages = []
    for each in fields(body)[1]:
        outer = fields(each)
        name, inner = outer[1][0].decode().rsplit(".", 1)[1], fields(outer[2][0])
        if name == "MsgUpdateClient":
            wasm = fields(fields(inner[2][0])[2][0])
            messages.append({"type": "update_client", "header": json.loads(wasm[1][0])})
        else:
            # MsgAcknowledgement has the acknowledgement between the packet and the proof.
            shift = 1 if name == "MsgAcknowledgement" else 0
            messages.append(
                {
                    "type": name,
                    "packet_protobuf_hex": inner[1][0].hex(),
                    "proof": json.loads(inner[2 + shift][0]),
                    "proof_height": [fields(inner[3 + shift][0])[2][0]],
                }
            )
    return messages
