"""Public keys of members: what they are, the node id they make, and how their signatures are verified.

Source: chainmaker common, crypto/asym and crypto/x509; libp2p peer ids; GB/T 32918.2 for SM2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.chainmaker import der
from proofs.chainmaker.hashing import algorithm
from proofs.chainmaker.pem import read_pem
from proofs.encoding.protobuf import bytes_field
from proofs.errors import InvalidSignature, MalformedProof, UnsupportedProof
from proofs.primitives import p256, sm2
from proofs.primitives.ecdsa_der import decode_signature
from proofs.primitives.hashing import sha256

P256: Final = "P-256"
SM2: Final = "SM2"
RSA: Final = "RSA"

_EC_KEY: Final = "1.2.840.10045.2.1"
_RSA_KEY: Final = "1.2.840.113549.1.1.1"
_CURVES: Final = {"1.2.840.10045.3.1.7": P256, "1.2.156.10197.1.301": SM2}
# The numbers of libp2p's key types, with ChainMaker's own 4.
_PEER_TYPES: Final = {RSA: 0, P256: 3, SM2: 4}
_MULTIHASH_SHA256: Final = b"\x12\x20"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_KEY_BYTES_MAX: Final = 1 << 12


@dataclass(frozen=True, slots=True)
class PublicKey:
    """encoded: SubjectPublicKeyInfo in DER. point: as SEC 1 encodes it; empty for RSA."""

    kind: str
    point: bytes
    encoded: bytes


def parse_key(encoded: bytes) -> PublicKey:
    """Raises MalformedProof, UnsupportedProof for a curve that no member here may use."""
    if len(encoded) > _KEY_BYTES_MAX:
        raise MalformedProof("public key", got=len(encoded), expected=f"at most {_KEY_BYTES_MAX} bytes")
    parts = der.read_sequence(der.read_only(encoded, der.SEQUENCE, "public key"), "public key", limit=2)
    if len(parts) != 2:
        raise MalformedProof("public key", got=len(parts), expected="algorithm and key")
    names = der.read_sequence(parts[0], "key algorithm", limit=2)
    if not names:
        raise MalformedProof("key algorithm", got=0, expected="an object identifier")
    kind = _kind(names)
    return PublicKey(kind, b"" if kind == RSA else der.read_bits(parts[1], "public key"), encoded)


def parse_pem_key(text: bytes) -> PublicKey:
    return parse_key(read_pem(text, "PUBLIC KEY"))


def _kind(names: tuple[der.Element, ...]) -> str:
    name = der.read_object(names[0], "key algorithm")
    if name == _RSA_KEY:
        return RSA
    curve = der.read_object(names[1], "curve") if name == _EC_KEY and len(names) == 2 else name
    check_curve(curve)
    return _CURVES[curve]


def check_curve(curve: str) -> None:
    """Members have keys on P-256 or SM2."""
    if curve not in _CURVES:
        raise UnsupportedProof("key", got=curve, expected="P-256 or SM2")


def node_id(key: PublicKey) -> str:
    """The peer id that a node with this key has: base58 of the multihash of its libp2p key."""
    encoded = b"\x08" + bytes([_PEER_TYPES[key.kind]]) + bytes_field(2, key.encoded)
    return base58(_MULTIHASH_SHA256 + sha256(encoded))


def base58(data: bytes) -> str:
    r"""Bitcoin's alphabet, a 1 for each leading zero byte.

    >>> base58(b"\0\1")
    '12'
    """
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def verify_signature(message: bytes, signature: bytes, *, key: PublicKey, hash_name: str) -> None:
    """Return only if `key` signed `message`. signature: r and s in DER; both twins count, as on the ledger.

    hash_name: of the member's certificate, or of the chain for members that are keys.
    Raises InvalidSignature, UnsupportedProof, MalformedProof for a key that is no point.
    """
    check_scheme(key, hash_name)
    try:
        plain = decode_signature(signature)
    except MalformedProof:
        raise InvalidSignature(signer=key.point, scheme=f"{key.kind}: not DER") from None
    if key.kind == SM2:
        sm2.verify(message, plain, public_key=key.point)
    else:
        p256.verify(algorithm(hash_name)(message), plain, public_key=key.point, high_s=True)


def check_scheme(key: PublicKey, hash_name: str) -> None:
    """RSA padding is documented nowhere; SM2 with another hash than SM3 leaves the signer out of what is signed."""
    if key.kind == RSA or (key.kind == SM2 and hash_name != "SM3"):
        raise UnsupportedProof(
            "signature scheme", got=f"{key.kind} with {hash_name}", expected="P-256, or SM2 with SM3"
        )
