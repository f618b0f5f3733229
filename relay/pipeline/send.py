"""Send what users stored in the outbox, each once: bytes and slot are stored before the first broadcast.

A message whose time is up before it could be sent fails and says so; what the account lacks makes it wait.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from prometheus_client import Counter
from sqlalchemy import Connection

from adapters.contract.errors import HostRefusal, RefusedForEver
from adapters.contract.ledger import Failed, Included, Port, Sender, Vanished
from relay.lanes import Lane, LaneId
from relay.pipeline.limits import PipelineLimits
from relay.pipeline.transactions import Transactions
from relay.pipeline.watch import Watch
from relay.store.outbox import Stored, is_unnamed, mark_failed, mark_in_flight, mark_waiting, release_submission, unsent
from relay.store.submissions import Submission, close, record_spend

log = logging.getLogger(__name__)

SEARCHES_MAX: Final = 10  # readings of a range that must show an event, before we say that it does not

SENT = Counter("causeway_messages_sent_total", "Messages of users put into transactions.", ["ledger"])


@dataclass(slots=True)
class SendLoop:
    """One per ledger whose users we send for."""

    sender: Sender
    transactions: Transactions
    lanes: tuple[Lane, ...]
    watch: Watch
    limits: PipelineLimits
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _searches: dict[int, int] = field(default_factory=dict)

    async def step(self) -> bool:
        """Follow what is in flight, then send what is stored. Returns whether anything was sent."""
        in_flight = await self._follow()
        room = self.transactions.destination.limits.in_flight - in_flight
        if room <= 0:
            return False
        lanes = [lane.id for lane in self.lanes]
        stored = await self.transactions.database.run(partial(unsent, lanes=lanes, limit=room))
        sent = 0
        for message in stored:
            if not await self._send(message):
                break
            sent += 1
        return sent > 0

    async def _send(self, stored: Stored) -> bool:
        """Returns False when the account must wait before it can send anything."""
        transactions, message = self.transactions, stored.message
        if message.timeout <= transactions.clock() + self.limits.send_margin_seconds:
            await transactions.database.run(partial(mark_failed, key=stored.key, detail="its timeout passed unsent"))
            return True
        lane = next(lane for lane in self.lanes if lane.id == message.lane)
        try:
            prepared = await self.sender.prepare_send(
                lane.source_client,
                dest_port=Port(message.dest_port),
                value=message.value,
                expires_at=message.timeout,
                signer=transactions.signer,
                slot=await transactions.next_slot(),
                fee_cap=transactions.fee_cap,
            )
        except RefusedForEver as refusal:
            await transactions.database.run(partial(mark_failed, key=stored.key, detail=str(refusal)))
            return True
        except HostRefusal as refusal:
            await transactions.database.run(partial(mark_waiting, key=stored.key, detail=str(refusal)))
            return False
        key = stored.key
        await transactions.submit(
            prepared,
            purpose="send",
            lanes=[LaneId(lane.id)],
            also=lambda connection, submission: mark_in_flight(connection, key, submission),
        )
        SENT.labels(transactions.ledger).inc()
        return True

    async def _follow(self) -> int:
        waiting = 0
        for submission, fate in await self.transactions.fates():
            if submission.purpose != "send":
                continue
            match fate:
                case Included(at, final, fee, _) if final:
                    await self._included(submission, at.number, fee)
                case Failed(_, final, fee, rule, detail) if final:
                    await self._close(submission, "failed", fee, outbox=("failed", f"{rule}: {detail}"))
                case Vanished(reason):
                    await self._close(submission, "vanished", 0, outbox=("stored", reason))
                case _:
                    waiting += 1
        return waiting

    async def _included(self, submission: Submission, number: int, fee: int) -> None:
        """Its Sent event names the packet. When it was not read although its block was, somebody hid it."""
        if self.watch.cursor.height.number < number:
            return
        unnamed = await self.transactions.database.run(partial(is_unnamed, submission=submission.id))
        searches = self._searches.get(submission.id, 0)
        if unnamed and searches < SEARCHES_MAX:
            self._searches[submission.id] = searches + 1
            await self.watch.rewind(number - 1, f"the send of transaction {submission.attempts[-1].tx_id} is missing")
            return
        self._searches.pop(submission.id, None)
        await self._close(submission, "included", fee, outbox=("failed", "included, yet no endpoint shows it as sent"))

    async def _close(self, submission: Submission, status: str, fee: int, *, outbox: tuple[str, str]) -> None:
        now, transactions = self.transactions.clock(), self.transactions

        def write(connection: Connection) -> None:
            close(connection, submission.id, status, fee=fee)
            release_submission(connection, submission.id, *outbox)
            record_spend(connection, [f"{transactions.ledger}/{transactions.account}"], fee, now=now)

        await transactions.database.run(write)
