"""Ledgers, lanes, the switch of a lane, and whether we are well."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Connection

from relay.api.metrics import exposed, read_standing
from relay.api.problems import json_response, not_found
from relay.api.shapes import lane_shape, ledger_shape
from relay.lanes import LaneId
from relay.pipeline.relay import Relay
from relay.store.ledgers import set_paused
from relay.store.views import lanes, ledgers


@dataclass(frozen=True, slots=True)
class Status:
    relay: Relay

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/ledgers", self.list_ledgers),
            web.get("/v1/lanes", self.list_lanes),
            web.get("/v1/lanes/{lane}", self.show_lane),
            web.post("/v1/lanes/{lane}/pause", self.pause),
            web.post("/v1/lanes/{lane}/resume", self.resume),
            web.get("/healthz", self.healthy),
            web.get("/readyz", self.ready),
            web.get("/metrics", self.metrics),
        ]

    async def list_ledgers(self, _request: web.Request) -> web.Response:
        rows = {row.name: row for row in await self.relay.shared.database.run(ledgers)}
        shapes = [ledger_shape(name, self.relay, rows.get(name)) for name in self.relay.runtimes]
        return json_response({"ledgers": shapes})

    async def list_lanes(self, _request: web.Request) -> web.Response:
        rows = await self.relay.shared.database.run(lanes)
        return json_response({"lanes": [lane_shape(row, self.relay) for row in rows]})

    async def show_lane(self, request: web.Request) -> web.Response:
        name = self._known_lane(request)
        rows = await self.relay.shared.database.run(lanes)
        return json_response(next(lane_shape(row, self.relay) for row in rows if row.id == name))

    async def pause(self, request: web.Request) -> web.Response:
        """Nothing new is submitted on the lane; what is in flight ends."""
        return await self._switch(request, paused=True)

    async def resume(self, request: web.Request) -> web.Response:
        return await self._switch(request, paused=False)

    async def _switch(self, request: web.Request, *, paused: bool) -> web.Response:
        lane = self._known_lane(request)
        await self.relay.shared.database.run(partial(set_paused, lane=lane, paused=paused))
        return json_response({"lane": lane, "paused": paused})

    def _known_lane(self, request: web.Request) -> LaneId:
        name = request.match_info["lane"]
        if LaneId(name) not in self.relay.shared.lanes:
            raise not_found("lane", name)
        return LaneId(name)

    async def healthy(self, _request: web.Request) -> web.Response:
        """The process lives and its store answers."""
        await self.relay.shared.database.run(_touch)
        return json_response({"healthy": True})

    async def ready(self, _request: web.Request) -> web.Response:
        """Every ledger is followed; otherwise 503 with the reason of each that is not."""
        reasons = {
            name: f"{runtime.state}: {runtime.error}".rstrip(": ")
            for name, runtime in self.relay.runtimes.items()
            if runtime.state != "running"
        }
        return json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def metrics(self, _request: web.Request) -> web.Response:
        standing = await self.relay.shared.database.run(read_standing)
        body = generate_latest() + exposed(self.relay, standing)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _touch(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT 1")
