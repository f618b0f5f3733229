"""Starts an embedded ledger as a process of its own, on a free loopback port, and ends it with the context.

The process also ends when its parent dies: the kernel is asked to say so; where it cannot, the process looks itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey

from adapters.contract.errors import EndpointUnavailable
from adapters.contract.plugin import FundedKey, RunningLedger, SettingRefused
from adapters.embedded import wire

_FUNDED: Final = 8
_BALANCE: Final = 10**18
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0
_ROOT: Final = Path(__file__).resolve().parents[2]


class EmbeddedDevnet:
    def start(
        self, folder: Path, *, name: str, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[RunningLedger]:
        """options: "chain_id", "block_seconds", "final_depth", all optional."""
        return _start(folder, name=name, options=options)


@asynccontextmanager
async def _start(folder: Path, *, name: str, options: Mapping[str, object]) -> AsyncIterator[RunningLedger]:
    for key in options.keys() - {"chain_id", "block_seconds", "final_depth"}:
        raise SettingRefused(key, options[key], "chain_id, block_seconds or final_depth")
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    keys = [SigningKey(secrets.token_bytes(32)) for _ in range(_FUNDED)]
    genesis = {
        "chain_id": options.get("chain_id", f"{name}-1"),
        "block_seconds": options.get("block_seconds", 1.0),
        "final_depth": options.get("final_depth", 0),
        "balances": {wire.account_of(bytes(key.verify_key)): _BALANCE for key in keys},
    }
    await asyncio.to_thread((folder / "genesis.json").write_text, json.dumps(genesis))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adapters.embedded",
        "--port",
        "0",
        "--folder",
        str(folder),
        "--parent",
        str(os.getpid()),
        cwd=_ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        started = await _first_line(process, name)
        settings = {
            "chain_id": genesis["chain_id"],
            "endpoints": [f"http://127.0.0.1:{started['port']}"],
            "checkpoint": started["checkpoint"],
        }
        funded = [FundedKey("ed25519", bytes(key)) for key in keys]
        yield RunningLedger(settings, funded, (process.pid,))
    finally:
        await _stop(process)


async def _first_line(process: asyncio.subprocess.Process, name: str) -> dict[str, object]:
    assert process.stdout is not None, "its output is a pipe"
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
    except TimeoutError:
        raise EndpointUnavailable(name, f"did not start within {_START_SECONDS} s") from None
    if not line:
        raise EndpointUnavailable(name, "ended before it said its port")
    started: dict[str, object] = json.loads(line)
    return started


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
