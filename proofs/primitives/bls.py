"""BLS12-381 signatures as Ethereum uses them: keys in G1, signatures in G2, proof-of-possession ciphersuite.

The curve library accepts the point at infinity everywhere, also in encodings that no standard permits. So every point
is read here: one encoding per point, on the curve, in the subgroup; and infinity is refused as a key and as a sum of
keys, because it would make one signature valid for every message.
Source: IETF draft-irtf-cfrg-bls-signature-05, sections 2 and 4.2.3; ZCash serialization (pairing crate).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point

from proofs.errors import InvalidSignature, LimitExceeded, MalformedProof

CIPHERSUITE: Final = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
SCHEME: Final = "bls12-381 proof of possession"

KEY_BYTES: Final = 48
SIGNATURE_BYTES: Final = 96

# A pairing per message costs about a millisecond; nothing we verify holds more than a committee of 512.
_PAIRS_MAX: Final = 512

_COMPRESSED: Final = 0x80
_INFINITY: Final = 0x40

_G1_ZERO: Final = G1Point.identity()
_G2_ZERO: Final = G2Point.identity()
_NEGATIVE_GENERATOR: Final = -G1Point()


def decompress_g1(data: bytes) -> G1Point:
    """Read a point of the G1 subgroup, infinity included. Raises MalformedProof."""
    check_compressed_form(data, size=KEY_BYTES, part="G1 point")
    try:
        return G1Point.from_compressed_bytes(data)
    except ValueError:
        raise MalformedProof("G1 point", got=data, expected="a point of the subgroup") from None


def decompress_g2(data: bytes) -> G2Point:
    """Read a point of the G2 subgroup, infinity included. Raises MalformedProof."""
    check_compressed_form(data, size=SIGNATURE_BYTES, part="G2 point")
    try:
        return G2Point.from_compressed_bytes(data)
    except ValueError:
        raise MalformedProof("G2 point", got=data, expected="a point of the subgroup") from None


def check_compressed_form(data: bytes, *, size: int, part: str) -> None:
    """Right size, compressed, and infinity has exactly one encoding: c0 and then zeros."""
    if len(data) != size:
        raise MalformedProof(f"{part} bytes", got=len(data), expected=size)
    if not data[0] & _COMPRESSED:
        raise MalformedProof(f"{part} form", got=data[0], expected="the compressed form")
    if data[0] & _INFINITY and (data[0] != _COMPRESSED | _INFINITY or any(data[1:])):
        raise MalformedProof(f"{part} infinity", got=data, expected="c0 and zeros")


def decompress_key(data: bytes) -> G1Point:
    """Read a public key. `KeyValidate` of the draft: a point of the subgroup, never infinity. Raises MalformedProof."""
    point = decompress_g1(data)
    check_not_infinity(point)
    return point


def check_not_infinity(key: G1Point) -> None:
    """The infinity key signs everything: e(0, H(m)) is 1 for every m."""
    if key == _G1_ZERO:
        raise MalformedProof("public key", got="infinity", expected="a point of order r")


def aggregate_keys(keys: Sequence[G1Point]) -> G1Point:
    """Return the sum of at least one key. Raises MalformedProof for none, and when they cancel out."""
    if not keys:
        raise MalformedProof("signers", got=0, expected="at least 1")
    total = reduce(add, keys)
    check_not_infinity(total)
    return total


def aggregate_signatures(signatures: Sequence[bytes]) -> bytes:
    """Return the aggregate of at least one signature, compressed. Raises MalformedProof."""
    if not signatures:
        raise MalformedProof("signatures", got=0, expected="at least 1")
    return bytes(reduce(add, [decompress_g2(each) for each in signatures]).to_compressed_bytes())


def hash_to_g2(message: bytes, *, tag: bytes = CIPHERSUITE) -> G2Point:
    """RFC 9380, suite BLS12381G2_XMD:SHA-256_SSWU_RO_ with the domain separation `tag`."""
    return G2Point.hash_to_curve(message, tag)


def verify_aggregate_key(key: G1Point, message: bytes, signature: bytes) -> None:
    """Check one signature by a key that is already a sum. Raises InvalidSignature, MalformedProof."""
    check_not_infinity(key)
    point = decompress_g2(signature)
    if not GT.pairing_check([_NEGATIVE_GENERATOR, key], [point, hash_to_g2(message)]):
        raise InvalidSignature(bytes(key.to_compressed_bytes()), scheme=SCHEME)


def fast_aggregate_verify(keys: Sequence[G1Point], message: bytes, signature: bytes) -> None:
    """Check that all `keys` (decompressed once, used often) signed one message. Raises InvalidSignature."""
    verify_aggregate_key(aggregate_keys(keys), message, signature)


def aggregate_verify(keys: Sequence[G1Point], messages: Sequence[bytes], signature: bytes) -> None:
    """Check that each key signed its own message. Raises InvalidSignature, MalformedProof."""
    if len(keys) > _PAIRS_MAX:
        raise LimitExceeded("signers", got=len(keys), limit=_PAIRS_MAX)
    if not keys or len(keys) != len(messages):
        raise MalformedProof("signers", got=len(keys), expected=max(len(messages), 1))
    for key in keys:
        check_not_infinity(key)
    point = decompress_g2(signature)
    if not GT.pairing_check([_NEGATIVE_GENERATOR, *keys], [point, *map(hash_to_g2, messages)]):
        raise InvalidSignature(b"", scheme=SCHEME)
