"""Signatures about which libraries differ. Ours claims two profiles: ZIP-215 in full, and libsodium's strict one.

The verdict of a case that names profiles is the one of ZIP-215, by which CometBFT counts. Where a file also tells what
libsodium says, the strict function is judged by that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from proofs.errors import InvalidSignature
from proofs.primitives import ed25519
from tests.vectors.case import Case, accept_if
from tests.vectors.files import Files

_Verify = Callable[[bytes, bytes, bytes], bool]


def cases(files: Files) -> Iterator[Case]:
    for file in files.named("speccheck_cases.json"):
        for entry in file.json():
            signed = _signed(entry, key="pub_key", message="message")
            zip215 = accept_if(entry["expect_zip215"] == "accept")
            yield Case(file, f"{entry['name']} (ZIP-215)", zip215, partial(_judge, ed25519.verify_zip215, *signed))
            strict = accept_if(entry["expected"]["LibSodium"] == "accept")
            yield Case(file, f"{entry['name']} (strict)", strict, partial(_judge, ed25519.verify, *signed))
    for file in files.named("zip215.json"):
        for entry in file.json():
            verify = partial(_judge, ed25519.verify_zip215, *_signed(entry))
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    for file in files.named("ed25519vectors.json"):
        for entry in file.json():
            verify = partial(_judge, ed25519.verify_zip215, *_signed(entry))
            yield Case(file, entry["name"], accept_if(entry["expected"]["VerifyOptionsZIP_215"] == "accept"), verify)


def _signed(entry: Any, *, key: str = "public_key", message: str = "message_hex") -> tuple[bytes, bytes, bytes]:
    return bytes.fromhex(entry[key]), bytes.fromhex(entry[message]), bytes.fromhex(entry["signature"])


def _judge(verify: _Verify, key: bytes, message: bytes, signature: bytes) -> None:
    if not verify(key, message, signature):
        raise InvalidSignature(key, scheme="ed25519")
