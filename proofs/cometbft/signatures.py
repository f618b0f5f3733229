"""Whether one vote's signature is valid under the rule that CometBFT counts by, for each kind of validator key."""

from __future__ import annotations

from typing import Final

from proofs.cometbft.types import KeyType, PublicKey
from proofs.errors import InvalidSignature, MalformedProof
from proofs.primitives import ed25519, secp256k1
from proofs.primitives.hashing import sha256

# Looking a member up in its enumeration takes longer than comparing it.
_SECP256K1: Final = KeyType.SECP256K1


def signature_is_valid(key: PublicKey, message: bytes, signature: bytes) -> bool:
    if key.type is _SECP256K1:
        return _secp256k1_is_valid(key.data, message, signature)
    # What libsodium accepts, ZIP-215 accepts too: the slow rule is asked only about what the fast one refuses.
    return ed25519.verify(key.data, message, signature) or ed25519.verify_zip215(key.data, message, signature)


def _secp256k1_is_valid(key: bytes, message: bytes, signature: bytes) -> bool:
    """R and S of 32 bytes each over SHA-256, S in the lower half. Source: CometBFT crypto/secp256k1."""
    try:
        secp256k1.verify(sha256(message), signature, public_key=key)
    except (InvalidSignature, MalformedProof):  # MalformedProof: the key is no point of the curve
        return False
    return True
