"""What exactly is signed.

"tagged": sha256(tag ‖ sha256(data)), so a time cannot pass as a packet. ibc-go v11, Solidity of August 2026.
"plain":  sha256(data), as older Solidity deployments verify it. State and packet data differ in length and shape alone.

TRAP: nothing in the signed bytes names the attested ledger or its host, nor the client that reads them, and client ids,
sequences and paths repeat everywhere. A key that signs for two ledgers, two hosts of one ledger or two variants lets
the attestation of one pass as the other's. One key per (ledger, host, variant): configurations that share one are
refused where keys are configured; nothing in this folder could notice.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from proofs.errors import UnsupportedProof
from proofs.primitives.hashing import sha256

Variant: TypeAlias = str

TAGGED: Final = "tagged"
PLAIN: Final = "plain"
VARIANTS: Final = (TAGGED, PLAIN)


class Tag(Enum):
    """What an attestation is about. ROTATION is our own, for native hosts."""

    STATE = b"\x01"
    PACKET = b"\x02"
    ROTATION = b"\x03"


def signing_digest(data: bytes, *, tag: Tag, variant: Variant) -> bytes:
    """The 32 bytes that an attestor signs. Raises UnsupportedProof."""
    check_variant(variant)
    if variant == TAGGED:
        return sha256(tag.value + sha256(data))
    if tag is Tag.ROTATION:
        raise UnsupportedProof("attestation", got="a rotation without a tag", expected="variant tagged")
    return sha256(data)


def check_variant(variant: Variant) -> None:
    """A variant this verifier does not know is no reason to guess one."""
    if variant not in VARIANTS:
        raise UnsupportedProof("attestation variant", got=variant, expected=" or ".join(VARIANTS))
