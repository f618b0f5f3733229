"""What was verified in this process's life and waits to be submitted. Nothing else is ever given to `prepare`.

Held in memory only: after a restart everything is proved again. Each lane has its own queue, and lanes are served in
turn, so that one lane's backlog never slows another.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from adapters.contract.messages import PacketMessage, UpdateClient
from proofs.light_client import Claim, Height
from relay.lanes import Lane, LaneId
from relay.store.deliveries import Due


@dataclass(frozen=True, slots=True)
class VerifiedDelivery:
    """A delivery whose claim our own light client accepted. message carries its proof in the host's form."""

    due: Due
    claim: Claim
    message: PacketMessage


@dataclass(frozen=True, slots=True)
class VerifiedBatch:
    """Deliveries of one lane, proved at one height. updates: what the client on the host must believe before them.

    Without deliveries it refreshes a client that would expire otherwise.
    """

    lane: Lane
    at: Height
    updates: tuple[UpdateClient, ...]
    items: tuple[VerifiedDelivery, ...]
    verified_at: float


class VerifiedPool:
    """All that waits for one destination."""

    def __init__(self) -> None:
        self._queues: OrderedDict[LaneId, deque[VerifiedBatch]] = OrderedDict()
        self._held: dict[int, LaneId] = {}
        self.arrived = asyncio.Event()

    def put(self, batch: VerifiedBatch) -> None:
        self._queues.setdefault(batch.lane.id, deque()).append(batch)
        self._held.update({item.due.id: batch.lane.id for item in batch.items})
        self.arrived.set()

    def held(self, lane: LaneId) -> frozenset[int]:
        """Deliveries that need no proof now: verified, or on their way into a transaction."""
        return frozenset(delivery for delivery, of in self._held.items() if of == lane)

    def release(self, deliveries: Iterable[int]) -> None:
        """The store knows their state again: in flight, waiting, or ended."""
        for delivery in deliveries:
            self._held.pop(delivery, None)

    def drop_older(self, than: float) -> None:
        """Proofs grow old: what is dropped is WAITING in the store, and is proved anew."""
        for queue in self._queues.values():
            while queue and queue[0].verified_at < than:
                self.release(item.due.id for item in queue.popleft().items)

    def take(self, *, messages: int) -> list[VerifiedBatch]:
        """Take at most `messages` deliveries and updates, an equal share per lane. A solo delivery comes alone."""
        taken: list[VerifiedBatch] = []
        lanes = [lane for lane, queue in self._queues.items() if queue]
        for position, lane in enumerate(lanes):
            room = messages - sum(len(batch.items) + len(batch.updates) for batch in taken)
            # At least what makes a delivery possible: those who find no room are the first next time.
            share = max(room // (len(lanes) - position), _needed(self._queues[lane][0]))
            if share > room:
                if not taken:
                    taken.append(self._take_updates(lane, messages))
                    break
                continue
            if (batch := self._take_from(lane, share, alone=bool(taken))) is None:
                continue
            taken.append(batch)
            self._queues.move_to_end(lane)
            if batch.items and batch.items[0].due.solo:
                break
        return taken

    def _take_updates(self, lane: LaneId, messages: int) -> VerifiedBatch:
        """More updates than one transaction holds: the first of them alone. What follows is proved anew after them."""
        batch = self._queues[lane].popleft()
        self.release(item.due.id for item in batch.items)
        self._queues.move_to_end(lane)
        return replace(batch, updates=batch.updates[:messages], items=())

    def _take_from(self, lane: LaneId, share: int, *, alone: bool) -> VerifiedBatch | None:
        queue = self._queues[lane]
        batch = queue[0]
        solo = bool(batch.items) and batch.items[0].due.solo
        if solo and alone:
            return None
        count = share - len(batch.updates)
        if solo:
            count = 1
        else:
            shared = next((i for i, item in enumerate(batch.items) if item.due.solo), len(batch.items))
            count = min(count, shared)
        queue.popleft()
        if rest := batch.items[count:]:
            queue.appendleft(replace(batch, items=rest))
        return replace(batch, items=batch.items[:count])


def _needed(batch: VerifiedBatch) -> int:
    return len(batch.updates) + min(len(batch.items), 1)
