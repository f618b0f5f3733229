"""Evidence of proof of authority: execution headers, oldest first, as one RLP list.

A header's seal stands in its extra data, so the same header has several hashes: over all of it, or with parts of the
extra data left out. Each flavour says which parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.encoding import rlp
from proofs.errors import LimitExceeded, MalformedProof
from proofs.ethereum.execution import ExecutionHeader, decode_header
from proofs.primitives.hashing import keccak256

# Measured on a busy machine: 0.6 ms for a header and its seal, so a third of a second. A longer way is several updates.
HEADERS_MAX: Final = 512
# 512 headers of 600 bytes take 300 kB; the rest is room for long validator lists.
EVIDENCE_BYTES_MAX: Final = 1 << 20
# 21 fields of the newest fork and the header itself.
_ITEMS_PER_HEADER: Final = 22


def decode_evidence(evidence: bytes, *, limit: int = HEADERS_MAX) -> tuple[ExecutionHeader, ...]:
    """At least one header, at most `limit`. Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    if len(evidence) > EVIDENCE_BYTES_MAX:
        raise LimitExceeded("evidence", got=len(evidence), limit=EVIDENCE_BYTES_MAX)
    items = rlp.as_list(
        rlp.decode(evidence, depth_limit=2, item_limit=limit * _ITEMS_PER_HEADER), "headers of the evidence"
    )
    if not items:
        raise MalformedProof("headers of the evidence", got=0, expected="at least 1")
    if len(items) > limit:
        raise LimitExceeded("headers of the evidence", got=len(items), limit=limit)
    # RLP has one form, so encoding again gives back the bytes of the evidence.
    return tuple(decode_header(rlp.encode(item)) for item in items)


def encode_evidence(headers: Sequence[ExecutionHeader]) -> bytes:
    return rlp.encode_list_of([header.encode() for header in headers])


def hash_with_extra(header: ExecutionHeader, extra_data: bytes) -> bytes:
    """The hash of the header as if its extra data were `extra_data`."""
    return keccak256(header.encode(extra_data=extra_data))
