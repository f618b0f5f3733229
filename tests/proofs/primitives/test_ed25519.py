"""Both Ed25519 rules: they agree on honest signatures, and the permissive one accepts all that the strict one does."""

from __future__ import annotations

import random

import pytest
from nacl.signing import SigningKey

from proofs.primitives.ed25519 import verify, verify_zip215

MESSAGE = b"a vote"
KEY = SigningKey(b"\x07" * 32)
PUBLIC_KEY = bytes(KEY.verify_key)
SIGNATURE = KEY.sign(MESSAGE).signature
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize("rule", (verify, verify_zip215))
def test_an_honest_signature_is_valid(rule: object) -> None:
    assert rule(PUBLIC_KEY, MESSAGE, SIGNATURE)  # type: ignore[operator]  # one of two functions


CHANGED = {
    "another message": (PUBLIC_KEY, b"another", SIGNATURE),
    "another key": (bytes(SigningKey(b"\x08" * 32).verify_key), MESSAGE, SIGNATURE),
    "one bit of R": (PUBLIC_KEY, MESSAGE, bytes((SIGNATURE[0] ^ 1,)) + SIGNATURE[1:]),
    "one bit of S": (PUBLIC_KEY, MESSAGE, SIGNATURE[:32] + bytes((SIGNATURE[32] ^ 1,)) + SIGNATURE[33:]),
    "S not reduced": (
        PUBLIC_KEY,
        MESSAGE,
        SIGNATURE[:32] + (int.from_bytes(SIGNATURE[32:], "little") + ORDER).to_bytes(32, "little"),
    ),
    "a short key": (PUBLIC_KEY[:31], MESSAGE, SIGNATURE),
    "a long key": (PUBLIC_KEY + b"\x00", MESSAGE, SIGNATURE),
    "a short signature": (PUBLIC_KEY, MESSAGE, SIGNATURE[:63]),
    "a long signature": (PUBLIC_KEY, MESSAGE, SIGNATURE + b"\x00"),
    "no signature": (PUBLIC_KEY, MESSAGE, b""),
    "a key that is no point": ((2).to_bytes(32, "little"), MESSAGE, SIGNATURE),
}


@pytest.mark.parametrize("name", CHANGED)
@pytest.mark.parametrize("rule", (verify, verify_zip215))
def test_anything_else_is_not(rule: object, name: str) -> None:
    assert not rule(*CHANGED[name])  # type: ignore[operator]  # one of two functions


def test_only_the_permissive_rule_accepts_keys_of_small_order() -> None:
    """The identity as key and as R, S = 0: valid for every message under the cofactored equation."""
    identity = (1).to_bytes(32, "little")
    assert verify_zip215(identity, MESSAGE, identity + bytes(32))
    assert not verify(identity, MESSAGE, identity + bytes(32))


@pytest.mark.parametrize("seed", range(20))
def test_what_the_strict_rule_accepts_the_permissive_one_accepts(seed: int) -> None:
    chance = random.Random(seed)
    key = SigningKey(chance.randbytes(32))
    message = chance.randbytes(chance.randrange(200))
    signature = key.sign(message).signature
    assert verify(bytes(key.verify_key), message, signature)
    assert verify_zip215(bytes(key.verify_key), message, signature)
