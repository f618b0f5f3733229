"""Belief about one ledger, in the words of the client that another ledger keeps of it. Pure: bytes in, bytes out.

A dialect is named by (client family, host kind, variant). Host kinds: "evm" (Solidity contracts), "cosmos" (ibc-go) and
"native" (a host that runs the light clients of `proofs` itself, so its words are the family's own).
There are two sorts, told apart by `needs_attestors`, which type checkers understand too:

    VerifyingDialect    the client on the host checks consensus evidence: evidence and proofs are handed on, reshaped
    AttestationDialect  the client on the host believes a quorum: attestors sign digests, and the quorum is handed on
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

from proofs.attestation.types import Attested
from proofs.dialects import attestation, cometbft
from proofs.errors import UnsupportedProof
from proofs.light_client import Claim, Height


class VerifyingDialect(Protocol):
    @property
    def needs_attestors(self) -> Literal[False]: ...

    def updates(self, evidence: Sequence[bytes]) -> tuple[bytes, ...]:
        """One update message per step of evidence, in order."""
        ...

    def proofs(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> tuple[bytes, ...]:
        """Split one batch proof into one proof per claim as the host takes it. Raises InvalidProof."""
        ...


class AttestationDialect(Protocol):
    @property
    def needs_attestors(self) -> Literal[True]: ...

    @property
    def variant(self) -> str: ...

    def state_digest(self, data: bytes) -> bytes:
        """What an attestor signs for an encoded StateAttestation."""
        ...

    def packet_digest(self, data: bytes) -> bytes:
        """What an attestor signs for an encoded PacketAttestation."""
        ...

    def state_update(self, quorum: Attested) -> bytes:
        """The update message."""
        ...

    def path_proof(self, quorum: Attested) -> bytes:
        """The proof of one claim."""
        ...


Dialect: TypeAlias = VerifyingDialect | AttestationDialect

_DIALECTS: Final[Mapping[tuple[str, str, str], Dialect]] = {
    ("cometbft", "cosmos", ""): cometbft.CosmosCometbft(),
    ("cometbft", "native", ""): cometbft.NativeCometbft(),
    ("attestation", "evm", "tagged"): attestation.EvmAttestation("tagged"),
    ("attestation", "evm", "plain"): attestation.EvmAttestation("plain"),
    ("attestation", "cosmos", "tagged"): attestation.CosmosAttestation("tagged"),
    ("attestation", "native", "tagged"): attestation.NativeAttestation("tagged"),
}


def dialect_of(family: str, *, host_kind: str, variant: str) -> Dialect:
    """variant: as the host describes its client; "" where a family has one form. Raises UnsupportedProof."""
    dialect = _DIALECTS.get((family, host_kind, variant))
    if dialect is None:
        raise UnsupportedProof("dialect", got=(family, host_kind, variant), expected=f"one of {sorted(_DIALECTS)}")
    return dialect
