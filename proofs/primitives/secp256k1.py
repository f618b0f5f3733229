"""ECDSA over secp256k1: verifying, and recovering the signer. Nothing here signs.

A signature has a twin with the other s. Wherever a ledger does not say otherwise only the lower one counts, so that a
signature cannot be changed by a stranger. Source: SEC 1, section 4.1; EIP-2 for the lower half.
"""

from __future__ import annotations

from typing import Final, Literal

from coincurve import PublicKey

from proofs.errors import InvalidSignature, MalformedProof
from proofs.primitives.hashing import keccak256

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HALF_ORDER: Final = ORDER // 2
_DIGEST_BYTES: Final = 32
_COMPACT_BYTES: Final = 64
_RECOVERABLE_BYTES: Final = 65


def check_low_s(signature: bytes) -> None:
    """EIP-2, OpenZeppelin ECDSA: s is at most half the order. signature: r‖s, perhaps with v."""
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise InvalidSignature(signer=b"", scheme="secp256k1: s in the upper half")


def check_recovery_id(signature: bytes, *, v_base: Literal[0, 27]) -> None:
    """r‖s‖v has 65 bytes and v is v_base or v_base + 1. Ids 2 and 3 (r above the order) are never produced."""
    if len(signature) != _RECOVERABLE_BYTES:
        raise InvalidSignature(signer=b"", scheme=f"secp256k1: {len(signature)} bytes, not 65")
    if signature[64] not in (v_base, v_base + 1):
        raise InvalidSignature(signer=b"", scheme=f"secp256k1: v {signature[64]}, not {v_base} or {v_base + 1}")


def recover(digest: bytes, signature: bytes, *, v_base: Literal[0, 27], high_s: bool = False) -> bytes:
    """Return the 64-byte public key x‖y that made `signature` over `digest`.

    signature: r‖s‖v, 65 bytes; v is v_base or v_base + 1, and nothing else.
    high_s:    whether this ledger also counts signatures with s in the upper half.

    Raises InvalidSignature.
    """
    _check_digest(digest)
    check_recovery_id(signature, v_base=v_base)
    if not high_s:
        check_low_s(signature)
    try:
        key = PublicKey.from_signature_and_message(
            signature[:64] + bytes((signature[64] - v_base,)), digest, hasher=None
        )
    except ValueError:
        raise InvalidSignature(signer=b"", scheme="secp256k1: no key made it") from None
    return key.format(compressed=False)[1:]


def verify(digest: bytes, signature: bytes, *, public_key: bytes, high_s: bool = False) -> None:
    """Return only if `public_key` made `signature` over `digest`.

    signature:  r‖s, 64 bytes.
    public_key: as SEC 1 encodes it, 33 or 65 bytes.

    Raises InvalidSignature, MalformedProof for a public key that is no point.
    """
    _check_digest(digest)
    key = _parse_key(public_key)
    if len(signature) != _COMPACT_BYTES:
        raise InvalidSignature(signer=public_key, scheme=f"secp256k1: {len(signature)} bytes, not 64")
    s = int.from_bytes(signature[32:], "big")
    if s > _HALF_ORDER:
        if not high_s:
            check_low_s(signature)
        # The library counts only the lower twin; s ≥ the order stays out of range and is refused below.
        signature = signature[:32] + (ORDER - s).to_bytes(32, "big") if s < ORDER else signature
    if not key.verify(_der(signature), digest, hasher=None):
        raise InvalidSignature(signer=public_key, scheme="secp256k1")


def address_of(public_key: bytes) -> bytes:
    """The Ethereum address, 20 bytes, of a public key: x‖y, or as SEC 1 encodes it. Raises MalformedProof."""
    point = public_key if len(public_key) == _COMPACT_BYTES else _parse_key(public_key).format(compressed=False)[1:]
    return keccak256(point)[12:]


def _check_digest(digest: bytes) -> None:
    if len(digest) != _DIGEST_BYTES:
        raise MalformedProof("secp256k1 digest", got=len(digest), expected=_DIGEST_BYTES)


def _parse_key(public_key: bytes) -> PublicKey:
    # 0x06 and 0x07, the hybrid forms, are a second encoding of the same point: refused.
    if public_key[:1] not in (b"\x02", b"\x03", b"\x04"):
        raise MalformedProof("secp256k1 public key", got=public_key[:1], expected="prefix 2, 3 or 4")
    try:
        return PublicKey(public_key)
    except ValueError:
        raise MalformedProof("secp256k1 public key", got=public_key, expected="a point of the curve") from None


def _der(signature: bytes) -> bytes:
    """ASN.1 form, which is what the library takes. Integers out of range stay out of range."""
    body = b"".join(_der_integer(signature[at : at + 32]) for at in (0, 32))
    return b"\x30" + bytes((len(body),)) + body


def _der_integer(data: bytes) -> bytes:
    digits = data.lstrip(b"\x00") or b"\x00"
    if digits[0] >= 0x80:
        digits = b"\x00" + digits
    return b"\x02" + bytes((len(digits),)) + digits
