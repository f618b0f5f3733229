"""Belief about one CometBFT chain: the consensus states of recent heights, each reached from an earlier one.

One class for our relay, for attestors and for hosts of our own. Evidence is a 07-tendermint header in protobuf, a
proof is a batch of ICS-23 proofs against the application's root. Two blocks that cannot both be honest freeze the
client, as on every other host of this family.

Trust root: the hash of one header that an operator configures, for as long as the trusting period lasts.

Not checked: transactions and their results, evidence in blocks, who proposed, and signatures of a commit beyond two
thirds of the power. Upgrades to another revision are not followed: they need a new checkpoint.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import ClassVar

from proofs.cometbft import predicates as rules
from proofs.cometbft import spec
from proofs.cometbft.belief import (
    CONSENSUS_STATES_MAX,
    Belief,
    KnownHeight,
    decode_belief,
    encode_belief,
)
from proofs.cometbft.chain_id import revision_of
from proofs.cometbft.configuration import check_configuration
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import decode_client_header, decode_light_block
from proofs.cometbft.types import SECOND, ClientHeader, ConsensusState, Parameters
from proofs.encoding.proof_batch import split_batch
from proofs.errors import UnknownHeight
from proofs.light_client import Claim, ClientState, ClientStatus, Height
from proofs.merkle import ics23


@dataclass(frozen=True, slots=True)
class CometBftClient:
    """known: at least one height, ascending, at most CONSENSUS_STATES_MAX. frozen_at: where blocks contradicted."""

    family: ClassVar[str] = "cometbft"
    portable: ClassVar[bool] = True

    chain_id: str
    parameters: Parameters
    host: HostLayout
    known: tuple[KnownHeight, ...]
    frozen_at: int | None = None

    @property
    def revision(self) -> int:
        return revision_of(self.chain_id)

    def latest(self) -> Height:
        return Height(self.revision, self.known[-1].number)

    def status(self, now: int) -> ClientStatus:
        expires_at = (self.known[-1].state.time + self.parameters.trusting_period) // SECOND
        if self.frozen_at is not None:
            return ClientStatus(ClientState.FROZEN, expires_at)
        return ClientStatus(ClientState.EXPIRED if expires_at <= now else ClientState.ACTIVE, expires_at)

    def consensus_state(self, at: Height) -> ConsensusState:
        """Raises UnknownHeight, and WrongLedger for another revision."""
        rules.check_revision(at, self.revision)
        index = bisect_left(self.known, at.number, key=attrgetter("number"))
        if index == len(self.known) or self.known[index].number != at.number:
            raise UnknownHeight(at.revision, at.number)
        return self.known[index].state

    def timestamp_at(self, at: Height) -> int:
        return self.consensus_state(at).time // SECOND

    def update(self, evidence: bytes, *, now: int) -> CometBftClient:
        """Believe one header. A valid one that contradicts what is believed returns a frozen client."""
        rules.check_not_frozen(self.frozen_at)
        step = decode_client_header(evidence)
        trusted = self._trusted_by(step, now)
        state = spec.verify_step(step, trusted, chain_id=self.chain_id, parameters=self.parameters, now=now * SECOND)
        return self._with(KnownHeight(step.block.signed_header.header.height, state), now)

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.frozen_at)
        root = self.consensus_state(at).root
        stored = [self.host.stored(claim) for claim in claims]
        # The proof of the store under the app hash is the same in every proof of a batch, and is hashed once.
        ics23.verify_batch(stored, split_batch(proof, count=len(claims)), root=root)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        rules.check_not_frozen(self.frozen_at)
        steps = (decode_client_header(a), decode_client_header(b))
        rules.check_headers_conflict(*(step.block.signed_header.header for step in steps))
        for step in steps:
            trusted = self._trusted_by(step, now)
            spec.verify_accusation(step, trusted, chain_id=self.chain_id, parameters=self.parameters)

    def frozen(self, height: int) -> CometBftClient:
        """The client after proved misbehaviour at `height`."""
        assert height > 0, "heights start at 1"
        return replace(self, frozen_at=height)

    def encode(self) -> bytes:
        return encode_belief(Belief(self.chain_id, self.parameters, self.host, self.known, self.frozen_at))

    def _trusted_by(self, step: ClientHeader, now: int) -> ConsensusState:
        trusted = self.consensus_state(step.trusted_height)
        # `now` may stand for any moment of its second: the last one counts, so that trust never outlives its period.
        last_moment = now * SECOND + SECOND - 1
        rules.check_within_trusting_period(
            trusted.time, now=last_moment, trusting_period=self.parameters.trusting_period
        )
        return trusted

    def _with(self, new: KnownHeight, now: int) -> CometBftClient:
        index = bisect_left(self.known, new.number, key=attrgetter("number"))
        before, after = self.known[:index], self.known[index:]
        if after and after[0].number == new.number:
            return self if after[0] == new else self.frozen(new.number)
        runs_backwards = (before and before[-1].state.time >= new.state.time) or (
            after and after[0].state.time <= new.state.time
        )
        if runs_backwards:
            return self.frozen(new.number)
        return replace(self, known=self._kept((*before, new, *after), now))

    def _kept(self, known: tuple[KnownHeight, ...], now: int) -> tuple[KnownHeight, ...]:
        """The newest heights whose trust has not expired; the newest of all in any case."""
        oldest_time = now * SECOND - self.parameters.trusting_period
        alive = tuple(each for each in known[:-1] if each.state.time > oldest_time)
        return (*alive, known[-1])[-CONSENSUS_STATES_MAX:]


def bootstrap(
    light_block: bytes,
    *,
    chain_id: str,
    height: int,
    header_hash: bytes,
    parameters: Parameters,
    host: HostLayout,
) -> CometBftClient:
    """Start from a block whose hash an operator configured. light_block: tendermint.types.LightBlock in protobuf."""
    check_configuration(chain_id, parameters, host)
    block = decode_light_block(light_block)
    state = spec.verify_checkpoint(block, chain_id=chain_id, height=height, header_hash=header_hash)
    return CometBftClient(chain_id, parameters, host, (KnownHeight(height, state),))


def decode_client(encoded: bytes) -> CometBftClient:
    """Raises MalformedProof and the refusals of an impossible client."""
    belief = decode_belief(encoded)
    return CometBftClient(belief.chain_id, belief.parameters, belief.host, belief.known, belief.frozen_at)
