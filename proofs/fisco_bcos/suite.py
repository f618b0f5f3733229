"""The two cipher suites: one hash, one signature, one form of address each.

A node id is the 64-byte public key x‖y. Signatures are over a 32-byte hash, without any prefix: r‖s‖v with the
recovery id v of 0 or 1 on secp256k1, r‖s‖x‖y on SM2, where the message of SM2 is the hash itself. Seals of blocks on
SM chains of 3.x are r‖s alone, as the header lists the keys; published blocks of 3.3.0 have that form.
"""

from __future__ import annotations

from typing import Final

from proofs.errors import InvalidSignature, UnknownSigner
from proofs.fisco_bcos.types import ADDRESS_BYTES, HASH_BYTES, SEALER_BYTES, Suite
from proofs.primitives import secp256k1, sm2
from proofs.primitives.hashing import keccak256, sm3

_SM2_BARE_BYTES: Final = 64
_SM2_BYTES: Final = _SM2_BARE_BYTES + SEALER_BYTES
_HASHES: Final = {Suite.KECCAK_SECP256K1: keccak256, Suite.SM3_SM2: sm3}


def hash_of(suite: Suite, data: bytes) -> bytes:
    return _HASHES[suite](data)


def address_of(suite: Suite, public_key: bytes) -> bytes:
    return hash_of(suite, public_key)[-ADDRESS_BYTES:]


def signer_of(suite: Suite, digest: bytes, signature: bytes) -> bytes:
    """Return the 64-byte public key that made `signature` over `digest`. Raises InvalidSignature, MalformedProof."""
    assert len(digest) == HASH_BYTES, "a hash of the suite"
    if suite is Suite.KECCAK_SECP256K1:
        return secp256k1.recover(digest, signature, v_base=0)
    check_sm2_length(signature)
    public_key = signature[_SM2_BARE_BYTES:]
    sm2.verify(digest, signature[:_SM2_BARE_BYTES], public_key=b"\x04" + public_key)
    return public_key


def verify_seal(suite: Suite, digest: bytes, signature: bytes, *, sealer: bytes) -> None:
    """Return only if `sealer` signed `digest`. Raises InvalidSignature, UnknownSigner, MalformedProof."""
    if suite is Suite.SM3_SM2 and len(signature) == _SM2_BARE_BYTES:
        sm2.verify(digest, signature, public_key=b"\x04" + sealer)
        return
    check_signed_by(signer_of(suite, digest, signature), sealer)


def check_signed_by(signer: bytes, sealer: bytes) -> None:
    """The key that made the signature is the one in the list, not merely the one that came with it."""
    if signer != sealer:
        raise UnknownSigner(signer=signer, signers="the sealer of this index")


def check_sm2_length(signature: bytes) -> None:
    """The signature carries the key that made it: another length is another format."""
    if len(signature) != _SM2_BYTES:
        raise InvalidSignature(signer=b"", scheme=f"sm2: {len(signature)} bytes, not {_SM2_BYTES}")
