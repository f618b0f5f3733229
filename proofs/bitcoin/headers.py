"""The 80 bytes of a header, and runs of them: the evidence of this family.

Source: Bitcoin Core primitives/block.h; all numbers are little-endian.
"""

from __future__ import annotations

import struct
from typing import Final

from proofs.bitcoin.types import Header
from proofs.errors import LimitExceeded, MalformedProof
from proofs.merkle.bitcoin import hash256

HEADER_BYTES: Final = 80
# One period of the difficulty, and as much as nodes hand out at once (2,000). Checked in some 20 ms.
HEADERS_MAX: Final = 2_016

_LAYOUT: Final = struct.Struct("<i32s32sIII")


def decode_header(encoded: bytes) -> Header:
    """Raises MalformedProof. Every 80 bytes are a header: whether it is worth anything is a matter of work."""
    check_header_length(encoded)
    return Header(*_LAYOUT.unpack(encoded))


def encode_header(header: Header) -> bytes:
    return _LAYOUT.pack(header.version, header.previous, header.merkle_root, header.time, header.bits, header.nonce)


def header_hash(header: Header) -> bytes:
    return hash256(encode_header(header))


def decode_run(encoded: bytes, *, limit: int = HEADERS_MAX) -> tuple[tuple[Header, bytes], ...]:
    """Return headers and their hashes. Raises MalformedProof, and LimitExceeded before anything is hashed."""
    check_run_length(encoded, limit)
    unpack = _LAYOUT.unpack
    pieces = (encoded[at : at + HEADER_BYTES] for at in range(0, len(encoded), HEADER_BYTES))
    return tuple((Header(*unpack(piece)), hash256(piece)) for piece in pieces)


def check_header_length(encoded: bytes) -> None:
    if len(encoded) != HEADER_BYTES:
        raise MalformedProof("block header", got=len(encoded), expected=f"{HEADER_BYTES} bytes")


def check_run_length(encoded: bytes, limit: int) -> None:
    """At least one header, no piece of another, and no more than are hashed at once."""
    if len(encoded) > limit * HEADER_BYTES:
        raise LimitExceeded("block headers", got=len(encoded), limit=limit * HEADER_BYTES)
    if not encoded or len(encoded) % HEADER_BYTES:
        raise MalformedProof("block headers", got=len(encoded), expected=f"a multiple of {HEADER_BYTES} bytes")
