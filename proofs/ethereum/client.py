"""Belief about Ethereum: the execution states of final blocks, vouched for by sync committees.

A committee of 512 validators signs for a period of 27 hours and is named one period ahead, so an update per period is
enough to follow. Believed is only what at least two thirds of a committee signed *and* the signed state calls final:
there is no force-update here, and an optimistic header is shown, never relayed on.

Trust root: the root of one beacon block that an operator configures, with the chain's fork schedule.

Not checked: state transitions, attestations of validators, slashings, data availability. A sync committee is not
slashed for what it signs: two thirds of it are believed. Periods below supermajority are never forced.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import ClassVar

from proofs.errors import UnknownHeight
from proofs.ethereum import finality_rules as rules
from proofs.ethereum.belief import EXECUTION_STATES_MAX, Belief, ExecutionState, decode_belief, encode_belief
from proofs.ethereum.bootstrap import verify_bootstrap
from proofs.ethereum.containers import beacon_root
from proofs.ethereum.evidence import decode_bootstrap, decode_evidence
from proofs.ethereum.forks import Chain, Fork
from proofs.ethereum.predicates import check_has_finality, check_supermajority
from proofs.ethereum.spec import Trust, advance, validate_update
from proofs.ethereum.storage_layout import RouterLayout, check_claims
from proofs.ethereum.types import LightClientHeader
from proofs.light_client import Claim, ClientState, ClientStatus, Height


@dataclass(frozen=True, slots=True)
class EthereumClient:
    family: ClassVar[str] = "ethereum"
    portable: ClassVar[bool] = True

    belief: Belief

    def status(self, now: int) -> ClientStatus:
        expires_at = self._expires_at()
        if self.belief.frozen_at is not None:
            return ClientStatus(ClientState.FROZEN, expires_at)
        return ClientStatus(ClientState.EXPIRED if expires_at <= now else ClientState.ACTIVE, expires_at)

    def latest(self) -> Height:
        return Height(0, self.belief.states[-1].number)

    def latest_slot(self) -> int:
        return self.belief.trust.finalized_header.beacon.slot

    def execution_state(self, at: Height) -> ExecutionState:
        """Raises UnknownHeight, and WrongLedger for a revision: Ethereum counts none."""
        rules.check_revision(at)
        states = self.belief.states
        index = bisect_left(states, at.number, key=attrgetter("number"))
        if index == len(states) or states[index].number != at.number:
            raise UnknownHeight(at.revision, at.number)
        return states[index]

    def timestamp_at(self, at: Height) -> int:
        return self.execution_state(at).time

    def update(self, evidence: bytes, *, now: int) -> EthereumClient:
        """Believe one finality update, with or without a next committee.

        One that makes another block final at the slot we believe final returns a frozen client.
        """
        belief = self.belief
        rules.check_not_frozen(belief.frozen_at)
        rules.check_within_trusting_period(expires_at=self._expires_at(), now=now)
        update = decode_evidence(evidence, belief.chain)
        check_has_finality(update)
        check_supermajority(update.sync_aggregate)
        validate_update(belief.trust, update, belief.chain, current_slot=belief.chain.slot_at(now))
        if contradicts(update.finalized_header, belief.trust.finalized_header):
            return self.frozen(update.finalized_header.beacon.slot)
        rules.check_advances(update, belief.trust, belief.chain)
        trust = advance(belief.trust, update, belief.chain)
        if trust.finalized_header == belief.trust.finalized_header:
            return EthereumClient(replace(belief, trust=trust))
        rules.check_has_execution(trust.finalized_header, belief.chain)
        state = execution_state_of(trust.finalized_header)
        rules.check_block_number_increases(state.number, trusted=belief.states[-1].number)
        rules.check_block_time_increases(state.time, trusted=belief.states[-1].time)
        states = (*belief.states, state)[-EXECUTION_STATES_MAX:]
        return EthereumClient(replace(belief, trust=trust, states=states))

    def optimistic_header(self, evidence: bytes, *, now: int) -> LightClientHeader:
        """Return the newest header that two thirds of the committee call the head: a preview that may be reorganised.

        evidence: of any kind. Raises VerificationError.
        """
        chain = self.belief.chain
        rules.check_not_frozen(self.belief.frozen_at)
        update = decode_evidence(evidence, chain)
        check_supermajority(update.sync_aggregate)
        validate_update(self.belief.trust, update, chain, current_slot=chain.slot_at(now))
        return update.attested_header

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.belief.frozen_at)
        state_root = self.execution_state(at).state_root
        check_claims(claims, state_root=state_root, layout=self.belief.layout, proof=proof)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        """Two different final headers for one slot, both signed by two thirds of a committee that is known here."""
        belief = self.belief
        rules.check_not_frozen(belief.frozen_at)
        rules.check_within_trusting_period(expires_at=self._expires_at(), now=now)
        updates = [decode_evidence(each, belief.chain) for each in (a, b)]
        rules.check_headers_conflict(*(update.finalized_header for update in updates))
        for update in updates:
            rules.verify_accusation(belief.trust, update, belief.chain, now=now)

    def frozen(self, slot: int) -> EthereumClient:
        """The client after proved misbehaviour at `slot`."""
        return EthereumClient(replace(self.belief, frozen_at=slot))

    def encode(self) -> bytes:
        return encode_belief(self.belief)

    def _expires_at(self) -> int:
        return self.belief.states[-1].time + self.belief.trusting_period


def contradicts(new: LightClientHeader, trusted: LightClientHeader) -> bool:
    """Two different blocks were made final at one slot."""
    return new.beacon.slot == trusted.beacon.slot and beacon_root(new) != beacon_root(trusted)


def execution_state_of(header: LightClientHeader) -> ExecutionState:
    execution = header.execution
    return ExecutionState(execution.block_number, execution.state_root, execution.timestamp)


def bootstrap(
    ssz: bytes,
    *,
    fork: Fork,
    chain: Chain,
    trusted_block_root: bytes,
    trusting_period: int,
    layout: RouterLayout,
) -> EthereumClient:
    """Start from a final block whose root an operator configured.

    ssz:             LightClientBootstrap in the encoding of `fork`, the fork of its slot.
    trusting_period: seconds; keys of a committee older than that may have been sold. Below the time in which
                     validators can leave, which is 27 hours at the least.

    Raises VerificationError.
    """
    decoded = decode_bootstrap(ssz, fork, chain)
    verify_bootstrap(decoded, chain, trusted_block_root=trusted_block_root)
    rules.check_has_execution(decoded.header, chain)
    trust = Trust(decoded.header, decoded.current_sync_committee, next_sync_committee=None)
    return EthereumClient(Belief(chain, layout, trusting_period, trust, (execution_state_of(decoded.header),)))


def decode_client(encoded: bytes) -> EthereumClient:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    return EthereumClient(decode_belief(encoded))
