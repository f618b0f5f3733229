"""CometBFT believed by ibc-go's 07-tendermint client, and by a host that runs our own.

Both take the headers we verified ourselves and the ICS-23 chain of one claim: nothing is signed on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from proofs.dialects.cosmos_any import pack_any
from proofs.encoding.proof_batch import join_batch, split_batch
from proofs.light_client import Claim, Height

_HEADER_URL: Final = "/ibc.lightclients.tendermint.v1.Header"


@dataclass(frozen=True, slots=True)
class CosmosCometbft:
    """Update: Any of Header. Proof: ibc.core.commitment.v1.MerkleProof."""

    @property
    def needs_attestors(self) -> Literal[False]:
        return False

    def updates(self, evidence: Sequence[bytes]) -> tuple[bytes, ...]:
        return tuple(pack_any(_HEADER_URL, header) for header in evidence)

    def proofs(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> tuple[bytes, ...]:  # noqa: ARG002 - a Merkle proof holds at the height its message names
        return split_batch(proof, count=len(claims))


@dataclass(frozen=True, slots=True)
class NativeCometbft:
    """Update: the evidence itself. Proof: a batch of one, as `check` reads it."""

    @property
    def needs_attestors(self) -> Literal[False]:
        return False

    def updates(self, evidence: Sequence[bytes]) -> tuple[bytes, ...]:
        return tuple(evidence)

    def proofs(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> tuple[bytes, ...]:  # noqa: ARG002 - as above
        return tuple(join_batch([each]) for each in split_batch(proof, count=len(claims)))
