"""What we believe about one ledger: its light client, kept in step with what was read, and checked proofs.

The only place where an answer of an endpoint turns into something verified. A bad answer blames its endpoint.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from prometheus_client import Counter
from sqlalchemy import Connection

from adapters.contract.errors import EndpointWrong
from adapters.contract.ledger import Clock, Endpoint, Proven, Source
from proofs.errors import InvalidProof, ValueMismatch
from proofs.light_client import Claim, Height, LightClient
from relay.pipeline.archive import Archive
from relay.store.database import Database
from relay.store.ledgers import save_client

T = TypeVar("T")
RunPure = Callable[[Callable[[], T]], Awaitable[T]]

CHECKED = Counter("causeway_claims_checked_total", "Claims checked, by outcome.", ["ledger", "outcome"])


@dataclass(slots=True)
class Belief:
    """One per source ledger. run_pure: a thread in production, a plain call in simulation."""

    ledger: str
    source: Source
    client: LightClient
    database: Database
    clock: Clock
    run_pure: Callable[[Callable[[], object]], Awaitable[object]]
    archive: Archive

    async def advance(self, to: Height) -> None:
        """Believe what the ledger's evidence says up to `to`. Raises EndpointWrong, NotYetVerifiable."""
        if self.client.latest() >= to:
            return
        served = await self.source.evidence(self.client.latest(), to)
        before = client = self.client
        taught = []
        for step in served.answer:
            after = await self._checked(partial(client.update, step, now=int(self.clock())), served.by)
            if after != client:
                taught.append(step)
            client = after
        if client.latest() < to:
            self._blame(served.by, ValueMismatch("evidence", str(client.latest()), str(to)))
        self.client = client
        encoded = client.encode()

        def write(connection: Connection) -> None:
            save_client(connection, self.ledger, encoded)
            self.archive.learnt(connection, self.ledger, before, taught, client)

        await self.database.run(write)

    async def prove(self, claims: Sequence[Claim], at: Height) -> tuple[dict[bytes, Claim], Sequence[Proven]]:
        """What each claimed path really holds, verified. Raises EndpointWrong, NotYetVerifiable."""
        unique = list({claim.path: claim for claim in claims}.values())
        groups = await self.source.prove(unique, at)
        proven: dict[bytes, Claim] = {}
        for group in groups:
            check = partial(self.client.check, group.claims, at=group.at, proof=group.proof)
            await self._checked(check, group.served_by, claims=len(group.claims))
            proven.update({claim.path: claim for claim in group.claims})
        missing = [claim.path for claim in unique if claim.path not in proven]
        if missing and groups:
            self._blame(groups[0].served_by, ValueMismatch("proven paths", len(proven), len(unique)))
        return proven, groups

    async def _checked(self, check: Callable[[], T], by: Endpoint, *, claims: int = 1) -> T:
        try:
            result = await self.run_pure(check)
        except InvalidProof as reason:
            CHECKED.labels(self.ledger, "invalid").inc(claims)
            self._blame(by, reason)
            raise AssertionError("blame raises") from reason
        CHECKED.labels(self.ledger, "valid").inc(claims)
        return result  # type: ignore[return-value]  # run_pure returns what it was given to run

    def _blame(self, by: Endpoint, reason: InvalidProof) -> None:
        self.source.blame(by, reason)
        raise EndpointWrong(by, type(reason).__name__, str(reason), "evidence that verifies")
