"""What a demo shows is counted from the newest packets only, and is what counting all of them would say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from proofs.commitment import ClientId
from relay.api.server import serve
from relay.demo.api import Api
from relay.demo.report import Observer
from relay.demo.traffic import Traffic
from relay.keys.secret import Secret
from relay.lanes import Lane, LanePolicy

LANE = Lane("here", ClientId("client-0"), "there", ClientId("client-1"), LanePolicy())
PAGE = 200
STATES = ("sent", "received", "acknowledged", "timed_out")


class Shown:
    """A relay's answers about one lane, whose packets the test moves on."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.pages = 0

    async def lanes(self, _request: web.Request) -> web.Response:
        return web.json_response({"lanes": [{"id": LANE.id, "redundant": 0}]})

    async def packets(self, request: web.Request) -> web.Response:
        self.pages += 1
        newest = int(request.query.get("before", len(self.states) + 1)) - 1
        oldest = max(1, newest - PAGE + 1)
        page = [self._packet(number) for number in range(newest, oldest - 1, -1)]
        return web.json_response({"packets": page, "before": oldest if oldest > 1 else None})

    def _packet(self, number: int) -> dict[str, Any]:
        state = self.states[number - 1]
        received = 2.0 if state in ("received", "acknowledged") else None
        ended = float(number) if state in ("acknowledged", "timed_out") else None
        shape = {"sequence": number, "state": state, "seen_at": 0.0, "received_at": received, "ended_at": ended}
        return shape | {"deliveries": [{"kind": "receive", "waits_for": None if ended else "queued"}]}


@asynccontextmanager
async def observed() -> AsyncIterator[tuple[Shown, Observer]]:
    shown = Shown()
    app = web.Application()
    app.add_routes([web.get("/v1/lanes", shown.lanes), web.get("/v1/packets", shown.packets)])
    async with serve(app, host="127.0.0.1", port=0) as address, aiohttp.ClientSession() as session:
        api = Api(session, address, Secret(b"none"))
        # Nothing was sent by this demo: only what the relay shows is counted here.
        traffic = Traffic(api, {}, "run", cast("Any", None))
        yield shown, Observer(api, traffic, (LANE,))


@pytest.mark.parametrize("seed", range(5))
async def test_counts_are_those_of_all_packets_however_they_move_on(seed: int) -> None:
    chance = Random(seed)
    async with observed() as (shown, observer):
        for _ in range(12):
            shown.states += ["sent"] * chance.randrange(60)
            for place, state in enumerate(shown.states):
                if state in ("sent", "received") and chance.random() < 0.5:
                    shown.states[place] = chance.choice(STATES[STATES.index(state) + 1 :])
            (found,) = await observer.look()
            counted = {state: shown.states.count(state) for state in STATES}
            assert found.sent == len(shown.states)
            assert (found.acknowledged, found.timed_out) == (counted["acknowledged"], counted["timed_out"])
            assert found.received == counted["received"] + counted["acknowledged"]
            ended = [float(place + 1) for place, state in enumerate(shown.states) if state == "acknowledged"]
            assert found.latencies == tuple(ended)


async def test_what_has_ended_is_not_read_again() -> None:
    async with observed() as (shown, observer):
        shown.states = ["acknowledged"] * (5 * PAGE)
        await observer.look()
        first, shown.pages = shown.pages, 0
        (found,) = await observer.look()
        assert (first, shown.pages, found.acknowledged) == (5, 1, 5 * PAGE)
