"""Any ledger believed through a quorum of attestors: Solidity, ibc-go, and hosts that run our own client.

What is signed depends on the variant alone; what carries it, on the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from proofs.attestation.spec import Tag, signing_digest
from proofs.attestation.types import Attested
from proofs.dialects.cosmos_any import pack_any
from proofs.encoding.proof_batch import join_batch

_PROOF_URL: Final = "/ibc.lightclients.attestations.v1.AttestationProof"


@dataclass(frozen=True, slots=True)
class _Attestation:
    variant: str

    @property
    def needs_attestors(self) -> Literal[True]:
        return True

    def state_digest(self, data: bytes) -> bytes:
        return signing_digest(data, tag=Tag.STATE, variant=self.variant)

    def packet_digest(self, data: bytes) -> bytes:
        return signing_digest(data, tag=Tag.PACKET, variant=self.variant)


@dataclass(frozen=True, slots=True)
class EvmAttestation(_Attestation):
    """Update and proof: abi.encode(AttestationProof)."""

    def state_update(self, quorum: Attested) -> bytes:
        return quorum.encode_abi()

    def path_proof(self, quorum: Attested) -> bytes:
        return quorum.encode_abi()


@dataclass(frozen=True, slots=True)
class CosmosAttestation(_Attestation):
    """Update: Any of AttestationProof. Proof: AttestationProof, protobuf."""

    def state_update(self, quorum: Attested) -> bytes:
        return pack_any(_PROOF_URL, quorum.encode_protobuf())

    def path_proof(self, quorum: Attested) -> bytes:
        return quorum.encode_protobuf()


@dataclass(frozen=True, slots=True)
class NativeAttestation(_Attestation):
    """Update: AttestationProof, protobuf. Proof: a batch of one, as `check` reads it."""

    def state_update(self, quorum: Attested) -> bytes:
        return quorum.encode_protobuf()

    def path_proof(self, quorum: Attested) -> bytes:
        return join_batch([quorum.encode_protobuf()])
