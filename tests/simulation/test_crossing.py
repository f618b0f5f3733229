"""Messages cross between two ledgers, whatever the world does to the relay in between."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.simulation.invariants import HostHistory, StoreCheck, ended, nothing_open
from tests.simulation.virtual_time import run_virtual
from tests.simulation.world import World, open_world, running, until

PACKETS = 6
# `make sim SEED=… RUNS=…` looks further; a seed that fails stands in the test's name.
FIRST = int(os.environ.get("CAUSEWAY_SIM_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("CAUSEWAY_SIM_RUNS", "100")))


async def _send_some(world: World, number: int = PACKETS) -> None:
    """Over some seconds, so that trouble meets packets at every stage of their way."""
    for index in range(number):
        for lane in world.lanes:
            await world.send(lane, f"message {index}")
        await asyncio.sleep(world.chance.uniform(0.0, 6.0))
    for lane in world.lanes:
        await world.send(lane, "nobody is there", port="absent", seconds=20)


async def _reorganise(world: World) -> None:
    """Take unfinal blocks back, now and then, as far as finality allows."""
    while True:
        await asyncio.sleep(world.chance.uniform(2.0, 8.0))
        for sim in world.ledgers.values():
            if depth := min(sim.chain.genesis.final_depth, sim.chain.latest - 1):
                sim.chain.fork(world.chance.randint(1, depth))
                world.forks += 1


async def _cross(world: World, *, calm_after: float = 0.0, seconds: float = 1_500) -> HostHistory:
    history, store = HostHistory(), StoreCheck()

    def look() -> None:
        history.follow(world)
        history.check()
        store.check(world)

    async with running(world), asyncio.TaskGroup() as tasks:
        forks = tasks.create_task(_reorganise(world))
        sends = tasks.create_task(_send_some(world))
        for _ in range(int(calm_after)):
            await asyncio.sleep(1)
            look()
        await sends
        forks.cancel()
        for sim in world.ledgers.values():
            sim.faults.active = False
        world.database.rate = 0.0
        await until(lambda: ended(world, history), seconds=seconds, each=look)
        await until(lambda: nothing_open(world), seconds=60, each=look)
    return history


def test_every_message_arrives_once_and_every_packet_ends() -> None:
    async def main() -> None:
        async with open_world(1) as world:
            history = await _cross(world)
            assert history.count("recv_packet") == 2 * PACKETS
            assert history.count("acknowledge_packet") == 2 * PACKETS
            assert history.count("timeout_packet") == 2

    run_virtual(main())


@pytest.mark.parametrize("seed", SEEDS)
def test_an_unkind_world_changes_nothing(seed: int) -> None:
    """Lost, late, repeated, reordered and forged answers; omitted, invented and substituted packets; forks; crashes."""

    async def main() -> None:
        async with open_world(seed, fault_rate=0.08, final_depth=seed % 3) as world:
            world.database.rate = 0.02
            await _cross(world, calm_after=50)
            assert world.restarts > 0
            assert all(sum(sim.faults.done.values()) > 0 for sim in world.ledgers.values())

    run_virtual(main())
