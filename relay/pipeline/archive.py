"""Keep what was verified, so that it can be shown to others: the parts of evidence bundles.

A ledger whose evidence convinces a stranger gives it by its own light client. Where the evidence does not (a quorum of
endpoints), the signatures of the attestors do, who vouch for that ledger to the client on the destination. Where there
are none of these either, there is nothing to show, and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from adapters.contract.ledger import ClientOnHost, Clock, Proven
from proofs.attestation.client import bootstrap
from proofs.attestation.types import Attested
from proofs.bundle.types import Bundle, Checkpoint, Kind
from proofs.dialects import VerifyingDialect, dialect_of
from proofs.encoding.proof_batch import join_batch
from proofs.errors import UnsupportedProof
from proofs.light_client import Height, LightClient
from relay.lanes import Lane
from relay.pipeline.claims import wanted_claim
from relay.pipeline.limits import Keeping
from relay.store.bundles import KeptProof, Parts, Start, drop_older, drop_oldest, keep_evidence, keep_proofs
from relay.store.database import Database
from relay.store.deliveries import Due

# Deleting looks at everything that is kept, so it is done now and then; what came meanwhile exceeds the bound.
_TIDY_SECONDS: Final = 60.0
_DAY_SECONDS: Final = 86_400.0
# No attestor speaks of it: every height that counts is one they signed. It makes the checkpoint theirs alone.
_ORIGIN: Final = 1


@dataclass(slots=True)
class Archive:
    """One per source ledger."""

    database: Database
    clock: Clock
    keeping: Keeping
    _tidied_at: float = field(default=float("-inf"))
    _encoded: tuple[LightClient, Start] | None = field(default=None)

    def learnt(
        self, connection: Connection, ledger: str, before: LightClient, steps: Sequence[bytes], after: LightClient
    ) -> None:
        """Part of the write that stores `after`: both are there, or neither."""
        if self.keeping.enabled and own_words(before) is not None and steps:
            start, head = self._start_of(before), self._start_of(after).checkpoint.client
            keep_evidence(connection, ledger, start, steps, head, now=self.clock())
            self._tidy(connection)

    async def keep_verified(self, ledger: str, client: LightClient, dues: Sequence[Due], group: Proven) -> None:
        """dues: whose claims `client` has just found proved by `group`."""
        dialect = own_words(client)
        if not (self.keeping.enabled and dialect is not None and dues):
            return
        singles = dialect.proofs(group.claims, at=group.at, proof=group.proof)
        by_path = {claim.path: proof for claim, proof in zip(group.claims, singles, strict=True)}
        proofs = [KeptProof(each.id, group.at, by_path[wanted_claim(each).path]) for each in dues]
        await self._keep(ledger, self._start_of(client), proofs)

    async def keep_vouched(
        self, lane: Lane, client: ClientOnHost, at: Height, state: Attested, vouched: Sequence[tuple[Due, Attested]]
    ) -> None:
        """What a quorum signed, of the attestors whom the client on the destination counts."""
        if not (self.keeping.enabled and vouched):
            return
        step = state.encode_protobuf()
        at = Height(0, at.number)  # attestors count no revisions
        proofs = [KeptProof(due.id, at, join_batch([said.encode_protobuf()]), step) for due, said in vouched]
        await self._keep(lane.id, start_of(attestors_of(client)), proofs)

    async def _keep(self, stream: str, start: Start, proofs: Sequence[KeptProof]) -> None:
        def write(connection: Connection) -> None:
            keep_proofs(connection, stream, start, proofs, now=self.clock())
            self._tidy(connection)

        await self.database.run(write)

    def _start_of(self, client: LightClient) -> Start:
        """Encoding a client takes milliseconds, and the same one is asked for by every lane of a round."""
        if self._encoded is None or self._encoded[0] is not client:
            self._encoded = (client, start_of(client))
        return self._encoded[1]

    def _tidy(self, connection: Connection) -> None:
        """An idle ledger learns, too: whatever keeps something sees to the bounds."""
        now = self.clock()
        if now - self._tidied_at >= _TIDY_SECONDS:
            drop_older(connection, now - self.keeping.days * _DAY_SECONDS)
            drop_oldest(connection, self.keeping.bytes_max)
            self._tidied_at = now


def bundle_of(due: Due, parts: Parts) -> Bundle:
    """due: the delivery that the parts were kept of."""
    kind = Kind[due.kind.name]
    acknowledgements = due.acknowledgements if kind is Kind.ACKNOWLEDGE else ()
    return Bundle(parts.checkpoint, parts.evidence, kind, due.packet, acknowledgements, parts.at, None, parts.proof)


def own_words(client: LightClient) -> VerifyingDialect | None:
    """How what this client verified is shown to a stranger; None where it cannot be.

    A host that runs our light clients takes one proof per claim, in the family's own words: just what a bundle holds.
    """
    if not client.portable:
        return None
    try:
        dialect = dialect_of(client.family, host_kind="native", variant="")
    except UnsupportedProof:
        return None
    return None if dialect.needs_attestors else dialect


def start_of(client: LightClient) -> Start:
    return Start(Checkpoint(client.family, client.encode()), client.latest().number)


def attestors_of(client: ClientOnHost) -> LightClient:
    """The client of the same attestors before they signed anything: everybody who knows them can write it."""
    return bootstrap(
        sorted(client.signers),
        threshold=client.threshold,
        height=_ORIGIN,
        timestamp=_ORIGIN,
        variant=client.variant,
    )
