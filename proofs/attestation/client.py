"""The light client that believes a quorum of attestors: the model of what attestation hosts do on other ledgers.

update   a state attestation: height → time. The same height with another time freezes the client for ever
check    one packet attestation per claim, each at exactly the height asked for

Trust root: the addresses of the attestors and how many must sign, as an operator configures them.

Not checked: anything about the attested ledger itself, not even which it is: one key must not attest two ledgers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Final

from proofs.attestation import predicates as rules
from proofs.attestation.spec import TAGGED, Tag, Variant, check_variant
from proofs.attestation.types import (
    ATTESTORS_MAX,
    Attested,
    AttestorSet,
    PacketAttestation,
    StateAttestation,
    decode_packets,
    decode_protobuf,
    decode_rotation,
    decode_state,
    is_rotation,
)
from proofs.encoding import abi
from proofs.encoding.proof_batch import split_batch
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof
from proofs.light_client import Claim, ClientState, ClientStatus, Height

# A state attestation per block of a one-second ledger: over an hour of heights that open proofs may still name.
HEIGHTS_MAX: Final = 4_096
# More than any transaction of a host takes.
CLAIMS_MAX: Final = 1_024
# All heights, all attestors, and a few words.
_ENCODED_BYTES_MAX: Final = 1_024 + 64 * HEIGHTS_MAX + 32 * ATTESTORS_MAX
_VERSION: Final = b"\x01"
_ENCODING: Final = "(string,address[],uint8,uint64,uint64,(uint64,uint64)[])"


@dataclass(frozen=True, slots=True)
class AttestationClient:
    """attestors and variant are configured; heights (number → unix seconds) grow by updates.

    rotations: how many times the set was rotated.
    frozen_at: the height with two times, or None.
    """

    attestors: AttestorSet
    variant: Variant
    heights: Mapping[int, int]
    rotations: int = 0
    frozen_at: int | None = None

    family: ClassVar[str] = "attestation"
    portable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_variant(self.variant)
        rules.check_attestor_set(self.attestors)
        object.__setattr__(self, "heights", MappingProxyType(dict(self.heights)))

    def status(self, now: int) -> ClientStatus:  # noqa: ARG002 - attestations do not age
        return ClientStatus(ClientState.ACTIVE if self.frozen_at is None else ClientState.FROZEN)

    def latest(self) -> Height:
        return Height(0, max(self.heights))

    def timestamp_at(self, at: Height) -> int:
        rules.check_height_is_known(at.number, at.revision, self.heights)
        return self.heights[at.number]

    def update(self, evidence: bytes, *, now: int) -> AttestationClient:  # noqa: ARG002 - no rule here needs a clock
        """A known height with another time returns the *frozen* client, as hosts do: it is no refusal."""
        rules.check_not_frozen(self.frozen_at)
        attested = decode_protobuf(evidence)
        if is_rotation(attested.data):
            return self._rotated(attested)
        state = self._verified_state(attested)
        known = self.heights.get(state.height)
        if known is not None:
            return self if known == state.timestamp else replace(self, frozen_at=state.height)
        rules.check_height_is_remembered(state.height, self.heights, limit=HEIGHTS_MAX)
        rules.check_time_order(state, self.heights)
        return replace(self, heights=_remember(self.heights, state))

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.frozen_at)
        rules.check_claim_count(claims, limit=CLAIMS_MAX)
        rules.check_height_is_known(at.number, at.revision, self.heights)
        # Several claims may share one attestation: its signatures are verified once.
        verified: dict[bytes, PacketAttestation] = {}
        for claim, each in zip(claims, split_batch(proof, count=len(claims)), strict=True):
            if each not in verified:
                attested = decode_protobuf(each)
                attestation = decode_packets(attested.data)
                rules.check_attested_height(attestation, at.number)
                rules.check_quorum(attested, self.attestors, tag=Tag.PACKET, variant=self.variant)
                verified[each] = attestation
            rules.check_path_is_attested(claim, verified[each])

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:  # noqa: ARG002 - no rule here needs a clock
        one, other = (self._verified_state(decode_protobuf(each)) for each in (a, b))
        rules.check_conflicting_states(one, other)

    def encode(self) -> bytes:
        values = (
            self.variant,
            self.attestors.addresses,
            self.attestors.threshold,
            self.rotations,
            self.frozen_at or 0,
            tuple(sorted(self.heights.items())),
        )
        return _VERSION + abi.encode(_ENCODING, values)

    def _verified_state(self, attested: Attested) -> StateAttestation:
        state = decode_state(attested.data)
        rules.check_state_is_positive(state)
        rules.check_quorum(attested, self.attestors, tag=Tag.STATE, variant=self.variant)
        return state

    def _rotated(self, attested: Attested) -> AttestationClient:
        rotation = decode_rotation(attested.data)
        rules.check_rotation_follows(rotation, self.attestors, version=self.rotations)
        rules.check_attestor_set(rotation.following)
        rules.check_quorum(attested, self.attestors, tag=Tag.ROTATION, variant=self.variant)
        return replace(self, attestors=rotation.following, rotations=rotation.version)


def bootstrap(
    attestors: Sequence[bytes], *, threshold: int, height: int, timestamp: int, variant: Variant = TAGGED
) -> AttestationClient:
    """The client as a host creates it, at its first height.

    Raises MalformedProof, DuplicateSigner, LimitExceeded, UnsupportedProof.
    """
    rules.check_state_is_positive(StateAttestation(height, timestamp))
    return AttestationClient(AttestorSet(tuple(attestors), threshold), variant, {height: timestamp})


def decode_client(encoded: bytes) -> AttestationClient:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, DuplicateSigner."""
    if len(encoded) > _ENCODED_BYTES_MAX:
        raise LimitExceeded("attestation client", got=len(encoded), limit=_ENCODED_BYTES_MAX)
    if encoded[:1] != _VERSION:
        raise UnsupportedProof("attestation client version", got=encoded[:1], expected=_VERSION)
    variant, addresses, threshold, rotations, frozen_at, heights = abi.decode(_ENCODING, encoded[1:])
    numbers = [number for number, _ in heights]
    if not 1 <= len(heights) <= HEIGHTS_MAX or numbers != sorted(set(numbers)):
        raise MalformedProof("attestation client heights", got=len(heights), expected="1 or more, ascending, bounded")
    return AttestationClient(AttestorSet(addresses, threshold), variant, dict(heights), rotations, frozen_at or None)


def _remember(heights: Mapping[int, int], state: StateAttestation) -> dict[int, int]:
    grown = {**heights, state.height: state.timestamp}
    if len(grown) > HEIGHTS_MAX:
        del grown[min(grown)]
    return grown
