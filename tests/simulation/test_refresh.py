"""Clients on hosts live on while nobody sends; one that died says so, and nothing is spent on it."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import select

from relay.lifecycle import WaitReason
from relay.store.schema import DELIVERY, SUBMISSION
from tests.simulation.invariants import HostHistory, ended
from tests.simulation.virtual_time import clock, run_virtual
from tests.simulation.world import World, open_world, running, until

TRUSTING_SECONDS = 90


def _submissions(world: World, purpose: str) -> int:
    query = select(SUBMISSION.c.id).where(SUBMISSION.c.purpose == purpose)
    return len(world.database.read(lambda connection: connection.execute(query).all()))


def _arrives(world: World, history: HostHistory) -> bool:
    history.follow(world)
    return ended(world, history)


@pytest.mark.parametrize("final_depth", (0, 3))
def test_a_lane_without_packets_outlives_the_trusting_period(final_depth: int) -> None:
    async def main() -> None:
        async with (
            open_world(1, final_depth=final_depth, trusting_seconds=TRUSTING_SECONDS) as world,
            running(world),
        ):
            await asyncio.sleep(3 * TRUSTING_SECONDS)
            refreshes = _submissions(world, "refresh")
            # Two clients, each refreshed when two thirds of its life are over: once, however late that is final.
            assert 2 * 3 <= refreshes <= 2 * 6
            for lane in world.lanes:
                await world.send(lane, "still there?")
            history = HostHistory()
            await until(lambda: _arrives(world, history), seconds=120)
            assert history.count("recv_packet") == 2

    run_virtual(main())


def test_a_client_that_died_while_the_relay_was_down_is_named_and_nothing_is_spent() -> None:
    async def main() -> None:
        async with open_world(1, trusting_seconds=TRUSTING_SECONDS) as world:
            async with running(world):
                await asyncio.sleep(20)
            for lane in world.lanes:
                await world.send_past_relay(lane, "before it died", seconds=3600)
            await asyncio.sleep(TRUSTING_SECONDS + 30)
            async with running(world):
                await asyncio.sleep(30)
            query = select(DELIVERY.c.reason, DELIVERY.c.numbers)
            waits = world.database.read(lambda connection: connection.execute(query).all())
            assert len(waits) == 2
            for wait in waits:
                assert wait.reason == WaitReason.CLIENT_EXPIRED.value
                numbers = json.loads(wait.numbers)
                assert numbers["client"]
                assert numbers["expired_at"] < clock()
            assert _submissions(world, "deliver") == _submissions(world, "refresh") == 0

    run_virtual(main())


def test_a_belief_that_expired_while_the_relay_was_down_begins_again_at_the_checkpoint() -> None:
    """The operator gives a newer checkpoint and starts again: what was believed before is not in the way."""

    async def main() -> None:
        async with open_world(1, belief_seconds=TRUSTING_SECONDS) as world:
            async with running(world):
                await asyncio.sleep(20)
            await asyncio.sleep(TRUSTING_SECONDS + 30)
            for lane in world.lanes:
                await world.send_past_relay(lane, "a long night")
            history = HostHistory()
            async with running(world):
                await until(lambda: _arrives(world, history), seconds=120)
            assert history.count("recv_packet") == 2

    run_virtual(main())
