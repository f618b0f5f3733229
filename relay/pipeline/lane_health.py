"""Is the client on a lane's destination the one we were told of, alive, and fed by the attestors we know?

Asked before fees are spent. Each failing check is a reason to wait, with its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.contract.errors import EndpointTrouble
from adapters.contract.ledger import ClientOnHost, Clock, Destination
from proofs.commitment import ClientId
from relay.lanes import Lane
from relay.lifecycle import WaitReason
from relay.pipeline.limits import PipelineLimits


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a whole lane waits."""

    reason: WaitReason
    numbers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the configuration says of the client on the destination.

    family:  None for any that verifies by itself.
    signers: addresses of the attestors of a client that is a quorum.
    """

    family: str | None = None
    signers: frozenset[bytes] = frozenset()
    threshold: int = 0


@dataclass(slots=True)
class LaneHealth:
    """Looks at the client on the host, and remembers the look for `health_seconds`."""

    lane: Lane
    destination: Destination
    expected: Expected
    limits: PipelineLimits
    clock: Clock
    _seen: ClientOnHost | None = None
    _seen_at: float = float("-inf")
    _longest_life: float = 0.0
    _refresh_again_at: float = float("-inf")

    @property
    def seen(self) -> ClientOnHost | None:
        """The client as it was at the last look, for those who only watch."""
        return self._seen

    async def look(self) -> ClientOnHost | Trouble:
        """The client when all is well, or why the lane waits. Never raises for the destination's trouble."""
        if self._seen is None or self.clock() - self._seen_at >= self.limits.health_seconds:
            try:
                (self._seen,) = await self.destination.clients([self.lane.dest_client])
            except EndpointTrouble as trouble:
                numbers = {"ledger": self.lane.destination, "error": str(trouble)}
                return Trouble(WaitReason.LEDGER_UNAVAILABLE, numbers)
            self._seen_at = self.clock()
        return self._judge(self._seen)

    def _judge(self, client: ClientOnHost) -> ClientOnHost | Trouble:
        if client.state == "frozen":
            return Trouble(WaitReason.CLIENT_FROZEN, {"client": client.id})
        if client.state == "expired":
            return Trouble(WaitReason.CLIENT_EXPIRED, {"client": client.id, "expired_at": client.expires_at})
        for part, got, expected in self._comparisons(client):
            if got != expected:
                numbers = {"client": client.id, "part": part, "got": got, "expected": expected}
                return Trouble(WaitReason.CLIENT_MISMATCH, numbers)
        return client

    def _comparisons(self, client: ClientOnHost) -> tuple[tuple[str, object, object], ...]:
        signers, expected = sorted(each.hex() for each in client.signers), self.expected
        return (
            ("state", client.state, "active"),
            ("family", client.family, expected.family or client.family),
            ("counterparty", client.counterparty, ClientId(self.lane.source_client)),
            ("signers", signers, sorted(each.hex() for each in expected.signers)),
            ("threshold", client.threshold, expected.threshold),
        )

    def needs_refresh(self, client: ClientOnHost) -> bool:
        """Whether most of the client's life is over: it is measured by the longest rest of life that was seen."""
        if client.expires_at is None:
            return False
        left = client.expires_at - self.clock()
        self._longest_life = max(self._longest_life, left)
        return left < self._longest_life * self.limits.refresh_fraction and self.clock() >= self._refresh_again_at

    def refreshing(self, client: ClientOnHost) -> None:
        """A refresh is on its way. Until it is final the host still shows the old life: no second one is paid for,
        unless a part of what is left of that life has passed without effect.
        """
        if client.expires_at is not None:
            left = client.expires_at - self.clock()
            self._refresh_again_at = self.clock() + left * self.limits.refresh_patience

    def forget(self) -> None:
        """Look again next time: something on the host has changed."""
        self._seen_at = float("-inf")
