"""A relay that is killed again and again while messages cross. The ledgers are the judge, not its database."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import aiohttp
import pytest

from relay.demo.api import Api
from relay.demo.ledgers import Node
from relay.demo.processes import open_workshop
from relay.demo.traffic import NOBODY, Traffic
from relay.demo.world import World, build_world, running_relay
from relay.lanes import Lane, LaneId
from tests.end_to_end.record import Wanted, all_ended, faults
from tests.nodes.anvil import require_anvil

pytestmark = [pytest.mark.nodes, pytest.mark.slow]

PACKETS = 200
KILLS = 5
DOOMED_EVERY = 10
PAUSE_SECONDS = (0.2, 0.8)  # between two messages of a lane: they cross while the relay dies, not before
MESSAGE_SECONDS = 600
REDUNDANT_MAX = 3
NODES = {
    "harbour": Node("evm", {"block_seconds": 1}),
    "meadow": Node("evm", {"block_seconds": 1}),
    "clinic": Node("embedded", {"block_seconds": 0.5}),
}
# In the name of the test and in what it prints: CAUSEWAY_KILL_SEED=… repeats a run.
SEED = int(os.environ.get("CAUSEWAY_KILL_SEED") or secrets.randbelow(10**6))


@dataclass(frozen=True)
class Moment:
    """When to kill: so long after that many messages were accepted."""

    accepted: int
    seconds: float


def moments(chance: Random) -> list[Moment]:
    """Spread over the whole crossing, but for its very ends."""
    carried = PACKETS - PACKETS // DOOMED_EVERY
    counts = sorted(chance.sample(range(carried // 20, carried - carried // 20), KILLS))
    return [Moment(count, chance.uniform(0, 2)) for count in counts]


@dataclass
class Service:
    """The relay as its users see it: sometimes it is not there. They come again with the same key."""

    world: World
    session: aiohttp.ClientSession
    accepted: int = 0
    texts: dict[LaneId, list[str]] = field(default_factory=lambda: defaultdict(list))
    _address: str = ""
    _there: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self, times: list[Moment], *, until: asyncio.Event) -> None:
        """Killed at each of the moments and started again; then it lives until it is told to end."""
        for moment in times:
            async with self._running() as process:
                while self.accepted < moment.accepted:  # noqa: ASYNC110 - a count, not an event
                    await asyncio.sleep(0.02)
                await asyncio.sleep(moment.seconds)
                self._there.clear()
                process.kill()
                await process.wait()
        async with self._running():
            await until.wait()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A relay that ends by itself fails the test at once: its users would wait for it for ever."""
        async with running_relay(self.world) as (address, process), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch(process))
            self._address = address
            self._there.set()
            yield process
            watching.cancel()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        assert code == -signal.SIGKILL, f"the relay ended by itself with {code}"

    async def redundant(self) -> int:
        """Messages paid for that changed nothing, over all lives of the relay: its store counts them."""
        lanes = await Api(self.session, self._address, self.world.token).lanes()
        return sum(int(lane["redundant"]) for lane in lanes.values())

    async def accept(self, lane: Lane, port: str, number: int) -> None:
        text = f"message {number} on {lane.id}"
        self.texts[lane.id].append(text)
        while True:
            await self._there.wait()
            api = Api(self.session, self._address, self.world.token)
            try:
                await api.send(
                    lane.id, port=port, text=text, key=text.replace(" ", "-"), timeout_seconds=MESSAGE_SECONDS
                )
            except aiohttp.ClientError:  # It died before it answered: the message may be stored, or not.
                await asyncio.sleep(0.05)
            else:
                self.accepted += 1
                return


async def send_on(lane: Lane, packets: int, service: Service, traffic: Traffic, chance: Random) -> None:
    sender = service.world.ledgers[lane.destination].ledger.sender
    assert sender is not None
    async with asyncio.TaskGroup() as tasks:
        for number in range(packets):
            if number % DOOMED_EVERY == DOOMED_EVERY // 2:
                tasks.create_task(traffic.send_doomed(lane))
            else:
                await service.accept(lane, sender.port, number)
            await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))


@pytest.mark.parametrize("seed", (SEED,), ids=(f"seed-{SEED}",))
async def test_every_message_is_there_once_and_every_packet_ends_though_the_relay_is_killed(seed: int) -> None:
    require_anvil()
    chance = Random(seed)
    times = moments(chance)
    print(f"seed {seed}: killed at {times}")
    async with open_workshop() as workshop, AsyncExitStack() as stack:
        world = await build_world(stack, workshop, clock=time.time, chance=chance, say=print, nodes=NODES)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        service, over = Service(world, session), asyncio.Event()
        traffic = Traffic(Api(session, "", world.token), world.ledgers, "kill", time.time)
        lanes = world.config.lanes()
        share = [PACKETS // len(lanes) + (number < PACKETS % len(lanes)) for number in range(len(lanes))]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(service.live(times, until=over))
            async with asyncio.TaskGroup() as senders:
                for lane, packets in zip(lanes, share, strict=True):
                    senders.create_task(send_on(lane, packets, service, traffic, chance))
            record = await all_ended(world, PACKETS)
            redundant = await service.redundant()
            print(f"redundant messages: {redundant}")
            over.set()
        wanted = Wanted(service.texts, {LaneId(lane): number for lane, number in traffic.doomed.items()})
        print((workshop.folder / "relay.log").read_text()[-4000:])
    assert wanted.packets == PACKETS
    # What was in flight is stored, so a relay that comes back pays for nothing again.
    assert redundant <= REDUNDANT_MAX
    assert faults(record, wanted, nobody=NOBODY) == []
