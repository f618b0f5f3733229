"""What a demo measured: per lane and in total, per process, and what is trusted. Read from the relay's own answers."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

from relay.demo.api import Api
from relay.demo.processes import usage_of
from relay.demo.traffic import Traffic
from relay.lanes import Lane
from relay.lifecycle import LIFE_ENDED, PacketLife

LATENCIES_MAX: Final = 10_000  # per lane, the newest: as many as `--packets` may ask for


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of one lane. latencies: seconds from first sight to acknowledgement, ascending."""

    lane: Lane
    asked: int
    sent: int
    received: int
    acknowledged: int
    timed_out: int
    redundant: int
    latencies: tuple[float, ...]
    waits: tuple[str, ...]

    @property
    def ended(self) -> int:
        return self.acknowledged + self.timed_out


@dataclass(slots=True)
class Ended:
    """The first packets of a lane, all of which have ended: they are read no more. through: the last one's sequence."""

    through: int = 0
    received: int = 0
    acknowledged: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_MAX))

    def take(self, packet: Mapping[str, Any]) -> None:
        self.through += 1
        self.received += packet["received_at"] is not None
        if packet["state"] == PacketLife.ACKNOWLEDGED:
            self.acknowledged += 1
            self.latencies.append(packet["ended_at"] - packet["seen_at"])


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at all lanes again and again. What has ended is remembered, so that a look stays cheap for days."""

    api: Api
    traffic: Traffic
    lanes: Sequence[Lane]
    _ended: dict[str, Ended] = field(default_factory=lambda: defaultdict(Ended))

    async def look(self) -> list[Progress]:
        shapes = await self.api.lanes()
        return [await self._progress(lane, shapes[lane.id]) for lane in self.lanes]

    async def _progress(self, lane: Lane, shape: Mapping[str, Any]) -> Progress:
        ended = self._ended[lane.id]
        packets = sorted(await self.api.packets(lane.id, after=ended.through), key=itemgetter("sequence"))
        while packets and packets[0]["sequence"] == ended.through + 1 and packets[0]["state"] in LIFE_ENDED:
            ended.take(packets.pop(0))
        return _progress(self.traffic, lane, shape, ended, packets)


def _progress(
    traffic: Traffic, lane: Lane, shape: Mapping[str, Any], ended: Ended, packets: Sequence[Mapping[str, Any]]
) -> Progress:
    """packets: those behind the ones that have all ended."""
    states = [packet["state"] for packet in packets]
    acknowledged = [packet for packet in packets if packet["state"] == PacketLife.ACKNOWLEDGED]
    waits = {
        f"{each['kind']}: {each['waits_for']}"
        for packet in packets
        if packet["state"] not in LIFE_ENDED
        for each in packet["deliveries"]
        if each["waits_for"] is not None
    }
    return Progress(
        lane=lane,
        asked=traffic.delivered.get(lane.id, 0) + traffic.doomed.get(lane.id, 0),
        sent=ended.through + len(packets),
        received=ended.received + sum(packet["received_at"] is not None for packet in packets),
        acknowledged=ended.acknowledged + len(acknowledged),
        timed_out=ended.through - ended.acknowledged + states.count(PacketLife.TIMED_OUT),
        redundant=shape["redundant"],
        latencies=tuple(sorted([*ended.latencies, *(each["ended_at"] - each["seen_at"] for each in acknowledged)])),
        waits=tuple(sorted(waits)),
    )


def percentile(sorted_values: Sequence[float], fraction: float) -> float | None:
    """Nearest rank."""
    if not sorted_values:
        return None
    return round(sorted_values[min(int(len(sorted_values) * fraction), len(sorted_values) - 1)], 3)


async def build_report(
    api: Api, traffic: Traffic, found: Sequence[Progress], pids: Mapping[str, int]
) -> dict[str, object]:
    shapes = await api.lanes()
    packets = sum(each.sent for each in found)
    rpc = await api.metric("causeway_rpc_calls_total")
    processes = {name: usage_of(pid) for name, pid in pids.items()}
    return {
        "lanes": {each.lane.id: _lane_report(each, shapes[each.lane.id]) for each in found},
        "processes": {
            name: {"cpu_seconds": usage.cpu_seconds, "peak_rss_bytes": usage.peak_rss_bytes}
            for name, usage in processes.items()
        },
        "rpc_calls_per_packet": round(rpc / packets, 2) if packets else None,
        "totals": totals(found),
        "as_it_should_be": is_as_it_should(found, traffic),
    }


def _lane_report(each: Progress, shape: Mapping[str, Any]) -> dict[str, object]:
    return {
        "from": each.lane.source,
        "to": each.lane.destination,
        "trust": shape["trust"],
        "sent": each.sent,
        "received": each.received,
        "acknowledged": each.acknowledged,
        "timed_out": each.timed_out,
        "redundant": each.redundant,
        "latency_seconds": {"p50": percentile(each.latencies, 0.5), "p95": percentile(each.latencies, 0.95)},
    }


def totals(found: Sequence[Progress]) -> dict[str, int]:
    """lost: asked to be sent, and not ended."""
    sums = {
        name: sum(getattr(each, name) for each in found)
        for name in ("sent", "received", "acknowledged", "timed_out", "redundant")
    }
    return sums | {"lost": sum(each.asked for each in found) - sums["acknowledged"] - sums["timed_out"]}


def is_as_it_should(found: Sequence[Progress], traffic: Traffic) -> bool:
    """Every message was acknowledged, and every doomed one timed out."""
    return all(
        each.acknowledged == traffic.delivered.get(each.lane.id, 0)
        and each.timed_out == traffic.doomed.get(each.lane.id, 0)
        for each in found
    )
