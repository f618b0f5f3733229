"""Whatever happened to the relay: what it kept of a delivery convinces somebody who has its checkpoint alone."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from sqlalchemy import Connection, select

from proofs.bundle.format import checkpoint_digest, encode_bundle
from proofs.bundle.types import Bundle
from proofs.bundle.verify import Proved, verify_bundle
from relay.lifecycle import DeliveryKind, DeliveryState
from relay.pipeline.archive import bundle_of
from relay.store.bundles import checkpoints, parts_of
from relay.store.deliveries import Due, as_due
from relay.store.schema import DELIVERY, PACKET
from tests.simulation.invariants import HostHistory, ended, nothing_open
from tests.simulation.virtual_time import clock, run_virtual
from tests.simulation.world import World, open_world, running, until

PACKETS = 4


def done(connection: Connection) -> list[Due]:
    """Deliveries that we ended ourselves: they were verified, so they can be shown."""
    query = (
        select(DELIVERY, PACKET.c.body, PACKET.c.acknowledgements)
        .join(PACKET, PACKET.c.id == DELIVERY.c.packet)
        .where(DELIVERY.c.state == DeliveryState.DONE.value, DELIVERY.c.by_us.is_(True))
    )
    return [as_due(row) for row in connection.execute(query)]


def bundle_in(connection: Connection, due: Due, *, from_digest: bytes | None = None) -> Bundle | None:
    parts = parts_of(connection, due.id, from_digest=from_digest)
    return None if parts is None else bundle_of(due, parts)


def verified(bundle: Bundle) -> Proved:
    return verify_bundle(encode_bundle(bundle), held=checkpoint_digest(bundle.checkpoint), now=int(clock()))


def check_bundles(world: World) -> Counter[DeliveryKind]:
    """Each by its own checkpoint, and the last by the oldest that leads there."""

    def check(connection: Connection) -> Counter[DeliveryKind]:
        shown = done(connection)
        bundles = [each for each in (bundle_in(connection, due) for due in shown) if each is not None]
        assert len(bundles) == len(shown)
        for due, bundle in zip(shown, bundles, strict=True):
            proved = verified(bundle)
            assert proved.bundle.packet == due.packet
        last, digest = shown[-1], checkpoint_digest(bundles[-1].checkpoint)
        leading = [
            row.digest
            for row in checkpoints(connection, limit=1_000)
            if parts_of(connection, last.id, from_digest=row.digest)
        ]
        assert digest in leading
        longest = bundle_in(connection, last, from_digest=leading[-1])
        assert longest is not None
        assert len(longest.evidence) >= len(bundles[-1].evidence)
        assert checkpoint_digest(longest.checkpoint) == leading[-1]
        assert verified(longest).claim == verified(bundles[-1]).claim
        return Counter(due.kind for due in shown)

    return world.database.read(check)


async def cross(world: World) -> None:
    history = HostHistory()
    async with running(world):
        for index in range(PACKETS):
            for lane in world.lanes:
                await world.send(lane, f"message {index}")
            await asyncio.sleep(world.chance.uniform(0.0, 6.0))
        for lane in world.lanes:
            await world.send(lane, "nobody is there", port="absent", seconds=20)
        await asyncio.sleep(30)
        for sim in world.ledgers.values():
            sim.faults.active = False
        world.database.rate = 0.0
        await until(lambda: ended(world, history), seconds=1_500, each=lambda: history.follow(world))
        await until(lambda: nothing_open(world), seconds=60, each=lambda: history.follow(world))


def test_every_delivery_can_be_shown_to_a_stranger() -> None:
    async def main() -> None:
        async with open_world(1) as world:
            await cross(world)
            counted = check_bundles(world)
            expected = {DeliveryKind.RECEIVE: 2 * PACKETS, DeliveryKind.ACKNOWLEDGE: 2 * PACKETS}
            assert counted == expected | {DeliveryKind.TIMEOUT: 2}

    run_virtual(main())


@pytest.mark.parametrize("seed", range(4))
def test_crashes_and_lies_leave_no_bundle_that_does_not_verify(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """New checkpoints every few steps: the chain of evidence is cut and joined again, also by crashes."""
    monkeypatch.setattr("relay.store.bundles.STEPS_MAX", 3)

    async def main() -> None:
        async with open_world(seed, fault_rate=0.08, final_depth=seed % 3) as world:
            world.database.rate = 0.02
            await cross(world)
            assert sum(check_bundles(world).values()) >= 2 * PACKETS
            assert len(world.database.read(lambda connection: checkpoints(connection, limit=1_000))) > 4

    run_virtual(main())
