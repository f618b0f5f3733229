"""A lane that is configured later: what was sent on it before is found, and the lanes beside it go on."""

from __future__ import annotations

import asyncio

from relay.lanes import Lane, Lanes
from tests.simulation.invariants import HostHistory, StoreCheck
from tests.simulation.virtual_time import run_virtual
from tests.simulation.world import link, open_world, running, until


def test_what_was_sent_before_a_lane_was_configured_still_arrives() -> None:
    async def main() -> None:
        async with open_world(1) as world:
            first, history, store = world.lanes, HostHistory(), StoreCheck()
            east, west = await link(world.ledgers["east"], world.ledgers["west"])
            added = Lane("east", east, "west", west)
            async with running(world):
                await world.send_past_relay(added, "before anybody knew of it")
                for lane in first:
                    await world.send(lane, "meanwhile")
                await asyncio.sleep(30)
            world.lanes = Lanes([*first, added, Lane("west", west, "east", east)])

            def all_acknowledged() -> bool:
                history.follow(world)
                return history.count("acknowledge_packet") == sum(world.sent.values())

            async with running(world):
                await world.send(added, "afterwards")
                for lane in first:
                    await world.send(lane, "still going")
                await until(all_acknowledged, seconds=120)
            history.check()
            store.check(world)

    run_virtual(main())


def test_a_lane_that_comes_back_into_the_configuration_misses_nothing() -> None:
    async def main() -> None:
        async with open_world(2) as world:
            first, history = world.lanes, HostHistory()
            east, west = await link(world.ledgers["east"], world.ledgers["west"])
            lane = Lane("east", east, "west", west)
            both = Lanes([*first, lane, Lane("west", west, "east", east)])

            def all_acknowledged() -> bool:
                history.follow(world)
                return history.count("acknowledge_packet") == sum(world.sent.values())

            for lanes in (both, first, both):
                world.lanes = lanes
                await world.send_past_relay(lane, "by somebody else")
                async with running(world):
                    await until(all_acknowledged if lanes is both else lambda: True, seconds=120, step=5)

    run_virtual(main())
