"""Packets by lane and state, one packet with its timeline and why it waits, and what operators may do about it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web
from sqlalchemy import Connection, Row

from relay.api.problems import Problem, bad_request, json_response, not_found
from relay.api.shapes import delivery_shape, packet_detail, packet_shape
from relay.lanes import LaneId
from relay.lifecycle import TRANSITIONS, DeliveryEvent, DeliveryState, PacketLife, WaitReason
from relay.pipeline.relay import Relay
from relay.store.deliveries import Wait, record_waits
from relay.store.steps import Step, take_steps
from relay.store.views import Page, candidates, deliveries_of, packets, resting

PAGE_MAX: Final = 200
_ID: Final = re.compile(r"([\x21-\x39\x3b-\x7e]{1,300}):([1-9][0-9]{0,18})")
_SEQUENCE_MAX: Final = (1 << 63) - 1  # what the store counts with


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """What an operator says of a change; kept in the log, whole."""

    reason: Annotated[str, msgspec.Meta(max_length=500)]


@dataclass(frozen=True, slots=True)
class Packets:
    relay: Relay

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/packets", self.index),
            web.get("/v1/packets/{id}", self.show),
            web.get("/v1/quarantine", self.list_resting),
            web.post("/v1/packets/{id}/retry", self.retry),
            web.post("/v1/packets/{id}/quarantine", self.quarantine),
            web.post("/v1/packets/{id}/release", self.release),
            web.post("/v1/packets/{id}/discard", self.discard),
        ]

    async def index(self, request: web.Request) -> web.Response:
        lane, life = self._lane(request), _life(request)
        limit, before = _page(request)
        read = partial(packets, lane=lane, life=life, before=before, limit=limit)
        return await self._answer_page(await self.relay.shared.database.run(read))

    async def list_resting(self, request: web.Request) -> web.Response:
        limit, before = _page(request)
        read = partial(resting, before=before, limit=limit)
        return await self._answer_page(await self.relay.shared.database.run(read))

    async def _answer_page(self, page: Page) -> web.Response:
        deliveries = await self._deliveries(page.rows)
        shapes = [packet_shape(row, deliveries[row.id]) for row in page.rows]
        return json_response({"packets": shapes, "before": page.before})

    async def show(self, request: web.Request) -> web.Response:
        rows = await self.candidates(request)
        deliveries = await self._deliveries(rows)
        details = [packet_detail(row, deliveries[row.id]) for row in rows]
        # More than one only when a ledger's endpoint showed two packets under one name: at most one is ever proved.
        return json_response(details[0] | {"other_sightings": details[1:]})

    async def retry(self, request: web.Request) -> web.Response:
        """Look at everything that waits at once, instead of at its next try."""
        rows, now = await self.candidates(request), self.relay.shared.clock()

        def wake(connection: Connection) -> int:
            found = deliveries_of(connection, [row.id for row in rows])
            waiting = [each.id for each in found if each.state == DeliveryState.WAITING]
            record_waits(connection, [Wait(each, WaitReason.QUEUED, {}, now) for each in waiting])
            return len(waiting)

        return json_response({"woken": await self.relay.shared.database.run(wake)})

    async def quarantine(self, request: web.Request) -> web.Response:
        return await self._step(request, DeliveryEvent.REFUSED, need_reason=True)

    async def release(self, request: web.Request) -> web.Response:
        return await self._step(request, DeliveryEvent.RELEASE, need_reason=False)

    async def discard(self, request: web.Request) -> web.Response:
        return await self._step(request, DeliveryEvent.DISCARD, need_reason=True)

    async def _step(self, request: web.Request, event: DeliveryEvent, *, need_reason: bool) -> web.Response:
        """An operator's step, for every delivery of the packet that can take it."""
        why = _reason(await request.read(), needed=need_reason)
        rows, now = await self.candidates(request), self.relay.shared.clock()

        def take(connection: Connection) -> list[int]:
            found = deliveries_of(connection, [row.id for row in rows])
            able = [each.id for each in found if _may(DeliveryState(each.state), event)]
            numbers = {"rule": "operator", "detail": why}
            reason = WaitReason.QUEUED if event is DeliveryEvent.RELEASE else WaitReason.REFUSED
            steps = [Step(each, event, reason=reason, numbers=numbers, next_try=now) for each in able]
            take_steps(connection, steps, now=now)
            return able

        changed = await self.relay.shared.database.run(take)
        if not changed:
            raise Problem(409, "nothing-to-do", f"no delivery of this packet can be {_done(event)} now")
        return json_response({"changed": changed})

    async def candidates(self, request: web.Request) -> Sequence[Row[Any]]:
        """All sightings with the name in the path."""
        name = request.match_info["id"]
        match = _ID.fullmatch(name)
        if match is None or int(match[2]) > _SEQUENCE_MAX:
            raise bad_request("packet", name, "LANE:SEQUENCE, as in the list of packets")
        lane, sequence = LaneId(match[1]), int(match[2])
        rows = await self.relay.shared.database.run(partial(candidates, lane=lane, sequence=sequence))
        if not rows:
            raise not_found("packet", name)
        return rows

    async def _deliveries(self, rows: Sequence[Row[Any]]) -> dict[int, list[dict[str, object]]]:
        ids = [row.id for row in rows]
        found = await self.relay.shared.database.run(partial(deliveries_of, packet_ids=ids))
        grouped: dict[int, list[dict[str, object]]] = defaultdict(list)
        for row in found:
            grouped[row.packet].append(delivery_shape(row, self.relay))
        return grouped

    def _lane(self, request: web.Request) -> LaneId | None:
        name = request.query.get("lane")
        if name is None:
            return None
        if LaneId(name) not in self.relay.shared.lanes:
            raise not_found("lane", name)
        return LaneId(name)


def _may(state: DeliveryState, event: DeliveryEvent) -> bool:
    """Only what rests may be touched by hand: what is in flight ends by its fate."""
    touchable = state in (DeliveryState.WAITING, DeliveryState.QUARANTINED, DeliveryState.ABANDONED)
    return touchable and (state, event) in TRANSITIONS


def _done(event: DeliveryEvent) -> str:
    done = {DeliveryEvent.REFUSED: "quarantined", DeliveryEvent.RELEASE: "released", DeliveryEvent.DISCARD: "discarded"}
    return done[event]


def _life(request: web.Request) -> PacketLife | None:
    name = request.query.get("state")
    if name is None:
        return None
    try:
        return PacketLife(name)
    except ValueError:
        raise bad_request("state", name, f"one of: {', '.join(PacketLife)}") from None


def _page(request: web.Request) -> tuple[int, int | None]:
    """How many at most, and the id they come before."""
    limit, before = _number(request, "limit", 50), _number(request, "before", None)
    assert limit is not None, "it has a default"
    if not 1 <= limit <= PAGE_MAX:
        raise bad_request("limit", limit, f"1 to {PAGE_MAX}")
    return limit, before


def _number(request: web.Request, name: str, default: int | None) -> int | None:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise bad_request(name, text, "a whole number")
    return int(text)


def _reason(body: bytes, *, needed: bool) -> str:
    if not body and not needed:
        return ""
    try:
        reason = msgspec.json.decode(body, type=Reason).reason
    except (msgspec.DecodeError, UnicodeDecodeError):
        expected = 'a JSON object {"reason": "…"}, of at most 500 characters'
        raise bad_request("body", body[:80].decode(errors="replace"), expected) from None
    if needed and not reason.strip():
        raise bad_request("reason", reason, "a few words for whoever looks at it later")
    return reason
