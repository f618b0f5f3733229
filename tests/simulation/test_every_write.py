"""Die after every kind of write, one at a time: a restart costs a repeat at most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TypeVar

from sqlalchemy import Connection

from relay.store.database import Database
from tests.simulation.invariants import HostHistory, StoreCheck, ended, nothing_open
from tests.simulation.virtual_time import run_virtual
from tests.simulation.world import Crash, CrashingDatabase, World, open_world, running, until

T = TypeVar("T")


class MeasuredDatabase(CrashingDatabase):
    """Counts the writes by what does them, and dies after one of them: the `at`-th of its kind."""

    def __init__(self, inner: Database, chance: Random) -> None:
        super().__init__(inner, chance)
        self.counts: dict[str, int] = {}
        self.at: tuple[str, int] | None = None

    async def run(self, work: Callable[[Connection], T]) -> T:
        name = _name(work)
        self.counts[name] = self.counts.get(name, 0) + 1
        result = self.read(work)
        if self.at == (name, self.counts[name]):
            self.at = None
            self.crashes += 1
            raise Crash
        await asyncio.sleep(0)
        return result


def _name(work: object) -> str:
    function = work.func if isinstance(work, partial) else work
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', repr(function))}"


async def _cross(at: tuple[str, int] | None) -> dict[str, int]:
    """Two messages each way, one of them doomed, with a crash at the given write."""
    async with open_world(1) as world:
        database = MeasuredDatabase(world.database.inner, Random(1))
        database.at = at
        world.database = database
        history, store = HostHistory(), StoreCheck()
        async with running(world):
            await _send(world)
            await until(lambda: _all_ended(world, history), seconds=400)
        store.check(world)
        history.check()
        assert history.count("recv_packet") == 2
        assert database.crashes == (at is not None), f"{at} was never reached"
        return database.counts


async def _send(world: World) -> None:
    for lane in world.lanes:
        await world.send(lane, "hello")
        await world.send(lane, "nobody is there", port="absent", seconds=15)


def _all_ended(world: World, history: HostHistory) -> bool:
    history.follow(world)
    return ended(world, history) and nothing_open(world)


def test_a_crash_after_any_write_loses_and_repeats_nothing() -> None:
    """Each kind of write, at its first and third time: later ones meet the same states again."""
    counts = run_virtual(_cross(None))
    assert len(counts) > 10, "the pipeline writes in many places"
    for name, number in counts.items():
        for occurrence in (1, 3):
            if occurrence <= number // 2:
                run_virtual(_cross((name, occurrence)))
