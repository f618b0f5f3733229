"""One step of evidence: consecutive blocks, of which the last is voted, in our own protobuf envelope.

{1: repeated {1: header, 2: first transaction, 3: repeated path node, 4: votes}, 2: repeated certificate in DER}.
Headers, transactions and votes are the chain's own bytes. Every block shows its first transaction, as that alone tells
whether it changes the configuration; votes stand where predicates.py asks for them. Certificates are for members that
are named by a hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.chainmaker.messages import check_size, decode_header, decode_transaction, decode_vote_set
from proofs.chainmaker.types import EvidenceBlock, Step
from proofs.encoding.protobuf import BYTES, Field, Message, bytes_field, decode, repeated_bytes_field
from proofs.errors import MalformedProof

# A source makes many small steps of a long way.
BLOCKS_MAX: Final = 256
STEP_BYTES_MAX: Final = 16 << 20
# Of a block with 2^32 transactions.
PATH_MAX: Final = 32
CERTIFICATES_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class EncodedBlock:
    """What a source hands in of one block, as the node serializes it. votes: empty where none are asked for."""

    header: bytes
    first: bytes
    path: tuple[bytes, ...] = ()
    votes: bytes = b""


_BLOCK: Final = Message(
    "EvidenceBlock",
    EncodedBlock,
    [
        Field(1, "header", BYTES, required=True),
        Field(2, "first", BYTES, required=True),
        Field(3, "path", BYTES, repeated=True, limit=PATH_MAX),
        Field(4, "votes", BYTES),
    ],
)


def _step(
    blocks: tuple[EncodedBlock, ...], certificates: tuple[bytes, ...]
) -> tuple[tuple[EncodedBlock, ...], tuple[bytes, ...]]:
    return blocks, certificates


_STEP: Final = Message(
    "Step",
    _step,
    [
        Field(1, "blocks", _BLOCK, repeated=True, limit=BLOCKS_MAX),
        Field(2, "certificates", BYTES, repeated=True, limit=CERTIFICATES_MAX),
    ],
)


def encode_step(blocks: Sequence[EncodedBlock], certificates: Sequence[bytes] = ()) -> bytes:
    encoded = (
        bytes_field(1, each.header)
        + bytes_field(2, each.first)
        + repeated_bytes_field(3, each.path)
        + bytes_field(4, each.votes)
        for each in blocks
    )
    return repeated_bytes_field(1, encoded) + repeated_bytes_field(2, certificates)


def decode_step(encoded: bytes) -> Step:
    """Raises MalformedProof, LimitExceeded."""
    check_size(encoded, "step", STEP_BYTES_MAX)
    envelopes, certificates = decode(encoded, _STEP, part="evidence", canonical=True)
    check_not_empty(envelopes)
    blocks = tuple(_decode_block(each) for each in envelopes)
    return Step(blocks, certificates)


def _decode_block(each: EncodedBlock) -> EvidenceBlock:
    return EvidenceBlock(
        decode_header(each.header),
        decode_transaction(each.first),
        each.path,
        decode_vote_set(each.votes) if each.votes else None,
    )


def check_not_empty(blocks: Sequence[EncodedBlock]) -> None:
    """A step without blocks says nothing."""
    if not blocks:
        raise MalformedProof("blocks of a step", got=0, expected="at least 1")
