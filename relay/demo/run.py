"""Run a demo from start to end."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Final

import aiohttp
import orjson
from rich.console import Console
from rich.live import Live

from relay.demo.api import Api
from relay.demo.processes import open_workshop
from relay.demo.report import Observer, Progress, build_report, is_as_it_should
from relay.demo.show import one_line, render
from relay.demo.traffic import Traffic, send_all, send_for_ever
from relay.demo.world import World, build_world, running_relay

LOOK_SECONDS: Final = 1.0
QUIET_SECONDS_MAX: Final = 180.0  # nothing ended for so long: it never will


@dataclass(frozen=True, slots=True)
class Wish:
    """packets: per direction; None sends for ever. pause_seconds: between two messages then."""

    packets: int | None
    report: Path | None
    pause_seconds: float = 1.5


@dataclass(frozen=True, slots=True)
class Watched:
    world: World
    api: Api
    traffic: Traffic
    sending: asyncio.Task[None]


@dataclass(eq=False)
class NothingMoves(Exception):
    said: str

    def __str__(self) -> str:
        return f"no packet ended for {QUIET_SECONDS_MAX:.0f} seconds: {self.said}"


async def run_demo(wish: Wish, console: Console, *, look_seconds: float = LOOK_SECONDS) -> bool:
    """Returns whether every packet ended as it should; without a number of packets it runs until cancelled."""
    say = _teller(console)
    async with open_workshop() as workshop, AsyncExitStack() as stack:
        world = await build_world(stack, workshop, clock=time.time, chance=SystemRandom(), say=say)
        say("starting the relay")
        address, _ = await stack.enter_async_context(running_relay(world))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        api = Api(session, address, world.token)
        traffic = Traffic(api, world.ledgers, secrets.token_hex(4), time.time)
        say(f"status page: {address}/")
        lanes = world.config.lanes()
        if wish.packets is None:
            sending = send_for_ever(traffic, lanes, pause_seconds=wish.pause_seconds)
        else:
            sending = send_all(traffic, lanes, wish.packets)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(sending)
            found = await _watch(Watched(world, api, traffic, task), console, look_seconds)
        report = await build_report(api, traffic, found, workshop.started)
        if wish.report is not None:
            wish.report.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")
            say(f"report written to {wish.report}")
        return is_as_it_should(found, traffic)


def _teller(console: Console) -> Callable[[str], None]:
    begun = time.monotonic()
    return lambda text: console.print(f"[dim]{time.monotonic() - begun:6.1f} s[/dim]  {text}", highlight=False)


async def _watch(watched: Watched, console: Console, look_seconds: float) -> list[Progress]:
    """Show how far everything is, until all that was to be sent has ended. Raises NothingMoves."""
    observer = Observer(watched.api, watched.traffic, watched.world.config.lanes())
    best, moved_at = -1, time.monotonic()
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            all_sent = watched.sending.done()
            found = await observer.look()
            ended = sum(each.ended for each in found)
            if ended > best:
                best, moved_at = ended, time.monotonic()
                if not console.is_terminal:
                    console.print(one_line(found), highlight=False)
            if console.is_terminal:
                live.update(render(watched.api.address, await watched.api.ledgers(), found), refresh=True)
            if all_sent and ended >= sum(each.asked for each in found):
                return found
            if time.monotonic() - moved_at > QUIET_SECONDS_MAX:
                raise NothingMoves(one_line(found))
            await asyncio.sleep(look_seconds)
