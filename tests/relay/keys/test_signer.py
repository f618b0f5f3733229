"""Signers sign as their schemes say, and give nothing away."""

import copy
import pickle
from pathlib import Path

import coincurve
import nacl.exceptions
import nacl.signing
import pytest

from relay.keys.secret import Secret, SecretRefused, read_passphrase, secret_from_file
from relay.keys.signer import SecretUnusable, new_secret, signer_for

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def test_a_secp256k1_signature_recovers_to_its_key_with_low_s() -> None:
    signer = signer_for("secp256k1", new_secret("secp256k1"))
    for number in range(20):
        digest = number.to_bytes(32, "big")
        signature = signer.sign(digest)
        recovered = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
        assert recovered.format() == signer.public_key
        assert int.from_bytes(signature[32:64], "big") <= _HALF_ORDER
        assert signature[64] in {0, 1}


def test_an_ed25519_signature_verifies() -> None:
    signer = signer_for("ed25519", new_secret("ed25519"))
    nacl.signing.VerifyKey(signer.public_key).verify(
        b"a message of any length", signer.sign(b"a message of any length")
    )
    with pytest.raises(nacl.exceptions.BadSignatureError):
        nacl.signing.VerifyKey(signer.public_key).verify(b"another", signer.sign(b"a message of any length"))


@pytest.mark.parametrize("scheme", ("secp256k1", "ed25519"))
def test_a_signer_is_never_shown_pickled_or_copied(scheme: str) -> None:
    secret = new_secret(scheme)
    signer = signer_for(scheme, secret)
    assert secret.hex() not in f"{signer!r} {signer}"
    assert not hasattr(signer, "__dict__")
    for give_away in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            give_away(signer)


def test_a_secret_is_never_shown_pickled_or_copied() -> None:
    secret = Secret(b"token")
    assert "token" not in f"{secret!r} {secret}"
    for give_away in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            give_away(secret)


@pytest.mark.parametrize(("scheme", "secret"), (("secp256k1", bytes(32)), ("ed25519", b"short"), ("rsa", bytes(32))))
def test_an_unusable_secret_is_refused(scheme: str, secret: bytes) -> None:
    with pytest.raises(SecretUnusable) as refusal:
        signer_for(scheme, secret)
    assert repr(secret) not in str(refusal.value)


def test_a_passphrase_comes_from_a_private_file_a_variable_or_a_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "passphrase"
    file.write_text("from a file\n")
    file.chmod(0o600)
    assert read_passphrase(f"file:{file}").reveal() == b"from a file"
    monkeypatch.setenv("CAUSEWAY_PASSPHRASE", "from a variable")
    assert read_passphrase("env:CAUSEWAY_PASSPHRASE").reveal() == b"from a variable"
    assert read_passphrase("prompt", prompt=lambda: "typed").reveal() == b"typed"


def test_a_secret_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("hidden")
    file.chmod(0o604)
    with pytest.raises(SecretRefused) as refusal:
        secret_from_file(file)
    assert refusal.value.got == "mode 0604"
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize("source", ("file:/nowhere/at/all", "env:CAUSEWAY_NOT_SET", "prompt", "hunter2", "file:"))
def test_a_passphrase_that_cannot_be_had_is_refused(source: str) -> None:
    with pytest.raises(SecretRefused):
        read_passphrase(source)


def test_empty_and_endless_secrets_are_refused(tmp_path: Path) -> None:
    for content, got in ((b"\n", "nothing"), (b"x" * 5000, "a longer file")):
        file = tmp_path / "token"
        file.write_bytes(content)
        file.chmod(0o600)
        with pytest.raises(SecretRefused) as refusal:
            secret_from_file(file)
        assert refusal.value.got == got
