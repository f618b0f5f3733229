from __future__ import annotations

import random

import pytest
from coincurve import PrivateKey
from eth_account import Account

from proofs.errors import InvalidSignature, MalformedProof
from proofs.primitives.secp256k1 import ORDER, address_of, recover, verify

KEY = PrivateKey(bytes(31) + b"\x07")
DIGEST = bytes(range(32))
SIGNATURE = KEY.sign_recoverable(DIGEST, hasher=None)  # v is 0 or 1
PUBLIC = KEY.public_key.format(compressed=False)


def with_v(v: int) -> bytes:
    return SIGNATURE[:64] + bytes((v,))


def high_s(signature: bytes) -> bytes:
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + (bytes((signature[64] ^ 1,)) if len(signature) == 65 else b"")


def test_the_signer_is_recovered() -> None:
    assert recover(DIGEST, SIGNATURE, v_base=0) == PUBLIC[1:]
    assert recover(DIGEST, with_v(SIGNATURE[64] + 27), v_base=27) == PUBLIC[1:]


def test_the_address_is_that_of_the_reference() -> None:
    expected = bytes.fromhex(Account.from_key(KEY.secret).address[2:])
    for public_key in (PUBLIC, PUBLIC[1:], KEY.public_key.format()):
        assert address_of(public_key) == expected


@pytest.mark.parametrize("v", (2, 3, 26, 27, 28, 29, 255))
def test_v_of_another_convention_is_refused(v: int) -> None:
    with pytest.raises(InvalidSignature) as refusal:
        recover(DIGEST, with_v(v), v_base=0)
    assert refusal.value.scheme == f"secp256k1: v {v}, not 0 or 1"


@pytest.mark.parametrize("v", (0, 1, 26, 29))
def test_v_without_27_is_refused_where_27_is_asked_for(v: int) -> None:
    with pytest.raises(InvalidSignature) as refusal:
        recover(DIGEST, with_v(v), v_base=27)
    assert refusal.value.scheme.startswith(f"secp256k1: v {v}")


def test_high_s_is_refused_unless_the_ledger_allows_it() -> None:
    twin = high_s(SIGNATURE)
    for refused in (lambda: recover(DIGEST, twin, v_base=0), lambda: verify(DIGEST, twin[:64], public_key=PUBLIC)):
        with pytest.raises(InvalidSignature) as refusal:
            refused()
        assert refusal.value.scheme == "secp256k1: s in the upper half"
    assert recover(DIGEST, twin, v_base=0, high_s=True) == PUBLIC[1:]
    verify(DIGEST, twin[:64], public_key=PUBLIC, high_s=True)


@pytest.mark.parametrize("r", (0, ORDER, (1 << 256) - 1))
@pytest.mark.parametrize("s", (0, 1, ORDER, (1 << 256) - 1))
def test_numbers_out_of_range_are_refused(r: int, s: int) -> None:
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    with pytest.raises(InvalidSignature):
        recover(DIGEST, compact + b"\x00", v_base=0, high_s=True)
    with pytest.raises(InvalidSignature):
        verify(DIGEST, compact, public_key=PUBLIC, high_s=True)


@pytest.mark.parametrize("length", (0, 64, 66))
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(InvalidSignature):
        recover(DIGEST, bytes(length), v_base=0)
    with pytest.raises(InvalidSignature):
        verify(DIGEST, bytes(length + 1), public_key=PUBLIC)


def test_only_the_signed_digest_verifies() -> None:
    verify(DIGEST, SIGNATURE[:64], public_key=PUBLIC)
    with pytest.raises(InvalidSignature) as refusal:
        verify(bytes(32), SIGNATURE[:64], public_key=PUBLIC)
    assert refusal.value.signer == PUBLIC


@pytest.mark.parametrize("key", (b"", b"\x02" * 33, b"\x06" + PUBLIC[1:], b"\x04" + bytes(64), PUBLIC[:64]))
def test_what_is_no_key_is_refused(key: bytes) -> None:
    with pytest.raises(MalformedProof):
        verify(DIGEST, SIGNATURE[:64], public_key=key if key != b"\x02" * 33 else b"\x02" + b"\xff" * 32)


def test_a_digest_has_32_bytes() -> None:
    with pytest.raises(MalformedProof) as refusal:
        recover(b"short", SIGNATURE, v_base=0)
    assert refusal.value.got == 5


def test_a_changed_signature_never_recovers_the_signer() -> None:
    chance = random.Random(1)
    for _ in range(300):
        changed = bytearray(SIGNATURE)
        changed[chance.randrange(64)] ^= 1 << chance.randrange(8)
        try:
            assert recover(DIGEST, bytes(changed), v_base=0, high_s=True) != PUBLIC[1:]
        except InvalidSignature:
            continue
