"""Inclusion and consistency proofs of transparency-dev/merkle. `wantErr` is the verdict; hashes are base64."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from functools import partial

from proofs.merkle import rfc6962
from tests.vectors.case import Case, accept_if
from tests.vectors.files import Files


def cases(files: Files) -> Iterator[Case]:
    for file in files.named("inclusion.json"):
        for entry in file.json():
            verify = partial(
                rfc6962.verify_hash_inclusion,
                _bytes(entry["leafHash"]),
                _hashes(entry["proof"]),
                index=entry["leafIdx"],
                size=entry["treeSize"],
                root=_bytes(entry["root"]),
            )
            yield Case(file, entry["name"], accept_if(not entry["wantErr"]), verify)
    for file in files.named("consistency.json"):
        for entry in file.json():
            verify = partial(
                rfc6962.verify_consistency,
                _hashes(entry["proof"]),
                old_size=entry["size1"],
                new_size=entry["size2"],
                old_root=_bytes(entry["root1"]),
                new_root=_bytes(entry["root2"]),
            )
            yield Case(file, entry["name"], accept_if(not entry["wantErr"]), verify)


def _bytes(text: str | None) -> bytes:
    return b64decode(text or "")


def _hashes(texts: list[str] | None) -> list[bytes]:
    return [b64decode(text) for text in texts or ()]
