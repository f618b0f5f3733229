"""What a relay asks an attestor and what it is answered: JSON, decoded strictly on both sides.

An answer carries signatures, never attestations: each side writes the signed bytes from what it verified itself.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

CLAIMS_MAX: Final = 256  # per request: each costs the attestor a proof and a signature
BODY_BYTES_MAX: Final = 256 * 1024  # 256 claims of at most 600 bytes each fit twice
ANSWER_BYTES_MAX: Final = 256 * 1024
_U63_MAX: Final = (1 << 63) - 1

Number = Annotated[int, msgspec.Meta(ge=0, le=_U63_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=256)]
# The longest path is a client id of 64 bytes, a kind byte and a sequence; in hex.
PathHex = Annotated[str, msgspec.Meta(min_length=2, max_length=512, pattern="^([0-9a-f]{2})+$")]
ValueHex = Annotated[str, msgspec.Meta(min_length=64, max_length=64, pattern="^[0-9a-f]+$")]
SignatureHex = Annotated[str, msgspec.Meta(min_length=130, max_length=130, pattern="^[0-9a-f]+$")]


class AskedClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """value None: absence. written_*: where it was written, for ledgers that prove transactions instead of state."""

    path: PathHex
    value: ValueHex | None
    written: tuple[Number, Number, Number, Number] | None = None


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """chain_id, host and variant name the key that is asked for."""

    chain_id: Text
    host: Text
    variant: Text
    revision: Number
    height: Number
    claims: Annotated[tuple[AskedClaim, ...], msgspec.Meta(max_length=CLAIMS_MAX)]


class PathAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the two. refusal: contradicted, unproved, elsewhere."""

    signature: SignatureHex | None = None
    refusal: Text | None = None


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """timestamp: unix seconds, as signed in `state`. paths: one per claim, in order."""

    timestamp: Number
    state: SignatureHex
    paths: Annotated[tuple[PathAnswer, ...], msgspec.Meta(max_length=CLAIMS_MAX)]


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """RFC 9457."""

    type: Text
    title: Text
    status: int
    detail: Annotated[str, msgspec.Meta(max_length=2048)]
