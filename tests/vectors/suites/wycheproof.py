"""Project Wycheproof: signatures made to break verifiers. `acceptable` occurs only where the product does nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from proofs.errors import InvalidSignature
from proofs.primitives import bls, ed25519, p256, secp256k1
from proofs.primitives.ecdsa_der import decode_signature
from proofs.primitives.hashing import sha256
from tests.vectors.case import Case, accept_if, value
from tests.vectors.files import Files

Verify = Callable[[bytes, bytes, bytes], None]


def _from_der(verify: Verify) -> Verify:
    return lambda key, message, signature: verify(key, message, decode_signature(signature))


def _secp256k1(key: bytes, message: bytes, signature: bytes, *, high_s: bool = True) -> None:
    secp256k1.verify(sha256(message), signature, public_key=key, high_s=high_s)


def _p256(key: bytes, message: bytes, signature: bytes) -> None:
    p256.verify(sha256(message), signature, public_key=key, high_s=True)


def _ed25519(key: bytes, message: bytes, signature: bytes) -> None:
    if not ed25519.verify(key, message, signature):
        raise InvalidSignature(signer=key, scheme="ed25519")


def _bls(key: bytes, message: bytes, signature: bytes) -> None:
    bls.verify_aggregate_key(bls.decompress_key(key), message, signature)


# Which rule each file is for: the bitcoin file wants low s, the others take both halves.
_SIGNATURES: dict[str, Verify] = {
    "ecdsa_secp256k1_sha256_bitcoin_test.json": _from_der(partial(_secp256k1, high_s=False)),
    "ecdsa_secp256k1_sha256_test.json": _from_der(_secp256k1),
    "ecdsa_secp256k1_sha256_p1363_test.json": _secp256k1,
    "ecdsa_secp256r1_sha256_test.json": _from_der(_p256),
    "ecdsa_secp256r1_sha256_p1363_test.json": _p256,
    "ed25519_test.json": _ed25519,
    "bls_sig_g2_pop_verify_test.json": _bls,
}


def cases(files: Files) -> Iterator[Case]:
    for name, verify in _SIGNATURES.items():
        for file in files.named(name):
            for group in file.json()["testGroups"]:
                key = _key(group["publicKey"])
                for test in group["tests"]:
                    call = partial(verify, key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
                    yield Case(file, f"{test['tcId']} {test['comment']}", accept_if(test["result"] == "valid"), call)
    for file in files.named("bls_hash_to_g2_test.json"):
        for group in file.json()["testGroups"]:
            for test in group["tests"]:
                call_hash = partial(_hash_to_g2, bytes.fromhex(test["msg"]), group["dst"].encode())
                expected = value(bytes.fromhex(test["expected"])) if test["result"] == "valid" else accept_if(False)
                yield Case(file, f"{test['tcId']} {test['comment']}", expected, call_hash)


def _key(entry: dict[str, Any]) -> bytes:
    return bytes.fromhex(entry.get("uncompressed") or entry["pk"])


def _hash_to_g2(message: bytes, tag: bytes) -> bytes:
    return bytes(bls.hash_to_g2(message, tag=tag).to_compressed_bytes())
