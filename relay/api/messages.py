"""Send a message and follow it: POST /v1/messages with an Idempotency-Key, GET /v1/messages/{key}.

The message is stored before it is answered, so the same key is one packet, also across a crash.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from relay.api.problems import Problem, bad_request, json_response, not_found
from relay.api.shapes import packet_id
from relay.lanes import Lane, LaneId
from relay.pipeline.relay import Relay
from relay.store.outbox import (
    KeyUsedOtherwise,
    Message,
    OutboxFull,
    Stored,
    check_outbox_has_room,
    find_message,
    store_message,
)

KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
TIMEOUT_SECONDS_MAX: Final = 86_400  # hosts refuse more. Source: IBC v2, MaxTimeoutDelta
TIMEOUT_SECONDS_MIN: Final = 5
TIMEOUT_MAX: Final = (1 << 63) - 1  # what the store counts with
PORT: Final = re.compile(r"[\x21-\x7e]{1,128}")


class MessageRequest(msgspec.Struct, forbid_unknown_fields=True):
    """value: base64; or text: UTF-8. One of timeout (unix seconds) and timeout_seconds (from now).

    port: of the application there; the destination's mailbox where none is given.
    """

    lane: str
    port: str | None = None
    value: str | None = None
    text: str | None = None
    timeout: int | None = None
    timeout_seconds: int | None = None


_DECODER: Final = msgspec.json.Decoder(MessageRequest)


@dataclass(frozen=True, slots=True)
class Messages:
    relay: Relay

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/messages", self.send), web.get("/v1/messages/{key}", self.show)]

    async def send(self, request: web.Request) -> web.Response:
        key = request.headers.get("Idempotency-Key", "")
        if not KEY.fullmatch(key):
            raise bad_request("Idempotency-Key", key, "a header of 1 to 128 visible ASCII characters")
        try:
            wanted = _DECODER.decode(await request.read())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise bad_request("body", str(error), "a JSON object with lane, port, value or text, timeout") from None
        _check_timeout_given(wanted)
        lane = self._lane(wanted.lane)
        port = self._mailbox_of(lane) if wanted.port is None else _port(wanted.port)
        value, now = _value(wanted, lane), self.relay.shared.clock()

        def accept(connection: Connection) -> Stored:
            """Found or stored in one transaction: two requests at once with one key are one message, too."""
            before = find_message(connection, key)
            if before is None:
                check_outbox_has_room(connection, lane.id, self.relay.shared.limits.outbox_per_lane)
                timeout = _timeout(wanted, now=int(now))
            else:
                timeout = _timeout_as_of(before, wanted)
            return store_message(connection, key, Message(lane.id, port, value, timeout), now=now)

        try:
            stored = await self.relay.shared.database.run(accept)
        except KeyUsedOtherwise as error:
            raise Problem(409, "idempotency-key-reused", "key used for another message", str(error)) from None
        except OutboxFull as full:
            waiting = {"lane": full.lane, "waiting": full.limit}
            raise Problem(503, "outbox-full", "too many messages wait", f"{full}; try later", waiting) from None
        send = self.relay.runtimes[lane.source].send
        if send is not None:
            send.wake.set()
        return json_response(message_shape(stored), status=202)

    async def show(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        read = partial(find_message, key=key)
        stored = await self.relay.shared.database.run(read) if KEY.fullmatch(key) else None
        if stored is None:
            raise not_found("message", key)
        return json_response(message_shape(stored))

    def _lane(self, name: str) -> Lane:
        lane = self.relay.shared.lanes.get(LaneId(name))
        if lane is None:
            known = ", ".join(lane.id for lane in self.relay.shared.lanes)
            raise bad_request("lane", name, f"one of: {known}")
        runtime = self.relay.runtimes[lane.source]
        if runtime.accounts.send is None or runtime.ledger.sender is None:
            raise Problem(409, "cannot-send", "no send key", f"no account sends for users on {lane.source}")
        return lane

    def _mailbox_of(self, lane: Lane) -> str:
        sender = self.relay.runtimes[lane.destination].ledger.sender
        if sender is None:
            raise bad_request("port", "none", f"a port: {lane.destination} is not configured with a mailbox")
        return sender.port


def _check_timeout_given(wanted: MessageRequest) -> None:
    given = [each for each in (wanted.timeout, wanted.timeout_seconds) if each is not None]
    if len(given) != 1:
        raise bad_request("timeout", "both" if given else "none", "one of timeout and timeout_seconds")
    most, what = (TIMEOUT_MAX, "unix seconds") if wanted.timeout is not None else (TIMEOUT_SECONDS_MAX, "seconds")
    if not 0 <= given[0] <= most:
        raise bad_request("timeout", given[0], f"0 to {most} {what}")


def _timeout(wanted: MessageRequest, *, now: int) -> int:
    """A timeout that cannot be met is refused now, not paid for and timed out later."""
    timeout = wanted.timeout if wanted.timeout is not None else now + (wanted.timeout_seconds or 0)
    if not now + TIMEOUT_SECONDS_MIN <= timeout <= now + TIMEOUT_SECONDS_MAX:
        expected = f"{TIMEOUT_SECONDS_MIN} to {TIMEOUT_SECONDS_MAX} seconds from now, {now}"
        raise bad_request("timeout", timeout, expected)
    return timeout


def _timeout_as_of(stored: Stored, wanted: MessageRequest) -> int:
    """What this request would have meant when the first one came: a relative timeout counts from then."""
    return wanted.timeout if wanted.timeout is not None else int(stored.stored_at) + (wanted.timeout_seconds or 0)


def _port(port: str) -> str:
    if not PORT.fullmatch(port):
        raise bad_request("port", port, "1 to 128 visible ASCII characters")
    return port


def _value(wanted: MessageRequest, lane: Lane) -> bytes:
    if (wanted.value is None) == (wanted.text is None):
        got = "none" if wanted.value is None else "both"
        raise bad_request("value", got, "one of value (base64) and text")
    limit = lane.policy.payload_bytes_max
    try:
        value = wanted.text.encode() if wanted.text is not None else base64.b64decode(wanted.value or "", validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("value", wanted.value, "base64") from None
    if len(value) > limit:
        expected = f"at most {limit} bytes on this lane"
        raise Problem(413, "payload-too-large", "payload too large", f"got {len(value)} bytes, expected {expected}")
    return value


def message_shape(stored: Stored) -> dict[str, object]:
    message = stored.message
    named = packet_id(message.lane, stored.sequence) if stored.sequence is not None else None
    return {
        "key": stored.key,
        "state": stored.state,
        "lane": message.lane,
        "port": message.dest_port,
        "timeout": message.timeout,
        "detail": stored.detail,
        "packet": named,
    }
