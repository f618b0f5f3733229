"""SM2: the system's libcrypto against the standard's example and a reading of it in plain integers."""

from __future__ import annotations

import random
from typing import Any

import pytest
from cffi import FFI

from proofs.errors import InvalidSignature, MalformedProof
from proofs.primitives import sm2
from proofs.primitives.ecdsa_der import decode_signature
from tests.proofs.fuzzing import assert_only_refusals
from tests.proofs.primitives import sm2_reference
from tests.proofs.primitives.sm2_reference import Sm2Key

SIGNER = Sm2Key(0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8)
KEY = b"\x04" + SIGNER.public
MESSAGE = b"message digest"
# GB/T 32918.5, annex A.
SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
R, S = int.from_bytes(SIGNATURE[:32], "big"), int.from_bytes(SIGNATURE[32:], "big")


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_the_example_of_the_standard() -> None:
    sm2.verify(MESSAGE, SIGNATURE, public_key=KEY)
    sm2.verify(MESSAGE, SIGNATURE, public_key=bytes((2 + KEY[-1] % 2,)) + KEY[1:33])


def test_the_strict_form_of_certificates() -> None:
    der = sm2._der(R, S)
    sm2.verify(MESSAGE, decode_signature(der), public_key=KEY)
    for lax in (der + b"\x00", b"\x30\x81" + der[1:], b"", der[:-1]):
        with pytest.raises(MalformedProof):
            decode_signature(lax)


@pytest.mark.parametrize("seed", range(20))
def test_it_judges_like_plain_integers(seed: int) -> None:
    chance = random.Random(seed)
    key = Sm2Key(chance.randrange(1, sm2_reference.N - 1))
    message, user_id = chance.randbytes(chance.randrange(100)), chance.randbytes(chance.randrange(1, 40))
    signature = key.sign(message, user_id)
    assert sm2_reference.is_valid(message, signature, key.public, user_id)
    sm2.verify(message, signature, public_key=b"\x04" + key.public, user_id=user_id)
    changed = bytearray(signature)
    changed[chance.randrange(64)] ^= 1 << chance.randrange(8)
    assert not sm2_reference.is_valid(message, bytes(changed), key.public, user_id)
    with pytest.raises(InvalidSignature):
        sm2.verify(message, bytes(changed), public_key=b"\x04" + key.public, user_id=user_id)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another message": ({"message": b"message Digest"}, "sm2"),
    "another user id": ({"user_id": b"8765432187654321"}, "sm2"),
    "another key": ({"public_key": b"\x04" + Sm2Key(7).public}, "sm2"),
    "the other s": ({"signature": raw(R, sm2.ORDER - S)}, "sm2"),
    "r of zero": ({"signature": raw(0, S)}, "sm2: r or s out of range"),
    "s of zero": ({"signature": raw(R, 0)}, "sm2: r or s out of range"),
    "r at the order": ({"signature": raw(sm2.ORDER, S)}, "sm2: r or s out of range"),
    "s at the order": ({"signature": raw(R, sm2.ORDER)}, "sm2: r or s out of range"),
    "a sum of zero": ({"signature": raw(R, sm2.ORDER - R)}, "sm2: r or s out of range"),
    "a byte more": ({"signature": SIGNATURE + b"\x00"}, "sm2: 65 bytes, not 64"),
    "nothing": ({"signature": b""}, "sm2: 0 bytes, not 64"),
}


@pytest.mark.parametrize("corruption", REFUSED)
def test_invalid_signature(corruption: str) -> None:
    changed, scheme = REFUSED[corruption]
    given = {"message": MESSAGE, "signature": SIGNATURE, "public_key": KEY, **changed}
    with pytest.raises(InvalidSignature) as refusal:
        sm2.verify(given.pop("message"), given.pop("signature"), **given)
    assert refusal.value.scheme == scheme
    assert refusal.value.signer == given["public_key"]


@pytest.mark.parametrize("key", (b"", b"\x06" + KEY[1:], KEY[1:], KEY[:-1], KEY + b"\x00", b"\x00", KEY[:33]))
def test_another_form_of_key_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedProof) as refusal:
        sm2.verify(MESSAGE, SIGNATURE, public_key=key)
    assert (refusal.value.part, refusal.value.expected) == ("sm2 public key", "65 bytes from 04, or 33 from 02 or 03")


@pytest.mark.parametrize("key", (KEY[:-1] + bytes((KEY[-1] ^ 1,)), b"\x04" + bytes(64), b"\x02" + b"\xff" * 32))
def test_what_is_no_point_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedProof) as refusal:
        sm2.verify(MESSAGE, SIGNATURE, public_key=key)
    assert (refusal.value.part, refusal.value.expected) == ("sm2 public key", "a point of the curve")


def test_a_user_id_is_bounded() -> None:
    with pytest.raises(MalformedProof) as refusal:
        sm2.verify(MESSAGE, SIGNATURE, public_key=KEY, user_id=bytes(8_191))
    assert refusal.value.part == "sm2 user id"
    signature = SIGNER.sign(MESSAGE, bytes(8_190))
    sm2.verify(MESSAGE, signature, public_key=KEY, user_id=bytes(8_190))


def test_hostile_bytes_are_refused_by_name() -> None:
    assert assert_only_refusals(lambda data: sm2.verify(MESSAGE, data, public_key=KEY), [SIGNATURE], 300) == 0
    assert_only_refusals(lambda data: sm2.verify(MESSAGE, SIGNATURE, public_key=data), [KEY], 300)


def test_a_refusal_leaves_no_error_behind_for_others() -> None:
    ffi = FFI()
    ffi.cdef("unsigned long ERR_peek_error(void);")
    library = ffi.dlopen("libcrypto.so.3")
    for changed in ({"public_key": b"\x04" + bytes(64)}, {"public_key": b"\x04" + Sm2Key(7).public}):
        with pytest.raises((MalformedProof, InvalidSignature)):
            sm2.verify(MESSAGE, SIGNATURE, **changed)
        assert library.ERR_peek_error() == 0


def test_without_a_library_nothing_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2, "_LIBRARIES", ("libcausewaytest.so.3",))
    sm2._library.cache_clear()
    sm2._parsed.cache_clear()
    try:
        with pytest.raises(sm2.Sm2Unavailable):
            sm2.require()
        with pytest.raises(sm2.Sm2Unavailable):
            sm2.verify(MESSAGE, SIGNATURE, public_key=KEY)
    finally:
        monkeypatch.undo()
        sm2._library.cache_clear()
    sm2.verify(MESSAGE, SIGNATURE, public_key=KEY)


def test_a_library_that_answers_wrongly_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in (True, False):
        monkeypatch.setattr(sm2._LibCrypto, "is_valid", lambda *_args, answer=answer: answer)
        sm2._library.cache_clear()
        with pytest.raises(sm2.Sm2Unavailable):
            sm2.require()
    monkeypatch.undo()
    sm2.require()
