"""ECDSA over P-256 (secp256r1), as certificates of permissioned ledgers use it. Nothing here signs.

Source: FIPS 186-5, section 6.4.2; SEC 1 for the encoding of keys.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature as _Refused
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from proofs.errors import InvalidSignature, MalformedProof

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HALF_ORDER: Final = ORDER // 2
_BYTES: Final = 32
_ALGORITHM: Final = ec.ECDSA(Prehashed(SHA256()))  # says how long the digest is, hashes nothing


def verify(digest: bytes, signature: bytes, *, public_key: bytes, high_s: bool) -> None:
    """Return only if `public_key` made `signature` over `digest`.

    signature:  r‖s, 64 bytes (ecdsa_der reads the other form).
    public_key: as SEC 1 encodes it, 33 or 65 bytes.
    high_s:     whether this ledger also counts the twin with s in the upper half; Fabric does not.

    Raises InvalidSignature, MalformedProof for a public key that is no point.
    """
    check_digest_length(digest)
    key = parse_key(public_key)
    check_signature_length(signature, public_key)
    r, s = int.from_bytes(signature[:_BYTES], "big"), int.from_bytes(signature[_BYTES:], "big")
    check_scalars(r, s, public_key)
    if not high_s:
        check_low_s(s, public_key)
    try:
        key.verify(encode_dss_signature(r, s), digest, _ALGORITHM)
    except _Refused:
        raise InvalidSignature(signer=public_key, scheme="p256") from None


def parse_key(public_key: bytes) -> ec.EllipticCurvePublicKey:
    """A point of the curve, compressed or not. 0x06 and 0x07, the hybrid forms, would be a second encoding."""
    if public_key[:1] not in (b"\x02", b"\x03", b"\x04"):
        raise MalformedProof("p256 public key", got=public_key[:1], expected="prefix 2, 3 or 4")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    except ValueError:
        raise MalformedProof("p256 public key", got=public_key, expected="a point of the curve") from None


def check_digest_length(digest: bytes) -> None:
    if len(digest) != _BYTES:
        raise MalformedProof("p256 digest", got=len(digest), expected=_BYTES)


def check_signature_length(signature: bytes, signer: bytes) -> None:
    if len(signature) != 2 * _BYTES:
        raise InvalidSignature(signer=signer, scheme=f"p256: {len(signature)} bytes, not 64")


def check_scalars(r: int, s: int, signer: bytes) -> None:
    """FIPS 186-5 section 6.4.2 step 1: both between 1 and the order."""
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise InvalidSignature(signer=signer, scheme="p256: r or s out of range")


def check_low_s(s: int, signer: bytes) -> None:
    """Fabric, bccsp/sw/ecdsa.go: only the lower twin, or a stranger could change a signature."""
    if s > _HALF_ORDER:
        raise InvalidSignature(signer=signer, scheme="p256: s in the upper half")
