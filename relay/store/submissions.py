"""Signed bytes and slots. Nothing is broadcast that does not stand here; after a crash the same bytes go again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from adapters.contract.ledger import Account, Prepared, TxId
from relay.store.schema import ATTEMPT, SPEND, SUBMISSION

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Attempt:
    tx_id: TxId
    raw: bytes
    fee: int
    prepared_at: float
    broadcast_at: float | None


@dataclass(frozen=True, slots=True)
class Submission:
    """One slot, one set of messages, all its attempts in order."""

    id: int
    slot: int | None
    purpose: str
    lanes: tuple[str, ...]
    created_at: float
    attempts: tuple[Attempt, ...]

    def paid(self, told: int) -> int:
        """What it cost by a node's word, which cannot be more than was signed for: a lie must not empty a budget."""
        return min(told, max((attempt.fee for attempt in self.attempts), default=0))


def record_prepared(
    connection: Connection,
    ledger: str,
    account: Account,
    prepared: Prepared,
    *,
    purpose: str,
    lanes: Iterable[str],
    now: float,
) -> int:
    """Store a slot's first attempt. Returns the submission's id."""
    values = {
        "ledger": ledger,
        "account": account,
        "slot": prepared.slot,
        "purpose": purpose,
        "lanes": ",".join(lanes),
        "status": "open",
        "created_at": now,
        "fee": "0",
    }
    submission = int(connection.execute(insert(SUBMISSION).values(**values).returning(SUBMISSION.c.id)).scalar_one())
    record_attempt(connection, submission, prepared, now=now)
    return submission


def record_attempt(connection: Connection, submission: int, prepared: Prepared, *, now: float) -> None:
    connection.execute(
        insert(ATTEMPT).values(
            tx_id=prepared.tx_id, submission=submission, raw=prepared.raw, fee=str(prepared.fee), prepared_at=now
        )
    )


def record_broadcast(connection: Connection, tx_ids: Sequence[TxId], *, now: float) -> None:
    connection.execute(update(ATTEMPT).where(ATTEMPT.c.tx_id.in_(tx_ids)).values(broadcast_at=now))


def open_submissions(connection: Connection, ledger: str, account: Account) -> list[Submission]:
    """In slot order."""
    query = (
        select(SUBMISSION)
        .where(SUBMISSION.c.ledger == ledger, SUBMISSION.c.account == account, SUBMISSION.c.status == "open")
        .order_by(SUBMISSION.c.id)
    )
    return [_with_attempts(connection, row) for row in connection.execute(query).all()]


def _with_attempts(connection: Connection, row: Row[Any]) -> Submission:
    query = select(ATTEMPT).where(ATTEMPT.c.submission == row.id).order_by(ATTEMPT.c.prepared_at)
    attempts = tuple(
        Attempt(TxId(each.tx_id), each.raw, int(each.fee), each.prepared_at, each.broadcast_at)
        for each in connection.execute(query)
    )
    lanes = tuple(filter(None, row.lanes.split(",")))
    return Submission(row.id, row.slot, row.purpose, lanes, row.created_at, attempts)


def open_slots(connection: Connection, ledger: str, account: Account) -> frozenset[int]:
    query = select(SUBMISSION.c.slot).where(
        SUBMISSION.c.ledger == ledger,
        SUBMISSION.c.account == account,
        SUBMISSION.c.status == "open",
        SUBMISSION.c.slot.is_not(None),
    )
    return frozenset(connection.execute(query).scalars())


def close(
    connection: Connection, submission: int, status: str, *, fee: int = 0, included_number: int | None = None
) -> None:
    """status: included, failed or vanished; all final."""
    values = {"status": status, "fee": str(fee), "included_number": included_number}
    connection.execute(update(SUBMISSION).where(SUBMISSION.c.id == submission).values(**values))


def record_spend(connection: Connection, scopes: Sequence[str], fee: int, *, now: float) -> None:
    """Add a final fee to today's spend of each scope. The lanes of one transaction share it equally."""
    day = int(now // DAY_SECONDS)
    for scope in scopes:
        spent = spend(connection, scope, now=now) + fee
        statement = upsert(SPEND).values(scope=scope, day=day, amount=str(spent))
        connection.execute(
            statement.on_conflict_do_update(index_elements=["scope", "day"], set_={"amount": str(spent)})
        )


def spend(connection: Connection, scope: str, *, now: float) -> int:
    """What a scope (an account or a lane) paid today, in its ledger's smallest unit."""
    query = select(SPEND.c.amount).where(SPEND.c.scope == scope, SPEND.c.day == int(now // DAY_SECONDS))
    amount = connection.execute(query).scalar_one_or_none()
    return 0 if amount is None else int(amount)


def reserved(connection: Connection, ledger: str, account: Account) -> list[tuple[tuple[str, ...], int]]:
    """The most that open submissions may still cost, each with its lanes: it counts as spent until it is known."""
    submissions = open_submissions(connection, ledger, account)
    return [(each.lanes, max(attempt.fee for attempt in each.attempts)) for each in submissions]
