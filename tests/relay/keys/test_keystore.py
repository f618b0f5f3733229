"""Key files: what is written opens with its passphrase only, and nothing changed in it goes unnoticed."""

import json
from pathlib import Path
from typing import Any

import pytest

from relay.keys.keystore import (
    CHEAPEST,
    KeyRefused,
    WrongPassphrase,
    check_roles_apart,
    create_key,
    list_keys,
    read_key,
)
from relay.keys.secret import Secret
from relay.keys.signer import new_secret

PASSPHRASE = Secret(b"correct horse")


@pytest.mark.parametrize("scheme", ("secp256k1", "ed25519"))
def test_a_key_opens_with_its_passphrase_and_signs(tmp_path: Path, scheme: str) -> None:
    secret = new_secret(scheme)
    created = create_key(tmp_path, "fee", scheme=scheme, passphrase=PASSPHRASE, secret=Secret(secret), cost=CHEAPEST)
    read = read_key(tmp_path, "fee")
    assert (read.public_key, read.scheme) == (created.public_key, scheme)
    signer = read.unlock(PASSPHRASE)
    assert signer.public_key == created.public_key
    assert len(signer.sign(bytes(32))) == (65 if scheme == "secp256k1" else 64)


def test_the_secret_is_in_no_file_and_no_repr(tmp_path: Path) -> None:
    secret = new_secret("secp256k1")
    key = create_key(tmp_path, "fee", scheme="secp256k1", passphrase=PASSPHRASE, secret=Secret(secret), cost=CHEAPEST)
    written = key.path.read_bytes()
    shown = repr(key) + str(key) + repr(key.unlock(PASSPHRASE)) + repr(PASSPHRASE)
    assert secret not in written
    assert secret.hex() not in written.decode() + shown
    assert "correct horse" not in written.decode() + shown


def test_a_wrong_passphrase_is_refused_by_name_without_being_shown(tmp_path: Path) -> None:
    key = create_key(tmp_path, "fee", scheme="ed25519", passphrase=PASSPHRASE, cost=CHEAPEST)
    with pytest.raises(WrongPassphrase) as refusal:
        key.unlock(Secret(b"battery staple"))
    assert refusal.value.key == "fee"
    assert "battery" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_an_existing_key_is_never_overwritten(tmp_path: Path) -> None:
    first = create_key(tmp_path, "fee", scheme="ed25519", passphrase=PASSPHRASE, cost=CHEAPEST)
    with pytest.raises(KeyRefused, match="never overwritten"):
        create_key(tmp_path, "fee", scheme="ed25519", passphrase=PASSPHRASE, cost=CHEAPEST)
    assert read_key(tmp_path, "fee").public_key == first.public_key
    assert [path.name for path in tmp_path.iterdir()] == ["fee.key.json"], "no draft is left behind"


def test_the_file_is_private_and_a_shared_one_is_refused(tmp_path: Path) -> None:
    key = create_key(tmp_path, "fee", scheme="ed25519", passphrase=PASSPHRASE, cost=CHEAPEST)
    assert key.path.stat().st_mode & 0o777 == 0o600
    key.path.chmod(0o640)
    with pytest.raises(KeyRefused, match="0640"):
        read_key(tmp_path, "fee")


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "weak n": ({"kdf": {"n": 2}}, "scrypt n=2"),
    "huge n": ({"kdf": {"n": 1 << 40}}, "scrypt n="),
    "n is no power of two": ({"kdf": {"n": CHEAPEST.n + 1}}, "scrypt n="),
    "other r": ({"kdf": {"r": 1 << 20}}, "scrypt n="),
    "zero p": ({"kdf": {"p": 0}}, "scrypt n="),
    "other kdf": ({"kdf": {"name": "md5"}}, "md5"),
    "short salt": ({"kdf": {"salt": "00"}}, "salt"),
    "short nonce": ({"nonce": "00"}, "nonce"),
    "ciphertext is no hex": ({"ciphertext": "zz" * 48}, "ciphertext"),
    "public key of the other scheme": ({"public_key": "00" * 33}, "public_key"),
    "unknown scheme": ({"scheme": "rsa"}, "rsa"),
    "unknown version": ({"version": 2}, "version"),
    "unknown field": ({"extra": 1}, "extra"),
    "another key's file": ({"name": "send"}, "send"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_malformed_file_is_refused_before_any_work(tmp_path: Path, change: str) -> None:
    fields, seen = CHANGES[change]
    path = create_key(tmp_path, "fee", scheme="ed25519", passphrase=PASSPHRASE, cost=CHEAPEST).path
    content = json.loads(path.read_text())
    for name, value in fields.items():
        content[name] = content[name] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(content))
    with pytest.raises(KeyRefused, match=seen):
        read_key(tmp_path, "fee")


@pytest.mark.parametrize("field", ("public_key", "nonce", "ciphertext"))
def test_a_changed_byte_anywhere_keeps_the_key_closed(tmp_path: Path, field: str) -> None:
    path = create_key(tmp_path, "fee", scheme="ed25519", passphrase=PASSPHRASE, cost=CHEAPEST).path
    content = json.loads(path.read_text())
    changed = bytearray.fromhex(content[field])
    changed[0] ^= 1
    content[field] = changed.hex()
    path.write_text(json.dumps(content))
    with pytest.raises(WrongPassphrase):
        read_key(tmp_path, "fee").unlock(PASSPHRASE)


@pytest.mark.parametrize("content", (b"", b"{", b"[]", b"\xff\xfe", b"{}" + b" " * 5000))
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fee.key.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyRefused):
        read_key(tmp_path, "fee")


@pytest.mark.parametrize("name", ("", "../fee", "a/b", ".hidden", "A", "x" * 65))
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyRefused):
        create_key(tmp_path, name, scheme="ed25519", passphrase=PASSPHRASE, cost=CHEAPEST)
    assert not list(tmp_path.iterdir())


def test_an_unusable_secret_is_refused_without_being_shown(tmp_path: Path) -> None:
    for secret in (bytes(32), b"\xff" * 32, b"\x01" * 31):
        with pytest.raises(KeyRefused) as refusal:
            create_key(tmp_path, "fee", scheme="secp256k1", passphrase=PASSPHRASE, secret=Secret(secret), cost=CHEAPEST)
        assert secret.hex() not in str(refusal.value)


def test_one_secret_under_two_names_serves_one_role_only(tmp_path: Path) -> None:
    secret = Secret(new_secret("secp256k1"))
    a, b = (
        create_key(tmp_path, name, scheme="secp256k1", passphrase=PASSPHRASE, secret=secret, cost=CHEAPEST)
        for name in ("a", "b")
    )
    check_roles_apart({"fee": [a, b]})
    with pytest.raises(KeyRefused, match="'a' uses for fee"):
        check_roles_apart({"fee": [a], "send": [b]})
    assert [key.name for key in list_keys(tmp_path)] == ["a", "b"]
