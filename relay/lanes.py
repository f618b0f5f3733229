"""A lane is one direction of a link, X→Y: everything proved on X and submitted to Y.

It carries receives of packets sent on X, acknowledgements of packets that X received, and timeouts of packets that
X provably did not receive in time. A packet's home lane is the one that receives it; the opposite lane ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NewType

from proofs.commitment import ClientId, Packet

LaneId = NewType("LaneId", str)


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """What an operator allows on a lane. Empty `ports` allows all; fees count in the destination's smallest unit."""

    ports: frozenset[str] = frozenset()
    denied_ports: frozenset[str] = frozenset()
    payload_bytes_max: int = 65_536
    fee_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """source_client lives on the source and follows the destination; dest_client the other way round."""

    source: str
    source_client: ClientId
    destination: str
    dest_client: ClientId
    policy: LanePolicy = field(default=LanePolicy(), compare=False)

    @property
    def id(self) -> LaneId:
        """Safe in an address: ledger names and client ids hold neither dots nor tildes."""
        return LaneId(f"{self.source}.{self.source_client}~{self.destination}.{self.dest_client}")

    @property
    def opposite(self) -> LaneId:
        return LaneId(f"{self.destination}.{self.dest_client}~{self.source}.{self.source_client}")

    def carries(self, packet: Packet) -> bool:
        """Whether this is the packet's home lane."""
        return packet.source_client == self.source_client and packet.dest_client == self.dest_client


class Lanes:
    """All lanes of a relay, looked up by what an event names."""

    def __init__(self, lanes: Iterable[Lane]) -> None:
        self._by_id = {lane.id: lane for lane in lanes}
        self._by_source = {(lane.source, lane.source_client): lane for lane in self._by_id.values()}
        assert len(self._by_source) == len(self._by_id), "a client belongs to one link"

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._by_id.values())

    def __getitem__(self, lane: LaneId) -> Lane:
        return self._by_id[lane]

    def __contains__(self, lane: object) -> bool:
        return lane in self._by_id

    def get(self, lane: LaneId) -> Lane | None:
        return self._by_id.get(lane)

    def sending(self, ledger: str, client: ClientId) -> Lane | None:
        """The lane that leaves `ledger` through `client`."""
        return self._by_source.get((ledger, client))

    def leaving(self, ledger: str) -> tuple[Lane, ...]:
        return tuple(lane for lane in self._by_id.values() if lane.source == ledger)

    def entering(self, ledger: str) -> tuple[Lane, ...]:
        return tuple(lane for lane in self._by_id.values() if lane.destination == ledger)
