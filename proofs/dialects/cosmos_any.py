"""google.protobuf.Any, as ibc-go wants every client message: a type URL and the message."""

from __future__ import annotations

from proofs.encoding import protobuf


def pack_any(type_url: str, message: bytes) -> bytes:
    return protobuf.string_field(1, type_url) + protobuf.bytes_field(2, message)
