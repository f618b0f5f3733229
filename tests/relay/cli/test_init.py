"""A folder to begin with, a configuration to check, and keys: what needs no node."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from relay.keys.keystore import read_key
from relay.keys.secret import Secret
from tests.relay.cli.world import invoke, unused_port, with_config

SECRET = "11" * 31 + "2a"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    assert invoke("init", str(tmp_path / "here"), "--passphrase-file").code == 0
    return tmp_path / "here" / "causeway.toml"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_init_writes_passes_the_check_and_only_its_owner_reads_the_secrets(config: Path) -> None:
    folder = config.parent
    assert sorted(each.name for each in folder.iterdir()) == ["api.token", "causeway.toml", "keys", "passphrase"]
    assert mode_of(folder / "api.token") == mode_of(folder / "passphrase") == 0o600
    assert mode_of(folder / "keys") == 0o700
    checked = with_config(config, "config", "check", "--json")
    assert checked.code == 0
    assert (checked.json["ok"], checked.json["ledgers"], checked.json["links"]) == (True, 2, 1)
    assert "harbour-fee" in checked.json["not_ready"][0]
    assert "sound" in with_config(config, "config", "check").out


def test_init_draws_another_token_each_time_and_shows_neither(tmp_path: Path) -> None:
    written = [invoke("init", str(tmp_path / name), "--passphrase-file") for name in "ab"]
    secrets = [(tmp_path / name / file).read_text().strip() for name in "ab" for file in ("api.token", "passphrase")]
    assert len(set(secrets)) == 4
    assert not any(secret in ended.out + ended.err for ended in written for secret in secrets)
    assert "next:" in written[0].out


def test_init_never_overwrites_and_writes_nothing_then(tmp_path: Path) -> None:
    (tmp_path / "api.token").write_text("mine")
    ended = invoke("init", str(tmp_path))
    assert ended.code == 2
    assert "api.token is there already: nothing was written" in ended.err
    assert [each.name for each in tmp_path.iterdir()] == ["api.token"]
    assert (tmp_path / "api.token").read_text() == "mine"


def test_without_being_asked_no_passphrase_is_written(tmp_path: Path) -> None:
    ended = invoke("init", str(tmp_path / "here"), "--json")
    assert ended.json["config"] == str(tmp_path / "here" / "causeway.toml")
    assert not (tmp_path / "here" / "passphrase").exists()


def test_an_attestor_begins_with_a_file_of_its_own(tmp_path: Path) -> None:
    invoke("init", str(tmp_path / "ada"), "--attestor", "--passphrase-file")
    config = tmp_path / "ada" / "attestor.toml"
    assert with_config(config, "config", "check", "--json").json["attests"] == ["harbour"]
    assert with_config(config, "keys", "create", "attest-harbour", "--json").json["scheme"] == "secp256k1"


BAD_CONFIGS = {
    "missing": (None, "No such file"),
    "no TOML": ("[relay\n", "expected TOML"),
    "unknown key": ("[relay]\ndata_dir = 'data'\ndata_dirr = 'x'\n", "relay.data_dirr: got an unknown key"),
    "wrong type": ("[api]\nport = 'eighty'\n", "api.port: got 'eighty', expected a whole number"),
    "unknown plugin": ("[ledgers.x]\nplugin = 'telex'\n", "ledgers.x.plugin: got 'telex'"),
    "remote without saying so": ("[api]\nhost = '0.0.0.0'\ntoken_file = 't'\n", "api.host: got '0.0.0.0'"),
}


@pytest.mark.parametrize("bad", BAD_CONFIGS)
@pytest.mark.parametrize(
    "command",
    (["config", "check"], ["config", "check", "--live"], ["run"], ["ledgers"], ["keys", "list"], ["link", "list"]),
    ids=" ".join,
)
def test_a_malformed_configuration_is_refused_by_file_and_key(tmp_path: Path, bad: str, command: list[str]) -> None:
    text, said = BAD_CONFIGS[bad]
    file = tmp_path / "causeway.toml"
    if text is not None:
        file.write_text(text)
    ended = with_config(file, *command)
    assert ended.code == 2
    assert f"{file}" in ended.err
    assert said in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert [each.name for each in tmp_path.iterdir()] == ([file.name] if text is not None else [])


@pytest.mark.parametrize(("port", "said"), ((0, "no relay runs that"), (None, "no relay answers at http://127")))
def test_a_relay_that_does_not_run_is_said_with_what_to_do(config: Path, port: int | None, said: str) -> None:
    text = config.read_text()
    assert text.count("# port = 8420") == 1
    config.write_text(text.replace("# port = 8420", f"port = {unused_port() if port is None else port}"))
    ended = with_config(config, "packets", "list")
    assert ended.code == 3
    assert said in ended.err
    assert f"hint: start the relay with: causeway run --config {config}" in ended.err


@pytest.mark.parametrize("content", (b"", b"{", b"\xff", b'{"address": "http://127.0.0.1:1", "pid": -1}'), ids=range(4))
def test_a_runtime_file_that_says_nothing_is_as_good_as_none(config: Path, content: bytes) -> None:
    config.write_text(config.read_text().replace("# port = 8420", "port = 0"))
    (config.parent / "data").mkdir()
    (config.parent / "data" / "api.json").write_bytes(content)
    ended = with_config(config, "ledgers")
    assert (ended.code, "no relay runs that" in ended.err) == (3, True)


def test_the_address_of_a_relay_that_was_killed_is_not_spoken_to(config: Path) -> None:
    """Somebody else may listen there now, and would be handed the token."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(10)
    config.write_text(config.read_text().replace("# port = 8420", "port = 0"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.settimeout(0.1)
        (config.parent / "data").mkdir()
        address = f"http://127.0.0.1:{other.getsockname()[1]}"
        (config.parent / "data" / "api.json").write_text(json.dumps({"address": address, "pid": process.pid}))
        ended = with_config(config, "lanes", "pause", "x")
        with pytest.raises(TimeoutError):
            other.accept()
    assert (ended.code, "no relay runs that" in ended.err) == (3, True)


def test_keys_are_created_listed_and_shown_without_their_secret(config: Path) -> None:
    created = with_config(config, "keys", "create", "meadow-fee", "--scheme", "ed25519", "--json")
    assert created.code == 0, created.err
    shown = with_config(config, "keys", "show", "meadow-fee", "--json").json
    assert shown["public_key"] == created.json["public_key"]
    assert shown["roles"] == ["meadow.fee"]
    assert list(shown["accounts"]) == ["meadow"]
    listed = with_config(config, "keys", "list")
    assert "meadow.fee" in listed.out
    passphrase = (config.parent / "passphrase").read_bytes().strip()
    assert read_key(config.parent / "keys", "meadow-fee").unlock(Secret(passphrase)).scheme == "ed25519"


def test_a_secret_is_imported_from_standard_input_and_shown_nowhere(config: Path) -> None:
    stdin = f"0x{SECRET}\n".encode()
    ended = with_config(config, "keys", "import", "harbour-fee", "--scheme", "secp256k1", stdin=stdin)
    assert ended.code == 0, ended.err
    assert SECRET not in ended.out + ended.err
    assert SECRET not in (config.parent / "keys" / "harbour-fee.key.json").read_text()
    shown = with_config(config, "keys", "show", "harbour-fee", "--json").json
    assert shown["accounts"]["harbour"].lower() == shown["address"]


BAD_KEYS: dict[str, tuple[list[str], bytes, str]] = {
    "name that leads out": (["create", "../out"], b"", "expected a–z"),
    "unknown scheme": (["create", "x", "--scheme", "rot13"], b"", "expected secp256k1 or ed25519"),
    "no secret": (["import", "x"], b"", "standard input holds no secret"),
    "half a secret": (["import", "x"], SECRET[:32].encode(), "standard input holds no secret"),
    "two secrets": (["import", "x"], f"{SECRET}\n{SECRET}".encode(), "standard input holds no secret"),
    "secret of nothing": (["import", "x"], b"00" * 32, "expected a secp256k1 secret lies between"),
    "unknown key": (["show", "x"], b"", "No such file"),
    "secret in an argument": (["import", "x", SECRET], b"", "unexpected extra argument"),
}


@pytest.mark.parametrize("bad", BAD_KEYS)
def test_a_key_that_cannot_be_is_refused_and_nothing_is_written(config: Path, bad: str) -> None:
    arguments, stdin, said = BAD_KEYS[bad]
    ended = with_config(config, "keys", *arguments, stdin=stdin)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())
    assert "Traceback" not in ended.err
    assert list((config.parent / "keys").iterdir()) == []


def test_a_key_is_never_overwritten(config: Path) -> None:
    with_config(config, "keys", "create", "once")
    file = config.parent / "keys" / "once.key.json"
    before = file.read_bytes()
    for command in ("create", "import"):
        ended = with_config(config, "keys", command, "once", stdin=SECRET.encode())
        assert (ended.code, "keys are never overwritten" in ended.err) == (2, True)
    assert file.read_bytes() == before


def test_every_command_teaches_by_example() -> None:
    commands = [
        ["init"], ["config", "check"], ["keys", "create"], ["keys", "list"], ["keys", "show"], ["keys", "import"],
        ["ledger", "deploy"], ["ledgers"], ["link", "create"], ["link", "list"], ["run"], ["attest"], ["send"],
        ["packets", "list"], ["packets", "show"], ["packets", "retry"], ["packets", "quarantine"],
        ["packets", "release"], ["packets", "discard"], ["lanes", "list"], ["lanes", "pause"], ["lanes", "resume"],
    ]  # fmt: skip
    for command in commands:
        ended = invoke(*command, "--help")
        assert ended.code == 0
        assert "Examples:" in ended.out
        assert f"causeway {' '.join(command)}" in ended.out
        assert "--json" in ended.out
    assert "Exit codes" in invoke("--help").out
