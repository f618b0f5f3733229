"""Say what is verified in the words of the client on the destination: evidence for a client that verifies by itself,
signatures of a quorum of attestors for one that cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from adapters.contract.ledger import ClientOnHost, Proven, Source
from adapters.contract.messages import UpdateClient
from proofs.attestation.types import Attested
from proofs.dialects import AttestationDialect, VerifyingDialect
from proofs.light_client import Claim, Height
from relay.lanes import Lane
from relay.lifecycle import WaitReason
from relay.pipeline.claims import host_message, wanted_claim
from relay.pipeline.lane_health import Trouble
from relay.pipeline.verified import VerifiedDelivery
from relay.store.deliveries import Due


class Quorum(Protocol):
    """Exactly m signatures on the state, and on each path; None where fewer answered. reasons: per attestor."""

    @property
    def state(self) -> Attested | None: ...

    @property
    def paths(self) -> tuple[Attested | None, ...]: ...

    @property
    def answered(self) -> int: ...

    @property
    def needed(self) -> int: ...

    @property
    def reasons(self) -> dict[str, str]: ...


class Attestors(Protocol):
    """One group of attestors: for one source ledger and one host."""

    async def gather(self, *, height: Height, timestamp: int, claims: Sequence[Claim]) -> Quorum: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be submitted, and what has to wait for a quorum. state and vouched: as a quorum signed them."""

    updates: tuple[UpdateClient, ...]
    items: tuple[VerifiedDelivery, ...]
    waiting: tuple[Due, ...] = ()
    trouble: Trouble = field(default=Trouble(WaitReason.QUEUED))
    state: Attested | None = None
    vouched: tuple[tuple[Due, Attested], ...] = ()


async def offer_verified(
    lane: Lane, dialect: VerifyingDialect, source: Source, client: ClientOnHost, dues: Sequence[Due], group: Proven
) -> Offer:
    """For a client that verifies consensus itself. Its update starts from what it believes already."""
    updates: tuple[UpdateClient, ...] = ()
    if client.latest < group.at:
        served = await source.evidence(client.latest, group.at)
        updates = tuple(UpdateClient(lane.dest_client, message) for message in dialect.updates(served.answer))
    proofs = dialect.proofs(group.claims, at=group.at, proof=group.proof) if dues else ()
    by_path = {claim.path: (claim, proof) for claim, proof in zip(group.claims, proofs, strict=True)} if dues else {}
    items = []
    for due in dues:
        claim, proof = by_path[wanted_claim(due).path]
        items.append(VerifiedDelivery(due, claim, host_message(due, proof, group.at)))
    return Offer(updates, tuple(items))


async def offer_attested(
    lane: Lane, dialect: AttestationDialect, attestors: Attestors, dues: Sequence[Due], *, at: Height, timestamp: int
) -> Offer:
    """For a client that is a quorum: one signature set per path, one for the height and its time."""
    claims = [wanted_claim(due) for due in dues]
    quorum = await attestors.gather(height=at, timestamp=timestamp, claims=claims)
    numbers = {"answered": quorum.answered, "needed": quorum.needed, "reasons": dict(quorum.reasons)}
    trouble = Trouble(WaitReason.NO_QUORUM, numbers)
    if quorum.state is None:
        return Offer((), (), tuple(dues), trouble)
    items, waiting, vouched = [], [], []
    for due, claim, attested in zip(dues, claims, quorum.paths, strict=True):
        if attested is None:
            waiting.append(due)
        else:
            vouched.append((due, attested))
            items.append(VerifiedDelivery(due, claim, host_message(due, dialect.path_proof(attested), at)))
    update = UpdateClient(lane.dest_client, dialect.state_update(quorum.state))
    return Offer((update,), tuple(items), tuple(waiting), trouble, quorum.state, tuple(vouched))
