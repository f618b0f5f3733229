"""The IBC v2 host: what may be written at which path, and when.

The rules are those of ibc-go, in its order, but for what EVM hosts do with an unknown port, an empty acknowledgement
and an application that fails without data: there the whole receive is refused, and with it the transaction.

    receive      counterparty, expiry, repeat, proof, application
    acknowledge  counterparty, repeat, other packet, proof, application
    timeout      counterparty, time, repeat, other packet, proof, application
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.contract.messages import Rule
from adapters.embedded import clients
from adapters.embedded.apps import App, AppFailed
from adapters.embedded.refusals import Refused
from adapters.embedded.state import IBC, State
from adapters.embedded.wire import Event, packet_to_wire
from proofs.commitment import (
    UNIVERSAL_ERROR_ACKNOWLEDGEMENT,
    ClientId,
    Packet,
    Payload,
    acknowledgement_commitment,
    acknowledgement_path,
    commitment_path,
    packet_commitment,
    receipt_path,
)
from proofs.errors import MalformedProof
from proofs.light_client import Claim, Height

RECEIPT: Final = b"\x02"
TIMEOUT_SECONDS_MAX: Final = 86_400
# ibc-go takes several payloads; each is a call of an application.
PAYLOADS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Host:
    """apps: by port. Everything else lives in the state that is handed in."""

    apps: Mapping[str, App]

    def send(
        self, state: State, client: str, *, timeout: int, payloads: Sequence[Payload], sender: str, now: int
    ) -> Event:
        clients.check_can_send(state, client, now=now)
        known = clients.record(state, client)
        if not known.counterparty:
            raise Refused(Rule.WRONG_COUNTERPARTY, f"{client} has no counterparty yet")
        check_timeout_ahead(timeout, now)
        check_payload_count(payloads)
        for payload in payloads:
            try:
                self._app(payload.source_port).on_send(state, payload, sender)
            except AppFailed as refusal:
                raise Refused(Rule.APP_REFUSES, str(refusal)) from refusal
        counter = clients.send_counter_path_of(client)
        sequence = int.from_bytes(state.get(IBC, counter) or b"", "big")
        packet = Packet(sequence, ClientId(client), ClientId(known.counterparty), timeout, tuple(payloads))
        state.set(IBC, commitment_path(packet.source_client, sequence), packet_commitment(packet))
        state.set(IBC, counter, (sequence + 1).to_bytes(8, "big"))
        return Event("send_packet", packet=packet_to_wire(packet))

    def receive(
        self, state: State, packet: Packet, *, proof: bytes, at: Height, sender: str, now: int
    ) -> tuple[Event, ...]:
        """Empty for a repeat."""
        check_packet_is_whole(packet)
        known = clients.record(state, packet.dest_client)
        clients.check_is_relayer(known, sender)
        check_counterparty(known.counterparty, packet.source_client)
        check_not_expired(packet, now)
        receipt = receipt_path(packet.dest_client, packet.sequence)
        if state.get(IBC, receipt) is not None:
            return ()
        commitment = Claim(commitment_path(packet.source_client, packet.sequence), packet_commitment(packet))
        clients.check_claim(state, packet.dest_client, commitment, proof=proof, at=at, now=now)
        state.set(IBC, receipt, RECEIPT)
        acknowledgements = self._deliver(state, packet)
        path = acknowledgement_path(packet.dest_client, packet.sequence)
        state.set(IBC, path, acknowledgement_commitment(acknowledgements))
        wire = packet_to_wire(packet)
        return (
            Event("recv_packet", packet=wire),
            Event("write_acknowledgement", packet=wire, acknowledgements=acknowledgements),
        )

    def acknowledge(
        self,
        state: State,
        packet: Packet,
        acknowledgements: Sequence[bytes],
        *,
        proof: bytes,
        at: Height,
        sender: str,
        now: int,
    ) -> tuple[Event, ...]:
        """Empty for a repeat."""
        check_packet_is_whole(packet)
        known = clients.record(state, packet.source_client)
        clients.check_is_relayer(known, sender)
        check_counterparty(known.counterparty, packet.dest_client)
        if not _is_open(state, packet):
            return ()
        check_acknowledgement_count(packet, acknowledgements)
        path = acknowledgement_path(packet.dest_client, packet.sequence)
        claim = Claim(path, acknowledgement_commitment(acknowledgements))
        clients.check_claim(state, packet.source_client, claim, proof=proof, at=at, now=now)
        state.delete(IBC, commitment_path(packet.source_client, packet.sequence))
        for payload in packet.payloads:
            try:
                self._app(payload.source_port).on_acknowledge(state, packet, acknowledgements)
            except AppFailed as refusal:
                raise Refused(Rule.APP_REFUSES, str(refusal)) from refusal
        return (Event("acknowledge_packet", packet=packet_to_wire(packet)),)

    def timeout(
        self, state: State, packet: Packet, *, proof: bytes, at: Height, sender: str, now: int
    ) -> tuple[Event, ...]:
        """Empty for a repeat."""
        check_packet_is_whole(packet)
        known = clients.record(state, packet.source_client)
        clients.check_is_relayer(known, sender)
        check_counterparty(known.counterparty, packet.dest_client)
        check_expired_there(packet, clients.timestamp_at(state, packet.source_client, at))
        if not _is_open(state, packet):
            return ()
        absence = Claim(receipt_path(packet.dest_client, packet.sequence), None)
        clients.check_claim(state, packet.source_client, absence, proof=proof, at=at, now=now)
        state.delete(IBC, commitment_path(packet.source_client, packet.sequence))
        for payload in packet.payloads:
            try:
                self._app(payload.source_port).on_timeout(state, packet)
            except AppFailed as refusal:
                raise Refused(Rule.APP_REFUSES, str(refusal)) from refusal
        return (Event("timeout_packet", packet=packet_to_wire(packet)),)

    def _app(self, port: str) -> App:
        if port not in self.apps:
            raise Refused(Rule.UNKNOWN_PORT, port)
        return self.apps[port]

    def _deliver(self, state: State, packet: Packet) -> tuple[bytes, ...]:
        """One acknowledgement per payload, or the one error acknowledgement when any application failed."""
        before = state.snapshot()
        acknowledgements: list[bytes] = []
        for payload in packet.payloads:
            try:
                acknowledgement = self._app(payload.dest_port).on_receive(state, packet, payload)
            except AppFailed as failure:
                if not failure.data:
                    raise Refused(Rule.APP_REFUSES, "it failed without data") from failure
                state.restore(before)
                return (UNIVERSAL_ERROR_ACKNOWLEDGEMENT,)
            check_acknowledgement_is_its_own(acknowledgement)
            acknowledgements.append(acknowledgement)
        return tuple(acknowledgements)


def check_timeout_ahead(timeout: int, now: int) -> None:
    """A packet lives at least until the next second and at most a day. Source: ibc-go v2 MsgSendPacket."""
    if not now < timeout <= now + TIMEOUT_SECONDS_MAX:
        raise Refused(Rule.EXPIRED, f"timeout {timeout} at time {now}: at most {TIMEOUT_SECONDS_MAX} s ahead")


def check_payload_count(payloads: Sequence[Payload]) -> None:
    if not 1 <= len(payloads) <= PAYLOADS_MAX:
        raise Refused(Rule.PAYLOADS, f"{len(payloads)} payloads, taken are 1 to {PAYLOADS_MAX}")


def check_packet_is_whole(packet: Packet) -> None:
    check_payload_count(packet.payloads)
    try:
        packet_commitment(packet)
        commitment_path(packet.source_client, packet.sequence)
    except MalformedProof as refusal:
        raise Refused(Rule.INVALID_PROOF, str(refusal)) from refusal


def check_counterparty(registered: str, named: str) -> None:
    if registered != named:
        raise Refused(Rule.WRONG_COUNTERPARTY, f"registered {registered!r}, the packet names {named!r}")


def check_not_expired(packet: Packet, now: int) -> None:
    """Received only while the block's time is below the timeout; from then on its absence can be proved."""
    if now >= packet.timeout:
        raise Refused(Rule.EXPIRED, f"timeout {packet.timeout}, time {now}")


def check_expired_there(packet: Packet, time: int) -> None:
    """`time`: of the ledger that did not receive, at the proven height."""
    if time < packet.timeout:
        raise Refused(Rule.NOT_YET_EXPIRED, f"timeout {packet.timeout}, proven time {time}")


def check_acknowledgement_count(packet: Packet, acknowledgements: Sequence[bytes]) -> None:
    """One per payload, or the error acknowledgement alone. Source: ibc-go v2 Acknowledgement.Success."""
    if tuple(acknowledgements) != (UNIVERSAL_ERROR_ACKNOWLEDGEMENT,) and len(acknowledgements) != len(packet.payloads):
        raise Refused(Rule.PAYLOADS, f"{len(acknowledgements)} acknowledgements of {len(packet.payloads)} payloads")


def check_acknowledgement_is_its_own(acknowledgement: bytes) -> None:
    """EVM hosts: no empty acknowledgement, and no application may pose as the host's error."""
    if acknowledgement in (b"", UNIVERSAL_ERROR_ACKNOWLEDGEMENT):
        raise Refused(Rule.APP_REFUSES, "its acknowledgement is empty or the error acknowledgement")


def _is_open(state: State, packet: Packet) -> bool:
    """Whether the packet's commitment is there. Raises when it is that of another packet."""
    stored = state.get(IBC, commitment_path(packet.source_client, packet.sequence))
    if stored is None:
        return False
    if stored != packet_commitment(packet):
        raise Refused(Rule.OTHER_PACKET, f"stored {stored.hex()}")
    return True
