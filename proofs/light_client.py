"""What every light client can do, whatever it verifies. Bytes in, belief or a typed refusal out.

A light client is an immutable value: `update` returns a new one. It never awaits, owns no clock and no endpoint,
so it runs the same in the relay, in an attestor, on a host of our own, in the offline verifier and in a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol, Self


@dataclass(frozen=True, slots=True, order=True)
class Height:
    """A height as IBC counts it. `revision` is 0 on ledgers that know none."""

    revision: int
    number: int

    def __str__(self) -> str:
        return f"{self.revision}-{self.number}"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where on its ledger something was written. Ledgers without a state tree prove it only there."""

    height: Height
    transaction: int
    event: int


@dataclass(frozen=True, slots=True)
class Claim:
    """`path` holds `value` on the host, or nothing when `value` is None.

    path:    the IBC v2 path (proofs.commitment), without any prefix: the host layout of the client adds that.
    value:   the raw value, for packet and acknowledgement paths the 32-byte commitment.
    written: where it was written, for ledgers that prove transactions instead of state.
    """

    path: bytes
    value: bytes | None
    written: Position | None = None


class ClientState(Enum):
    ACTIVE = "active"
    EXPIRED = "expired"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class ClientStatus:
    """`expires_at`: unix seconds after which no update can be accepted any more; None where trust does not age."""

    state: ClientState
    expires_at: int | None = None


class LightClient(Protocol):
    """Belief about one ledger, from a checkpoint and the evidence that followed it.

    family:   its name in configuration, metrics and bundles.
    portable: whether its evidence convinces someone who trusts neither the messenger nor his endpoints.
    """

    family: ClassVar[str]
    portable: ClassVar[bool]

    def status(self, now: int) -> ClientStatus: ...

    def latest(self) -> Height: ...

    def timestamp_at(self, at: Height) -> int:
        """Unix seconds, floored. Raises UnknownHeight."""
        ...

    def update(self, evidence: bytes, *, now: int) -> Self:
        """Return the client that also believes `evidence`. now: unix seconds. Raises VerificationError."""
        ...

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        """Return only if `proof` shows every claim at `at`. Raises VerificationError."""
        ...

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        """Return only if `a` and `b` together prove misbehaviour. Raises NotMisbehaviour or VerificationError."""
        ...

    def encode(self) -> bytes:
        """Return bytes that `decode_client` of its family turns into an equal client. Versioned."""
        ...
