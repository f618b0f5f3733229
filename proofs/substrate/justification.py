"""Justifications as GRANDPA writes them, and the bytes that an authority signs for a vote.

Source: Polkadot specification, section 6.3 (definitions "Vote Signature" and "GRANDPA Justification");
sp-consensus-grandpa, GrandpaJustification and localized_payload.
"""

from __future__ import annotations

from typing import Final

from proofs.encoding.scale import ScaleReader, encode_u8, encode_u32, encode_u64, encode_vector
from proofs.substrate.authorities import AUTHORITIES_MAX
from proofs.substrate.headers import encode_header, read_header
from proofs.substrate.types import HASH_BYTES, KEY_BYTES, SIGNATURE_BYTES, Justification, Precommit

# Votes are for the newest block that each voter has seen: they are a few blocks apart, hundreds after an outage.
ANCESTRY_MAX: Final = 1_024

_PRECOMMIT: Final = 1


def signed_payload(precommit: Precommit, *, round_number: int, set_id: int) -> bytes:
    """What an authority signs: the kind of message, its target, and which round of which set it belongs to."""
    target = precommit.target_hash + encode_u32(precommit.target_number)
    return encode_u8(_PRECOMMIT) + target + encode_u64(round_number) + encode_u64(set_id)


def encode_justification(justification: Justification) -> bytes:
    precommits = [_encode_precommit(each) for each in justification.precommits]
    ancestry = [encode_header(each) for each in justification.ancestry]
    target = justification.target_hash + encode_u32(justification.target_number)
    return encode_u64(justification.round) + target + encode_vector(precommits) + encode_vector(ancestry)


def read_justification(reader: ScaleReader) -> Justification:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    return Justification(
        reader.u64(),
        reader.fixed(HASH_BYTES),
        reader.u32(),
        reader.vector(lambda: _read_precommit(reader), limit=AUTHORITIES_MAX),
        reader.vector(lambda: read_header(reader), limit=ANCESTRY_MAX),
    )


def decode_justification(encoded: bytes) -> Justification:
    """A justification as nodes serve it (`grandpa_proveFinality`, block justifications of engine FRNK).

    Raises MalformedProof, LimitExceeded, UnsupportedProof.
    """
    reader = ScaleReader(encoded, "justification")
    justification = read_justification(reader)
    reader.end()
    return justification


def _encode_precommit(precommit: Precommit) -> bytes:
    target = precommit.target_hash + encode_u32(precommit.target_number)
    return target + precommit.signature + precommit.authority


def _read_precommit(reader: ScaleReader) -> Precommit:
    return Precommit(reader.fixed(HASH_BYTES), reader.u32(), reader.fixed(SIGNATURE_BYTES), reader.fixed(KEY_BYTES))
