"""Read one ledger's host events without gaps. Cursor and findings move in one transaction.

An endpoint that leaves an event out is found out, not believed: sends must be contiguous here, their number must
agree with the proven counter (source_round), and a transaction of ours that is final must show its events (submit).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NoReturn

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import Connection

from adapters.contract.errors import EndpointWrong
from adapters.contract.ledger import Clock, Cursor, Endpoint, Scan, Source
from adapters.contract.messages import AbsenceRecorded, AckWritten, ClientChanged, HostEvent, Sent, SentUnreadable
from proofs.errors import ValueMismatch
from proofs.light_client import Height
from relay.lanes import Lane, LaneId, Lanes
from relay.pipeline.limits import PipelineLimits
from relay.store.database import Database
from relay.store.facts import Recorded, home_lane, record_final_time, record_scan
from relay.store.ledgers import ask_rewind, known, last_sent, rewind
from relay.store.tables import INTEGER_MAX

log = logging.getLogger(__name__)

READINGS_KEPT: Final = 1_000

EVENTS = Counter("causeway_host_events_total", "Host events of our lanes read from final blocks.", ["ledger"])
HEIGHT = Gauge("causeway_ledger_final_height", "Newest final height that was read completely.", ["ledger"])
CROSSING = Histogram(
    "causeway_packet_crossing_seconds",
    "From a packet's first sighting to its receipt in a final block of the destination.",
    ["lane"],
    buckets=(0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 900, 3600),
)
OMISSIONS = Counter("causeway_omissions_total", "Times an endpoint was found to have left out events.", ["ledger"])


@dataclass(slots=True)
class Watch:
    """One per ledger. on_read is called after each scan that was recorded: others may go on.

    asked: from where it is to be read again, as the store has it; None when nothing is amiss. Until that has begun,
    what the cursor says is read is not what was found missing.
    """

    ledger: str
    source: Source
    database: Database
    lanes: Lanes
    limits: PipelineLimits
    clock: Clock
    cursor: Cursor
    on_read: Callable[[], None]
    asked: int | None = None
    served_by: str = ""
    latest: int = 0
    final_time: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _rewound_at: float = field(default=float("-inf"))
    # The newest readings and who served them, so that what turns out false has a culprit: up to which height each.
    _served: deque[tuple[int, int, Endpoint]] = field(default_factory=lambda: deque(maxlen=READINGS_KEPT))

    async def step(self) -> bool:
        """Read on by one scan. Returns whether there is more to read at once."""
        await self._rewind_if_asked()
        head = await self.source.head()
        self.latest = head.latest.number
        if head.final <= self.cursor.height:
            return False
        self._check_countable(head.served_by, "final time", head.final_time, least=0)
        scan = await self.source.scan(self.cursor, through=head.final, event_limit=self.limits.scan_events)
        for event in scan.events:
            if not isinstance(event, ClientChanged | AbsenceRecorded | SentUnreadable):
                self._check_countable(scan.served_by, "sequence", event.packet.sequence, least=1)
            if isinstance(event, AckWritten):
                self._check_countable(scan.served_by, "acknowledgements", len(event.acknowledgements), least=1)
        await self._check_contiguous(scan)
        whole = scan.cursor.height >= head.final
        await self._record(scan, head.final_time if whole else None)
        return not whole

    async def rewind(self, number: int, why: str) -> None:
        """Read again above `number`: something was left out, or made up. Stored, so that a restart does not forget it.

        Whoever served that range is asked last from now on: one that does so always must not serve it again.
        """
        OMISSIONS.labels(self.ledger).inc()
        log.warning("ledger %s is read again from %d: %s (served by %s)", self.ledger, number, why, self.served_by)
        number = max(number, 0)
        for by in {by for _, last, by in self._served if last > number}:
            self.source.blame(by, ValueMismatch("events", got=why, expected="what the ledger proves"))
        await self.database.run(partial(ask_rewind, name=self.ledger, number=number))
        self.asked = number if self.asked is None else min(self.asked, number)
        self.wake.set()

    async def _rewind_if_asked(self) -> None:
        asked = self.asked
        # Not at once again: what two readings do not show, a third in the same moment will not show either.
        if asked is None or self.clock() - self._rewound_at < self.limits.retry_first_seconds:
            return
        self._rewound_at = self.clock()
        cursor = self.cursor
        if asked < cursor.height.number:
            # Nothing of ours stands below where the host was created, however far down that is.
            cursor = await self.source.start(Height(cursor.height.revision, asked) if asked else None)
        await self.database.run(partial(rewind, name=self.ledger, cursor=cursor, asked=asked))
        self.cursor = cursor
        # What is read again counts for those who serve it then.
        self._served = deque((each for each in self._served if each[1] <= asked), maxlen=READINGS_KEPT)
        if self.asked == asked:
            self.asked = None

    def _check_countable(self, by: Endpoint, what: str, got: int, *, least: int) -> None:
        """The store counts so far, and no ledger ever will: it was made up, and must not end this process."""
        if not least <= got <= INTEGER_MAX:
            expected = f"{least} to {INTEGER_MAX}"
            self.source.blame(by, ValueMismatch(what, got, expected))
            raise EndpointWrong(by, what, got, expected)

    async def _check_contiguous(self, scan: Scan) -> None:
        """Sequences of one client follow each other without a gap. Source: ICS-04 v2, sequences are never skipped."""
        highest: dict[LaneId, int] = {}
        for event in scan.events:
            sent = self._sent_on(event)
            if sent is None:
                continue
            lane, sequence = sent
            if lane.id not in highest:
                highest[lane.id] = await self.database.run(partial(last_sent, lane=lane.id))
            expected = highest[lane.id] + 1
            if sequence > expected:
                await self._found_gap(scan, sequence, expected)
            highest[lane.id] = max(highest[lane.id], sequence)

    def _sent_on(self, event: HostEvent) -> tuple[Lane, int] | None:
        """The lane and sequence of a send of ours, whether it can be read or not."""
        if isinstance(event, SentUnreadable):
            unread = self.lanes.sending(self.ledger, event.source_client)
            return None if unread is None else (unread, event.sequence)
        if not isinstance(event, Sent):
            return None
        lane = home_lane(self.ledger, event, self.lanes)
        return None if lane is None else (lane, event.packet.sequence)

    async def _found_gap(self, scan: Scan, got: int, expected: int) -> NoReturn:
        """The send before was left out: by this endpoint, or by whoever served an earlier range that is read again."""
        stored = await self.database.run(partial(known, name=self.ledger))
        assert stored is not None, "a watched ledger is registered"
        if self.cursor.height.number > stored.checked_number:
            await self.rewind(stored.checked_number, f"send {expected} is missing before {got}")
        else:
            self.source.blame(scan.served_by, ValueMismatch("send sequence", got, expected))
        raise EndpointWrong(scan.served_by, "send sequence", got, expected)

    async def _record(self, scan: Scan, final_time: int | None) -> None:
        now = self.clock()
        name, lanes = self.ledger, self.lanes

        def write(connection: Connection) -> Recorded:
            recorded = record_scan(connection, name, scan.events, scan.cursor, lanes=lanes, now=now)
            if final_time is not None:
                record_final_time(connection, name, final_time, lanes=lanes, now=now)
            return recorded

        recorded = await self.database.run(write)
        self._served.append((self.cursor.height.number + 1, scan.cursor.height.number, scan.served_by))
        self.cursor = scan.cursor
        self.served_by = scan.served_by
        if final_time is not None:
            self.final_time = final_time
        EVENTS.labels(self.ledger).inc(recorded.events)
        for lane, seconds in recorded.crossings:
            CROSSING.labels(lane).observe(seconds)
        HEIGHT.labels(self.ledger).set(scan.cursor.height.number)
        self.on_read()
