"""Verify an evidence bundle offline: from a checkpoint, over the evidence, to the proof of one claim about one packet.

Trust root: the checkpoint, which the verifier must hold from elsewhere and name; without it a verdict only says what
would follow if the bundle's own were true. A quorum of endpoints is refused: its evidence convinces no stranger.

Not checked: which ledger the verifier calls by which name, and whatever `uncovered` lists: fields of a bundle that may
say anything. An acknowledgement or an absence does not show that the packet was sent; a bundle of kind receive does.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.bundle import predicates as rules
from proofs.bundle.families import family_of
from proofs.bundle.format import checkpoint_digest, decode_bundle
from proofs.bundle.identity import marks_of, trust_in
from proofs.bundle.types import Bundle, Checkpoint, claim_of
from proofs.light_client import Claim, Height, LightClient


@dataclass(frozen=True, slots=True)
class Proved:
    """What a bundle proves.

    time:       of the ledger at the height of the proof, unix seconds.
    starts_at:  the height of the checkpoint, and its time.
    checkpoint: its digest. held: whether the verifier named it, or only found it in the bundle.
    trust:      whom the checkpoint believes, for people.
    marks:      what names the ledger and the block at `starts_at`, to be compared with a node of one's own.
    """

    bundle: Bundle
    claim: Claim
    time: int
    starts_at: Height
    starts_time: int
    checkpoint: bytes
    held: bool
    trust: str
    marks: tuple[tuple[str, str], ...]


def verify_bundle(encoded: bytes, *, held: bytes | None, now: int) -> Proved:
    """Return what `encoded` proves, or raise VerificationError.

    held: the digest of the checkpoint that the verifier trusts; None: of the bundle's own, to be judged by him.
    now:  unix seconds, for the age of trust and for headers of the future.
    """
    bundle = decode_bundle(encoded)
    if held is not None:
        rules.check_checkpoint_is_held(bundle.checkpoint, held)
    rules.check_packet_names(bundle)
    rules.check_payloads(bundle)
    rules.check_position(bundle, reads_positions=family_of(bundle.checkpoint.family).reads_positions)
    first = decode_checkpoint_client(bundle.checkpoint)
    rules.check_trust_has_not_expired(first, now)
    last = _followed(first, bundle.evidence, now)
    claim, time = claim_of(bundle), last.timestamp_at(bundle.at)
    rules.check_timeout_has_passed(bundle, time)
    last.check([claim], at=bundle.at, proof=bundle.proof)
    starts_at = first.latest()
    return Proved(
        bundle,
        claim,
        time,
        starts_at,
        first.timestamp_at(starts_at),
        checkpoint_digest(bundle.checkpoint),
        held is not None,
        trust_in(first),
        marks_of(first),
    )


def decode_checkpoint_client(checkpoint: Checkpoint) -> LightClient:
    """Raises VerificationError."""
    client = family_of(checkpoint.family).decode(checkpoint.client)
    rules.check_client_has_one_encoding(checkpoint.client, client)
    return client


def _followed(client: LightClient, evidence: tuple[bytes, ...], now: int) -> LightClient:
    for number, step in enumerate(evidence):
        after = client.update(step, now=now)
        rules.check_step_teaches(client, after, step=number)
        client = after
    return client
