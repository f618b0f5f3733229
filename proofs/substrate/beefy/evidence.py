"""What advances a client that follows BEEFY, in SCALE: a signed commitment as nodes serve it, and what shows the rest.

The addresses of the whole set take 20 bytes each, less than a path for each signer. The block that becomes known is the
parent that the leaf names. A checkpoint has the form of evidence.py of GRANDPA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding.scale import ScaleReader, encode_compact, encode_vector
from proofs.substrate.beefy.messages import (
    ADDRESS_BYTES,
    SIGNERS_MAX,
    encode_leaf,
    encode_signed_commitment,
    read_leaf,
    read_signed_commitment,
)
from proofs.substrate.beefy.spec import LeafPath, Statement
from proofs.substrate.evidence import check_evidence_size, encode_nodes, read_nodes
from proofs.substrate.headers import encode_header, read_header
from proofs.substrate.types import HASH_BYTES, Header

# A path from a leaf up, then along the peaks: two items for each bit of the number of leaves.
_PATH_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Step:
    """header: of the parent that the leaf names. state: shows time and chain under its state root."""

    statement: Statement
    header: Header
    state: tuple[bytes, ...]


def encode_step(step: Step) -> bytes:
    said = step.statement
    path = encode_vector(said.path.items) + encode_compact(said.path.order)
    statement = encode_signed_commitment(said.signed) + encode_vector(said.addresses) + encode_leaf(said.leaf) + path
    return statement + encode_header(step.header) + encode_nodes(step.state)


def decode_step(evidence: bytes) -> Step:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    check_evidence_size(evidence)
    reader = ScaleReader(evidence, "evidence")
    statement = Statement(
        read_signed_commitment(reader),
        reader.vector(lambda: reader.fixed(ADDRESS_BYTES), limit=SIGNERS_MAX),
        read_leaf(reader),
        LeafPath(
            reader.vector(lambda: reader.fixed(HASH_BYTES), limit=_PATH_MAX),
            reader.compact(bits=_PATH_MAX),
        ),
    )
    step = Step(statement, read_header(reader), read_nodes(reader))
    reader.end()
    return step
