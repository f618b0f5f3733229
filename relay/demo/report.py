"""What a demo measured: per lane and in total, per process, and what is trusted. Read from the relay's own answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relay.demo.api import Api
from relay.demo.processes import usage_of
from relay.demo.traffic import Traffic
from relay.lanes import Lane


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of one lane. latencies: seconds from first sight to acknowledgement."""

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


async def look(api: Api, traffic: Traffic, lanes: Sequence[Lane]) -> list[Progress]:
    shapes = await api.lanes()
    return [await _progress(api, traffic, lane, shapes[lane.id]) for lane in lanes]


async def _progress(api: Api, traffic: Traffic, lane: Lane, shape: Mapping[str, Any]) -> Progress:
    packets = await api.packets(lane.id)
    states = [packet["state"] for packet in packets]
    waits = {
        f"{each['kind']}: {each['waits_for']}"
        for packet in packets
        if packet["state"] not in ("acknowledged", "timed_out")
        for each in packet["deliveries"]
        if each["waits_for"] is not None
    }
    return Progress(
        lane=lane,
        asked=traffic.delivered.get(lane.id, 0) + traffic.doomed.get(lane.id, 0),
        sent=len(packets),
        received=sum(packet["received_at"] is not None for packet in packets),
        acknowledged=states.count("acknowledged"),
        timed_out=states.count("timed_out"),
        redundant=shape["redundant"],
        latencies=tuple(
            sorted(p["ended_at"] - p["seen_at"] for p in packets if p["state"] == "acknowledged" and p["ended_at"])
        ),
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
