"""What comes from strangers, in SCALE: steps that advance a client, and the checkpoint that one starts from.

Substrate has no such messages of its own. A step is headers, a justification as nodes serve it, and a read proof; a
checkpoint is a header and a read proof. A read proof is a list of trie nodes, as `state_getReadProof` answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding.scale import ScaleReader, encode_bytes, encode_vector
from proofs.errors import LimitExceeded
from proofs.substrate import predicates as rules
from proofs.substrate.headers import encode_header, read_header
from proofs.substrate.justification import encode_justification, read_justification
from proofs.substrate.types import Header, Justification

# 1,000 authorities take 130 KiB to vote and 40 KiB to be announced.
EVIDENCE_BYTES_MAX: Final = 1 << 20
# A path through the trie of the largest chains has about a dozen nodes; a checkpoint shows four of them.
NODES_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Step:
    """headers: hash-linked, the last one is voted for. state: shows time and chain under its state root."""

    headers: tuple[Header, ...]
    justification: Justification
    state: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """state: shows time, chain, authorities, their set id, and that no change is on its way."""

    header: Header
    state: tuple[bytes, ...]


def encode_step(step: Step) -> bytes:
    headers = encode_vector([encode_header(each) for each in step.headers])
    return headers + encode_justification(step.justification) + encode_nodes(step.state)


def decode_step(evidence: bytes) -> Step:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    check_evidence_size(evidence)
    reader = ScaleReader(evidence, "evidence")
    headers = reader.vector(lambda: read_header(reader), limit=rules.HEADERS_MAX)
    rules.check_some_header(len(headers))
    step = Step(headers, read_justification(reader), read_nodes(reader))
    reader.end()
    return step


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    return encode_header(checkpoint.header) + encode_nodes(checkpoint.state)


def decode_checkpoint(evidence: bytes) -> Checkpoint:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    check_evidence_size(evidence)
    reader = ScaleReader(evidence, "checkpoint")
    checkpoint = Checkpoint(read_header(reader), read_nodes(reader))
    reader.end()
    return checkpoint


def check_evidence_size(evidence: bytes) -> None:
    """Before it is read: longer ways are several steps."""
    if len(evidence) > EVIDENCE_BYTES_MAX:
        raise LimitExceeded("evidence", got=len(evidence), limit=EVIDENCE_BYTES_MAX)


def encode_nodes(nodes: tuple[bytes, ...]) -> bytes:
    return encode_vector([encode_bytes(each) for each in nodes])


def read_nodes(reader: ScaleReader) -> tuple[bytes, ...]:
    return reader.vector(lambda: reader.bytes_(limit=EVIDENCE_BYTES_MAX), limit=NODES_MAX)
