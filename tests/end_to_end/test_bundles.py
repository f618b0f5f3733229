"""Bundles of a real relay, between real nodes, verified by processes that have the file, a digest, and no network."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from relay.demo.api import Api
from relay.demo.processes import open_workshop
from relay.demo.traffic import NOBODY, Traffic, send_all
from relay.demo.world import THRESHOLD, World, build_world, running_relay
from relay.lanes import Lane, LaneId
from tests.end_to_end.record import Wanted, all_ended, faults
from tests.nodes.anvil import require_anvil

pytestmark = [pytest.mark.nodes, pytest.mark.slow]
in_the_world = pytest.mark.asyncio(loop_scope="module")

PACKETS = 2  # per direction, one of them doomed
# EVM to EVM, EVM to embedded, embedded to EVM: what comes back proves the other directions.
SHOWN = {("harbour", "meadow"), ("meadow", "clinic"), ("clinic", "harbour")}
# Whoever asks for a socket, or for an address by its name, ends.
ALONE = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"the network is not there: {event}")
sys.addaudithook(refuse)
from relay.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass
class Stage:
    world: World
    api: Api

    async def packets(self, lane: Lane) -> list[dict[str, Any]]:
        return await self.api.packets(lane.id)

    async def get(self, path: str) -> tuple[int, bytes, str]:
        """Status, content, and the digest of the checkpoint."""
        async with self.api.session.get(self.api.address + path) as answer:
            return answer.status, await answer.read(), answer.headers.get("Causeway-Checkpoint", "")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage() -> AsyncIterator[Stage]:
    """After packets crossed in all directions and ended."""
    require_anvil()
    async with open_workshop() as workshop, AsyncExitStack() as stack:
        world = await build_world(stack, workshop, clock=time.time, chance=SystemRandom(), say=print)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        at, _ = await stack.enter_async_context(running_relay(world))
        api = Api(session, at, world.token)
        traffic = Traffic(api, world.ledgers, "bundles", time.time)
        await send_all(traffic, world.config.lanes(), PACKETS)
        texts = {
            lane.id: [
                f"message {n} from {lane.source} to {lane.destination}"
                for n in range(1, traffic.delivered[lane.id] + 1)
            ]
            for lane in world.config.lanes()
        }
        wanted = Wanted(texts, {LaneId(lane): n for lane, n in traffic.doomed.items()})
        assert faults(await all_ended(world, wanted.packets), wanted, nobody=NOBODY) == []
        async with asyncio.timeout(30):
            while await open_ones(api, world):  # noqa: ASYNC110 - another process is asked
                await asyncio.sleep(0.2)
        yield Stage(world, api)


async def open_ones(api: Api, world: World) -> list[str]:
    packets = [each for lane in world.config.lanes() for each in await api.packets(lane.id)]
    return [each["id"] for each in packets if each["state"] not in ("acknowledged", "timed_out")]


def verify(folder: Path, bundle: bytes, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """In a process of its own, in a folder with nothing else in it."""
    (folder / "b.bundle").write_bytes(bundle)
    ended = subprocess.run(
        [sys.executable, "-c", ALONE, "verify", "b.bundle", "--json", *arguments],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=60,
        env={"PATH": "", "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    return ended.returncode, json.loads(ended.stdout or b"{}"), ended.stderr.decode()


@in_the_world
async def test_what_the_relay_proved_convinces_a_process_without_network(stage: Stage, tmp_path: Path) -> None:
    """A packet of each end between each two kinds; of EVM nodes the attestors' signatures are what is shown."""
    proved: dict[str, set[str]] = defaultdict(set)
    for lane in stage.world.config.lanes():
        if (lane.source, lane.destination) not in SHOWN:
            continue
        for packet in await stage.packets(lane):
            kinds = ("receive", "acknowledge") if packet["state"] == "acknowledged" else ("timeout",)
            for kind in kinds:
                status, bundle, digest = await stage.get(f"/v1/packets/{packet['id']}/bundle?kind={kind}")
                assert status == 200, bundle
                code, verdict, told = await asyncio.to_thread(verify, tmp_path, bundle, "--checkpoint-digest", digest)
                assert (code, verdict.get("proved"), verdict.get("kind")) == (0, True, kind), told
                sequence = int(packet["id"].rpartition(":")[2])
                named = (verdict["packet"]["sequence"], verdict["packet"]["source_client"])
                assert named == (sequence, lane.source_client)
                prover = lane.source if kind == "receive" else lane.destination
                if prover == "clinic":
                    assert verdict["checkpoint"]["family"] == "cometbft"
                else:
                    assert verdict["trust"].startswith(f"{THRESHOLD} of 3 attestors (0x")
                proved[lane.id].add(kind)
    assert all(kinds == {"receive", "acknowledge", "timeout"} for kinds in proved.values())
    assert len(proved) == len(SHOWN)


@in_the_world
async def test_another_checkpoint_and_changed_bytes_are_refused(stage: Stage, tmp_path: Path) -> None:
    lane = stage.world.config.lanes()[0]
    packet = next(each for each in await stage.packets(lane) if each["state"] == "acknowledged")
    _, bundle, digest = await stage.get(f"/v1/packets/{packet['id']}/bundle")
    code, verdict, told = await asyncio.to_thread(verify, tmp_path, bundle, "--checkpoint-digest", "00" * 32)
    assert (code, verdict["refusal"]) == (1, "ValueMismatch")
    assert "another checkpoint than yours" in told
    broken = bytes([*bundle[:-40], bundle[-40] ^ 1, *bundle[-39:]])
    code, verdict, told = await asyncio.to_thread(verify, tmp_path, broken, "--checkpoint-digest", digest)
    assert (code, verdict["refusal"]) == (1, "RootMismatch")
    code, verdict, told = await asyncio.to_thread(verify, tmp_path, bundle)
    assert (code, verdict["proved"], verdict["conditional_on_checkpoint"]) == (4, False, True), told


def test_the_network_is_really_not_there() -> None:
    """The hook refuses whoever asks for a socket."""
    program = f"{ALONE.rpartition('from relay')[0]}\nimport socket\nsocket.socket()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert b"the network is not there: socket." in ended.stderr
