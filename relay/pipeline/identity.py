"""Is the ledger still the one we knew? Asked from time to time, of what reads it and of what writes to it.

A node that was exchanged for one of another chain, a host that was deployed anew, code that changed behind its proxy:
each halts the ledger before anything more is signed for it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

from adapters.contract.ledger import Clock, Destination, Source
from relay.pipeline.limits import PipelineLimits
from relay.store.database import Database
from relay.store.ledgers import check_identity


@dataclass(slots=True)
class IdentityWatch:
    """One per ledger. Raises IdentityChanged, which halts it."""

    ledger: str
    source: Source
    destination: Destination | None
    database: Database
    limits: PipelineLimits
    clock: Clock
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _looked_at: float = field(default=float("-inf"))

    async def step(self) -> bool:
        if self.clock() - self._looked_at < self.limits.identity_seconds:
            return False
        for part in (self.source, self.destination):
            if part is not None:
                identity = await part.identity()
                await self.database.run(partial(check_identity, name=self.ledger, identity=identity))
        self._looked_at = self.clock()
        return False
