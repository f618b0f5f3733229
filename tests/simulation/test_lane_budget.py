"""A lane that has spent its day's budget waits alone, although its messages share transactions with others."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from relay.lanes import Lane, Lanes
from relay.lifecycle import DeliveryState, WaitReason
from relay.store.schema import DELIVERY
from tests.simulation.invariants import HostHistory
from tests.simulation.virtual_time import run_virtual
from tests.simulation.world import link, open_world, running, until


def test_a_lane_over_its_budget_does_not_hold_up_the_lane_beside_it() -> None:
    async def main() -> None:
        async with open_world(1) as world:
            good = next(iter(world.lanes))
            east, west = await link(world.ledgers["east"], world.ledgers["west"])
            poor = Lane("east", east, "west", west)
            world.lanes = Lanes([*world.lanes, poor, Lane("west", west, "east", east)])
            world.accounts = replace(world.accounts, lane_per_day={poor.id: 1})
            history = HostHistory()

            def arrived() -> bool:
                history.follow(world)
                return history.count("acknowledge_packet") == 2

            for text in ("one", "two"):
                await world.send(poor, text)
                await world.send(good, text)
            async with running(world):
                await until(arrived, seconds=40)
            query = select(DELIVERY.c.state, DELIVERY.c.reason).where(DELIVERY.c.lane == poor.id)
            waits = world.database.read(lambda connection: connection.execute(query).all())
            assert {tuple(each) for each in waits} == {(DeliveryState.WAITING.value, WaitReason.OVER_BUDGET.value)}

    run_virtual(main())
