"""Submit what was verified to one destination from one account, and follow it until its end is final.

Screen first; a delivery that is refused is screened alone; alone and refused again it rests in quarantine. Bytes and
slot are stored before the first broadcast. What is settled is decided by final host events, never by our receipt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from prometheus_client import Counter
from sqlalchemy import Connection

from adapters.contract.errors import HostRefusal, RefusedForEver, RefusedForNow
from adapters.contract.ledger import Cost, Failed, Fate, Included, Pending, Prepared, Vanished
from adapters.contract.messages import HostMessage
from relay.lanes import LaneId
from relay.lifecycle import DeliveryEvent, DeliveryState, WaitReason
from relay.pipeline.budget import Budget
from relay.pipeline.limits import PipelineLimits, retry_delay
from relay.pipeline.refusals import Verdict, judge
from relay.pipeline.transactions import Transactions
from relay.pipeline.verified import VerifiedBatch, VerifiedDelivery, VerifiedPool
from relay.pipeline.watch import Watch
from relay.store.deliveries import Due, Wait, in_submission, is_still_waiting, paused, record_waits
from relay.store.ledgers import count_redundant
from relay.store.steps import Step, take_steps
from relay.store.submissions import Submission, close, record_spend

log = logging.getLogger(__name__)

SUBMITTED = Counter("causeway_messages_submitted_total", "Packet messages put into transactions.", ["ledger"])
REDUNDANT = Counter("causeway_messages_redundant_total", "Messages paid for that changed nothing.", ["ledger"])
QUARANTINED = Counter("causeway_quarantined_total", "Deliveries that went to quarantine.", ["ledger"])
FEES = Counter("causeway_fees_paid_total", "Fees of final transactions, in the ledger's smallest unit.", ["ledger"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One message that the host takes. item: the delivery it carries out; None for a client update."""

    lane: LaneId
    item: VerifiedDelivery | None
    message: HostMessage
    cost: Cost


@dataclass(frozen=True, slots=True)
class Screened:
    """What is left of batches after screening, in order."""

    entries: tuple[Entry, ...]

    @property
    def messages(self) -> tuple[HostMessage, ...]:
        return tuple(each.message for each in self.entries)

    @property
    def costs(self) -> tuple[Cost, ...]:
        return tuple(each.cost for each in self.entries)

    @property
    def items(self) -> tuple[VerifiedDelivery, ...]:
        return tuple(each.item for each in self.entries if each.item is not None)

    @property
    def lanes(self) -> tuple[LaneId, ...]:
        return tuple(dict.fromkeys(each.lane for each in self.entries))

    def half(self) -> Screened | None:
        """The first half of the deliveries, with the updates they need. None where there are not two."""
        kept = self.items[: len(self.items) // 2]
        return self._only({item.due.id for item in kept}, {item.due.lane for item in kept}) if kept else None

    def without(self, lane: LaneId) -> Screened | None:
        entries = tuple(each for each in self.entries if each.lane != lane)
        return Screened(entries) if entries else None

    def _only(self, deliveries: set[int], lanes: set[LaneId]) -> Screened:
        return Screened(
            tuple(
                each
                for each in self.entries
                if (each.lane in lanes if each.item is None else each.item.due.id in deliveries)
            )
        )


@dataclass(slots=True)
class SubmitLoop:
    """One per (destination, account)."""

    transactions: Transactions
    pool: VerifiedPool
    watch: Watch
    budget: Budget
    limits: PipelineLimits
    chance: Random
    forget_health: Callable[[LaneId], None]
    # Submissions that are in a block which may still be taken back: their height. Shown by the API, never stored.
    included: dict[int, int] = field(default_factory=dict)
    _searched: set[int] = field(default_factory=set)

    @property
    def wake(self) -> asyncio.Event:
        return self.pool.arrived

    async def step(self) -> bool:
        """Follow what is in flight, then submit one transaction. Returns whether it submitted."""
        in_flight = await self._follow()
        if in_flight >= self.transactions.destination.limits.in_flight:
            return False
        batches = self.pool.take(messages=self.transactions.destination.limits.messages)
        if not batches:
            return False
        items = [item.due.id for batch in batches for item in batch.items]
        try:
            # A lane that was paused meanwhile: what it had verified waits again.
            resting = await self.transactions.database.run(paused)
            return await self._submit([batch for batch in batches if batch.lane.id not in resting])
        finally:
            # Whatever happened, the store knows where each of them stands now.
            self.pool.release(items)

    # Submitting

    async def _submit(self, batches: Sequence[VerifiedBatch]) -> bool:
        screened = await self._screen(batches)
        if screened is None:
            return False
        fitting = await self._prepare(screened)
        if fitting is None:
            return False
        screened, prepared = fitting
        transactions = self.transactions
        now = transactions.clock()

        def in_flight(connection: Connection, submission: int) -> None:
            numbers = {"transaction": prepared.tx_id, "since": now}
            prepared_steps = [
                Step(
                    item.due.id,
                    DeliveryEvent.PREPARED,
                    held=DeliveryState.VERIFIED,
                    reason=WaitReason.PENDING,
                    numbers=numbers,
                    submission=submission,
                )
                for item in screened.items
                if is_still_waiting(connection, item.due.id)
            ]
            take_steps(connection, prepared_steps, now=now)

        purpose = "deliver" if screened.items else "refresh"
        await transactions.submit(prepared, purpose=purpose, lanes=screened.lanes, also=in_flight)
        SUBMITTED.labels(transactions.ledger).inc(len(screened.items))
        for lane in screened.lanes:
            self.forget_health(lane)
        return True

    async def _prepare(self, screened: Screened | None) -> tuple[Screened, Prepared] | None:
        """As much of it as one transaction and the budgets allow, signed. What is left is verified again later."""
        transactions = self.transactions
        slot = await transactions.next_slot()
        while screened is not None:
            try:
                prepared = await transactions.destination.prepare(
                    screened.messages,
                    costs=screened.costs,
                    signer=transactions.signer,
                    slot=slot,
                    fee_cap=transactions.fee_cap,
                )
            except (RefusedForEver, RefusedForNow) as refusal:
                # Too long, too dear or too much work together: fewer may do.
                if (half := screened.half()) is None:
                    await self._refused_alone(screened, refusal)
                screened = half
                continue
            except HostRefusal as refusal:
                await self._lane_waits([item.due for item in screened.items], judge(refusal))
                return None
            over = await self.budget.exceeded(screened.lanes, prepared.fee)
            if over is None:
                return screened, prepared
            # A lane's own budget holds up that lane only, the account's all of them.
            lane = next((each for each in screened.lanes if each == over.numbers["scope"]), None)
            await self._lane_waits([item.due for item in screened.items if lane in (None, item.due.lane)], over)
            screened = None if lane is None else screened.without(lane)
        return None

    async def _refused_alone(self, screened: Screened, refusal: HostRefusal) -> None:
        """A delivery that no transaction can hold is its own trouble; a fee cap is the account's."""
        verdict, dues = judge(refusal), [item.due for item in screened.items]
        if not verdict.failed:
            await self._lane_waits(dues, verdict)
            return
        for each in dues:
            if verdict.poison or each.failures + 1 >= self.limits.failures_max:
                await self._quarantine([each.id], verdict)
            else:
                await self._waits([each], verdict)

    async def _screen(self, batches: Sequence[VerifiedBatch]) -> Screened | None:
        """Simulate everything as one transaction; leave out what the host refuses or already has."""
        batches = await self._without_settled(batches)
        entries: list[tuple[VerifiedBatch, VerifiedDelivery | None, HostMessage]] = []
        for batch in batches:
            entries += [(batch, None, update) for update in batch.updates]
            entries += [(batch, item, item.message) for item in batch.items]
        if not entries:
            return None
        transactions = self.transactions
        answers = await transactions.destination.screen([each[2] for each in entries], transactions.account)
        kept: list[Entry] = []
        for (batch, item, message), answer in zip(entries, answers, strict=True):
            if isinstance(answer, Cost) and not answer.redundant:
                kept.append(Entry(batch.lane.id, item, message, answer))
            elif item is not None:
                await self._left_out(batch, item, answer, alone=len(batch.items) == 1 and len(batches) == 1)
            elif isinstance(answer, HostRefusal):
                self.forget_health(batch.lane.id)
                log.warning("lane %s: client update refused: %s", batch.lane.id, answer)
        # Where only updates are left of deliveries, nobody needs them now.
        wanted = {each.lane for each in kept if each.item is not None}
        wanted |= {batch.lane.id for batch in batches if not batch.items}
        entries_left = tuple(each for each in kept if each.lane in wanted)
        return Screened(entries_left) if entries_left else None

    async def _without_settled(self, batches: Sequence[VerifiedBatch]) -> list[VerifiedBatch]:
        """What the host already has costs nothing more: its final event is awaited."""
        items = [item for batch in batches for item in batch.items]
        settled = await self.transactions.destination.settled([item.message for item in items]) if items else []
        done = {item.due.id for item, is_settled in zip(items, settled, strict=True) if is_settled}
        await self._await_events([item.due for item in items if item.due.id in done])
        kept = [
            replace(batch, items=tuple(item for item in batch.items if item.due.id not in done)) for batch in batches
        ]
        return [batch for batch, before in zip(kept, batches, strict=True) if batch.items or not before.items]

    async def _left_out(
        self, batch: VerifiedBatch, item: VerifiedDelivery, answer: Cost | HostRefusal, *, alone: bool
    ) -> None:
        if isinstance(answer, Cost):
            await self._await_events([item.due])
            return
        verdict = judge(answer)
        if verdict.failed and not alone:
            # Beside others it may have been their fault: ask for it alone before judging it.
            messages = [*batch.updates, item.message]
            answer = (await self.transactions.destination.screen(messages, self.transactions.account))[-1]
            if isinstance(answer, Cost):
                await self._waits([item.due], Verdict(WaitReason.RETRY, {"error": "refused beside others"}), solo=True)
                return
            verdict = judge(answer)
        worn_out = item.due.failures + 1 >= self.limits.failures_max
        if verdict.poison or (verdict.failed and worn_out):
            await self._quarantine([item.due.id], verdict)
        else:
            await self._waits([item.due], verdict)

    # Following

    async def _follow(self) -> int:
        """Look at everything in flight. Returns how many submissions are not included yet."""
        waiting = 0
        for submission, fate in await self.transactions.fates():
            if submission.purpose == "send":
                continue
            waiting += isinstance(fate, Pending)
            await self._follow_one(submission, fate)
        return waiting

    async def _follow_one(self, submission: Submission, fate: Fate) -> None:
        self.included.pop(submission.id, None)
        match fate:
            case Included(at, final, _, _) if not final:
                self.included[submission.id] = at.number
            case Included(at, final, fee, redundant) if final:
                await self._included(submission, at.number, fee, redundant)
            case Failed(at, final, fee, rule, detail) if final:
                await self._reverted(submission, fee, {"rule": rule, "detail": detail})
            case Vanished(reason):
                await self._dropped(submission, reason)
            case _:
                pass

    async def _included(self, submission: Submission, number: int, fee: int, redundant: int) -> None:
        """Its deliveries end by their events. When those were not read although their block was, somebody hid them."""
        if self.watch.cursor.height.number < number:
            return
        left = await self.transactions.database.run(partial(in_submission, submission=submission.id))
        if left and submission.id not in self._searched:
            self._searched.add(submission.id)
            await self.watch.rewind(number - 1, f"events of transaction {submission.attempts[-1].tx_id} are missing")
            return
        later = self.transactions.clock() + self.limits.settle_seconds
        numbers = {"error": "included, yet it changed nothing"}
        steps = [
            Step(each.id, DeliveryEvent.DROPPED, reason=WaitReason.RETRY, numbers=numbers, next_try=later, failed=True)
            for each in left
        ]
        if redundant:
            REDUNDANT.labels(self.transactions.ledger).inc(redundant)
        await self._close(submission, "included", steps, fee=fee, number=number, redundant=redundant)

    async def _reverted(self, submission: Submission, fee: int, numbers: dict[str, object]) -> None:
        """Each goes alone from now on; alone and reverted again, it is quarantined."""
        left = await self.transactions.database.run(partial(in_submission, submission=submission.id))
        now = self.transactions.clock()
        steps = []
        for each in left:
            if each.solo and len(left) == 1 and each.failures:
                steps.append(Step(each.id, DeliveryEvent.REFUSED, reason=WaitReason.REVERTED, numbers=numbers))
                QUARANTINED.labels(self.transactions.ledger).inc()
                continue
            later = now + retry_delay(each.failures + 1, self.limits, self.chance)
            steps.append(
                Step(
                    each.id,
                    DeliveryEvent.REVERTED,
                    reason=WaitReason.REVERTED,
                    numbers=numbers,
                    next_try=later,
                    failed=True,
                    solo=True,
                )
            )
        log.warning("ledger %s: submission %d reverted: %s", self.transactions.ledger, submission.id, numbers)
        await self._close(submission, "failed", steps, fee=fee)

    async def _dropped(self, submission: Submission, reason: str) -> None:
        left = await self.transactions.database.run(partial(in_submission, submission=submission.id))
        numbers = {"error": reason}
        now = self.transactions.clock()
        steps = [
            Step(each.id, DeliveryEvent.DROPPED, reason=WaitReason.RETRY, numbers=numbers, next_try=now)
            for each in left
        ]
        await self._close(submission, "vanished", steps)

    async def _close(
        self,
        submission: Submission,
        status: str,
        steps: Sequence[Step],
        *,
        fee: int = 0,
        number: int | None = None,
        redundant: int = 0,
    ) -> None:
        now, transactions = self.transactions.clock(), self.transactions
        fee = submission.paid(fee)

        def write(connection: Connection) -> None:
            # The watch may have read their end while we looked: what has ended takes no step of ours.
            flying = {each.id for each in in_submission(connection, submission.id)}
            take_steps(connection, [step for step in steps if step.delivery in flying], now=now)
            close(connection, submission.id, status, fee=fee, included_number=number)
            record_spend(connection, [f"{transactions.ledger}/{transactions.account}"], fee, now=now)
            if submission.lanes:
                record_spend(connection, submission.lanes, fee // len(submission.lanes), now=now)
                count_redundant(connection, LaneId(submission.lanes[0]), redundant)

        await transactions.database.run(write)
        FEES.labels(transactions.ledger).inc(fee)

    # Waiting

    async def _await_events(self, dues: Sequence[Due]) -> None:
        """The host has it, by whoever's hand. After a while without its event, the ledger is read again."""
        verdict = Verdict(WaitReason.ON_HOST_UNFINAL, {}, retry_after=self.limits.settle_seconds)
        await self._waits(dues, verdict, failed=True)
        hidden = [each for each in dues if each.failures and each.failures % 4 == 0]
        if hidden:
            number = min(each.destination_number for each in hidden)
            await self.watch.rewind(number, f"{len(hidden)} deliveries are on the host, their events were not read")

    async def _waits(
        self, dues: Sequence[Due], verdict: Verdict, *, solo: bool | None = None, failed: bool | None = None
    ) -> None:
        counts = verdict.failed if failed is None else failed
        now, waits = self.transactions.clock(), []
        for each in dues:
            delay = verdict.retry_after or retry_delay(each.failures + 1, self.limits, self.chance)
            waits.append(Wait(each.id, verdict.reason, verdict.numbers, now + delay, solo=solo, failed=counts))
        await self.transactions.database.run(partial(record_waits, waits=waits))

    async def _lane_waits(self, dues: Sequence[Due], verdict: Verdict) -> None:
        """What the account or the lane lacks is no fault of the deliveries."""
        patient = replace(verdict, retry_after=verdict.retry_after or self.limits.health_seconds)
        await self._waits(dues, patient, failed=False)

    async def _quarantine(self, deliveries: Sequence[int], verdict: Verdict) -> None:
        now = self.transactions.clock()
        steps = [
            Step(each, DeliveryEvent.REFUSED, reason=verdict.reason, numbers=verdict.numbers) for each in deliveries
        ]
        await self.transactions.database.run(
            lambda connection: take_steps(
                connection, [step for step in steps if is_still_waiting(connection, step.delivery)], now=now
            )
        )
        QUARANTINED.labels(self.transactions.ledger).inc(len(deliveries))
