"""What of a block is hashed, and how.

The data hash runs over the envelopes one after another, without lengths: it commits to their bytes, not to their
borders. Borders are fixed by the form of an envelope, which is why predicates.check_envelopes belongs to it.
Source: fabric protoutil/blockutils.go (BlockHeaderBytes, ComputeBlockDataHash).
"""

from __future__ import annotations

from collections.abc import Sequence

from proofs.encoding import asn1
from proofs.fabric.block_messages import BlockHeader
from proofs.primitives.hashing import sha256


def header_bytes(header: BlockHeader) -> bytes:
    r"""DER of number, previous hash and data hash; also what orderers sign.

    >>> header_bytes(BlockHeader(0, b"", bytes(2))).hex()
    '3009020100040004020000'
    """
    return asn1.sequence(
        asn1.integer(header.number), asn1.octet_string(header.previous_hash), asn1.octet_string(header.data_hash)
    )


def header_hash(header: BlockHeader) -> bytes:
    return sha256(header_bytes(header))


def data_hash(envelopes: Sequence[bytes]) -> bytes:
    return sha256(b"".join(envelopes))
