"""All ledgers of one relay, side by side: none of them waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from relay.lanes import LaneId
from relay.pipeline.lane_health import Expected
from relay.pipeline.offer import Attestors
from relay.pipeline.runtime import LedgerRuntime, Shared, build_health
from relay.store.deliveries import wake_all
from relay.store.ledgers import register_lanes


@dataclass(frozen=True, slots=True)
class Relay:
    """The running whole: what the API shows and the process runs."""

    runtimes: Mapping[str, LedgerRuntime]
    shared: Shared
    attestors: Mapping[LaneId, Attestors]

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name, runtime in self.runtimes.items():
                tasks.create_task(runtime.supervise(self.runtimes, self.attestors), name=name)


async def assemble(
    runtimes: Mapping[str, LedgerRuntime],
    shared: Shared,
    *,
    expected: Mapping[LaneId, Expected],
    attestors: Mapping[LaneId, Attestors],
    paused: frozenset[LaneId] = frozenset(),
) -> Relay:
    """Join ledgers to a relay. Nothing waits any longer for what an earlier process knew."""
    build_health(runtimes, expected, shared)

    def prepare(connection: Connection) -> None:
        register_lanes(connection, shared.lanes, paused=paused)
        wake_all(connection, now=shared.clock())

    await shared.database.run(prepare)
    return Relay(runtimes, shared, attestors)
