"""What must be proved for a delivery, and what a proven answer means for it. Pure.

receive:     the packet's commitment is stored on the source.
acknowledge: the acknowledgement's commitment is stored on the ledger that received.
timeout:     the receipt is absent there, at a height whose time has passed the timeout.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.contract.messages import Acknowledge, PacketMessage, Receive, Timeout
from proofs.commitment import (
    acknowledgement_commitment,
    acknowledgement_path,
    commitment_path,
    packet_commitment,
    receipt_path,
)
from proofs.light_client import Claim, Height
from relay.lifecycle import DeliveryEvent, DeliveryKind
from relay.store.deliveries import Due


def wanted_claim(due: Due) -> Claim:
    packet = due.packet
    match due.kind:
        case DeliveryKind.RECEIVE:
            return Claim(commitment_path(packet.source_client, packet.sequence), packet_commitment(packet))
        case DeliveryKind.ACKNOWLEDGE:
            path = acknowledgement_path(packet.dest_client, packet.sequence)
            return Claim(path, acknowledgement_commitment(due.acknowledgements))
        case DeliveryKind.TIMEOUT:
            return Claim(receipt_path(packet.dest_client, packet.sequence), None)


@dataclass(frozen=True, slots=True)
class TooEarly:
    """The receipt is absent, but the proven time is still below the timeout."""

    time: int
    timeout: int


def outcome(due: Due, proven: Claim, *, sent_counter: int, time: int) -> DeliveryEvent | TooEarly:
    """What a *verified* answer means: one event of the lifecycle, or that it is too early to tell.

    sent_counter: the proven last sequence sent by the packet's source client; for receives only.
    time:         the proven time at the height of the answer, unix seconds.
    """
    wanted = wanted_claim(due)
    match due.kind:
        case DeliveryKind.RECEIVE if proven.value == wanted.value:
            return DeliveryEvent.PROVED
        case DeliveryKind.RECEIVE if proven.value is None and due.packet.sequence <= sent_counter:
            # It was sent and is gone: acknowledged or timed out elsewhere.
            return DeliveryEvent.ABSENT
        case DeliveryKind.RECEIVE:
            return DeliveryEvent.CONTRADICTED
        case DeliveryKind.ACKNOWLEDGE:
            # Acknowledgements are never deleted: absence contradicts as well as another value does.
            return DeliveryEvent.PROVED if proven.value == wanted.value else DeliveryEvent.CONTRADICTED
        case DeliveryKind.TIMEOUT if proven.value is not None:
            return DeliveryEvent.OVERTAKEN
        case DeliveryKind.TIMEOUT:
            return DeliveryEvent.PROVED if time >= due.packet.timeout else TooEarly(time, due.packet.timeout)


def host_message(due: Due, proof: bytes, at: Height) -> PacketMessage:
    match due.kind:
        case DeliveryKind.RECEIVE:
            return Receive(due.packet, proof, at)
        case DeliveryKind.ACKNOWLEDGE:
            return Acknowledge(due.packet, due.acknowledgements, proof, at)
        case DeliveryKind.TIMEOUT:
            return Timeout(due.packet, proof, at)
