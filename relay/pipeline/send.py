"""Send what users stored in the outbox, each once: bytes and slot are stored before the first broadcast.

A message whose time is up before it could be sent fails and says so; what the account lacks makes it wait.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final

from prometheus_client import Counter
from sqlalchemy import Connection

from adapters.contract.errors import HostRefusal, NotPermitted, OutOfFunds, RefusedForEver, RefusedForNow
from adapters.contract.ledger import Failed, Included, Port, Sender, Vanished
from adapters.contract.messages import Rule
from relay.lanes import Lane, LaneId
from relay.pipeline.limits import PipelineLimits, retry_delay
from relay.pipeline.transactions import Transactions
from relay.pipeline.watch import Watch
from relay.store.outbox import (
    Stored,
    is_unnamed,
    mark_failed,
    mark_in_flight,
    mark_lane_waiting,
    mark_waiting,
    release_submission,
    unsent,
)
from relay.store.submissions import Submission, close, record_spend

log = logging.getLogger(__name__)

SEARCHES_MAX: Final = 10  # readings of a range that must show an event, before we say that it does not
RESTING_MAX: Final = 100  # messages that are left out of a question to the store; beyond, their lane rests

# What is said of the client, not of the message: all of its lane would hear the same.
_OF_THE_LANE: Final = frozenset(
    {Rule.CLIENT_FROZEN, Rule.CLIENT_EXPIRED, Rule.UNKNOWN_CLIENT, Rule.WRONG_COUNTERPARTY, Rule.PAUSED}
)

SENT = Counter("causeway_messages_sent_total", "Messages of users put into transactions.", ["ledger"])


@dataclass(slots=True)
class SendLoop:
    """One per ledger whose users we send for."""

    sender: Sender
    transactions: Transactions
    lanes: tuple[Lane, ...]
    watch: Watch
    limits: PipelineLimits
    chance: Random
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _searches: dict[int, int] = field(default_factory=dict)
    # Until when lanes and messages that were refused are left alone; how often each message was.
    _lanes_rest: dict[LaneId, float] = field(default_factory=dict)
    _messages_rest: dict[str, float] = field(default_factory=dict)
    _refusals: dict[str, int] = field(default_factory=dict)

    async def step(self) -> bool:
        """Follow what is in flight, then send what is stored. Returns whether anything was sent."""
        in_flight = await self._follow()
        room = self.transactions.destination.limits.in_flight - in_flight
        if room <= 0:
            return False
        now = self.transactions.clock()
        lanes = [lane.id for lane in self.lanes if self._lanes_rest.get(lane.id, 0.0) <= now]
        resting = [key for key, until in self._messages_rest.items() if until > now]
        stored = await self.transactions.database.run(
            partial(unsent, lanes=lanes, limit=room, except_for=resting[:RESTING_MAX])
        )
        sent = 0
        for message in stored:
            if self._lanes_rest.get(message.message.lane, 0.0) > now:
                continue
            if not await self._send(message):
                break
            sent += 1
        return sent > 0

    async def _send(self, stored: Stored) -> bool:
        """Returns False when the account must wait before it can send anything."""
        transactions, message = self.transactions, stored.message
        if message.timeout <= transactions.clock() + self.limits.send_margin_seconds:
            await self._fail(stored, "its timeout passed unsent")
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
            await self._fail(stored, str(refusal))
            return True
        except HostRefusal as refusal:
            return await self._leave_alone(stored, refusal)
        self._forget(stored.key)
        key = stored.key
        await transactions.submit(
            prepared,
            purpose="send",
            lanes=[LaneId(lane.id)],
            also=lambda connection, submission: mark_in_flight(connection, key, submission),
        )
        SENT.labels(transactions.ledger).inc()
        return True

    async def _leave_alone(self, stored: Stored, refusal: HostRefusal) -> bool:
        """One message's trouble is not its lane's, one lane's not its neighbour's. False for the account's own."""
        database, lane = self.transactions.database, stored.message.lane
        if _is_of_the_lane(refusal) or len(self._messages_rest) >= RESTING_MAX:
            self._lanes_rest[lane] = self.transactions.clock() + self.limits.health_seconds
            await database.run(partial(mark_lane_waiting, lane=lane, detail=str(refusal)))
            return True
        await database.run(partial(mark_waiting, key=stored.key, detail=str(refusal)))
        if _is_of_the_account(refusal):
            return False
        refusals = self._refusals.get(stored.key, 0) + 1
        self._refusals[stored.key] = refusals
        self._messages_rest[stored.key] = self.transactions.clock() + retry_delay(refusals, self.limits, self.chance)
        return True

    async def _fail(self, stored: Stored, detail: str) -> None:
        self._forget(stored.key)
        await self.transactions.database.run(partial(mark_failed, key=stored.key, detail=detail))

    def _forget(self, key: str) -> None:
        self._messages_rest.pop(key, None)
        self._refusals.pop(key, None)

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
        if self.watch.cursor.height.number < number or self.watch.asked is not None:
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
        fee = submission.paid(fee)

        def write(connection: Connection) -> None:
            close(connection, submission.id, status, fee=fee)
            release_submission(connection, submission.id, *outbox)
            record_spend(connection, [f"{transactions.ledger}/{transactions.account}"], fee, now=now)

        await transactions.database.run(write)


def _is_of_the_lane(refusal: HostRefusal) -> bool:
    return isinstance(refusal, NotPermitted) or (isinstance(refusal, RefusedForNow) and refusal.rule in _OF_THE_LANE)


def _is_of_the_account(refusal: HostRefusal) -> bool:
    return isinstance(refusal, OutOfFunds) or (isinstance(refusal, RefusedForNow) and refusal.rule == Rule.FEE_CAP)
