"""Keys in use: they sign, and show nothing but their public half.

Implements `adapters.contract.ledger.Signer` for the two schemes that ledgers here use.
"""

from __future__ import annotations

import secrets
from typing import Final, NoReturn, TypeAlias

import coincurve
import nacl.signing

SECP256K1: Final = "secp256k1"
ED25519: Final = "ed25519"
SCHEMES: Final = (SECP256K1, ED25519)
SECRET_BYTES: Final = 32
_SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class _HoldsSecret:
    """What every signer keeps to itself: no attribute dictionary, no pickle, no copy, no telling repr."""

    __slots__ = ()
    scheme = ""

    @property
    def public_key(self) -> bytes:
        raise AssertionError("every signer has a public key of its own")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(public_key={self.public_key.hex()})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a signing key is never pickled or copied")


class Secp256k1Signer(_HoldsSecret):
    __slots__ = ("_key",)
    scheme = SECP256K1

    def __init__(self, secret: bytes) -> None:
        check_secret(SECP256K1, secret)
        self._key = coincurve.PrivateKey(secret)

    @property
    def public_key(self) -> bytes:
        return self._key.public_key.format(compressed=True)

    def sign(self, message: bytes) -> bytes:
        """message: a 32-byte digest. Returns r‖s‖v, s low, v 0 or 1."""
        assert len(message) == 32, "a digest is signed, never a message"
        signature = self._key.sign_recoverable(message, hasher=None)
        assert signature[64] < 2, "r above the group order happens once in 2^127"
        return signature


class Ed25519Signer(_HoldsSecret):
    __slots__ = ("_key",)
    scheme = ED25519

    def __init__(self, secret: bytes) -> None:
        check_secret(ED25519, secret)
        self._key = nacl.signing.SigningKey(secret)

    @property
    def public_key(self) -> bytes:
        return bytes(self._key.verify_key)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message).signature


AnySigner: TypeAlias = Secp256k1Signer | Ed25519Signer


class SecretUnusable(ValueError):
    """The bytes are no key of the scheme. Says nothing about what they are."""


def check_secret(scheme: str, secret: bytes) -> None:
    """Raises SecretUnusable."""
    if len(secret) != SECRET_BYTES:
        raise SecretUnusable(f"a {scheme} secret has {SECRET_BYTES} bytes, this one {len(secret)}")
    if scheme == SECP256K1 and not 0 < int.from_bytes(secret, "big") < _SECP256K1_ORDER:
        raise SecretUnusable("a secp256k1 secret lies between 1 and the group order")


def signer_for(scheme: str, secret: bytes) -> AnySigner:
    """Raises SecretUnusable."""
    if scheme == SECP256K1:
        return Secp256k1Signer(secret)
    if scheme == ED25519:
        return Ed25519Signer(secret)
    raise SecretUnusable(f"unknown scheme {scheme!r}: known are {', '.join(SCHEMES)}")


def new_secret(scheme: str) -> bytes:
    """From the system's random source, never from the chance that tests seed."""
    while True:
        secret = secrets.token_bytes(SECRET_BYTES)
        if scheme != SECP256K1 or 0 < int.from_bytes(secret, "big") < _SECP256K1_ORDER:
            return secret
