"""Belief about a chain of QBFT, IBFT 2 or Istanbul: blocks that a quorum of its validators sealed, final at once.

Evidence is one or more headers, ascending, with gaps where they are sealed by enough of whom we trust (steps.py). Two
sealed blocks of one height freeze the client. A seal may be of any round: a block sealed in two rounds is one block.

Trust root: (QBFT, IBFT 2, Istanbul) a block whose hash an operator configured, with its validators, the flavour and the
epoch length; after it, that never a third of the validators lies at once.

Not checked: (QBFT, IBFT 2, Istanbul) execution; and, over a gap, which chain a block is of. No header or seal names its
chain: the next block names its parent, a later one nothing that is known. Whoever lets one set of keys seal several
chains must permit no gaps, or blocks of one are believed of the other, until an own block of their height freezes the
client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from proofs.ethereum.execution import decode_header
from proofs.ethereum.storage_layout import RouterLayout, check_claims
from proofs.light_client import Claim, ClientState, ClientStatus, Height
from proofs.poa import rules as shared
from proofs.poa.history import History
from proofs.poa.qbft import predicates as rules
from proofs.poa.qbft.belief import Belief, decode_belief, encode_belief
from proofs.poa.qbft.spec import verify_checkpoint, verify_step
from proofs.poa.qbft.steps import Step, StorageProof, decode_steps
from proofs.poa.qbft.types import Block, Flavour, Parameters
from proofs.poa.votes import check_member_count


@dataclass(frozen=True, slots=True)
class QbftClient:
    family: ClassVar[str] = "qbft"
    portable: ClassVar[bool] = True

    belief: Belief

    @property
    def flavour(self) -> Flavour:
        return self.belief.parameters.flavour

    def latest(self) -> Height:
        return Height(0, self.belief.history.latest().number)

    def status(self, now: int) -> ClientStatus:
        expires_at = self._expires_at(self.belief.history.latest())
        if self.belief.frozen_at is not None:
            return ClientStatus(ClientState.FROZEN, expires_at)
        return ClientStatus(ClientState.EXPIRED if expires_at <= now else ClientState.ACTIVE, expires_at)

    def timestamp_at(self, at: Height) -> int:
        return self.belief.history.at(at).time

    def update(self, evidence: bytes, *, now: int) -> QbftClient:
        """Believe each header in turn. A sealed one that contradicts what is believed returns a frozen client."""
        shared.check_not_frozen(self.belief.frozen_at)
        client = self
        for step in decode_steps(evidence, self.belief.parameters):
            block = client._verified(step, now)
            history = client.belief.history.with_state(block)
            if history is None:
                return client.frozen(block.number)
            client = QbftClient(replace(client.belief, history=history))
        return client

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        shared.check_not_frozen(self.belief.frozen_at)
        state_root = self.belief.history.at(at).state_root
        check_claims(claims, state_root=state_root, layout=self.belief.layout, proof=proof)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        """Two different blocks of one height, each sealed by a quorum that follows from what is believed here."""
        shared.check_not_frozen(self.belief.frozen_at)
        sealed = [self._sealed_blocks(evidence, now) for evidence in (a, b)]
        shared.check_final_blocks_conflict(*sealed)

    def frozen(self, number: int) -> QbftClient:
        """The client after proved misbehaviour at `number`."""
        return QbftClient(replace(self.belief, frozen_at=number))

    def encode(self) -> bytes:
        return encode_belief(self.belief)

    def _sealed_blocks(self, evidence: bytes, now: int) -> dict[int, bytes]:
        """Number → hash of the blocks of one piece of evidence, each verified from the nearest one below it."""
        client, sealed = self, {}
        for step in decode_steps(evidence, self.belief.parameters):
            block = client._verified(step, now)
            sealed[block.number] = block.hash
            history = client.belief.history.with_state(block)
            # A block that contradicts what is believed is what we look for; nothing is built on it.
            client = client if history is None else QbftClient(replace(client.belief, history=history))
        return sealed

    def _verified(self, step: Step, now: int) -> Block:
        trusted = self.belief.history.below(step.header.number)
        shared.check_within_trusting_period(expires_at=self._expires_at(trusted), now=now)
        return verify_step(trusted, step, self.belief.parameters, now=now)

    def _expires_at(self, block: Block) -> int:
        return block.time + self.belief.parameters.trusting_period


def bootstrap(
    header: bytes,
    *,
    checkpoint_hash: bytes,
    parameters: Parameters,
    layout: RouterLayout,
    fixed_validators: Sequence[bytes] = (),
    proof: StorageProof | None = None,
) -> QbftClient:
    """Start from a block whose hash an operator configured; with validators in headers best one that starts an epoch.

    fixed_validators: for ValidatorSource.FIXED.
    proof:            of the validators under the state of this block, for ValidatorSource.CONTRACT.

    Raises VerificationError.
    """
    rules.check_parameters(parameters)
    check_member_count(len(fixed_validators))
    step = Step(decode_header(header), proof)
    block = verify_checkpoint(step, parameters, fixed=tuple(fixed_validators))
    shared.check_checkpoint_hash(block.hash, checkpoint_hash)
    return QbftClient(Belief(parameters, layout, History((block,))))


def decode_client(encoded: bytes) -> QbftClient:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof and the refusals of an impossible client."""
    return QbftClient(decode_belief(encoded))
