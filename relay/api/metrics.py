"""What the store and the hosts say of lanes and ledgers, as metrics: true at every scrape, also after a restart.

Counters beside the code say what this process did; these say how things stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Row

from relay.api.shapes import lane_counts, trust_shape
from relay.lanes import LaneId
from relay.pipeline.relay import Relay
from relay.store.views import lanes, oldest_open

# Metric names and what they say: docs/metrics.md explains each.
LANE: Final = ("causeway_lane", "Who believes what on a lane, and how.")
DELIVERIES: Final = ("causeway_lane_deliveries", "Deliveries of a lane by where they stand.")
OLDEST: Final = ("causeway_lane_oldest_open_seconds", "How long ago the oldest open delivery's packet was seen.")
PAUSED: Final = ("causeway_lane_paused", "1 while an operator holds the lane.")
EXPIRES: Final = ("causeway_lane_client_expires_timestamp_seconds", "When the client on the destination expires.")
FOLLOWED: Final = ("causeway_ledger_followed", "1 while the ledger is read and answers.")


@dataclass(frozen=True, slots=True)
class Standing:
    """What one look at the store found. oldest: unix seconds, for lanes with anything open."""

    lanes: Sequence[Row[Any]]
    oldest: Mapping[str, float]


def read_standing(connection: Connection) -> Standing:
    return Standing(lanes(connection), oldest_open(connection))


def exposed(relay: Relay, standing: Standing) -> bytes:
    """How lanes and ledgers stand, in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Standing(relay, standing))
    return generate_latest(registry)


@dataclass(frozen=True, slots=True, eq=False)
class _Standing(Collector):
    relay: Relay
    standing: Standing

    def collect(self) -> Iterator[Metric]:
        yield from self._lanes()
        followed = GaugeMetricFamily(*FOLLOWED, labels=["ledger"])
        for name, runtime in self.relay.runtimes.items():
            followed.add_metric([name], float(runtime.state == "running"))
        yield followed

    def _lanes(self) -> Iterator[Metric]:
        info = InfoMetricFamily(*LANE, labels=["lane"])
        deliveries = GaugeMetricFamily(*DELIVERIES, labels=["lane", "state"])
        oldest = GaugeMetricFamily(*OLDEST, labels=["lane"])
        paused = GaugeMetricFamily(*PAUSED, labels=["lane"])
        expires = GaugeMetricFamily(*EXPIRES, labels=["lane"])
        now = self.relay.shared.clock()
        for row in self.standing.lanes:
            lane = self.relay.shared.lanes.get(LaneId(row.id))
            if lane is None:  # It was in an earlier configuration.
                continue
            trust = {name: str(value) for name, value in trust_shape(lane, self.relay).items()}
            info.add_metric([lane.id], {"source": lane.source, "destination": lane.destination, **trust})
            for state, count in lane_counts(row).items():
                deliveries.add_metric([lane.id, state], count)
            seen = self.standing.oldest.get(lane.id)
            oldest.add_metric([lane.id], 0.0 if seen is None else max(0.0, now - seen))
            paused.add_metric([lane.id], float(row.paused))
            client = self.relay.runtimes[lane.source].health[lane.id].seen
            if client is not None and client.expires_at is not None:
                expires.add_metric([lane.id], client.expires_at)
        yield from (info, deliveries, oldest, paused, expires)
