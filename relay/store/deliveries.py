"""Which deliveries are due, and why the others wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, bindparam, func, select, update

from proofs.commitment import Packet
from relay.lanes import LaneId
from relay.lifecycle import DeliveryKind, DeliveryState, WaitReason
from relay.store.schema import DELIVERY, LANE, PACKET

UNACKNOWLEDGED_SEARCHED: Final = 10_000  # rows: bounds the question without an index of its own

_PACKET_DECODER: Final = msgspec.msgpack.Decoder(Packet)
_ACKS_DECODER: Final = msgspec.msgpack.Decoder(tuple[bytes, ...])


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery with all that its claim and its message need."""

    id: int
    kind: DeliveryKind
    lane: LaneId
    packet: Packet
    packet_row: int
    acknowledgements: tuple[bytes, ...]
    found_number: int
    destination_number: int
    failures: int
    solo: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a delivery is not moving, with its numbers, and when it is tried again (unix seconds)."""

    delivery: int
    reason: WaitReason
    numbers: Mapping[str, object]
    next_try: float
    solo: bool | None = None
    failed: bool = False


def due(connection: Connection, lane: LaneId, *, now: float, limit: int, except_for: Iterable[int] = ()) -> list[Due]:
    """Waiting deliveries of a lane whose time has come, oldest first. except_for: verified in memory already."""
    query = (
        _joined()
        .where(
            DELIVERY.c.lane == lane,
            DELIVERY.c.state == DeliveryState.WAITING.value,
            DELIVERY.c.next_try <= now,
        )
        .order_by(DELIVERY.c.next_try, DELIVERY.c.id)
    )
    held = set(except_for)
    rows = connection.execute(query.limit(limit + len(held)))
    return [as_due(row) for row in rows if row.id not in held][:limit]


def in_submission(connection: Connection, submission: int) -> list[Due]:
    """Deliveries that are in flight in a submission, and not settled yet."""
    query = _joined().where(DELIVERY.c.submission == submission, DELIVERY.c.state == DeliveryState.IN_FLIGHT.value)
    return [as_due(row) for row in connection.execute(query.order_by(DELIVERY.c.id))]


def dues_of(connection: Connection, packets: Sequence[int]) -> list[Due]:
    """Every delivery of these packets, whatever its state."""
    query = _joined().where(DELIVERY.c.packet.in_(packets))
    return [as_due(row) for row in connection.execute(query.order_by(DELIVERY.c.id))]


def _joined() -> Select[Any]:
    return select(DELIVERY, PACKET.c.body, PACKET.c.acknowledgements).join(PACKET, PACKET.c.id == DELIVERY.c.packet)


def as_due(row: Row[Any]) -> Due:
    return Due(
        id=row.id,
        kind=DeliveryKind(row.kind),
        lane=LaneId(row.lane),
        packet=decode_packet(row.body),
        packet_row=row.packet,
        acknowledgements=_ACKS_DECODER.decode(row.acknowledgements) if row.acknowledgements is not None else (),
        found_number=row.found_number,
        destination_number=row.destination_number,
        failures=row.failures,
        solo=bool(row.solo),
    )


def decode_packet(body: bytes) -> Packet:
    return _PACKET_DECODER.decode(body)


_WAIT: Final = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("key"), DELIVERY.c.state == DeliveryState.WAITING.value)
    .values(
        reason=bindparam("new_reason"),
        numbers=bindparam("new_numbers"),
        next_try=bindparam("new_next_try"),
        failures=DELIVERY.c.failures + bindparam("failed"),
        solo=func.coalesce(bindparam("new_solo"), DELIVERY.c.solo),
    )
)


def record_waits(connection: Connection, waits: Sequence[Wait]) -> None:
    """Say why deliveries wait. A delivery that has moved on in the meantime is left alone."""
    if waits:
        connection.execute(_WAIT, [_wait_values(wait) for wait in waits])


def _wait_values(wait: Wait) -> dict[str, object]:
    return {
        "key": wait.delivery,
        "new_reason": wait.reason.value,
        "new_numbers": msgspec.json.encode(dict(wait.numbers)).decode(),
        "new_next_try": wait.next_try,
        "failed": int(wait.failed),
        "new_solo": wait.solo,
    }


def wake_all(connection: Connection, *, now: float) -> None:
    """After a start nothing waits for what the last process knew: everything is looked at anew."""
    waiting = DELIVERY.c.state == DeliveryState.WAITING.value
    connection.execute(update(DELIVERY).where(waiting, DELIVERY.c.next_try > now).values(next_try=now))


def paused(connection: Connection) -> frozenset[LaneId]:
    rows = connection.execute(select(LANE.c.id).where(LANE.c.paused.is_(True)))
    return frozenset(LaneId(row.id) for row in rows)


def read_again_from(connection: Connection, packet: int) -> int:
    """How far the packet's destination had been read when the packet was found: its receipt can only be above that."""
    query = select(func.min(DELIVERY.c.destination_number)).where(
        DELIVERY.c.packet == packet, DELIVERY.c.kind == DeliveryKind.RECEIVE.value
    )
    return int(connection.execute(query).scalar_one() or 0)


def recount_sent(connection: Connection, lane: LaneId, refuted: Sequence[int]) -> None:
    """Take back refuted sequences: the true send of that name, if there is one, was left out and must be read.

    What was sent counts up to the first sequence for which no sighting stands.
    """
    for sequence in refuted:
        stands = (
            select(DELIVERY.c.id)
            .join(PACKET, DELIVERY.c.packet == PACKET.c.id)
            .where(
                PACKET.c.lane == lane,
                PACKET.c.sequence == sequence,
                DELIVERY.c.kind == DeliveryKind.RECEIVE.value,
                DELIVERY.c.state != DeliveryState.REFUTED.value,
            )
        )
        if connection.execute(stands.limit(1)).first() is None:
            higher = (LANE.c.id == lane) & (LANE.c.last_sent >= sequence)
            connection.execute(update(LANE).where(higher).values(last_sent=sequence - 1))


def is_still_waiting(connection: Connection, delivery: int) -> bool:
    """A final event may have ended a delivery while it was verified in memory."""
    state = connection.execute(select(DELIVERY.c.state).where(DELIVERY.c.id == delivery)).scalar_one()
    return bool(state == DeliveryState.WAITING.value)


def record_proved(connection: Connection, packets: Sequence[int], number: int) -> None:
    """These packets exist: their commitments were proved at this height."""
    if packets:
        first = PACKET.c.id.in_(packets) & PACKET.c.proved_number.is_(None)
        connection.execute(update(PACKET).where(first).values(proved_number=number))


def has_unproved(connection: Connection, lanes: Sequence[LaneId]) -> bool:
    """Whether a sighting of these lanes may still be false, so that it may hide a true packet of the same name."""
    query = (
        select(DELIVERY.c.id)
        .join(PACKET, PACKET.c.id == DELIVERY.c.packet)
        .where(
            DELIVERY.c.lane.in_(lanes),
            DELIVERY.c.kind == DeliveryKind.RECEIVE.value,
            DELIVERY.c.state == DeliveryState.WAITING.value,
            PACKET.c.proved_number.is_(None),
        )
    )
    return connection.execute(query.limit(1)).first() is not None


def forget_acknowledgements(connection: Connection, packets: Sequence[int]) -> None:
    """They were proved false: what is read next is taken instead."""
    if packets:
        nothing = {"acknowledgements": None, "acknowledgement_number": None}
        connection.execute(update(PACKET).where(PACKET.c.id.in_(packets)).values(**nothing))


def lowest_unacknowledged(connection: Connection, lanes: Sequence[LaneId], *, before: float) -> int | None:
    """Where the first packet of these home lanes was received that has no acknowledgement though time enough passed.

    Of the newest packets only: what has waited longer than those was looked for often enough.
    """
    newest = connection.execute(select(func.max(PACKET.c.id))).scalar_one() or 0
    query = select(func.min(PACKET.c.received_number)).where(
        PACKET.c.id > newest - UNACKNOWLEDGED_SEARCHED,
        PACKET.c.lane.in_(lanes),
        PACKET.c.received_at < before,
        PACKET.c.acknowledgement_number.is_(None),
        PACKET.c.acknowledged_number.is_(None),
        PACKET.c.timed_out_number.is_(None),
    )
    number = connection.execute(query).scalar_one()
    return None if number is None else int(number)


def waiting_timeouts(connection: Connection, packets: Sequence[int]) -> list[int]:
    """Timeouts that wait of these packets: what was never sent cannot time out."""
    query = select(DELIVERY.c.id).where(
        DELIVERY.c.packet.in_(packets),
        DELIVERY.c.kind == DeliveryKind.TIMEOUT.value,
        DELIVERY.c.state == DeliveryState.WAITING.value,
    )
    return [int(each) for each in connection.execute(query).scalars()]
