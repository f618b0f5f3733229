"""`python -m adapters.embedded --port 0 --folder FOLDER`: one ledger as a process.

Reads FOLDER/genesis.json (chain_id, block_seconds, final_depth, balances), prints one line of JSON with port, genesis
hash and checkpoint, and produces blocks until SIGTERM, SIGINT or the death of its parent. State lives with the process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from adapters.embedded.chain import Chain
from adapters.embedded.genesis import Genesis
from adapters.embedded.node import LocalNode
from adapters.embedded.server import application

_PR_SET_PDEATHSIG: Final = 1
_PARENT_LOOK_SECONDS: Final = 1.0


class GenesisFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chain_id: str
    balances: dict[str, int]
    block_seconds: float = 1.0
    final_depth: int = 0
    operator: str = ""


def tie_to_parent(parent: int) -> None:
    """Ask the kernel to end us with our parent; 0 asks for nothing."""
    if parent and sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if parent and os.getppid() != parent:  # It died before we could ask.
        sys.exit(1)


async def watch_parent(parent: int, end: asyncio.Event) -> None:
    """For kernels that send no signal."""
    while parent and os.getppid() == parent:  # noqa: ASYNC110 - nobody could set an event
        await asyncio.sleep(_PARENT_LOOK_SECONDS)
    if parent:
        end.set()


async def serve(given: GenesisFile, *, port: int, parent: int) -> None:
    genesis = Genesis(
        given.chain_id,
        secrets.token_bytes(32),
        balances=tuple(sorted(given.balances.items())),
        operator=given.operator,
        final_depth=given.final_depth,
    )
    node = LocalNode(Chain(genesis), name=given.chain_id)
    for _ in range(given.final_depth + 1):  # There is a final block before anybody asks.
        node.produce_block(time.time())
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    runner = web.AppRunner(application(node), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        print(json.dumps(_started(node, runner)), flush=True)  # noqa: T201 - the one line that is promised
        async with asyncio.TaskGroup() as group:
            tasks = (
                group.create_task(node.run(clock=time.time, sleep=asyncio.sleep, block_seconds=given.block_seconds)),
                group.create_task(watch_parent(parent, end)),
            )
            await end.wait()
            for task in tasks:
                task.cancel()
    finally:
        await runner.cleanup()


def _started(node: LocalNode, runner: web.AppRunner) -> dict[str, Any]:
    return {
        "port": runner.addresses[0][1],
        "genesis": node.chain.genesis.hash.hex(),
        "checkpoint": {"height": 1, "hash": node.chain.block(1).hash.hex()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m adapters.embedded", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--folder", type=Path, required=True, help="where genesis.json is")
    parser.add_argument("--parent", type=int, default=0, help="end with this process")
    given = parser.parse_args()
    tie_to_parent(given.parent)
    try:
        genesis = msgspec.json.decode((given.folder / "genesis.json").read_bytes(), type=GenesisFile)
    except (OSError, msgspec.DecodeError) as error:
        parser.error(f"{given.folder / 'genesis.json'}: {error}")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(genesis, port=given.port, parent=given.parent))


if __name__ == "__main__":
    main()
