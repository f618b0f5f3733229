"""Every step of a delivery is written here and nowhere else: state, reason, counters and log row together.

The log is a hash chain per lane: whoever keeps the last hash can tell later whether history was rewritten.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from relay.lifecycle import TERMINAL, DeliveryEvent, DeliveryState, WaitReason, next_state, persisted
from relay.store.schema import DELIVERY, LANE, TRANSITION

# The counters of LaneRow that a state fills; found minus all that ended is open.
COUNTED: Final = {
    DeliveryState.DONE: "done",
    DeliveryState.MOOT: "moot",
    DeliveryState.REFUTED: "refuted",
    DeliveryState.ABANDONED: "abandoned",
    DeliveryState.QUARANTINED: "quarantined",
}
ENDED: Final = TERMINAL | {DeliveryState.ABANDONED}
CHUNK: Final = 500  # below every database's limit of bound parameters


@dataclass(frozen=True, slots=True)
class Step:
    """One delivery takes one step.

    held:     its state in memory, where that is more than the store knows (VERIFIED, INCLUDED).
    next_try: unix seconds, for steps that lead back to WAITING.
    failed:   whether this step counts as a failure of the delivery itself.
    """

    delivery: int
    event: DeliveryEvent
    held: DeliveryState | None = None
    reason: WaitReason = WaitReason.QUEUED
    numbers: Mapping[str, object] = field(default_factory=dict)
    next_try: float = 0.0
    failed: bool = False
    solo: bool | None = None
    submission: int | None = None
    by_us: bool | None = None


def take_steps(connection: Connection, steps: Sequence[Step], *, now: float) -> None:
    """Apply the steps of distinct deliveries. Raises IllegalTransition, and then nothing of them stays."""
    if not steps:
        return
    rows = _rows(connection, [step.delivery for step in steps])
    groups: dict[tuple[str, DeliveryEvent, DeliveryState, DeliveryState], list[Step]] = defaultdict(list)
    changes = []
    for step in steps:
        row = rows[step.delivery]
        before = step.held or DeliveryState(row.state)
        assert persisted(before) == row.state, f"delivery {step.delivery} is {row.state}, not {before}"
        after = next_state(before, step.event)
        groups[row.lane, step.event, before, after].append(step)
        changes.append(_change(step, row, after, now))
    connection.execute(_UPDATE, changes)
    for (lane, event, before, after), members in groups.items():
        _count(connection, lane, before, after, len(members))
        _log(connection, lane, f"{event}", (before, after), members, now=now)


def record_found(connection: Connection, lane: str, deliveries: Sequence[int], *, now: float) -> None:
    """Count and log deliveries that were just inserted."""
    connection.execute(update(LANE).where(LANE.c.id == lane).values(found=LANE.c.found + len(deliveries)))
    steps = [Step(each, DeliveryEvent.RELEASE) for each in deliveries]
    _log(connection, lane, "found", ("", DeliveryState.WAITING), steps, now=now)


_UPDATE: Final = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("key"))
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        numbers=bindparam("new_numbers"),
        next_try=bindparam("new_next_try"),
        failures=bindparam("new_failures"),
        solo=bindparam("new_solo"),
        submission=bindparam("new_submission"),
        by_us=bindparam("new_by_us"),
        ended_at=bindparam("new_ended_at"),
    )
)


def _change(step: Step, row: Row[Any], after: DeliveryState, now: float) -> dict[str, object]:
    released = step.event is DeliveryEvent.RELEASE
    return {
        "key": step.delivery,
        "new_state": persisted(after).value,
        "new_reason": step.reason.value,
        "new_numbers": msgspec.json.encode(dict(step.numbers)).decode(),
        "new_next_try": step.next_try,
        "new_failures": 0 if released else row.failures + step.failed,
        "new_solo": row.solo if step.solo is None else step.solo,
        "new_submission": step.submission,
        "new_by_us": step.by_us,
        "new_ended_at": now if after in ENDED else None,
    }


def _rows(connection: Connection, ids: Sequence[int]) -> dict[int, Row[Any]]:
    assert len(set(ids)) == len(ids), "one step per delivery and transaction"
    found: dict[int, Row[Any]] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(DELIVERY).where(DELIVERY.c.id.in_(ids[start : start + CHUNK]))
        found.update({row.id: row for row in connection.execute(query)})
    return found


def _count(connection: Connection, lane: str, before: DeliveryState, after: DeliveryState, number: int) -> None:
    values = {}
    if before in COUNTED:
        values[COUNTED[before]] = LANE.c[COUNTED[before]] - number
    if after in COUNTED:
        values[COUNTED[after]] = LANE.c[COUNTED[after]] + number
    if values:
        connection.execute(update(LANE).where(LANE.c.id == lane).values(**values))


def _log(
    connection: Connection, lane: str, event: str, way: tuple[str, str], steps: Sequence[Step], *, now: float
) -> None:
    previous = connection.execute(select(LANE.c.log_hash).where(LANE.c.id == lane)).scalar_one()
    row = {
        "lane": lane,
        "at": now,
        "event": event,
        "source": str(way[0]),
        "target": str(way[1]),
        "deliveries": msgspec.msgpack.encode([step.delivery for step in steps]),
        "detail": f"{steps[0].reason}" if steps[0].reason is not WaitReason.QUEUED else "",
        "previous": previous,
    }
    digest = chain_hash(row)
    connection.execute(insert(TRANSITION).values(**row, hash=digest))
    connection.execute(update(LANE).where(LANE.c.id == lane).values(log_hash=digest))


def chain_hash(row: Mapping[str, object]) -> bytes:
    """The hash of a log row over all its fields and the hash before it."""
    fields = ("lane", "at", "event", "source", "target", "deliveries", "detail", "previous")
    return hashlib.sha256(msgspec.msgpack.encode([row[name] for name in fields])).digest()
