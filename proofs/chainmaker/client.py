"""Belief about one ChainMaker chain: every block since the checkpoint, so that no change of validators is missed.

Evidence is a step of consecutive blocks (evidence.py), a proof is transactions of one block with the host's events in
them (membership.py). Two blocks of one height with a quorum each freeze the client.

Trust root: a block hash, and the SHA-256 of the configuration that the block after it is signed under; by it the hash
algorithm, the validators and the authorities of their organisations; where certificates are used, optionally the key of
each node.

Not checked: revocation and freezing of certificates, which live in ordinary transactions that a light client does not
read whole; which of an organisation's keys belongs to which of its nodes, where certificates are used and nothing is
pinned; proposers of blocks that only a hash link vouches for; and whether nodes carried transactions out rightly, for
which more than two thirds of the validators vouch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from proofs.chainmaker import predicates as rules
from proofs.chainmaker import spec
from proofs.chainmaker.belief import (
    CONFIGS_MAX,
    STATES_MAX,
    Belief,
    KnownConfig,
    decode_belief,
    encode_belief,
    verify_belief,
)
from proofs.chainmaker.evidence import decode_step
from proofs.chainmaker.hashing import algorithm
from proofs.chainmaker.host import HostLayout
from proofs.chainmaker.membership import verify_claims
from proofs.chainmaker.messages import decode_config, decode_header
from proofs.chainmaker.spec import Progress
from proofs.chainmaker.types import ConsensusState, EvidenceBlock, Parameters, Step
from proofs.errors import UnknownHeight
from proofs.light_client import Claim, ClientState, ClientStatus, Height
from proofs.primitives.hashing import sha256


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What an operator configures as the first trusted point.

    config_hash:   SHA-256 of the serialized ChainConfig that the block after `height` is signed under.
    config_height: of the block that brought it: `height` itself, or the pre_conf_height that its header names.
    """

    chain_id: str
    height: int
    block_hash: bytes
    config_hash: bytes
    config_height: int


@dataclass(frozen=True, slots=True)
class ChainMakerClient:
    family: ClassVar[str] = "chainmaker"
    portable: ClassVar[bool] = True

    belief: Belief

    def latest(self) -> Height:
        return Height(0, self.belief.latest().number)

    def status(self, now: int) -> ClientStatus:
        expires_at = self._expires_at(self.belief.latest())
        if self.belief.frozen_at is not None:
            return ClientStatus(ClientState.FROZEN, expires_at)
        return ClientStatus(ClientState.EXPIRED if expires_at <= now else ClientState.ACTIVE, expires_at)

    def timestamp_at(self, at: Height) -> int:
        return self.belief.at(at).time

    def update(self, evidence: bytes, *, now: int) -> ChainMakerClient:
        """Believe a step. It may begin at believed blocks; one that contradicts them returns a frozen client."""
        rules.check_not_frozen(self.belief.frozen_at)
        step = decode_step(evidence)
        fresh = self._fresh(step)
        if not fresh:
            return self
        parent = self._parent(fresh[0])
        rules.check_within_trusting_period(expires_at=self._expires_at(parent), now=now)
        progress = spec.verify_step(
            Step(fresh, step.certificates),
            parent,
            self.belief.config_for(parent.number + 1),
            parameters=self.belief.parameters,
            now=now,
        )
        # A known block of this number would have been passed over, had it been the same.
        if parent.number < self.belief.latest().number:
            return self.frozen(parent.number + 1)
        return self._with(progress)

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.belief.frozen_at)
        verify_claims(
            claims,
            proof,
            state=self.belief.at(at),
            chain_id=self.belief.chain_id,
            layout=self.belief.layout,
            digest=algorithm(self.belief.configs[-1].config.hash_name),
        )

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        """Two steps whose last blocks have one height and a quorum each. What comes before them plays no part."""
        rules.check_not_frozen(self.belief.frozen_at)
        rules.check_within_trusting_period(expires_at=self._expires_at(self.belief.latest()), now=now)
        steps = (decode_step(a), decode_step(b))
        rules.check_blocks_conflict(*(each.blocks[-1].header for each in steps))
        for each in steps:
            last = each.blocks[-1]
            config = self.belief.config_for(last.header.height)
            spec.verify_accused(last, config, parameters=self.belief.parameters, certificates=each.certificates)

    def frozen(self, number: int) -> ChainMakerClient:
        """The client after proved misbehaviour at `number`."""
        assert number > 0, "the genesis block is nobody's evidence"
        return ChainMakerClient(replace(self.belief, frozen_at=number))

    def encode(self) -> bytes:
        return encode_belief(self.belief)

    def _fresh(self, step: Step) -> tuple[EvidenceBlock, ...]:
        """The blocks of the step from the first on that is not believed already."""
        for number, block in enumerate(step.blocks):
            known = self.belief.find(block.header.height)
            if known is None or known.hash != block.header.hash:
                return step.blocks[number:]
        return ()

    def _parent(self, block: EvidenceBlock) -> ConsensusState:
        parent = self.belief.find(block.header.height - 1)
        if parent is None:
            raise UnknownHeight(0, max(block.header.height - 1, 0))
        return parent

    def _with(self, progress: Progress) -> ChainMakerClient:
        configs = (*self.belief.configs, *(KnownConfig(*each) for each in progress.configs))[-CONFIGS_MAX:]
        states = (*self.belief.states, *progress.states)[-STATES_MAX:]
        return ChainMakerClient(replace(self.belief, configs=configs, states=states))

    def _expires_at(self, state: ConsensusState) -> int:
        return state.time + self.belief.parameters.trusting_period


def bootstrap(
    header: bytes, config: bytes, *, checkpoint: Checkpoint, parameters: Parameters, layout: HostLayout
) -> ChainMakerClient:
    """Start from a serialized BlockHeader and ChainConfig that hash to what an operator configured."""
    rules.check_config_hash(sha256(config), checkpoint.config_hash)
    known = decode_config(config)
    spec.verify_config(known, chain_id=checkpoint.chain_id)
    state = spec.verify_checkpoint(
        decode_header(header),
        known,
        chain_id=checkpoint.chain_id,
        height=checkpoint.height,
        block_hash=checkpoint.block_hash,
        config_height=checkpoint.config_height,
    )
    belief = Belief(checkpoint.chain_id, parameters, layout, (KnownConfig(checkpoint.config_height, known),), (state,))
    verify_belief(belief)
    return ChainMakerClient(belief)


def decode_client(encoded: bytes) -> ChainMakerClient:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof and the refusals of an impossible client."""
    return ChainMakerClient(decode_belief(encoded))
