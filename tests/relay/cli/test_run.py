"""`causeway run` and `causeway attest` as processes: started, found, ended by a signal, and refused in one message."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relay.config.toml import write_toml
from tests.relay.api.client import ask
from tests.relay.cli.world import World, content, with_config, write_attestor, write_secret

COMMAND = (sys.executable, "-m", "relay.cli.main")


@pytest.fixture
def config(world: World, tmp_path: Path) -> Path:
    """A second relay for the nodes of the world, with a store of its own."""
    for name in ("passphrase", "api.token"):
        shutil.copy(world.path / name, tmp_path / name)
    shutil.copytree(world.path / "keys", tmp_path / "keys")
    made = {**content(world.nodes), "log": {"format": "json", "file": "relay.log"}}
    (tmp_path / "causeway.toml").write_text(write_toml(made))
    return tmp_path / "causeway.toml"


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """With the first line it prints. Whatever happens, it does not outlive the test."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *arguments], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            if process.poll() is None:
                process.kill()


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_a_relay_says_where_it_answers_is_found_there_and_ends_in_good_order(config: Path) -> None:
    runtime = config.parent / "data" / "api.json"
    with started("run", "--config", str(config)) as (process, line):
        assert line.startswith("status page: http://127.0.0.1:")
        assert json.loads(runtime.read_text())["pid"] == process.pid
        assert runtime.stat().st_mode & 0o777 == 0o600
        listed = with_config(config, "ledgers", "--json")
        assert [each["name"] for each in listed.json["ledgers"]] == ["left", "right"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    assert process.returncode == 0, err
    assert (out, err) == ("", "")
    assert not runtime.exists()
    for logged in (config.parent / "relay.log").read_text().splitlines():
        assert {"time", "level", "logger", "message"} <= json.loads(logged).keys()


def test_a_second_relay_on_the_same_store_is_refused_and_the_first_stays_found(config: Path) -> None:
    with started("run", "--config", str(config), "--json") as (process, line):
        address = json.loads(line)["address"]
        second = ended("run", "--config", str(config))
        assert second.returncode == 1
        assert "is owned by a running relay" in second.stderr
        assert "Traceback" not in second.stderr
        assert ask(address, "GET", "/healthz").status == 200
        assert with_config(config, "lanes", "list").code == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_a_wrong_passphrase_is_refused_before_anything_runs_and_is_not_shown(config: Path) -> None:
    write_secret(config.parent / "passphrase", "another-passphrase")
    process = ended("run", "--config", str(config))
    assert process.returncode == 2
    assert "expected its own" in process.stderr
    assert "another-passphrase" not in process.stdout + process.stderr
    assert "Traceback" not in process.stderr


def test_a_key_that_is_missing_is_named_before_anything_runs(config: Path) -> None:
    (config.parent / "keys" / "left-fee.key.json").unlink()
    refused = with_config(config, "run")
    assert (refused.code, "key left-fee" in refused.err) == (2, True)
    assert not (config.parent / "data").exists()


def test_one_secret_under_two_names_does_not_serve_two_roles(world: World, config: Path) -> None:
    (config.parent / "keys" / "left-send.key.json").unlink()
    secret = world.nodes["left"].funded[0].secret.hex().encode()
    imported = with_config(config, "keys", "import", "left-send", "--scheme", "ed25519", stdin=secret)
    assert imported.code == 0
    for command in (["run"], ["config", "check"]):
        told = with_config(config, *command)
        assert "got the key that 'left-fee' uses for fee, expected a key only for send" in told.err + told.out
    assert not (config.parent / "data").exists()


def test_a_token_file_that_others_may_read_is_refused_before_anything_runs(config: Path) -> None:
    (config.parent / "api.token").chmod(0o640)
    refused = with_config(config, "run")
    assert (refused.code, "mode 0600" in refused.err) == (2, True)
    assert not (config.parent / "data").exists()


def test_a_port_in_use_is_named(config: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config.write_text(config.read_text().replace("port = 0", f"port = {taken.getsockname()[1]}"))
        process = ended("run", "--config", str(config))
    assert process.returncode == 1
    assert "address already in use" in process.stderr
    assert "Traceback" not in process.stderr


def test_an_attestor_runs_until_it_is_told_to_end(world: World, config: Path) -> None:
    attestor, _ = write_attestor(config.parent, dict(world.nodes["left"].settings))
    with started("attest", "--config", str(attestor), "--json") as (process, line):
        assert ask(json.loads(line)["address"], "GET", "/readyz").json["ready"] is True
        process.terminate()
        _, err = process.communicate(timeout=15)
    assert process.returncode == 0, err


def test_an_attestor_whose_node_does_not_answer_says_so(world: World, config: Path) -> None:
    settings = {**world.nodes["left"].settings, "endpoints": ["http://127.0.0.1:1"]}  # nobody listens on TCPMUX's port
    attestor, _ = write_attestor(config.parent, settings)
    process = ended("attest", "--config", str(attestor))
    assert process.returncode == 3
    assert "EndpointUnavailable" in process.stderr
    assert "Traceback" not in process.stderr
