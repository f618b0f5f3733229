"""Keys at rest: one file each, the secret encrypted, its public half in clear.

A file is JSON: version, name, scheme, public key, the scrypt parameters and salt, and what ChaCha20-Poly1305 made of
the secret. Everything in clear is authenticated with the secret, so a file whose name, scheme or public key was edited
does not open.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from relay.keys.durable import write_durably
from relay.keys.secret import Secret, SecretRefused, check_private
from relay.keys.signer import SCHEMES, AnySigner, SecretUnusable, new_secret, signer_for

_SUFFIX: Final = ".key.json"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FILE_BYTES_MAX: Final = 4096
_KEYS_MAX: Final = 1000  # files listed in one folder


@dataclass(eq=False)
class KeyRefused(Exception):
    """A key cannot be read, written or opened. Never carries a secret."""

    key: str
    got: str
    expected: str

    def __str__(self) -> str:
        return f"key {self.key}: got {self.got}, expected {self.expected}"


class WrongPassphrase(KeyRefused):
    """The passphrase does not open the key, or the file was changed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """scrypt's cost. The default takes about 128 MiB and a third of a second, so that guessing costs as much.

    n: a power of two; memory is 128·r·n bytes. Read back only within bounds: a file must neither weaken its own
    protection nor exhaust the machine that opens it.
    """

    n: int = 1 << 17
    r: int = 8
    p: int = 1


CHEAPEST: Final = Cost(n=1 << 14)  # for keys that live as long as a demo
_N_MAX: Final = 1 << 18  # 256 MiB
_P_MAX: Final = 4


class _Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Literal["scrypt"]
    n: int
    r: int
    p: int
    salt: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    name: str
    scheme: str
    public_key: str
    kdf: _Kdf
    cipher: Literal["chacha20-poly1305"]
    nonce: str
    ciphertext: str


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it lies on disk: everything but the secret."""

    name: str
    scheme: str
    public_key: bytes
    path: Path
    _sealed: _File = field(repr=False)

    def unlock(self, passphrase: Secret) -> AnySigner:
        """Takes as long as the cost of the file. Raises WrongPassphrase, KeyRefused."""
        sealed = self._sealed
        key = _derive(passphrase, sealed.kdf)
        nonce, ciphertext = bytes.fromhex(sealed.nonce), bytes.fromhex(sealed.ciphertext)
        try:
            secret = ChaCha20Poly1305(key).decrypt(nonce, ciphertext, _authenticated(sealed))
        except InvalidTag:
            raise WrongPassphrase(self.name, got="a passphrase that does not open it", expected="its own") from None
        try:
            signer = signer_for(self.scheme, secret)
        except SecretUnusable:
            raise KeyRefused(self.name, got="an unusable secret", expected=f"a {self.scheme} secret") from None
        if signer.public_key != self.public_key:
            raise KeyRefused(self.name, got="the secret of another key", expected=self.public_key.hex())
        return signer


def create_key(
    folder: Path,
    name: str,
    *,
    scheme: str,
    passphrase: Secret,
    secret: Secret | None = None,
    cost: Cost | None = None,
) -> StoredKey:
    """Write a new key, or one whose secret is given. Never overwrites. Raises KeyRefused."""
    check_name(name)
    if scheme not in SCHEMES:
        raise KeyRefused(name, got=f"scheme {scheme!r}", expected=" or ".join(SCHEMES))
    raw = secret.reveal() if secret is not None else new_secret(scheme)
    try:
        public_key = signer_for(scheme, raw).public_key
    except SecretUnusable as reason:
        raise KeyRefused(name, got="an unusable secret", expected=str(reason)) from None
    sealed = _seal(name, scheme, public_key=public_key, secret=raw, passphrase=passphrase, cost=cost or Cost())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}{_SUFFIX}"
    try:
        write_durably(path, msgspec.json.format(msgspec.json.encode(sealed), indent=2) + b"\n", replace=False)
    except FileExistsError:
        raise KeyRefused(
            name, got=f"an existing file {path}", expected="a new name: keys are never overwritten"
        ) from None
    return StoredKey(name, scheme, public_key, path, sealed)


def read_key(folder: Path, name: str) -> StoredKey:
    """Raises KeyRefused."""
    check_name(name)
    path = folder / f"{name}{_SUFFIX}"
    try:
        with path.open("rb") as file:
            check_private(path, os.fstat(file.fileno()).st_mode)
            content = file.read(_FILE_BYTES_MAX + 1)
    except SecretRefused as refusal:
        raise KeyRefused(name, got=f"{path} with {refusal.got}", expected=refusal.expected) from None
    except OSError as trouble:
        raise KeyRefused(name, got=f"{path}: {trouble.strerror}", expected="a readable key file") from None
    sealed = _parse(name, content)
    return StoredKey(name, sealed.scheme, bytes.fromhex(sealed.public_key), path, sealed)


def list_keys(folder: Path) -> tuple[StoredKey, ...]:
    """By name. Raises KeyRefused for the first file that is no key."""
    found = sorted(folder.glob(f"*{_SUFFIX}"))
    if len(found) > _KEYS_MAX:
        raise KeyRefused(str(folder), got=f"{len(found)} files", expected=f"at most {_KEYS_MAX}")
    return tuple(read_key(folder, path.name.removesuffix(_SUFFIX)) for path in found)


def check_name(name: str) -> None:
    """A key's name is also its file's: it must not lead out of the folder. Raises KeyRefused."""
    if not _NAME.fullmatch(name):
        raise KeyRefused(
            repr(name)[:80], got="this name", expected="a–z, 0–9, '.', '_', '-', at most 64, no leading sign"
        )


def check_roles_apart(roles: Mapping[str, Sequence[StoredKey]]) -> None:
    """One secret under two names is still one secret: no public key serves two roles. Raises KeyRefused."""
    holder: dict[bytes, tuple[str, str]] = {}
    for role, keys in roles.items():
        for key in keys:
            other, name = holder.setdefault(key.public_key, (role, key.name))
            if other != role:
                raise KeyRefused(
                    key.name, got=f"the key that {name!r} uses for {other}", expected=f"a key only for {role}"
                )


def _seal(name: str, scheme: str, *, public_key: bytes, secret: bytes, passphrase: Secret, cost: Cost) -> _File:
    kdf = _Kdf(name="scrypt", n=cost.n, r=cost.r, p=cost.p, salt=os.urandom(16).hex())
    nonce = os.urandom(12)
    clear = _File(
        version=1,
        name=name,
        scheme=scheme,
        public_key=public_key.hex(),
        kdf=kdf,
        cipher="chacha20-poly1305",
        nonce=nonce.hex(),
        ciphertext="",
    )
    ciphertext = ChaCha20Poly1305(_derive(passphrase, kdf)).encrypt(nonce, secret, _authenticated(clear))
    return msgspec.structs.replace(clear, ciphertext=ciphertext.hex())


def _authenticated(sealed: _File) -> bytes:
    """Everything in clear, in one spelling."""
    clear = msgspec.to_builtins(sealed)
    del clear["ciphertext"]
    return json.dumps(clear, sort_keys=True, separators=(",", ":")).encode()


def _derive(passphrase: Secret, kdf: _Kdf) -> bytes:
    return Scrypt(salt=bytes.fromhex(kdf.salt), length=32, n=kdf.n, r=kdf.r, p=kdf.p).derive(passphrase.reveal())


def _parse(name: str, content: bytes) -> _File:
    if len(content) > _FILE_BYTES_MAX:
        raise KeyRefused(name, got="a longer file", expected=f"at most {_FILE_BYTES_MAX} bytes")
    try:
        sealed = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as trouble:
        raise KeyRefused(name, got=str(trouble), expected="a key file of version 1") from None
    if sealed.name != name:
        raise KeyRefused(name, got=f"the file of key {sealed.name!r}", expected=f"the file of {name!r}")
    if sealed.scheme not in SCHEMES:
        raise KeyRefused(name, got=f"scheme {sealed.scheme!r}", expected=" or ".join(SCHEMES))
    _check_cost(name, sealed.kdf)
    lengths = {"salt": (sealed.kdf.salt, 16), "nonce": (sealed.nonce, 12), "ciphertext": (sealed.ciphertext, 48)}
    lengths["public_key"] = (sealed.public_key, 33 if sealed.scheme == SCHEMES[0] else 32)
    for part, (text, size) in lengths.items():
        if not re.fullmatch(rf"[0-9a-f]{{{2 * size}}}", text):
            raise KeyRefused(name, got=f"another {part}", expected=f"{part} of {size} bytes in lower-case hex")
    return sealed


def _check_cost(name: str, kdf: _Kdf) -> None:
    if not (CHEAPEST.n <= kdf.n <= _N_MAX and kdf.n & (kdf.n - 1) == 0 and kdf.r == 8 and 1 <= kdf.p <= _P_MAX):
        expected = f"n a power of two from {CHEAPEST.n} to {_N_MAX}, r = 8, p from 1 to {_P_MAX}"
        raise KeyRefused(name, got=f"scrypt n={kdf.n} r={kdf.r} p={kdf.p}", expected=expected)
