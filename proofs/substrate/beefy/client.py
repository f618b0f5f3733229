"""Belief about one Substrate chain by what its BEEFY authorities sign, for where GRANDPA's votes are too many.

Evidence is a step (evidence.py): a signed commitment to a root, a leaf under it, and the header that the leaf names as
its block's parent, with the time in that block's state. A proof is the same read proof as with GRANDPA. Two roots that
were signed for one block, or two blocks of one height under signed roots, freeze the client.

Trust root: for BEEFY, a block whose hash an operator configured, from block 1 on, whose state names the present and the
next signers; the chain's genesis hash; then, that never a third of a set's signers lies at once, and that nobody gets
hold of the keys of two thirds within the trusting period.

Not checked: for BEEFY, that GRANDPA made final what is signed: its authorities sign nothing else. As with GRANDPA, no
execution, block production or extrinsics. A step has a quorum; a sample of signatures, which bridges take, advances no
client (spec.py). The chain keeps its signers in pallet-beefy-mmr under its usual name, BeefyMmrLeaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from proofs.light_client import Claim, ClientStatus, Height
from proofs.substrate import known_blocks, membership
from proofs.substrate import predicates as rules
from proofs.substrate.beefy import predicates as beefy_rules
from proofs.substrate.beefy import spec
from proofs.substrate.beefy.belief import Belief, Committed, decode_belief, encode_belief
from proofs.substrate.beefy.evidence import decode_step
from proofs.substrate.beefy.signer_state import checkpoint_state
from proofs.substrate.beefy.spec import Trust
from proofs.substrate.evidence import decode_checkpoint
from proofs.substrate.headers import header_hash
from proofs.substrate.host import HostLayout, check_layout
from proofs.substrate.types import Block, Parameters


@dataclass(frozen=True, slots=True)
class Seen:
    """What a verified step tells of. trust: who signs after it."""

    block: Block
    committed: Committed
    trust: Trust

    def hashes(self) -> dict[tuple[str, int], bytes]:
        """What and its height → hash: nothing of it may be told in two ways."""
        committed = self.committed
        return {("root", committed.block_number): committed.mmr_root, ("block", self.block.number): self.block.hash}


@dataclass(frozen=True, slots=True)
class BeefyClient:
    family: ClassVar[str] = "substrate-beefy"
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

    def update(self, evidence: bytes, *, now: int) -> BeefyClient:
        """Believe one step. A valid one that contradicts what is believed returns a frozen client."""
        rules.check_not_frozen(self.belief.frozen_at)
        seen = self._verify(evidence, now)
        told = seen.hashes()
        for key, known in self._believed().items():
            if told.get(key, known) != known:
                return self.frozen(key[1])
        return BeefyClient(self._advanced(seen))

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.belief.frozen_at)
        state_root = self.block_at(at).state_root
        membership.verify_claims(claims, proof, state_root=state_root, layout=self.belief.layout)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        """Two steps with two roots for one block, or two blocks of one height."""
        rules.check_not_frozen(self.belief.frozen_at)
        beefy_rules.check_statements_conflict(self._verify(a, now).hashes(), self._verify(b, now).hashes())

    def frozen(self, number: int) -> BeefyClient:
        """The client after proved misbehaviour at `number`."""
        return BeefyClient(replace(self.belief, frozen_at=number))

    def encode(self) -> bytes:
        return encode_belief(self.belief)

    def _believed(self) -> dict[tuple[str, int], bytes]:
        known = {("block", each.number): each.hash for each in self.belief.blocks}
        committed = self.belief.committed
        return known if committed is None else known | {("root", committed.block_number): committed.mmr_root}

    def _verify(self, evidence: bytes, now: int) -> Seen:
        """Cheap rules before signatures. Raises VerificationError."""
        belief, parameters = self.belief, self.belief.parameters
        rules.check_within_trusting_period(expires_at=known_blocks.expires_at(belief.latest, parameters), now=now)
        step = decode_step(evidence)
        header, statement = step.header, step.statement
        beefy_rules.check_header_of_leaf(header, statement.leaf)
        time_ms = membership.time_of(header.state_root, step.state, genesis_hash=parameters.genesis_hash)
        before = known_blocks.newest_below(belief.blocks, header.number)
        rules.check_time_order(time_ms, trusted_ms=0 if before is None else before.time_ms)
        rules.check_not_from_future(time_ms, now=now, drift=parameters.clock_drift)
        root = spec.verify_statement(belief.trust, statement)
        trust = belief.trust
        if spec.is_handed_over(trust, statement.commitment):
            trust = spec.hand_over(trust, statement.leaf)
        block = Block(header.number, statement.leaf.parent_hash, header.state_root, time_ms)
        return Seen(block, Committed(statement.commitment.block_number, root), trust)

    def _advanced(self, seen: Seen) -> Belief:
        """An older root tells nothing new; an older leaf under a newer root leaves the blocks as they are."""
        belief = self.belief
        if belief.committed is not None and seen.committed.block_number <= belief.committed.block_number:
            return belief
        blocks = known_blocks.with_block(belief.blocks, seen.block)
        return replace(belief, blocks=blocks, committed=seen.committed, trust=seen.trust)


def bootstrap(evidence: bytes, *, checkpoint_hash: bytes, parameters: Parameters, layout: HostLayout) -> BeefyClient:
    """Start from a block whose hash an operator configured. evidence: a checkpoint, as for GRANDPA.

    Raises VerificationError.
    """
    rules.check_parameters(parameters)
    check_layout(layout)
    checkpoint = decode_checkpoint(evidence)
    header = checkpoint.header
    rules.check_checkpoint(header_hash(header), checkpoint_hash)
    time_ms, trust = checkpoint_state(header.state_root, checkpoint.state, genesis_hash=parameters.genesis_hash)
    block = Block(header.number, checkpoint_hash, header.state_root, time_ms)
    return BeefyClient(Belief(parameters, layout, trust, (block,)))


def decode_client(encoded: bytes) -> BeefyClient:
    """Raises InvalidProof for bytes that are no client."""
    return BeefyClient(decode_belief(encoded))
