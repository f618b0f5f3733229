"""A real EVM node for demos and tests: anvil, on a free loopback port, with accounts of its own.

Every devnet has a genesis hash of its own. History stays in memory and is bounded; nothing is written outside the given
folder. The node dies with the process that started it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from adapters.contract import tether
from adapters.contract.plugin import FundedKey, RunningLedger, SettingRefused
from adapters.evm.toolchain import find_toolchain
from adapters.evm.transactions import address_of_secret
from proofs.primitives.hashing import keccak256

_STATES_KEPT: Final = 256  # proofs reach this many blocks back; each state takes 0.2 to 0.4 MB of memory
_START_SECONDS_MAX: Final = 20  # it takes 0.1 s on an idle machine
_STOP_SECONDS_MAX: Final = 3
_GAS_LIMIT: Final = 30_000_000
_BALANCE: Final = 10_000 * 10**18
_LISTENING: Final = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_OPTIONS: Final = ("chain_id", "block_seconds", "accounts", "hardfork", "genesis_time")


@dataclass(eq=False)
class NodeDidNotStart(Exception):
    """exit_code: None when it was still running but not listening."""

    program: str
    exit_code: int | None
    said: str

    def __str__(self) -> str:
        return f"{self.program} did not start (exit code {self.exit_code}): {self.said}"


@dataclass(frozen=True, slots=True)
class DevnetOptions:
    """block_seconds: None mines a block per transaction. genesis_time: unix seconds, None for now."""

    chain_id: int
    block_seconds: float | None = 1
    accounts: int = 10
    hardfork: str = "prague"
    genesis_time: int | None = None


def read_options(options: Mapping[str, object]) -> DevnetOptions:
    """A chain id that is not given is drawn at random: a fixed one would make any two devnets look alike."""
    for key in options:
        if key not in _OPTIONS:
            raise SettingRefused(key, options[key], f"one of {', '.join(_OPTIONS)}")
    chain_id = options.get("chain_id", 1_000_000 + secrets.randbelow(2**31 - 1_000_000))
    if not isinstance(chain_id, int) or not 0 < chain_id < 2**53:
        raise SettingRefused("chain_id", chain_id, "a whole number from 1 to 2^53 - 1")
    block_seconds = options.get("block_seconds", 1)
    if block_seconds is not None and (not isinstance(block_seconds, int | float) or not 0.01 <= block_seconds <= 3600):
        raise SettingRefused("block_seconds", block_seconds, "a number from 0.01 to 3600")
    accounts = options.get("accounts", 10)
    if not isinstance(accounts, int) or not 0 < accounts <= 1000:
        raise SettingRefused("accounts", accounts, "a whole number from 1 to 1000")
    hardfork = options.get("hardfork", "prague")
    if hardfork not in {"cancun", "prague", "osaka"}:
        raise SettingRefused("hardfork", hardfork, "cancun, prague or osaka")
    genesis_time = options.get("genesis_time")
    if genesis_time is not None and not isinstance(genesis_time, int):
        raise SettingRefused("genesis_time", genesis_time, "unix seconds")
    return DevnetOptions(chain_id, block_seconds, accounts, str(hardfork), genesis_time)


@dataclass(frozen=True, slots=True)
class EvmDevnet:
    """Implements adapters.contract.plugin.Devnet."""

    @asynccontextmanager
    async def start(self, folder: Path, *, name: str, options: Mapping[str, object]) -> AsyncIterator[RunningLedger]:
        """Start anvil; its final block is the one two below its latest.

        Call it from a thread that lives as long as the node: Linux ends the node with the thread that started it.
        Raises SettingRefused, ToolchainUnavailable, NodeDidNotStart.
        """
        chosen = read_options(options)
        toolchain = await asyncio.to_thread(find_toolchain)
        keys = tuple(FundedKey("secp256k1", _new_secret()) for _ in range(chosen.accounts))
        folder = await asyncio.to_thread(_make_folder, folder)
        genesis, log = folder / "genesis.json", folder / "anvil.log"
        now = int(time.time()) if chosen.genesis_time is None else chosen.genesis_time
        genesis.write_text(json.dumps(genesis_document(chosen, name=name, keys=keys, now=now)))
        command = (str(toolchain.anvil), *_arguments(chosen, folder=folder, genesis=genesis))
        with log.open("w") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *command,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder,
                env={"HOME": str(folder), "PATH": os.environ.get("PATH", os.defpath)},
            )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{await _port_of(process, log)}"
            await _silence(url)
            yield RunningLedger(settings=_settings(chosen.chain_id, url), funded=keys, pids=(process.pid,))
        finally:
            await _stop(process)


def _make_folder(folder: Path) -> Path:
    """Absolute: the node runs inside it."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def _settings(chain_id: int, url: str) -> Mapping[str, object]:
    """One node: whoever believes this ledger believes it."""
    trust = {"kind": "endpoint-quorum", "k": 1}
    return {"plugin": "evm", "chain_id": chain_id, "endpoints": [url], "trust": trust}


def genesis_document(
    options: DevnetOptions, *, name: str, keys: tuple[FundedKey, ...], now: int
) -> Mapping[str, object]:
    """A geth-format genesis. Its hash differs from any other's by its coinbase.

    Of the fields that could name a ledger, anvil takes no other into the header: extra data, nonce and the state root
    of what is allocated are left out.
    """
    named = b"".join((name.encode(), options.chain_id.to_bytes(8, "big"), *(address_of_secret(k.secret) for k in keys)))
    alloc = {"0x" + address_of_secret(key.secret).hex(): {"balance": hex(_BALANCE)} for key in keys}
    return {
        "config": {"chainId": options.chain_id},
        "nonce": "0x0",
        "timestamp": hex(now),
        "extraData": "0x",
        "gasLimit": hex(_GAS_LIMIT),
        "difficulty": "0x0",
        "mixHash": "0x" + bytes(32).hex(),
        "coinbase": "0x" + keccak256(named)[12:].hex(),
        "alloc": alloc,
    }


def _arguments(options: DevnetOptions, *, folder: Path, genesis: Path) -> tuple[str, ...]:
    mining = () if options.block_seconds is None else ("--block-time", f"{options.block_seconds:g}")
    return (
        "--host", "127.0.0.1", "--port", "0", "--chain-id", str(options.chain_id), "--init", str(genesis),
        "--accounts", "0", "--hardfork", options.hardfork, "--slots-in-an-epoch", "1", *mining,
        "--prune-history", str(_STATES_KEPT), "--cache-path", str(folder), "--threads", "1",
    )  # fmt: skip


def _new_secret() -> bytes:
    """A uniform secp256k1 secret: below the group order but for a chance of 2^-128, and never zero."""
    return (secrets.randbelow(2**255) + 1).to_bytes(32, "big")


async def _port_of(process: asyncio.subprocess.Process, log: Path) -> int:
    """The port the system chose, as the node says it when it listens."""
    try:
        async with asyncio.timeout(_START_SECONDS_MAX):
            while not (found := _LISTENING.search(_read(log))):
                if process.returncode is not None:
                    break
                await asyncio.sleep(0.02)
    except TimeoutError:
        found = None
    if found is None:
        raise NodeDidNotStart("anvil", process.returncode, _read(log)[-500:])
    return int(found[1])


def _read(log: Path) -> str:
    """A few hundred bytes: the log is silenced as soon as the node listens."""
    return log.read_text()


async def _silence(url: str) -> None:
    """Stop the log: it would grow with every block and call."""
    request = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setLoggingEnabled", "params": [False]}
    async with aiohttp.ClientSession() as session, session.post(url, json=request) as answer:
        answer.raise_for_status()


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask, then force. The process may be gone already."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_STOP_SECONDS_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
