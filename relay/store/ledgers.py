"""Ledgers and lanes as the store knows them: identity at first sight, cursor, belief, halt, pause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, case, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.contract.errors import IdentityChanged
from adapters.contract.ledger import Cursor, LedgerIdentity
from proofs.light_client import Height
from relay.lanes import Lane, LaneId
from relay.store.schema import LANE, LEDGER

UNWATCHED: Final = -1  # the last sequence sent on a lane that is not configured now: nobody counts


@dataclass(frozen=True, slots=True)
class KnownLedger:
    cursor: Cursor
    checked_number: int
    client: bytes | None
    halted: str | None
    final_time: int
    rewind_to: int | None


def register(connection: Connection, name: str, identity: LedgerIdentity, start: Cursor) -> None:
    """Remember a ledger at first sight. Raises IdentityChanged when it is not the one we knew."""
    statement = upsert(LEDGER).values(
        name=name,
        identity=msgspec.json.encode(asdict(identity)).decode(),
        cursor_revision=start.height.revision,
        cursor_number=start.height.number,
        cursor_hash=start.hash,
        checked_number=start.height.number,
        final_time=0,
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=["name"]))
    check_identity(connection, name, identity)


def check_identity(connection: Connection, name: str, identity: LedgerIdentity) -> None:
    """Raises IdentityChanged, naming the part."""
    row = connection.execute(select(LEDGER.c.identity).where(LEDGER.c.name == name)).one()
    stored = msgspec.json.decode(row.identity.encode(), type=LedgerIdentity)
    for each in fields(LedgerIdentity):
        got, expected = getattr(identity, each.name), getattr(stored, each.name)
        if got != expected:
            raise IdentityChanged(f"{name}: {each.name}", got, expected)


def known(connection: Connection, name: str) -> KnownLedger | None:
    row = connection.execute(select(LEDGER).where(LEDGER.c.name == name)).one_or_none()
    return None if row is None else _as_known(row)


def _as_known(row: Row[Any]) -> KnownLedger:
    return KnownLedger(
        cursor=Cursor(Height(row.cursor_revision, row.cursor_number), row.cursor_hash),
        checked_number=row.checked_number,
        client=row.client,
        halted=row.halted,
        final_time=row.final_time,
        rewind_to=row.rewind_to,
    )


def save_client(connection: Connection, name: str, client: bytes) -> None:
    connection.execute(update(LEDGER).where(LEDGER.c.name == name).values(client=client))


def save_checked(connection: Connection, name: str, number: int) -> None:
    """Everything sent up to here was read: the proven counters say so."""
    connection.execute(update(LEDGER).where(LEDGER.c.name == name).values(checked_number=number))


def ask_rewind(connection: Connection, name: str, number: int) -> None:
    """Have the ledger read again from a height, or from a lower one that was asked for already."""
    lowest = func.min(func.coalesce(LEDGER.c.rewind_to, number), number)
    connection.execute(update(LEDGER).where(LEDGER.c.name == name).values(rewind_to=lowest))


def rewind(connection: Connection, name: str, cursor: Cursor, *, asked: int) -> None:
    """Read again from `cursor`: what was asked for is done, unless a lower height was asked for meanwhile."""
    height = cursor.height
    values = {"cursor_revision": height.revision, "cursor_number": height.number, "cursor_hash": cursor.hash}
    still = case((LEDGER.c.rewind_to < asked, LEDGER.c.rewind_to), else_=None)
    connection.execute(update(LEDGER).where(LEDGER.c.name == name).values(**values, rewind_to=still))


def halt(connection: Connection, name: str, why: str | None) -> None:
    connection.execute(update(LEDGER).where(LEDGER.c.name == name).values(halted=why))


def register_lanes(connection: Connection, lanes: Iterable[Lane], *, paused: frozenset[LaneId]) -> None:
    """Remember the configured lanes. The ledgers of one that was not watched so far are read again from the start:
    what happened on it before was read as somebody else's.
    """
    lanes = tuple(lanes)
    watched = {row.id for row in connection.execute(select(LANE.c.id).where(LANE.c.last_sent != UNWATCHED))}
    for lane in lanes:
        statement = upsert(LANE).values(
            id=lane.id,
            paused=lane.id in paused,
            last_sent=0,
            found=0,
            done=0,
            moot=0,
            refuted=0,
            abandoned=0,
            quarantined=0,
            redundant=0,
            log_hash=b"",
        )
        connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))
    new = [lane for lane in lanes if lane.id not in watched]
    connection.execute(update(LANE).where(LANE.c.id.in_([lane.id for lane in new])).values(last_sent=0))
    ledgers = {name for lane in new for name in (lane.source, lane.destination)}
    connection.execute(update(LEDGER).where(LEDGER.c.name.in_(ledgers)).values(rewind_to=0, checked_number=0))
    others = LANE.c.id.not_in([lane.id for lane in lanes])
    connection.execute(update(LANE).where(others).values(last_sent=UNWATCHED))


def set_paused(connection: Connection, lane: LaneId, *, paused: bool) -> None:
    connection.execute(update(LANE).where(LANE.c.id == lane).values(paused=paused))


def last_sent(connection: Connection, lane: LaneId) -> int:
    return int(connection.execute(select(LANE.c.last_sent).where(LANE.c.id == lane)).scalar_one())


def count_redundant(connection: Connection, lane: LaneId, number: int) -> None:
    connection.execute(update(LANE).where(LANE.c.id == lane).values(redundant=LANE.c.redundant + number))
