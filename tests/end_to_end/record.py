"""What the ledgers themselves say happened, read from their first block to their final one. No relay is asked."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.contract.ledger import Ledger
from adapters.contract.messages import Acknowledged, AckWritten, HostEvent, Received, Sent, TimedOut
from proofs.commitment import UNIVERSAL_ERROR_ACKNOWLEDGEMENT, Packet
from relay.demo.world import World
from relay.lanes import Lane, LaneId

EVENTS_MAX = 1_000
QUIET_SECONDS_MAX = 90
Name: TypeAlias = tuple[LaneId, int]


async def events_of(ledger: Ledger) -> list[HostEvent]:
    """All of them, from where the host was created through the final block."""
    source, found = ledger.source, list[HostEvent]()
    cursor, final = await source.start(None), (await source.head()).final
    while cursor.height < final:
        scan = await source.scan(cursor, through=final, event_limit=EVENTS_MAX)
        found += scan.events
        cursor = scan.cursor
    return found


@dataclass
class Record:
    """Counts of events per packet. A packet is named by the lane it travels and its sequence there."""

    sent: dict[Name, Packet] = field(default_factory=dict)
    sent_times: Counter[Name] = field(default_factory=Counter)
    received: Counter[Name] = field(default_factory=Counter)
    acknowledged: Counter[Name] = field(default_factory=Counter)
    timed_out: Counter[Name] = field(default_factory=Counter)
    failed: set[Name] = field(default_factory=set)  # received, with the error acknowledgement
    strange: list[str] = field(default_factory=list)  # events about packets that nobody sent so

    def ended(self) -> int:
        return len(self.acknowledged) + len(self.timed_out)

    def note(self, event: HostEvent, *, leaving: Mapping[str, Lane], entering: Mapping[str, Lane]) -> None:
        """leaving and entering: lanes by the client that stands for them on the ledger of the event."""
        match event:
            case Sent(packet=packet):
                name = _name(leaving[packet.source_client], packet)
                self.sent[name] = packet
                self.sent_times[name] += 1
            case Received(packet=packet):
                self.received[_name(entering[packet.dest_client], packet)] += 1
            case AckWritten(packet=packet, acknowledgements=acknowledgements):
                if UNIVERSAL_ERROR_ACKNOWLEDGEMENT in acknowledgements:
                    self.failed.add(_name(entering[packet.dest_client], packet))
            case Acknowledged(packet=packet):
                self.acknowledged[_name(leaving[packet.source_client], packet)] += 1
            case TimedOut(packet=packet):
                self.timed_out[_name(leaving[packet.source_client], packet)] += 1
            case _:
                pass

    def compare(self, event: HostEvent, *, leaving: Mapping[str, Lane], entering: Mapping[str, Lane]) -> None:
        """Whatever is said of a packet is said of the very packet that was sent."""
        if isinstance(event, Received | AckWritten):
            lane = entering[event.packet.dest_client]
        elif isinstance(event, Acknowledged | TimedOut):
            lane = leaving[event.packet.source_client]
        else:
            return
        if self.sent.get(_name(lane, event.packet)) != event.packet:
            self.strange.append(f"{type(event).__name__} on {lane.id}: {event.packet}")


def _name(lane: Lane, packet: Packet) -> Name:
    return lane.id, packet.sequence


async def read_record(ledgers: Mapping[str, Ledger], lanes: Iterable[Lane]) -> Record:
    lanes, record = tuple(lanes), Record()
    sides = {
        name: (
            {str(lane.source_client): lane for lane in lanes if lane.source == name},
            {str(lane.dest_client): lane for lane in lanes if lane.destination == name},
        )
        for name in ledgers
    }
    # A ledger that is read first may be behind one that is read last, never the other way round for what it caused.
    events = [(name, event) for name, ledger in ledgers.items() for event in await events_of(ledger)]
    for take in (record.note, record.compare):
        for name, event in events:
            leaving, entering = sides[name]
            take(event, leaving=leaving, entering=entering)
    return record


async def all_ended(world: World, packets: int) -> Record:
    """Wait until so many packets ended on their ledgers, or nothing more does for a long time."""
    best, moved_at = -1, time.monotonic()
    ledgers = {name: each.ledger for name, each in world.ledgers.items()}
    while True:
        record = await read_record(ledgers, world.config.lanes())
        if record.ended() > best:
            best, moved_at = record.ended(), time.monotonic()
        if record.ended() >= packets or time.monotonic() - moved_at > QUIET_SECONDS_MAX:
            return record
        await asyncio.sleep(1)


@dataclass(frozen=True)
class Wanted:
    """What the test asked for: texts by lane, each once; and how many messages to a port that is not there."""

    texts: Mapping[LaneId, list[str]]
    doomed: Mapping[LaneId, int]

    @property
    def packets(self) -> int:
        return sum(map(len, self.texts.values())) + sum(self.doomed.values())


def faults(record: Record, wanted: Wanted, *, nobody: str) -> list[str]:
    """Everything that is not as it should be; empty when every message is there once and every packet ended."""
    doomed = {name for name, packet in record.sent.items() if packet.payloads[0].dest_port == nobody}
    carried = record.sent.keys() - doomed
    found = [f"sent {n} times: {name}" for name, n in record.sent_times.items() if n != 1]
    sent_texts = Counter((lane, record.sent[lane, n].payloads[0].value.decode()) for lane, n in carried)
    wanted_texts = Counter((lane, text) for lane, texts in wanted.texts.items() for text in texts)
    found += [f"asked for and not sent: {each}" for each in wanted_texts - sent_texts]
    found += [f"sent too often, or not asked for: {each}" for each in sent_texts - wanted_texts]
    sent_doomed = Counter(lane for lane, _ in doomed)
    found += [f"{lane}: {sent_doomed[lane]} doomed sent, {n} wanted" for lane, n in wanted.doomed.items()
              if sent_doomed[lane] != n]  # fmt: skip
    for name in record.sent:
        counts = record.received[name], record.acknowledged[name], record.timed_out[name]
        expected = (0, 0, 1) if name in doomed else (1, 1, 0)
        if counts != expected:
            found.append(f"{name}: received, acknowledged, timed out {counts}, expected {expected}")
    found += [f"refused by its mailbox: {name}" for name in record.failed]
    return found + record.strange
