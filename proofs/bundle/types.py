"""What an evidence bundle says: one packet, one step of its way, and all it takes to check that step.

The claim is written nowhere: it is computed from the packet, so it cannot say something else than the packet does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from proofs.commitment import (
    Packet,
    acknowledgement_commitment,
    acknowledgement_path,
    commitment_path,
    packet_commitment,
    receipt_path,
)
from proofs.light_client import Claim, Height, Position


class Kind(IntEnum):
    """The step that is proved, and on which ledger. The numbers are those of the format."""

    RECEIVE = 1  # the source committed to the packet, so the destination may receive it
    ACKNOWLEDGE = 2  # the destination received it and wrote these acknowledgements
    TIMEOUT = 3  # the destination had no receipt of it when its time was over


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where trust begins: a light client, as `encode()` of its family writes it."""

    family: str
    client: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """evidence: one step of `update` each, in order. at: the height of the proof.

    acknowledgements: of kind ACKNOWLEDGE only, one per payload.
    written: where it was written, for ledgers that prove transactions instead of state.
    proof:   of the one claim, in the family's own encoding.
    """

    checkpoint: Checkpoint
    evidence: tuple[bytes, ...]
    kind: Kind
    packet: Packet
    acknowledgements: tuple[bytes, ...]
    at: Height
    written: Position | None
    proof: bytes


def claim_of(bundle: Bundle) -> Claim:
    """What must stand on the ledger that is proved. Raises MalformedProof where nothing could."""
    packet, written = bundle.packet, bundle.written
    match bundle.kind:
        case Kind.RECEIVE:
            path = commitment_path(packet.source_client, packet.sequence)
            return Claim(path, packet_commitment(packet), written)
        case Kind.ACKNOWLEDGE:
            path = acknowledgement_path(packet.dest_client, packet.sequence)
            return Claim(path, acknowledgement_commitment(bundle.acknowledgements), written)
        case Kind.TIMEOUT:
            return Claim(receipt_path(packet.dest_client, packet.sequence), None, written)
