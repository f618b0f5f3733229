"""Attestors that die and one that lies, as processes, among real ledgers: 2 of 3 must sign, and 2 honest ones suffice.

The relay hears the third, `cyd`, through a service that lies on demand with cyd's own keys.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from relay.demo.api import Api
from relay.demo.processes import open_workshop, run_causeway
from relay.demo.traffic import NOBODY, Traffic, send_all
from relay.demo.world import World, build_world, running_relay
from relay.lanes import LaneId
from tests.end_to_end.liar import Liar, Lie, listening_liar
from tests.end_to_end.record import Wanted, all_ended, faults
from tests.nodes.anvil import require_anvil

pytestmark = [pytest.mark.nodes, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

PACKETS = 3  # per direction, one of them doomed: absence has to be attested, too
WAIT_SECONDS_MAX = 60
# All attestors are heard out, so that a lie is always noticed, not only when it is quick.
LIMITS = "\n[limits]\nattestor_grace_seconds = 2.0\n"


@dataclass
class Stage:
    world: World
    api: Api
    traffic: Traffic
    liar: Liar
    stack: AsyncExitStack
    processes: dict[str, asyncio.subprocess.Process]

    async def cross(self) -> None:
        """Send in every direction and see on the ledgers that everything, now and before, ended as it should."""
        await send_all(self.traffic, self.world.config.lanes(), PACKETS)
        await self.check_all_ended()

    async def check_all_ended(self) -> None:
        lanes = {lane.id: lane for lane in self.world.config.lanes()}
        texts = {
            LaneId(lane): [f"message {n} from {lanes[LaneId(lane)].source} to {lanes[LaneId(lane)].destination}"
                           for n in range(1, count + 1)]
            for lane, count in self.traffic.delivered.items()
        }  # fmt: skip
        wanted = Wanted(texts, {LaneId(lane): n for lane, n in self.traffic.doomed.items()})
        assert faults(await all_ended(self.world, wanted.packets), wanted, nobody=NOBODY) == []

    async def check_no_client_is_frozen(self) -> None:
        for lane in self.world.config.lanes():
            destination = self.world.ledgers[lane.destination].ledger.destination
            assert destination is not None
            (client,) = await destination.clients([lane.dest_client])
            assert (lane.id, client.state) == (lane.id, "active")

    def signed(self, signatures: set[bytes]) -> set[bytes]:
        """Which of them stand in a transaction that the relay signed, sent or not."""
        store = self.world.config.relay.data_dir / "relay.db"
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
            transactions = [raw for (raw,) in database.execute("SELECT raw FROM attempt")]
        assert transactions
        return {each for each in signatures if any(each in raw for raw in transactions)}

    async def answers(self, outcome: str) -> set[tuple[str, str]]:
        """Who answered so, about which ledger, by the relay's metrics."""
        async with self.api.session.get(f"{self.api.address}/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
        return {
            (sample.labels["attestor"], sample.labels["ledger"])
            for family in families
            for sample in family.samples
            if sample.name == "causeway_attestor_answers_total" and sample.labels["outcome"] == outcome and sample.value
        }

    async def waits(self) -> dict[str, dict[str, Any]]:
        """A delivery of each lane that waits for a quorum, as the API shows it."""
        found = {}
        for lane in self.world.config.lanes():
            for packet in await self.api.packets(lane.id):
                for each in packet["deliveries"]:
                    if each["waits_for"] == "no_quorum":
                        found[each["lane"]] = each
        return found

    @asynccontextmanager
    async def without(self, *names: str) -> AsyncIterator[None]:
        """Attestors killed, and started again at the same addresses."""
        gone = [each for each in self.world.attestors if each.name in names]
        for each in gone:
            self.processes[each.name].send_signal(signal.SIGKILL)
            await self.processes[each.name].wait()
        try:
            yield
        finally:
            for each in gone:
                port = each.url.rpartition(":")[2]
                each.file.write_text(each.file.read_text().replace("port = 0", f"port = {port}"))
                started = run_causeway(
                    self.world.workshop, f"attestor {each.name}", ["attest", "--config", str(each.file)],
                    log=each.folder / "log",
                )  # fmt: skip
                address, self.processes[each.name] = await self.stack.enter_async_context(started)
                assert address == each.url


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage() -> AsyncIterator[Stage]:
    require_anvil()
    async with open_workshop() as workshop, AsyncExitStack() as stack:
        world = await build_world(stack, workshop, clock=time.time, chance=SystemRandom(), say=print)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        real = next(each for each in world.attestors if each.name == "cyd")
        liar, address = await stack.enter_async_context(listening_liar(world, real, session))
        config = world.config_file.read_text()
        assert real.url in config
        world.config_file.write_text(config.replace(real.url, address) + LIMITS)
        at, _ = await stack.enter_async_context(running_relay(world))
        api = Api(session, at, world.token)
        traffic = Traffic(api, world.ledgers, "attestors", time.time)
        yield Stage(world, api, traffic, liar, stack, {each.name: each.process for each in world.attestors})


def everywhere(stage: Stage, attestor: str) -> set[tuple[str, str]]:
    return {(attestor, ledger) for ledger in stage.world.ledgers}


async def test_an_attestor_that_is_killed_stops_nothing(stage: Stage) -> None:
    crossing = asyncio.create_task(stage.cross())
    await asyncio.sleep(1.5)
    async with stage.without("ben"):
        await crossing
    assert ("ben", "harbour") in await stage.answers("unavailable")
    await stage.check_no_client_is_frozen()
    # The two that were left signed everything: what is looked for below can be found.
    assert stage.signed(stage.liar.true)


@pytest.mark.parametrize("lie", ("value", "time"))
async def test_an_attestor_that_lies_is_named_and_nothing_false_is_signed(stage: Stage, lie: Lie) -> None:
    with stage.liar.lying(lie):
        await stage.cross()
    assert stage.liar.false
    assert await stage.answers(f"lied_{lie}") == everywhere(stage, "cyd")
    assert stage.signed(stage.liar.false) == set()
    await stage.check_no_client_is_frozen()


async def test_without_a_quorum_deliveries_wait_and_say_so_until_there_is_one(stage: Stage) -> None:
    lanes = {lane.id for lane in stage.world.config.lanes()}
    async with stage.without("ada"):
        async with stage.without("ben"):
            for lane in stage.world.config.lanes():
                await stage.traffic.send(lane)
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                while (waits := await stage.waits()).keys() != lanes:  # noqa: ASYNC110 - another process is asked
                    await asyncio.sleep(0.2)
            for wait in waits.values():
                assert (wait["kind"], wait["state"]) == ("receive", "waiting")
                assert (wait["numbers"]["answered"], wait["numbers"]["needed"]) == (1, 2)
                assert wait["numbers"]["reasons"].keys() == {"ada", "ben"}
                assert wait["next_try"] is not None
        # ben is back, ada is not: two are enough.
        await stage.check_all_ended()
    await stage.check_no_client_is_frozen()
