"""The bytes that are signed, written by both sides from what each verified itself."""

from __future__ import annotations

from proofs.attestation.spec import Tag, signing_digest
from proofs.attestation.types import PacketAttestation, StateAttestation, path_entry
from proofs.light_client import Claim


def state_data(height: int, timestamp: int) -> bytes:
    return StateAttestation(height, timestamp).encode()


def path_data(height: int, claim: Claim) -> bytes:
    """A single path: hosts verify all signatures again per message and scan entries. Raises MalformedProof."""
    return PacketAttestation(height, (path_entry(claim.path, claim.value),)).encode()


def state_digest(data: bytes, variant: str) -> bytes:
    return signing_digest(data, tag=Tag.STATE, variant=variant)


def path_digest(data: bytes, variant: str) -> bytes:
    return signing_digest(data, tag=Tag.PACKET, variant=variant)
