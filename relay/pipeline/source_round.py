"""For each new final height of a ledger: one evidence update and one batch of proofs serve all lanes that leave it.

Always the newest final height, never the event's. Only here does a delivery become *verified*.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from sqlalchemy import Connection

from adapters.contract.errors import EndpointTrouble
from adapters.contract.ledger import ClientOnHost, Clock, Destination, Proven
from proofs.commitment import send_counter_path
from proofs.dialects import dialect_of
from proofs.errors import InvalidProof, NotYetVerifiable
from proofs.light_client import Claim, Height
from relay.lanes import Lane, LaneId
from relay.lifecycle import DeliveryEvent, DeliveryKind, WaitReason
from relay.pipeline.archive import Archive, own_words
from relay.pipeline.belief import Belief
from relay.pipeline.claims import TooEarly, outcome, wanted_claim
from relay.pipeline.lane_health import LaneHealth, Trouble
from relay.pipeline.limits import PipelineLimits, retry_delay
from relay.pipeline.offer import Attestors, Offer, offer_attested, offer_verified
from relay.pipeline.verified import VerifiedBatch, VerifiedPool
from relay.pipeline.watch import Watch
from relay.store.database import Database
from relay.store.deliveries import (
    Due,
    Wait,
    due,
    forget_acknowledgements,
    has_unproved,
    is_still_waiting,
    lowest_unacknowledged,
    paused,
    read_again_from,
    record_proved,
    record_waits,
    recount_sent,
    waiting_timeouts,
)
from relay.store.ledgers import known, last_sent, save_checked
from relay.store.steps import Step, take_steps

log = logging.getLogger(__name__)

ACK_SEARCH_DOUBLINGS_MAX = 10  # of the pause between two searches: some three hours at the most
FILTERED_SECONDS = 3600.0  # a filter changes with the configuration, which is read at start


@dataclass(slots=True)
class FarEnd:
    """Where a lane leads: its destination, what waits for it there, and who vouches for us to its client."""

    lane: Lane
    destination: Destination
    pool: VerifiedPool
    health: LaneHealth
    attestors: Attestors | None


@dataclass(slots=True)
class SourceRound:
    """One per source ledger."""

    ledger: str
    belief: Belief
    watch: Watch
    ends: tuple[FarEnd, ...]
    database: Database
    limits: PipelineLimits
    clock: Clock
    chance: Random
    archive: Archive
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _guarded_at: float = field(default=float("-inf"))
    _guarded_number: int = field(default=-1)
    _misses: dict[LaneId, int] = field(default_factory=dict)
    _ack_searches: int = 0
    _ack_search_at: float = field(default=float("-inf"))

    async def step(self) -> bool:
        """One round. Returns whether it found anything to do."""
        at = self.watch.cursor.height
        if at < self.belief.client.latest():
            return False  # Still reading up to where we believe already: what happened there is not known yet.
        work = await self._work()
        clients = await self._healthy(work)
        ready = {lane: self._provable(dues, at) for lane, dues in work.items() if lane in clients}
        refreshes = [end for end in self.ends if self._needs_refresh(end, clients)]
        guard = self._guard_is_due(at)
        if not (any(ready.values()) or refreshes or guard):
            return False
        try:
            await self.belief.advance(at)
            proven, groups = await self.belief.prove(self._claims(ready), at)
        except NotYetVerifiable as reason:
            await self._all_wait(ready, reason)
            return False
        counters = {end.lane.id: _counter(proven, end.lane) for end in self.ends}
        proved = await self._judge(ready, proven, counters, at)
        await self._guard(counters, at)
        await self._offer_all(proved, groups[0], clients, refreshes)
        return any(proved.values())

    async def _work(self) -> dict[LaneId, list[Due]]:
        """What is due on each lane, as far as its pool has room; paused lanes say so."""
        now = self.clock()
        for end in self.ends:
            end.pool.drop_older(now - self.limits.verified_seconds_max)
        held = {end.lane.id: end.pool.held(end.lane.id) for end in self.ends}

        def read(connection: Connection) -> dict[LaneId, list[Due]]:
            found, resting = {}, paused(connection)
            for lane, holds in held.items():
                room = min(self.limits.round_claims, self.limits.pool_per_lane - len(holds))
                dues = due(connection, lane, now=now, limit=max(room, 0), except_for=holds)
                if lane in resting:
                    later = now + self.limits.retry_first_seconds
                    record_waits(connection, [Wait(each.id, WaitReason.PAUSED, {}, later) for each in dues])
                else:
                    found[lane] = dues
            return found

        return await self.database.run(read)

    async def _healthy(self, work: dict[LaneId, list[Due]]) -> dict[LaneId, ClientOnHost]:
        """The client of each lane that can be served now; the deliveries of the others learn why they wait."""
        clients: dict[LaneId, ClientOnHost] = {}
        waits: list[Wait] = []
        ends = [end for end in self.ends if end.lane.id in work]
        looks = await _look_at(ends)
        for end, look in zip(ends, looks, strict=True):
            dues = work[end.lane.id]
            if isinstance(look, Trouble):
                later = self.clock() + self.limits.health_seconds
                waits += [Wait(each.id, look.reason, look.numbers, later) for each in dues]
                continue
            clients[end.lane.id] = look
            filtered = {each.id: wait for each in dues if (wait := self._filtered(end.lane, each)) is not None}
            work[end.lane.id] = [each for each in dues if each.id not in filtered]
            waits += filtered.values()
        await self._write_waits(waits)
        return clients

    def _filtered(self, lane: Lane, each: Due) -> Wait | None:
        """Filters hold back receives only: what was received elsewhere must still be ended."""
        if each.kind is not DeliveryKind.RECEIVE:
            return None
        for payload in each.packet.payloads:
            for what, value, refused in (
                ("port", payload.dest_port, not _port_allowed(lane, payload.dest_port)),
                ("payload_bytes", len(payload.value), len(payload.value) > lane.policy.payload_bytes_max),
            ):
                if refused:
                    numbers = {"filter": what, "value": value}
                    return Wait(each.id, WaitReason.FILTERED, numbers, self.clock() + FILTERED_SECONDS)
        return None

    def _provable(self, dues: Sequence[Due], at: Height) -> list[Due]:
        lag = self.belief.source.traits.proof_lag
        return [each for each in dues if each.found_number + lag <= at.number]

    def _needs_refresh(self, end: FarEnd, clients: dict[LaneId, ClientOnHost]) -> bool:
        client = clients.get(end.lane.id)
        return client is not None and not end.pool.held(end.lane.id) and end.health.needs_refresh(client)

    def _guard_is_due(self, at: Height) -> bool:
        return at.number > self._guarded_number and self.clock() - self._guarded_at >= self.limits.guard_seconds

    def _claims(self, ready: dict[LaneId, list[Due]]) -> list[Claim]:
        wanted = [wanted_claim(each) for dues in ready.values() for each in dues]
        return [*wanted, *(Claim(send_counter_path(end.lane.source_client), None) for end in self.ends)]

    async def _guard(self, counters: dict[LaneId, int], at: Height) -> None:
        """The proven counters say how much was sent; what was read must not be less.

        Reading starts again from the last height where both agreed. A sighting that is not proved does not count as
        agreement: it may be false, and stand in the place of a true one.
        """

        def compare(connection: Connection) -> tuple[dict[LaneId, tuple[int, int]], int]:
            read = {lane: last_sent(connection, lane) for lane in counters}
            short = {lane: (read[lane], number) for lane, number in counters.items() if read[lane] < number}
            if not short and not has_unproved(connection, list(counters)):
                save_checked(connection, self.ledger, at.number - self.belief.source.traits.proof_lag)
            stored = known(connection, self.ledger)
            assert stored is not None, "a watched ledger is registered"
            return short, stored.checked_number

        short, checked = await self.database.run(compare)
        if short:
            await self.watch.rewind(checked, f"sends are missing: {short}")
        else:
            self._guarded_at, self._guarded_number = self.clock(), at.number
            await self._look_for_acknowledgements()

    async def _look_for_acknowledgements(self) -> None:
        """An acknowledgement that was left out has no counter. Most are written at once: those that are not are looked
        for again, ever more seldom, as applications may take their time.
        """
        now = self.clock()
        lanes = [end.lane.opposite for end in self.ends]
        before = now - self.limits.guard_seconds
        lowest = await self.database.run(partial(lowest_unacknowledged, lanes=lanes, before=before))
        if lowest is None:
            self._ack_searches = 0
        elif now >= self._ack_search_at:
            self._ack_searches += 1
            pause = self.limits.guard_seconds * 2.0 ** min(self._ack_searches, ACK_SEARCH_DOUBLINGS_MAX)
            self._ack_search_at = now + pause
            await self.watch.rewind(lowest - 1, "what was received has no acknowledgement")

    async def _judge(
        self, ready: dict[LaneId, list[Due]], proven: dict[bytes, Claim], counters: dict[LaneId, int], at: Height
    ) -> dict[LaneId, list[Due]]:
        """Sort verified answers into what is proved, what has ended, and what waits."""
        proved: dict[LaneId, list[Due]] = {lane: [] for lane in ready}
        steps: list[Step] = []
        waits: list[Wait] = []
        refuted: list[Due] = []
        received: list[Due] = []
        time, now = self.belief.client.timestamp_at(at), self.clock()
        for lane, dues in ready.items():
            for each in dues:
                claim = proven[wanted_claim(each).path]
                result = outcome(each, claim, sent_counter=counters[lane], time=time)
                if isinstance(result, TooEarly):
                    numbers = {"time": result.time, "timeout": result.timeout}
                    later = now + self.limits.retry_first_seconds
                    waits.append(Wait(each.id, WaitReason.TIME_NOT_REACHED, numbers, later))
                elif result is DeliveryEvent.PROVED:
                    proved[lane].append(each)
                else:
                    steps.append(Step(each.id, result))
                    if result is DeliveryEvent.CONTRADICTED:
                        refuted.append(each)
                    if result is DeliveryEvent.OVERTAKEN:
                        received.append(each)

        def write(connection: Connection) -> list[int]:
            # The watch may have read the end of a delivery while its proof was on its way.
            take_steps(connection, [step for step in steps if is_still_waiting(connection, step.delivery)], now=now)
            record_waits(connection, waits)
            receives = [each for dues in proved.values() for each in dues if each.kind is DeliveryKind.RECEIVE]
            record_proved(connection, [each.packet_row for each in receives], at.number)
            false_sends = [each for each in refuted if each.kind is DeliveryKind.RECEIVE]
            timeouts = waiting_timeouts(connection, [each.packet_row for each in false_sends])
            take_steps(connection, [Step(each, DeliveryEvent.CONTRADICTED) for each in timeouts], now=now)
            false_acks = [each for each in refuted if each.kind is DeliveryKind.ACKNOWLEDGE]
            forget_acknowledgements(connection, [each.packet_row for each in false_acks])
            for lane in {each.lane for each in false_sends}:
                recount_sent(connection, lane, [each.packet.sequence for each in false_sends if each.lane == lane])
            return [read_again_from(connection, each.packet_row) for each in received]

        again = await self.database.run(write)
        if again:
            await self.watch.rewind(min(again), "a receipt is proved whose event was not read")
        await self._find_true_acknowledgements(refuted)
        return proved

    async def _find_true_acknowledgements(self, refuted: Sequence[Due]) -> None:
        """In place of those that were proved false: they were told of in the very blocks that hold the true ones."""
        false = [each.found_number for each in refuted if each.kind is DeliveryKind.ACKNOWLEDGE]
        if false:
            await self.watch.rewind(min(false) - 1, f"{len(false)} acknowledgements were proved false")

    async def _offer_all(
        self,
        proved: dict[LaneId, list[Due]],
        group: Proven,
        clients: dict[LaneId, ClientOnHost],
        refreshes: Sequence[FarEnd],
    ) -> None:
        """Lanes side by side: one that waits for its attestors does not slow another."""
        async with asyncio.TaskGroup() as tasks:
            for end in self.ends:
                dues = proved.get(end.lane.id, [])
                if dues or end in refreshes:
                    tasks.create_task(self._offer(end, dues, group, clients[end.lane.id]))

    async def _offer(self, end: FarEnd, dues: list[Due], group: Proven, client: ClientOnHost) -> None:
        try:
            offer = await self._say(end, dues, group, client)
            await self._keep(end, dues, group, client, offer)
        except EndpointTrouble as trouble:
            later = self.clock() + retry_delay(1, self.limits, self.chance)
            numbers = {"ledger": self.ledger, "error": str(trouble)}
            await self._write_waits([Wait(each.id, WaitReason.LEDGER_UNAVAILABLE, numbers, later) for each in dues])
            return
        except InvalidProof as reason:
            # It verified, yet it cannot be said in the words of this client: no endpoint is to blame.
            later = self.clock() + self.limits.retry_max_seconds
            numbers = {"error": str(reason)}
            await self._write_waits([Wait(each.id, WaitReason.RETRY, numbers, later) for each in dues])
            return
        await self._write_waits(self._quorum_waits(end.lane.id, offer))
        # Solo deliveries travel apart: what they break is only their own.
        shared = tuple(item for item in offer.items if not item.due.solo)
        alone = [(item,) for item in offer.items if item.due.solo]
        refresh_only = [()] if not offer.items and not offer.waiting and offer.updates else []
        if refresh_only:
            end.health.refreshing(client)
        for items in ([shared] if shared else []) + alone + refresh_only:
            end.pool.put(VerifiedBatch(end.lane, group.at, offer.updates, items, self.clock()))

    async def _say(self, end: FarEnd, dues: list[Due], group: Proven, client: ClientOnHost) -> Offer:
        dialect = dialect_of(client.family, host_kind=end.destination.host_kind, variant=client.variant)
        if dialect.needs_attestors:
            assert end.attestors is not None, "the configuration gives attestors to a client that is a quorum"
            timestamp = self.belief.client.timestamp_at(group.at)
            return await offer_attested(end.lane, dialect, end.attestors, dues, at=group.at, timestamp=timestamp)
        return await offer_verified(end.lane, dialect, self.belief.source, client, dues, group)

    async def _keep(self, end: FarEnd, dues: Sequence[Due], group: Proven, client: ClientOnHost, offer: Offer) -> None:
        """Before anything is submitted: what convinced us, in a form that convinces others."""
        if own_words(self.belief.client) is not None:
            await self.archive.keep_verified(self.ledger, self.belief.client, dues, group)
        elif offer.state is not None:
            await self.archive.keep_vouched(end.lane, client, group.at, offer.state, offer.vouched)

    def _quorum_waits(self, lane: LaneId, offer: Offer) -> list[Wait]:
        if not offer.waiting:
            self._misses.pop(lane, None)
            return []
        self._misses[lane] = self._misses.get(lane, 0) + 1
        later = self.clock() + retry_delay(self._misses[lane], self.limits, self.chance)
        return [Wait(each.id, offer.trouble.reason, offer.trouble.numbers, later) for each in offer.waiting]

    async def _all_wait(self, ready: dict[LaneId, list[Due]], reason: NotYetVerifiable) -> None:
        later = self.clock() + self.limits.retry_first_seconds
        numbers = {"ledger": self.ledger, "error": str(reason)}
        dues = [each for lane in ready.values() for each in lane]
        await self._write_waits([Wait(each.id, WaitReason.LEDGER_UNAVAILABLE, numbers, later) for each in dues])
        log.warning("ledger %s cannot be verified yet: %s", self.ledger, reason)

    async def _write_waits(self, waits: Sequence[Wait]) -> None:
        if waits:
            await self.database.run(partial(record_waits, waits=waits))


def _counter(proven: dict[bytes, Claim], lane: Lane) -> int:
    value = proven[send_counter_path(lane.source_client)].value
    return 0 if value is None else int.from_bytes(value, "big")


def _port_allowed(lane: Lane, port: str) -> bool:
    policy = lane.policy
    return port not in policy.denied_ports and (not policy.ports or port in policy.ports)


async def _look_at(ends: Sequence[FarEnd]) -> list[ClientOnHost | Trouble]:
    """Destinations side by side: one that does not answer delays only itself."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(end.health.look()) for end in ends]
    return [task.result() for task in running]
