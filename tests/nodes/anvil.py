"""A real EVM node for tests: the session's own anvil, which mines a block per transaction.

Tests share it, so each deploys what it needs, and time only moves forwards. Where anvil cannot be installed, tests that
ask for it are skipped with the reason.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters.contract.plugin import FundedKey, RunningLedger
from adapters.evm.devnet import EvmDevnet
from adapters.evm.toolchain import ToolchainUnavailable, find_toolchain


@dataclass(eq=False)
class NodeRefused(Exception):
    """The `error` object of an answer. data: what a reverted call returned."""

    message: str
    data: bytes


@dataclass(frozen=True, slots=True)
class AnvilNode:
    """Implements adapters.evm.rpc.Rpc. It blocks, which is harmless in a test."""

    running: RunningLedger

    @property
    def url(self) -> str:
        endpoints = self.running.settings["endpoints"]
        assert isinstance(endpoints, list)
        return str(endpoints[0])

    @property
    def chain_id(self) -> int:
        return int(str(self.running.settings["chain_id"]))

    @property
    def funded(self) -> Sequence[FundedKey]:
        return self.running.funded

    async def call(self, method: str, params: Sequence[object]) -> object:
        return self.ask(method, *params)

    def ask(self, method: str, *params: object) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})  # noqa: S310 - ours
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - ours
            answer = json.load(response)
        if "error" in answer:
            data = answer["error"].get("data")
            raise NodeRefused(answer["error"]["message"], bytes.fromhex(data[2:]) if isinstance(data, str) else b"")
        return answer["result"]

    def now(self) -> int:
        """The time of the newest block, unix seconds."""
        return int(self.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def advance(self, seconds: int) -> None:
        """Mine a block that much later."""
        self.ask("evm_setNextBlockTimestamp", self.now() + seconds)
        self.ask("evm_mine")


@cache
def missing_toolchain() -> str | None:
    """Why the node cannot be installed here. Tried once a session: without a network each try takes a while."""
    try:
        find_toolchain()
    except ToolchainUnavailable as reason:
        return str(reason)
    return None


def require_anvil() -> None:
    """Skip, saying why, where the node cannot be installed."""
    if (reason := missing_toolchain()) is not None:
        pytest.skip(f"no EVM node here: {reason}")


@contextmanager
def running_anvil(folder: Path, *, name: str, **options: object) -> Iterator[AnvilNode]:
    """Run one from code that is not asynchronous, on an event loop that nothing else uses."""
    require_anvil()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        context = EvmDevnet().start(folder, name=name, options=options)
        running = runner.run(context.__aenter__())
        try:
            yield AnvilNode(running)
        finally:
            runner.run(context.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilNode]:
    with running_anvil(tmp_path_factory.mktemp("anvil"), name="shared", block_seconds=None) as node:
        yield node
