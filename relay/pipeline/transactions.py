"""One account's transactions: slots without gaps, bytes stored before they are broadcast, fates until they are final.

The counter of slots follows the ledger both ways: up when others used slots, down when ours were never taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from prometheus_client import Counter, Gauge
from sqlalchemy import Connection

from adapters.contract.errors import EndpointTrouble, HostRefusal
from adapters.contract.ledger import (
    Account,
    Clock,
    Destination,
    Failed,
    Fate,
    Included,
    Pending,
    Prepared,
    Signer,
)
from relay.pipeline.limits import PipelineLimits
from relay.store.database import Database
from relay.store.submissions import (
    Submission,
    highest_open_slot,
    open_submissions,
    record_attempt,
    record_broadcast,
    record_prepared,
)

log = logging.getLogger(__name__)

BROADCASTS = Counter("causeway_broadcasts_total", "Transactions broadcast, repeats included.", ["ledger", "purpose"])
IN_FLIGHT = Gauge("causeway_submissions_open", "Submissions whose fate is not final.", ["ledger", "account"])
BALANCE = Gauge("causeway_account_balance", "Balance in the ledger's smallest unit.", ["ledger", "account"])


@dataclass(slots=True)
class Transactions:
    """purposes: whose fates are followed here; other loops of the same account follow theirs."""

    ledger: str
    account: Account
    destination: Destination
    signer: Signer
    fee_cap: int
    database: Database
    limits: PipelineLimits
    clock: Clock

    async def next_slot(self) -> int | None:
        """The slot of the next transaction; None on ledgers without slots."""
        state = await self.destination.account(self.account)
        BALANCE.labels(self.ledger, self.account).set(state.balance)
        if state.next_final is None or state.next_pending is None:
            return None
        highest = await self.database.run(partial(highest_open_slot, ledger=self.ledger, account=self.account))
        ours = -1 if highest is None else highest
        return max(state.next_final, state.next_pending, ours + 1)

    async def submit(
        self,
        prepared: Prepared,
        *,
        purpose: str,
        lanes: Sequence[str],
        also: Callable[[Connection, int], None],
    ) -> int:
        """Store the bytes together with what they do to deliveries, then broadcast. Returns the submission's id."""
        now = self.clock()

        def store(connection: Connection) -> int:
            submission = record_prepared(
                connection, self.ledger, self.account, prepared, purpose=purpose, lanes=lanes, now=now
            )
            also(connection, submission)
            return submission

        submission = await self.database.run(store)
        await self._broadcast(prepared, purpose)
        return submission

    async def _broadcast(self, prepared: Prepared, purpose: str) -> None:
        """An endpoint that fails here changes nothing: the same bytes are sent again when their fate is asked."""
        BROADCASTS.labels(self.ledger, purpose).inc()
        try:
            await self.destination.broadcast(prepared.raw)
        except (EndpointTrouble, HostRefusal) as trouble:
            log.warning("ledger %s: transaction %s is to be sent again: %s", self.ledger, prepared.tx_id, trouble)
            return
        await self.database.run(partial(record_broadcast, tx_ids=[prepared.tx_id], now=self.clock()))

    async def fates(self) -> list[tuple[Submission, Fate]]:
        """The fate of every open submission, over all its attempts. What waits too long is sent again or replaced."""
        open_ones = await self.database.run(partial(open_submissions, ledger=self.ledger, account=self.account))
        IN_FLIGHT.labels(self.ledger, self.account).set(len(open_ones))
        attempts = [(attempt.tx_id, attempt.raw) for submission in open_ones for attempt in submission.attempts]
        if not attempts:
            return []
        answers = iter(await self.destination.fates(attempts))
        found = []
        for submission in open_ones:
            fate = combined_fate([next(answers) for _ in submission.attempts])
            if isinstance(fate, Pending):
                await self._push(submission)
            found.append((submission, fate))
        return found

    async def _push(self, submission: Submission) -> None:
        newest = submission.attempts[-1]
        now = self.clock()
        waited = now - newest.prepared_at
        if waited > self.limits.replace_seconds and len(submission.attempts) < self.limits.attempts_max:
            await self._replace(submission)
        elif newest.broadcast_at is None or now - newest.broadcast_at > self.limits.rebroadcast_seconds:
            await self._broadcast(Prepared(newest.tx_id, newest.raw, submission.slot, newest.fee), submission.purpose)

    async def _replace(self, submission: Submission) -> None:
        """A new signature over the same messages in the same slot: only the fee differs."""
        newest = submission.attempts[-1]
        try:
            prepared = await self.destination.replace(newest.raw, signer=self.signer, fee_cap=self.fee_cap)
        except HostRefusal as refusal:
            log.warning("ledger %s: %s cannot pay more: %s", self.ledger, newest.tx_id, refusal)
            return
        if prepared.tx_id == newest.tx_id:
            return
        await self.database.run(partial(record_attempt, submission=submission.id, prepared=prepared, now=self.clock()))
        await self._broadcast(prepared, submission.purpose)


def combined_fate(fates: Sequence[Fate]) -> Fate:
    """All attempts of one slot conflict: the one that was included speaks for all; all must vanish to be gone."""
    assert fates, "a submission has an attempt"
    for fate in fates:
        if isinstance(fate, Included | Failed):
            return fate
    return next((fate for fate in fates if isinstance(fate, Pending)), fates[-1])
