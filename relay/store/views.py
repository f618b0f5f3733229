"""What people ask: packets by lane and life, one packet with its timeline, lanes and ledgers with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, select

from relay.lanes import LaneId
from relay.lifecycle import OPEN, DeliveryState, PacketLife
from relay.store.schema import DELIVERY, LANE, LEDGER, PACKET

# The store has one thread: a search for what is rare would hold up the relay while it reads all that ever crossed.
ROWS_SEARCHED: Final = 10_000

_LIFE: Final[dict[PacketLife, ColumnElement[bool]]] = {
    PacketLife.SENT: and_(
        PACKET.c.received_number.is_(None), PACKET.c.acknowledged_number.is_(None), PACKET.c.timed_out_number.is_(None)
    ),
    PacketLife.RECEIVED: and_(PACKET.c.received_number.is_not(None), PACKET.c.acknowledged_number.is_(None)),
    PacketLife.ACKNOWLEDGED: PACKET.c.acknowledged_number.is_not(None),
    PacketLife.TIMED_OUT: PACKET.c.timed_out_number.is_not(None),
}


@dataclass(frozen=True, slots=True)
class Page:
    """before: where the next one begins; None after the last. A page may be short, or empty, and not be the last."""

    rows: Sequence[Row[Any]]
    before: int | None


def packets(
    connection: Connection,
    *,
    lane: LaneId | None,
    life: PacketLife | None,
    before: int | None,
    limit: int,
    searched: int = ROWS_SEARCHED,
) -> Page:
    """Newest first, of the next `searched` ids. before: as the page before this one said."""
    newest = int(connection.execute(select(func.max(PACKET.c.id))).scalar_one() or 0)
    top = newest + 1 if before is None else min(before, newest + 1)
    floor = max(top - searched, 1)
    query = select(PACKET).where(PACKET.c.id >= floor, PACKET.c.id < top).order_by(PACKET.c.id.desc()).limit(limit)
    if lane is not None:
        # Not the bare column: its index would be taken, the whole lane read, and sorted.
        query = query.where(func.coalesce(PACKET.c.lane, "") == lane)
    if life is not None:
        query = query.where(_LIFE[life])
    rows = connection.execute(query).all()
    end = rows[-1].id if len(rows) == limit else floor
    return Page(rows, end if end > 1 else None)


def candidates(connection: Connection, lane: LaneId, sequence: int) -> Sequence[Row[Any]]:
    """All sightings with one name; at most one of them is ever proved."""
    query = select(PACKET).where(PACKET.c.lane == lane, PACKET.c.sequence == sequence)
    return connection.execute(query.order_by(PACKET.c.id)).all()


def deliveries_of(connection: Connection, packet_ids: Sequence[int]) -> Sequence[Row[Any]]:
    query = select(DELIVERY).where(DELIVERY.c.packet.in_(packet_ids))
    return connection.execute(query.order_by(DELIVERY.c.packet, DELIVERY.c.id)).all()


def resting(connection: Connection, *, before: int | None, limit: int) -> Page:
    """Packets with a delivery in quarantine, newest first. before: as the page before this one said."""
    # By lane, because that is how deliveries are indexed.
    of_any_lane = DELIVERY.c.lane.in_(select(LANE.c.id))
    rest = select(DELIVERY.c.packet).where(of_any_lane, DELIVERY.c.state == DeliveryState.QUARANTINED.value)
    query = select(PACKET).where(PACKET.c.id.in_(rest)).order_by(PACKET.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(PACKET.c.id < before)
    rows = connection.execute(query).all()
    return Page(rows, rows[-1].id if len(rows) == limit else None)


def lanes(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(select(LANE).order_by(LANE.c.id)).all()


def oldest_open(connection: Connection) -> dict[str, float]:
    """By lane: when the packet of its oldest open delivery was seen, in unix seconds."""
    # Deliveries are numbered as they are found: one of each lane and state is looked up, not all that are open.
    each = DELIVERY.alias()
    first = select(func.min(each.c.id)).where(each.c.lane == LANE.c.id, each.c.state == bindparam("state"))
    packet = select(PACKET.c.seen_at).join(DELIVERY, DELIVERY.c.packet == PACKET.c.id)
    query = select(LANE.c.id, packet.where(DELIVERY.c.id == first.correlate(LANE).scalar_subquery()).scalar_subquery())
    found = dict[str, float]()
    for state in OPEN:
        for lane, seen_at in connection.execute(query, {"state": state.value}):
            if seen_at is not None:
                found[lane] = min(found.get(lane, seen_at), seen_at)
    return found


def ledgers(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(select(LEDGER).order_by(LEDGER.c.name)).all()
