"""One account's transactions: slots without gaps, bytes stored before they are broadcast, fates until they are final.

The counter of slots follows the ledger both ways: up when others used slots, down when ours were never taken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Final

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
    Attempt,
    Submission,
    open_slots,
    open_submissions,
    record_attempt,
    record_broadcast,
    record_prepared,
)

log = logging.getLogger(__name__)

FOREIGN_SLOTS_MAX: Final = 64  # transactions of our account, not of ours, that may wait: somebody else has the key

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
        ours = await self.database.run(partial(open_slots, ledger=self.ledger, account=self.account))
        foreign = state.next_pending - state.next_final - len(ours)
        # A node that tells of many more than we know of is wrong, or was: its word would leave a gap for ever.
        first = state.next_pending if foreign <= FOREIGN_SLOTS_MAX else state.next_final
        # The first free one, not the one above the highest: what waits behind a gap is included once it is filled.
        return next(slot for slot in count(first) if slot not in ours)

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
        if newest.broadcast_at is not None and now - newest.broadcast_at <= self.limits.rebroadcast_seconds:
            return
        waited = now - newest.prepared_at
        if waited > self.limits.replace_seconds and len(submission.attempts) < self.limits.attempts_max:
            replacement = await self._replacement(newest)
            if replacement is not None:
                record = partial(record_attempt, submission=submission.id, prepared=replacement, now=now)
                await self.database.run(record)
                await self._broadcast(replacement, submission.purpose)
                return
        # Also what cannot pay more: a node may have forgotten it, and later slots wait behind it.
        await self._broadcast(Prepared(newest.tx_id, newest.raw, submission.slot, newest.fee), submission.purpose)

    async def _replacement(self, newest: Attempt) -> Prepared | None:
        """A new signature over the same messages in the same slot: only the fee differs."""
        try:
            prepared = await self.destination.replace(newest.raw, signer=self.signer, fee_cap=self.fee_cap)
        except HostRefusal as refusal:
            log.warning("ledger %s: %s cannot pay more: %s", self.ledger, newest.tx_id, refusal)
            return None
        return None if prepared.tx_id == newest.tx_id else prepared


def combined_fate(fates: Sequence[Fate]) -> Fate:
    """All attempts of one slot conflict: the one that was included speaks for all; all must vanish to be gone."""
    assert fates, "a submission has an attempt"
    for fate in fates:
        if isinstance(fate, Included | Failed):
            return fate
    return next((fate for fate in fates if isinstance(fate, Pending)), fates[-1])
