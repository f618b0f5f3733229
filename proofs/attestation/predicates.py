"""The rules of an attestation, one each. Where the two known hosts differ, the stricter rule is taken, so that what
passes here passes on both; each docstring says what they do.

ICS: ibc-go v11 light-clients/attestations. SOL: Solidity AttestationLightClient, August 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from proofs.attestation.spec import Tag, Variant, signing_digest
from proofs.attestation.types import (
    ABSENT,
    ATTESTORS_MAX,
    Attested,
    AttestorSet,
    PacketAttestation,
    SetRotation,
    StateAttestation,
    path_entry,
)
from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    HeightNotIncreasing,
    InsufficientVotingPower,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    TimeNotIncreasing,
    UnknownHeight,
    UnknownSigner,
    ValueMismatch,
)
from proofs.light_client import Claim
from proofs.primitives.secp256k1 import address_of, recover

_ADDRESS_BYTES: Final = 20


def check_attestor_set(attestors: AttestorSet) -> None:
    """More than half must sign, or two disjoint quorums could each speak. Addresses are distinct and not zero.

    Stricter than the hosts: both take any m from 1 to n.
    """
    total = len(attestors.addresses)
    if total > ATTESTORS_MAX:
        raise LimitExceeded("attestors", got=total, limit=ATTESTORS_MAX)
    for address in attestors.addresses:
        if len(address) != _ADDRESS_BYTES or not any(address):
            raise MalformedProof("attestor address", got=address, expected="20 bytes, not all zero")
    if len(set(attestors.addresses)) != total:
        raise DuplicateSigner(next(each for each in attestors.addresses if attestors.addresses.count(each) > 1))
    if not total < attestors.threshold * 2 <= total * 2:
        raise MalformedProof(
            "attestor threshold", got=attestors.threshold, expected=f"above {total}/2, at most {total}"
        )


def check_quorum(attested: Attested, attestors: AttestorSet, *, tag: Tag, variant: Variant) -> None:
    """Every signature given is of the set, distinct, low-s, v 27 or 28; and there are at least m.

    SOL reverts for one foreign signature beside a full quorum; ICS recovers with the same rules.
    """
    if len(attested.signatures) > len(attestors.addresses):
        raise LimitExceeded("attestation signatures", got=len(attested.signatures), limit=len(attestors.addresses))
    if len(attested.signatures) < attestors.threshold:
        raise InsufficientVotingPower(len(attested.signatures), len(attestors.addresses), signers="attestors")
    digest = signing_digest(attested.data, tag=tag, variant=variant)
    signers: set[bytes] = set()
    for signature in attested.signatures:
        signer = address_of(recover(digest, signature, v_base=27))
        if signer not in attestors.addresses:
            raise UnknownSigner(signer, signers="attestors")
        if signer in signers:
            raise DuplicateSigner(signer)
        signers.add(signer)


def check_not_frozen(frozen_at: int | None) -> None:
    """A frozen client believes nothing more, not even at heights it knew before. Both hosts; there is no unfreeze."""
    if frozen_at is not None:
        raise ClientFrozen(frozen_at)


def check_state_is_positive(state: StateAttestation) -> None:
    """SOL: InvalidState. Height and time zero mean *unknown* in the hosts' storage."""
    if state.height == 0 or state.timestamp == 0:
        raise MalformedProof(
            "state attestation", got=(state.height, state.timestamp), expected="height and time above 0"
        )


def check_height_is_remembered(height: int, heights: Mapping[int, int], *, limit: int) -> None:
    """Once the memory is full, heights below the oldest are refused: a forgotten one could come back with another time.

    Ours: hosts remember for ever, a light client in memory does not.
    """
    if len(heights) >= limit and height < min(heights):
        raise HeightNotIncreasing(height, trusted=min(heights))


def check_time_order(state: StateAttestation, heights: Mapping[int, int]) -> None:
    """A ledger's time never runs backwards, so neither do attestations. Ours: hosts do not compare neighbours."""
    below = max((height for height in heights if height < state.height), default=None)
    above = min((height for height in heights if height > state.height), default=None)
    if below is not None and state.timestamp < heights[below]:
        raise TimeNotIncreasing(state.timestamp, trusted=heights[below])
    if above is not None and state.timestamp > heights[above]:
        raise TimeNotIncreasing(state.timestamp, trusted=heights[above])


def check_height_is_known(height: int, revision: int, heights: Mapping[int, int]) -> None:
    """Proofs count only at heights that were updated to. Revision is always 0; SOL ignores it, ICS does not."""
    if revision != 0 or height not in heights:
        raise UnknownHeight(revision, height)


def check_attested_height(attestation: PacketAttestation, height: int) -> None:
    """Both: HeightMismatch. The attestation speaks of exactly the height the proof is for."""
    if attestation.height != height:
        raise ValueMismatch("attested height", got=attestation.height, expected=height)


def check_path_is_attested(claim: Claim, attestation: PacketAttestation) -> None:
    """The attestation has exactly one entry for the claim's path, and it holds what is claimed; zero means absence.

    For a path entered twice SOL lets any entry prove membership and the first alone prove absence, while ICS wants
    every entry to be zero for absence: so a second entry is refused here.
    """
    wanted = path_entry(claim.path, claim.value)
    found = [each.commitment for each in attestation.entries if each.path == wanted.path]
    if len(found) != 1:
        raise MalformedProof("entries for the path", got=len(found), expected=1)
    if found[0] != wanted.commitment:
        expected = "absence" if wanted.commitment == ABSENT else wanted.commitment
        raise ValueMismatch("attested commitment", got=found[0], expected=expected)


def check_claim_count(claims: Sequence[Claim], *, limit: int) -> None:
    """Every claim costs m recoveries: refused before the first."""
    if len(claims) > limit:
        raise LimitExceeded("claims", got=len(claims), limit=limit)


def check_conflicting_states(a: StateAttestation, b: StateAttestation) -> None:
    """One height, two times. Anything else is no contradiction."""
    if a.height != b.height:
        raise NotMisbehaviour("the heights differ")
    if a.timestamp == b.timestamp:
        raise NotMisbehaviour("the times agree")


def check_rotation_follows(rotation: SetRotation, attestors: AttestorSet, *, version: int) -> None:
    """Ours: a rotation names the set it replaces and the next version, so it applies to one client state only once."""
    if rotation.version != version + 1:
        raise HeightNotIncreasing(rotation.version, trusted=version)
    if rotation.previous != attestors.digest():
        raise ValueMismatch("set before the rotation", got=rotation.previous, expected=attestors.digest())
