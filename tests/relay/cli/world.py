"""Two real embedded nodes, a folder of configuration and keys, and a relay that runs beside the test.

The loop that everything runs on has a thread of its own, so that tests call commands as a shell would: one after
another, each with a loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from adapters.contract.plugin import RunningLedger
from adapters.embedded.devnet import EmbeddedDevnet
from proofs.primitives.secp256k1 import address_of
from relay.app import run_relay
from relay.cli.main import main
from relay.cli.runtime_file import runtime_file_removed, write_runtime_file
from relay.config import load_config
from relay.config.toml import Value, write_toml
from relay.keys.keystore import CHEAPEST, create_key
from relay.keys.secret import Secret

PASSPHRASE = "correct horse battery staple"
TOKEN = "token-of-the-test"
ROLES = ("fee", "send", "setup")
T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def invoke(*arguments: str, stdin: bytes = b"") -> Ended:
    """Run `causeway` in this process, as its entry point does."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
    finally:
        sys.stdin = before
    return Ended(code, out.getvalue(), err.getvalue())


def with_config(config: Path, *arguments: str, stdin: bytes = b"") -> Ended:
    return invoke(*arguments, "--config", str(config), stdin=stdin)


class Beside:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="world")
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    @contextmanager
    def running(self, work: Coroutine[Any, Any, None]) -> Iterator[None]:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            yield
        finally:
            future.cancel()
            # What was cancelled still cleans up on the loop.
            self.call(_until_alone())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _until_alone() -> None:
    mine = asyncio.current_task()
    while tasks := [task for task in asyncio.all_tasks() if task is not mine]:
        await asyncio.wait(tasks, timeout=10)


@dataclass(frozen=True)
class Folder:
    """What an operator has before anything runs: `causeway.toml`, keys, token, passphrase, and two nodes."""

    path: Path
    nodes: Mapping[str, RunningLedger]
    beside: Beside

    @property
    def config(self) -> Path:
        return self.path / "causeway.toml"

    def run(self, *arguments: str, stdin: bytes = b"") -> Ended:
        return with_config(self.config, *arguments, stdin=stdin)


@dataclass(frozen=True)
class World(Folder):
    """With a link and a running relay."""

    address: str
    lane: str
    back: str


@contextmanager
def prepared_folder(path: Path) -> Iterator[Folder]:
    beside = Beside()
    stack = AsyncExitStack()
    try:
        nodes = beside.call(_start_nodes(stack, path / "nodes"))
        write_folder(path, nodes)
        yield Folder(path, nodes, beside)
    finally:
        beside.call(stack.aclose())
        beside.close()


async def _start_nodes(stack: AsyncExitStack, path: Path) -> dict[str, RunningLedger]:
    options = {"block_seconds": 0.2}
    return {
        name: await stack.enter_async_context(EmbeddedDevnet().start(path / name, name=name, options=options))
        for name in ("left", "right")
    }


def write_folder(path: Path, nodes: Mapping[str, RunningLedger]) -> None:
    write_secret(path / "passphrase", PASSPHRASE)
    write_secret(path / "api.token", TOKEN)
    for name, node in nodes.items():
        for role, key in zip(ROLES, node.funded, strict=False):
            create_key(
                path / "keys",
                f"{name}-{role}",
                scheme=key.scheme,
                passphrase=Secret(PASSPHRASE.encode()),
                secret=Secret(key.secret),
                cost=CHEAPEST,
            )
    (path / "causeway.toml").write_text(f"# written by a person\n{write_toml(content(nodes))}")


def content(nodes: Mapping[str, RunningLedger]) -> dict[str, Value]:
    ledgers: dict[str, Value] = {
        name: {
            "plugin": "embedded",
            **node.settings,  # type: ignore[dict-item]  # the settings of a node are plain values
            "accounts": {role: f"{name}-{role}" for role in ROLES},
        }
        for name, node in nodes.items()
    }
    return {
        "relay": {"data_dir": "data"},
        "keys": {"folder": "keys", "passphrase": "file:passphrase"},
        "api": {"port": 0, "token_file": "api.token"},
        "limits": {"poll_seconds": 0.1, "health_seconds": 0.5, "settle_seconds": 0.5, "guard_seconds": 1.0},
        "ledgers": ledgers,
    }


def write_attestor(folder: Path, settings: dict[str, object]) -> tuple[Path, bytes]:
    """An attestor's file with a key of its own; the address that key signs with."""
    passphrase = Secret(PASSPHRASE.encode())
    key = create_key(folder / "attestor-keys", "attest", scheme="secp256k1", passphrase=passphrase, cost=CHEAPEST)
    write_secret(folder / "attestor.token", "token")
    made = {
        "attestor": {"port": 0, "data_dir": "at", "signed_log": "at/signed.db", "token_file": "attestor.token"},
        "keys": {"folder": "attestor-keys", "passphrase": "file:passphrase"},
        "ledgers": {"left": {"plugin": "embedded", **settings}},
        "attests": [{"ledger": "left", "key": "attest"}],
    }
    (folder / "attestor.toml").write_text(write_toml(made))  # type: ignore[arg-type]  # plain values only
    return folder / "attestor.toml", address_of(key.public_key)


def write_secret(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


@contextmanager
def running_world(path: Path) -> Iterator[World]:
    """Linked by the command that links, and run by what the command runs."""
    with prepared_folder(path) as folder:
        linked = folder.run("link", "create", "left", "right", "--append", "--json")
        assert linked.code == 0, linked.err
        config = load_config(folder.config)
        there, back = (lane.id for lane in config.lanes())
        started = threading.Event()
        said: list[str] = []

        def on_start(address: str) -> None:
            write_runtime_file(config, address)
            said.append(address)
            started.set()

        relay = run_relay(
            config, clock=time.time, chance=Random(7), passphrase=Secret(PASSPHRASE.encode()), started=on_start
        )
        with runtime_file_removed(config), folder.beside.running(relay):
            assert started.wait(30), "the relay did not start"
            yield World(path, folder.nodes, folder.beside, said[0], there, back)


def eventually(look: Callable[[], T | None], *, seconds: float = 20.0) -> T:
    """What `look` finds, as soon as it finds something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (found := look()) is not None:
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing was found within {seconds} s")


def unused_port() -> int:
    """Nobody listens there: it was free a moment ago."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
