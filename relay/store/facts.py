"""Facts from final events, and the deliveries that follow from them. Cursor and findings move in one transaction.

Deliveries follow from facts, never from one event alone: whichever ledger was read first, the outcome is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.contract.ledger import Cursor
from adapters.contract.messages import Acknowledged, AckWritten, HostEvent, Received, Sent, SentUnreadable, TimedOut
from proofs.commitment import Packet, packet_commitment
from relay.lanes import Lane, LaneId, Lanes
from relay.lifecycle import OPEN, DeliveryEvent, DeliveryKind, DeliveryState, WaitReason
from relay.store.schema import ATTEMPT, DELIVERY, LANE, LEDGER, OUTBOX, PACKET, SUBMISSION
from relay.store.steps import Step, record_found, take_steps
from relay.store.tables import INTEGER_MAX, NOT_REFUTED

PacketEvent = Sent | Received | AckWritten | Acknowledged | TimedOut

_OPEN: Final = tuple(state.value for state in OPEN)


@dataclass(frozen=True, slots=True)
class Recorded:
    """events: how many are of our lanes. crossings: seconds from a packet's first sighting to its final receipt."""

    events: int
    crossings: Sequence[tuple[LaneId, float]]


def record_scan(
    connection: Connection, ledger: str, events: Sequence[HostEvent], cursor: Cursor, *, lanes: Lanes, now: float
) -> Recorded:
    """Write what a ledger's final events say, and move its cursor, together."""
    events_of_ours, crossings = 0, list[tuple[LaneId, float]]()
    for event in events:
        if isinstance(event, SentUnreadable):
            _record_unreadable(connection, ledger, event, lanes)
            continue
        if not isinstance(event, PacketEvent):
            continue
        lane = home_lane(ledger, event, lanes)
        if lane is None:
            continue
        events_of_ours += 1
        row = _packet_row(connection, event.packet, lane, now)
        if isinstance(event, Received) and row.received_number is None and row.sent_number is not None:
            crossings.append((lane.id, now - row.seen_at))
        _record_event(connection, row, event, lane, lanes=lanes, now=now)
    connection.execute(
        update(LEDGER)
        .where(LEDGER.c.name == ledger)
        .values(cursor_revision=cursor.height.revision, cursor_number=cursor.height.number, cursor_hash=cursor.hash)
    )
    return Recorded(events_of_ours, crossings)


def _record_unreadable(connection: Connection, ledger: str, event: SentUnreadable, lanes: Lanes) -> None:
    """Nothing can be done for it, but its sequence counts: the next one is no gap."""
    lane = lanes.sending(ledger, event.source_client)
    if lane is not None:
        _count_sent(connection, lane, event.sequence)


def _count_sent(connection: Connection, lane: Lane, sequence: int) -> None:
    lower = (LANE.c.id == lane.id) & (LANE.c.last_sent < sequence)
    connection.execute(update(LANE).where(lower).values(last_sent=sequence))


def home_lane(ledger: str, event: PacketEvent, lanes: Lanes) -> Lane | None:
    """The lane that receives the event's packet, seen from the ledger the event was read on."""
    packet = event.packet
    if isinstance(event, Received | AckWritten):
        back = lanes.sending(ledger, packet.dest_client)
        lane = lanes[back.opposite] if back is not None else None
    else:
        lane = lanes.sending(ledger, packet.source_client)
    return lane if lane is not None and lane.carries(packet) else None


def _record_event(
    connection: Connection, row: Row[Any], event: PacketEvent, lane: Lane, *, lanes: Lanes, now: float
) -> None:
    number = event.at.position.height.number
    match event:
        case Sent():
            _on_sent(connection, row, event, lane, now)
        case Received():
            _set(connection, row, received_number=number, received_at=now)
            _end(connection, row, now, settled=DeliveryKind.RECEIVE, overtaken=(DeliveryKind.TIMEOUT,), event=event)
        case AckWritten():
            _on_acknowledgement(connection, row, event, lanes[lane.opposite], now)
        case Acknowledged():
            _set(connection, row, acknowledged_number=number, ended_at=now)
            others = (DeliveryKind.RECEIVE, DeliveryKind.TIMEOUT)
            _end(connection, row, now, settled=DeliveryKind.ACKNOWLEDGE, overtaken=others, event=event)
        case TimedOut():
            _set(connection, row, timed_out_number=number, ended_at=now)
            others = (DeliveryKind.RECEIVE, DeliveryKind.ACKNOWLEDGE)
            _end(connection, row, now, settled=DeliveryKind.TIMEOUT, overtaken=others, event=event)


def _on_sent(connection: Connection, row: Row[Any], event: Sent, lane: Lane, now: float) -> None:
    number = event.at.position.height.number
    if row.sent_number is None:
        _set(connection, row, sent_number=number, sent_transaction=event.at.transaction)
    # Each time it is read: the one who told of it first may have named another transaction.
    _name_outbox(connection, event, lane)
    # Counted each time it is read: a refuted sighting may have taken the count back below it.
    _count_sent(connection, lane, event.packet.sequence)
    already = row.received_number is not None
    ended = row.acknowledged_number is not None or row.timed_out_number is not None
    found = add_delivery(connection, row.id, DeliveryKind.RECEIVE, lane, found_number=number, now=now)
    if found is not None and (already or ended):
        # The destination was read first: what it said counts from now on.
        step = DeliveryEvent.SETTLED if already else DeliveryEvent.OVERTAKEN
        take_steps(connection, [Step(found, step)], now=now)


def _on_acknowledgement(connection: Connection, row: Row[Any], event: AckWritten, back: Lane, now: float) -> None:
    number = event.at.position.height.number
    if row.acknowledgement_number is None:
        acknowledgements = msgspec.msgpack.encode(event.acknowledgements)
        _set(connection, row, acknowledgements=acknowledgements, acknowledgement_number=number)
    found = add_delivery(connection, row.id, DeliveryKind.ACKNOWLEDGE, back, found_number=number, now=now)
    if found is not None and row.acknowledged_number is not None:
        take_steps(connection, [Step(found, DeliveryEvent.SETTLED)], now=now)


def _name_outbox(connection: Connection, event: Sent, lane: Lane) -> None:
    """The packet of a message we sent for a user is known by its transaction, and holds what the user said."""
    submission = connection.execute(
        select(ATTEMPT.c.submission).where(ATTEMPT.c.tx_id == event.at.transaction)
    ).scalar_one_or_none()
    if submission is None or len(event.packet.payloads) != 1:
        return
    payload = event.packet.payloads[0]
    message = (
        (OUTBOX.c.submission == submission)
        & (OUTBOX.c.lane == lane.id)
        & (OUTBOX.c.timeout == min(event.packet.timeout, INTEGER_MAX))
        & (OUTBOX.c.dest_port == payload.dest_port)
        & (OUTBOX.c.value == payload.value)
    )
    connection.execute(update(OUTBOX).where(message).values(state="sent", sequence=event.packet.sequence))


def add_delivery(
    connection: Connection, packet: int, kind: DeliveryKind, lane: Lane, *, found_number: int, now: float
) -> int | None:
    """Insert a delivery unless the packet has one of this kind that is not refuted. Returns its id when it is new."""
    destination = connection.execute(
        select(LEDGER.c.cursor_number).where(LEDGER.c.name == lane.destination)
    ).scalar_one_or_none()
    values = {
        "packet": packet,
        "kind": kind.value,
        "lane": lane.id,
        "state": DeliveryState.WAITING.value,
        "reason": WaitReason.QUEUED.value,
        "numbers": "{}",
        "found_number": found_number,
        "destination_number": destination or 0,
        "next_try": now,
        "failures": 0,
        "solo": False,
    }
    statement = (
        upsert(DELIVERY)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["packet", "kind"], index_where=NOT_REFUTED)
    )
    new = connection.execute(statement.returning(DELIVERY.c.id)).scalar_one_or_none()
    if new is None:
        return None
    record_found(connection, lane.id, [new], now=now)
    return int(new)


def _end(
    connection: Connection,
    row: Row[Any],
    now: float,
    *,
    settled: DeliveryKind,
    overtaken: Sequence[DeliveryKind],
    event: PacketEvent,
) -> None:
    """A final event ended deliveries: one is done, those that can no longer happen are moot."""
    open_rows = connection.execute(
        select(DELIVERY.c.id, DELIVERY.c.kind, DELIVERY.c.submission).where(
            DELIVERY.c.packet == row.id,
            DELIVERY.c.state.in_((*_OPEN, DeliveryState.ABANDONED.value)),
            DELIVERY.c.kind.in_([settled.value, *(kind.value for kind in overtaken)]),
        )
    ).all()
    steps = []
    for delivery in open_rows:
        if delivery.kind == settled.value:
            by_us = _is_ours(connection, event.at.transaction)
            steps.append(Step(delivery.id, DeliveryEvent.SETTLED, by_us=by_us, submission=delivery.submission))
        else:
            steps.append(Step(delivery.id, DeliveryEvent.OVERTAKEN))
    take_steps(connection, steps, now=now)


def _is_ours(connection: Connection, transaction: str) -> bool:
    query = select(SUBMISSION.c.id).join(ATTEMPT, ATTEMPT.c.submission == SUBMISSION.c.id)
    return connection.execute(query.where(ATTEMPT.c.tx_id == transaction)).first() is not None


def _packet_row(connection: Connection, packet: Packet, lane: Lane, now: float) -> Row[Any]:
    commitment = packet_commitment(packet)
    values = {
        "lane": lane.id,
        "sequence": packet.sequence,
        "commitment": commitment,
        "body": msgspec.msgpack.encode(packet),
        "timeout": min(packet.timeout, INTEGER_MAX),
        "seen_at": now,
    }
    keys = ["lane", "sequence", "commitment"]
    connection.execute(upsert(PACKET).values(**values).on_conflict_do_nothing(index_elements=keys))
    query = select(PACKET).where(
        PACKET.c.lane == lane.id, PACKET.c.sequence == packet.sequence, PACKET.c.commitment == commitment
    )
    return connection.execute(query).one()


def _set(connection: Connection, row: Row[Any], **values: object) -> None:
    connection.execute(update(PACKET).where(PACKET.c.id == row.id).values(**values))


def record_final_time(connection: Connection, ledger: str, final_time: int, *, lanes: Lanes, now: float) -> int:
    """A ledger that was read through its final block says what time it is: packets it did not receive are due.

    Returns how many timeouts were found. `lanes` carry packets *to* this ledger; their timeouts leave it.
    """
    connection.execute(update(LEDGER).where(LEDGER.c.name == ledger).values(final_time=final_time))
    found = 0
    for lane in lanes.entering(ledger):
        for packet in _unreceived_since(connection, lane.id, final_time):
            back = lanes[lane.opposite]
            # Absence was not written anywhere: it can be proved at the next height that is late enough.
            new = add_delivery(connection, packet, DeliveryKind.TIMEOUT, back, found_number=0, now=now)
            found += new is not None
    return found


def _unreceived_since(connection: Connection, lane: LaneId, final_time: int) -> Sequence[int]:
    # A sighting that was refuted was never sent: there is nothing to time out.
    stands = select(DELIVERY.c.id).where(
        DELIVERY.c.packet == PACKET.c.id,
        DELIVERY.c.kind == DeliveryKind.RECEIVE.value,
        DELIVERY.c.state != DeliveryState.REFUTED.value,
    )
    has_timeout = select(DELIVERY.c.id).where(
        DELIVERY.c.packet == PACKET.c.id,
        DELIVERY.c.kind == DeliveryKind.TIMEOUT.value,
        DELIVERY.c.state != DeliveryState.REFUTED.value,
    )
    query = select(PACKET.c.id).where(
        PACKET.c.lane == lane,
        PACKET.c.timeout <= final_time,
        PACKET.c.sent_number.is_not(None),
        PACKET.c.received_number.is_(None),
        PACKET.c.acknowledged_number.is_(None),
        PACKET.c.timed_out_number.is_(None),
        stands.exists(),
        ~has_timeout.exists(),
    )
    return connection.execute(query.limit(1000)).scalars().all()
