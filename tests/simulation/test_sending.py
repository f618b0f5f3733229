"""What users ask us to send: one lane's trouble is not another's, and a send that was hidden is not called failed."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from relay.lanes import Lane, Lanes
from relay.store.schema import OUTBOX
from tests.simulation.invariants import HostHistory
from tests.simulation.virtual_time import run_virtual
from tests.simulation.world import World, link, open_world, running, until


def _outbox(world: World) -> dict[str, tuple[str, str]]:
    query = select(OUTBOX.c.lane, OUTBOX.c.state, OUTBOX.c.detail)
    return {row.lane: (row.state, row.detail) for row in world.database.read(lambda c: c.execute(query).all())}


def test_a_lane_whose_host_refuses_sends_does_not_hold_up_the_lanes_beside_it() -> None:
    async def main() -> None:
        async with open_world(1) as world:
            good = next(iter(world.lanes))
            east, west = await link(world.ledgers["east"], world.ledgers["west"], trusting_seconds=20)
            dead = Lane("east", east, "west", west)
            world.lanes = Lanes([*world.lanes, dead, Lane("west", west, "east", east)])
            await asyncio.sleep(30)
            history = HostHistory()

            def arrived() -> bool:
                history.follow(world)
                return history.count("acknowledge_packet") == 1

            for number in range(20):
                await world.send(dead, f"into the dark {number}")
            await world.send(good, "into the light")
            async with running(world):
                await until(arrived, seconds=60)
            state, detail = _outbox(world)[dead.id]
            assert state == "stored"
            assert "client_expired" in detail

    run_virtual(main())
