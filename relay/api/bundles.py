"""Evidence bundles: what this relay verified of a delivery, as a file that others verify without it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection, Row

from proofs.bundle.format import checkpoint_digest, encode_bundle, encode_checkpoint
from relay.api.packets import Packets
from relay.api.problems import Problem, bad_request, json_response, not_found
from relay.lanes import Lane, LaneId
from relay.lifecycle import DeliveryKind
from relay.pipeline.archive import bundle_of, own_words
from relay.pipeline.relay import Relay
from relay.store.bundles import Parts, TooMuchEvidence, checkpoint, checkpoints, parts_of
from relay.store.deliveries import Due, dues_of

CHECKPOINTS_SHOWN: Final = 200
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KIND: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Bundles:
    relay: Relay

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/packets/{id}/bundle", self.show),
            web.get("/v1/checkpoints", self.index),
            web.get("/v1/checkpoints/{digest}", self.checkpoint),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """`kind` names the delivery, `checkpoint` the one to start from."""
        kind, start = _kind(request), _start(request)
        rows = await Packets(self.relay).candidates(request)

        def read(connection: Connection) -> tuple[list[Due], list[tuple[Due, Parts]]]:
            dues = [each for each in dues_of(connection, [row.id for row in rows]) if each.kind is kind]
            parts = [(due, parts_of(connection, due.id, from_digest=start)) for due in dues]
            # Of several sightings under one name at most one was ever verified.
            return dues, [(due, found) for due, found in parts if found is not None]

        try:
            dues, found = await self.relay.shared.database.run(read)
        except TooMuchEvidence as reason:
            raise Problem(404, "no-bundle", "the bundle would be too large", str(reason)) from None
        if not found:
            raise Problem(404, "no-bundle", f"there is no {kind} bundle of this packet", self._why_none(dues, start))
        due, parts = found[0]
        encoded = encode_bundle(bundle_of(due, parts))
        name = f"{due.packet.source_client}-{due.packet.sequence}-{kind}.bundle"
        digest = checkpoint_digest(parts.checkpoint).hex()
        return _file(encoded, name, {"Causeway-Checkpoint": digest})

    async def index(self, _request: web.Request) -> web.Response:
        rows = await self.relay.shared.database.run(partial(checkpoints, limit=CHECKPOINTS_SHOWN))
        return json_response({"checkpoints": [_shape(row) for row in rows]})

    async def checkpoint(self, request: web.Request) -> web.Response:
        digest = request.match_info["digest"]
        found = None
        if _DIGEST.fullmatch(digest):
            found = await self.relay.shared.database.run(partial(checkpoint, digest=bytes.fromhex(digest)))
        if found is None:
            raise not_found("checkpoint", digest)
        return _file(encode_checkpoint(found), f"{digest[:16]}.checkpoint", {})

    def _why_none(self, dues: list[Due], start: bytes | None) -> str:
        if not self.relay.shared.keeping.enabled:
            return "bundles are switched off: [bundles] enabled"
        if not dues:
            return "nothing of this kind is due for the packet"
        lane = self.relay.shared.lanes[LaneId(dues[0].lane)] if dues[0].lane in self.relay.shared.lanes else None
        if lane is not None and (why := self._convinces_nobody(lane)):
            return why
        if start is not None:
            return "it was not verified yet, is no longer kept, or no evidence leads there from this checkpoint"
        return "it was not verified by this relay yet, or is no longer kept: [bundles] days and bytes_max"

    def _convinces_nobody(self, lane: Lane) -> str:
        """Where a ledger is believed by agreement of endpoints, only attestors' signatures can be shown."""
        runtime = self.relay.runtimes[lane.source]
        belief = runtime.belief
        if belief is None or own_words(belief.client) is not None or lane.id in self.relay.attestors:
            return ""
        if belief.client.portable:
            return f"proofs of a {belief.client.family} ledger cannot be cut out of their batches yet"
        return f"{lane.source} is believed by {runtime.ledger.trust_shown}: that proves nothing to a stranger"


def _file(content: bytes, name: str, headers: dict[str, str]) -> web.Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=content, content_type=_KIND, headers=disposition | headers)


def _shape(row: Row[Any]) -> dict[str, object]:
    return {
        "digest": row.digest.hex(),
        "of": row.stream,
        "family": row.family,
        "height": row.number,
        "steps": row.steps,
        "kept_at": row.kept_at,
        "follows_the_one_before": bool(row.linked),
    }


def _kind(request: web.Request) -> DeliveryKind:
    name = request.query.get("kind", DeliveryKind.RECEIVE.value)
    try:
        return DeliveryKind(name)
    except ValueError:
        raise bad_request("kind", name, f"one of: {', '.join(DeliveryKind)}") from None


def _start(request: web.Request) -> bytes | None:
    text = request.query.get("checkpoint")
    if text is not None and not _DIGEST.fullmatch(text):
        raise bad_request("checkpoint", text, "a SHA-256 digest in hex, as /v1/checkpoints shows it")
    return None if text is None else bytes.fromhex(text)
