"""ECDSA over P-256, and the DER form: one signature, one encoding, one half of s where the ledger says so."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from proofs.errors import InvalidSignature, MalformedProof
from proofs.primitives import p256
from proofs.primitives.ecdsa_der import decode_signature
from proofs.primitives.hashing import sha256
from tests.proofs.fuzzing import assert_only_refusals

DIGEST = sha256(b"a block")
SECRET = ec.derive_private_key(7, ec.SECP256R1())
KEY = SECRET.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
SHORT_KEY = SECRET.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
DER = SECRET.sign(DIGEST, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))
R, S = decode_dss_signature(DER)
LOW, HIGH = sorted((S, p256.ORDER - S))


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize("key", (KEY, SHORT_KEY))
def test_both_halves_of_s_verify_where_the_ledger_takes_them(key: bytes) -> None:
    for s in (LOW, HIGH):
        p256.verify(DIGEST, raw(R, s), public_key=key, high_s=True)
    p256.verify(DIGEST, raw(R, LOW), public_key=key, high_s=False)


REFUSED: dict[str, tuple[bytes, str]] = {
    "upper half": (raw(R, HIGH), "p256: s in the upper half"),
    "another r": (raw(R ^ 1, LOW), "p256"),
    "r of zero": (raw(0, LOW), "p256: r or s out of range"),
    "s of zero": (raw(R, 0), "p256: r or s out of range"),
    "r at the order": (raw(p256.ORDER, LOW), "p256: r or s out of range"),
    "a byte more": (raw(R, LOW) + b"\x00", "p256: 65 bytes, not 64"),
}


@pytest.mark.parametrize("corruption", REFUSED)
def test_invalid_signature(corruption: str) -> None:
    signature, scheme = REFUSED[corruption]
    with pytest.raises(InvalidSignature) as refusal:
        p256.verify(DIGEST, signature, public_key=KEY, high_s=False)
    assert refusal.value.scheme == scheme


@pytest.mark.parametrize("key", (b"", b"\x06" + KEY[1:], KEY[:-1] + bytes((KEY[-1] ^ 1,)), KEY[:-1], b"\x00"))
def test_what_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedProof) as refusal:
        p256.verify(DIGEST, raw(R, LOW), public_key=key, high_s=False)
    assert refusal.value.part == "p256 public key"


def test_a_digest_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedProof) as refusal:
        p256.verify(DIGEST[:-1], raw(R, LOW), public_key=KEY, high_s=False)
    assert refusal.value.part == "p256 digest"


@pytest.mark.parametrize("pair", ((R, S), (1, 127), (128, 255), (p256.ORDER - 1, 256)))
def test_der_is_read_as_the_library_writes_it(pair: tuple[int, int]) -> None:
    assert decode_signature(encode_dss_signature(*pair)) == raw(*pair)


NO_DER = {
    "nothing": ("", "DER signature"),
    "no sequence": ("3106020101020102", "DER signature"),
    "length in two bytes": ("308106020101020102", "DER signature"),
    "trailing byte": ("300602010102010200", "DER signature"),
    "length over the end": ("3007020101020102", "DER signature"),
    "third integer": ("3009020101020102020103", "DER signature"),
    "no integer": ("3006030101020102", "DER integer"),
    "integer over the end": ("3006020101020202", "DER integer"),
    "empty integer": ("300502000201" + "01", "DER integer"),
    "negative integer": ("3006020181020102", "DER integer"),
    "padded integer": ("300702020001020102", "DER integer"),
    "zero": ("3006020100020101", "DER integer"),
    "integer of 33 bytes": ("3026" + "0221" + "01" * 33 + "020101", "DER integer"),
    "second integer missing": ("3003020101", "DER integer"),
}


@pytest.mark.parametrize("corruption", NO_DER)
def test_other_encodings_are_refused(corruption: str) -> None:
    data, part = NO_DER[corruption]
    with pytest.raises(MalformedProof) as refusal:
        decode_signature(bytes.fromhex(data))
    assert refusal.value.part == part


def test_hostile_signatures_give_only_refusals() -> None:
    def parse(data: bytes) -> None:
        p256.verify(DIGEST, decode_signature(data), public_key=KEY, high_s=True)

    assert assert_only_refusals(parse, [DER], 1_000) == 0


def test_hostile_keys_give_only_refusals() -> None:
    assert_only_refusals(p256.parse_key, [KEY, SHORT_KEY], 500)
