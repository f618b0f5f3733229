"""Messages that users asked us to send. Stored before anything is signed; the same key twice is one message."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from relay.lanes import LaneId
from relay.store.schema import OUTBOX


@dataclass(frozen=True, slots=True)
class Message:
    """timeout: unix seconds on the destination's clock."""

    lane: LaneId
    dest_port: str
    value: bytes
    timeout: int


@dataclass(frozen=True, slots=True)
class Stored:
    """state: stored, in_flight, sent or failed. sequence: known once the send is final. stored_at: unix seconds."""

    key: str
    message: Message
    state: str
    sequence: int | None
    detail: str
    stored_at: float


@dataclass(eq=False)
class KeyUsedOtherwise(Exception):
    """The idempotency key belongs to another message."""

    key: str

    def __str__(self) -> str:
        return f"the idempotency key {self.key!r} was used for another message"


@dataclass(eq=False)
class OutboxFull(Exception):
    """The lane has as many messages to send as may wait."""

    lane: LaneId
    limit: int

    def __str__(self) -> str:
        return f"{self.limit} messages wait to be sent on {self.lane}: no more may"


def check_outbox_has_room(connection: Connection, lane: LaneId, limit: int) -> None:
    """Raises OutboxFull."""
    query = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.lane == lane, OUTBOX.c.state == "stored")
    if connection.execute(query).scalar_one() >= limit:
        raise OutboxFull(lane, limit)


def store_message(connection: Connection, key: str, message: Message, *, now: float) -> Stored:
    """Store a message, or find the one stored under this key. Raises KeyUsedOtherwise."""
    digest = request_hash(message)
    values = {
        "key": key,
        "request_hash": digest,
        "lane": message.lane,
        "dest_port": message.dest_port,
        "value": message.value,
        "timeout": message.timeout,
        "stored_at": now,
        "state": "stored",
        "detail": "",
    }
    connection.execute(upsert(OUTBOX).values(**values).on_conflict_do_nothing(index_elements=["key"]))
    row = connection.execute(select(OUTBOX).where(OUTBOX.c.key == key)).one()
    if row.request_hash != digest:
        raise KeyUsedOtherwise(key)
    return as_stored(row)


def request_hash(message: Message) -> bytes:
    fields = [message.lane, message.dest_port, message.value, message.timeout]
    return hashlib.sha256(msgspec.msgpack.encode(fields)).digest()


def find_message(connection: Connection, key: str) -> Stored | None:
    row = connection.execute(select(OUTBOX).where(OUTBOX.c.key == key)).one_or_none()
    return None if row is None else as_stored(row)


def unsent(
    connection: Connection, lanes: Sequence[LaneId], *, limit: int, except_for: Sequence[str] = ()
) -> list[Stored]:
    """Oldest first. except_for: keys of those that were refused a moment ago."""
    query = select(OUTBOX).where(OUTBOX.c.lane.in_(lanes), OUTBOX.c.state == "stored", OUTBOX.c.key.not_in(except_for))
    return [as_stored(row) for row in connection.execute(query.order_by(OUTBOX.c.stored_at).limit(limit))]


def mark_in_flight(connection: Connection, key: str, submission: int) -> None:
    connection.execute(
        update(OUTBOX).where(OUTBOX.c.key == key).values(state="in_flight", submission=submission, detail="")
    )


def mark_failed(connection: Connection, key: str, detail: str) -> None:
    connection.execute(update(OUTBOX).where(OUTBOX.c.key == key).values(state="failed", detail=detail))


def mark_waiting(connection: Connection, key: str, detail: str) -> None:
    connection.execute(update(OUTBOX).where(OUTBOX.c.key == key).values(detail=detail))


def mark_lane_waiting(connection: Connection, lane: LaneId, detail: str) -> None:
    """Say of all that wait on a lane why they do."""
    waiting = (OUTBOX.c.lane == lane) & (OUTBOX.c.state == "stored") & (OUTBOX.c.detail != detail)
    connection.execute(update(OUTBOX).where(waiting).values(detail=detail))


def release_submission(connection: Connection, submission: int, state: str, detail: str) -> None:
    """Its transaction ended without sending: back to `stored`, or `failed`. One whose event was read stays sent.

    A failed one keeps its submission: should its event be read after all, it is named and sent.
    """
    kept = {} if state == "failed" else {"submission": None}
    connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.submission == submission, OUTBOX.c.state == "in_flight")
        .values(state=state, detail=detail, **kept)
    )


def is_unnamed(connection: Connection, submission: int) -> bool:
    """Whether the message of a submission has not been seen as a packet yet."""
    query = select(OUTBOX.c.key).where(OUTBOX.c.submission == submission, OUTBOX.c.state == "in_flight")
    return connection.execute(query).first() is not None


def as_stored(row: Row[Any]) -> Stored:
    message = Message(LaneId(row.lane), row.dest_port, row.value, row.timeout)
    return Stored(row.key, message, row.state, row.sequence, row.detail, row.stored_at)
