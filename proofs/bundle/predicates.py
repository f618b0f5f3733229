"""The rules of a bundle, one each: beside them stand those of the light client's family, which it is handed to."""

from __future__ import annotations

import re
from typing import Final

from proofs.bundle.format import checkpoint_digest
from proofs.bundle.types import Bundle, Checkpoint, Kind
from proofs.errors import MalformedProof, TrustExpired, UnsupportedProof, ValueMismatch
from proofs.light_client import ClientState, LightClient

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9.+_#\[\]<>-]{4,64}")


def check_checkpoint_is_held(checkpoint: Checkpoint, held: bytes) -> None:
    """The bundle starts from the checkpoint that the verifier holds, named by its digest: any other is its maker's."""
    digest = checkpoint_digest(checkpoint)
    if digest != held:
        raise ValueMismatch("checkpoint", got=digest, expected=held)


def check_client_has_one_encoding(encoded: bytes, client: LightClient) -> None:
    """A checkpoint that could be written in two ways would have two names."""
    expected = client.encode()
    if encoded != expected:
        raise ValueMismatch("encoding of the checkpoint's client", got=encoded, expected=expected)


def check_trust_has_not_expired(client: LightClient, now: int) -> None:
    """Nothing follows from trust that is older at `now` than it may be. (A frozen client refuses by itself.)"""
    status = client.status(now)
    if status.state is ClientState.EXPIRED:
        raise TrustExpired(expired_at=status.expires_at or 0, now=now)


def check_step_teaches(before: LightClient, after: LightClient, *, step: int) -> None:
    """Each step of evidence changes what is believed: what changes nothing is there for another reason."""
    if after == before:
        raise ValueMismatch(f"evidence step {step}", got="nothing new", expected="something not believed before")


def check_packet_names(bundle: Bundle) -> None:
    """Sequences start at 1 and client ids are identifiers, so no path can pass for another's. Source: ICS-24."""
    packet = bundle.packet
    if packet.sequence < 1:
        raise MalformedProof("sequence", got=packet.sequence, expected="1 or more")
    for part, client in (("source client", packet.source_client), ("destination client", packet.dest_client)):
        if _CLIENT_ID.fullmatch(client) is None:
            raise MalformedProof(part, got=client, expected="4 to 64 characters of an ICS-24 identifier")


def check_payloads(bundle: Bundle) -> None:
    """A packet says something, and each payload of it is acknowledged once. Source: ICS-04 v2."""
    payloads, acknowledgements = len(bundle.packet.payloads), len(bundle.acknowledgements)
    if payloads < 1:
        raise MalformedProof("payloads", got=payloads, expected="at least 1")
    if bundle.kind is Kind.ACKNOWLEDGE:
        # An app of several payloads that refuses one acknowledges the whole packet with a single error.
        if acknowledgements not in {1, payloads}:
            raise MalformedProof("acknowledgements", got=acknowledgements, expected=f"1 or {payloads}")
    elif acknowledgements:
        raise MalformedProof("acknowledgements", got=acknowledgements, expected=f"none for {bundle.kind.name.lower()}")


def check_position(bundle: Bundle, *, reads_positions: bool) -> None:
    """A position stands only where the family reads it: elsewhere nothing would check what it says."""
    if bundle.written is not None and not reads_positions:
        raise UnsupportedProof("position", got=bundle.written, expected="none: this family proves state")


def check_timeout_has_passed(bundle: Bundle, time: int) -> None:
    """A packet timed out when the ledger that has no receipt was at or past its timeout. Source: ICS-04 v2."""
    if bundle.kind is Kind.TIMEOUT and time < bundle.packet.timeout:
        raise ValueMismatch("time of the absence", got=time, expected=f"{bundle.packet.timeout} or later")
