"""Belief about one Substrate chain with GRANDPA: final blocks since the checkpoint, and who votes on the next ones.

Evidence is a step (evidence.py, spec.py), a proof one read proof for all claims of a batch (membership.py). Headers
carry no time: each step shows `Timestamp.Now` in the state of its block, which the runtime writes in every block. Two
final blocks of one height freeze the client.

Trust root: a block whose hash an operator configured, from block 1 on, and its state, which says who votes after it;
the chain's genesis hash; then, that never a third of the weight of a set lies at once, and that nobody gets hold of the
keys of two thirds within the trusting period.

Not checked: execution, block production (BABE, Aura and their seals), extrinsics, and the meaning of a runtime upgrade.
Two things that nodes take are refused: a forced change of authorities, after which a new checkpoint is needed, and a
justification in which an authority votes two ways, in place of which there are others for the same block. State is read
as runtimes keep it whose pallet-grandpa has its authorities in its own storage (version 5, 2024), under the pallets'
usual names. Parachains have no GRANDPA of their own: this is for chains that have, relay chains among them. BEEFY is
judged apart (beefy).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from proofs.errors import UnknownHeight
from proofs.light_client import Claim, ClientStatus, Height
from proofs.substrate import known_blocks, membership, spec
from proofs.substrate import predicates as rules
from proofs.substrate.belief import SETS_MAX, Belief, decode_belief, encode_belief
from proofs.substrate.evidence import decode_checkpoint, decode_step
from proofs.substrate.headers import header_hash
from proofs.substrate.host import HostLayout, check_layout
from proofs.substrate.types import AuthoritySet, Block, Change, Parameters


@dataclass(frozen=True, slots=True)
class FinalStep:
    """What a verified step makes final. hashes: by number, with the parent of the first. change: on its way then."""

    block: Block
    hashes: Mapping[int, bytes]
    change: Change | None


@dataclass(frozen=True, slots=True)
class SubstrateClient:
    family: ClassVar[str] = "substrate"
    portable: ClassVar[bool] = True

    belief: Belief

    def latest(self) -> Height:
        return Height(0, self.belief.latest.number)

    def status(self, now: int) -> ClientStatus:
        belief = self.belief
        return known_blocks.status_of(belief.latest, belief.parameters, frozen_at=belief.frozen_at, now=now)

    def block_at(self, at: Height) -> Block:
        """Raises UnknownHeight, and WrongLedger for a revision."""
        return known_blocks.block_at(self.belief.blocks, at)

    def timestamp_at(self, at: Height) -> int:
        return self.block_at(at).time_ms // 1_000

    def update(self, evidence: bytes, *, now: int) -> SubstrateClient:
        """Believe one step. A valid one that contradicts what is believed returns a frozen client."""
        rules.check_not_frozen(self.belief.frozen_at)
        final = self._verify(evidence, now)
        for block in self.belief.blocks:
            if final.hashes.get(block.number, block.hash) != block.hash:
                return self.frozen(block.number)
        return SubstrateClient(self._advanced(final))

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.belief.frozen_at)
        state_root = self.block_at(at).state_root
        membership.verify_claims(claims, proof, state_root=state_root, layout=self.belief.layout)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        """Two steps of which each makes another block of one height final."""
        rules.check_not_frozen(self.belief.frozen_at)
        rules.check_blocks_conflict(self._verify(a, now).hashes, self._verify(b, now).hashes)

    def frozen(self, number: int) -> SubstrateClient:
        """The client after proved misbehaviour at `number`."""
        return SubstrateClient(replace(self.belief, frozen_at=number))

    def encode(self) -> bytes:
        return encode_belief(self.belief)

    def _verify(self, evidence: bytes, now: int) -> FinalStep:
        """Cheap rules before signatures. Raises VerificationError."""
        belief, parameters = self.belief, self.belief.parameters
        step = decode_step(evidence)
        chain = spec.link(step.headers)
        number = chain.last.number
        trusted, voters = known_blocks.newest_below(belief.blocks, number), belief.voters_on(number)
        if trusted is None or voters is None:
            raise UnknownHeight(0, number - 1)
        rules.check_within_trusting_period(expires_at=known_blocks.expires_at(trusted, parameters), now=now)
        change = belief.pending
        if voters is belief.sets[-1]:
            finalised = max(number, belief.latest.number)
            change = spec.next_change(chain, change, since=voters.since, finalised=finalised)
        time_ms = membership.time_of(chain.last.state_root, step.state, genesis_hash=parameters.genesis_hash)
        rules.check_time_order(time_ms, trusted_ms=trusted.time_ms)
        rules.check_not_from_future(time_ms, now=now, drift=parameters.clock_drift)
        spec.verify_justification(step.justification, chain, voters)
        return FinalStep(Block(number, chain.last_hash, chain.last.state_root, time_ms), chain.hashes, change)

    def _advanced(self, final: FinalStep) -> Belief:
        """What is known already changes nothing, except that it may tell of a change that was left out before."""
        belief = self.belief
        blocks = known_blocks.with_block(belief.blocks, final.block)
        sets, change = belief.sets, final.change
        if change is not None and change.effective == blocks[-1].number:
            sets, change = (*sets, spec.enact(change, sets[-1]))[-SETS_MAX:], None
        return replace(belief, blocks=blocks, sets=sets, pending=change)


def bootstrap(
    evidence: bytes, *, checkpoint_hash: bytes, parameters: Parameters, layout: HostLayout
) -> SubstrateClient:
    """Start from a block whose hash an operator configured. evidence: a checkpoint (evidence.py).

    Raises VerificationError.
    """
    rules.check_parameters(parameters)
    check_layout(layout)
    checkpoint = decode_checkpoint(evidence)
    header = checkpoint.header
    rules.check_checkpoint(header_hash(header), checkpoint_hash)
    time_ms, set_id, authorities = membership.checkpoint_state(
        header.state_root, checkpoint.state, genesis_hash=parameters.genesis_hash
    )
    block = Block(header.number, checkpoint_hash, header.state_root, time_ms)
    voters = AuthoritySet(set_id, header.number, authorities)
    return SubstrateClient(Belief(parameters, layout, (voters,), (block,)))


def decode_client(encoded: bytes) -> SubstrateClient:
    """Raises InvalidProof for bytes that are no client."""
    return SubstrateClient(decode_belief(encoded))
