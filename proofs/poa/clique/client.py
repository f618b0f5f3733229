"""Belief about a Clique chain: blocks that enough signers built on, each with the signers and votes it leaves behind.

Evidence is an RLP list of consecutive headers. It may begin anywhere at or below the newest believed block, and has to
reach far enough above it: what makes a block final stands in spec.py. Two final blocks of one height freeze the client.
One signer with two blocks of one height is *equivocation*. It is no misbehaviour of the ledger: after a change of
branches honest signers do it, and the chain repairs itself. `equivocator` names him all the same.

Trust root: (Clique) an epoch block whose hash an operator configured, with its signers, the epoch length, the period
and how many blocks make one final; after it, that never half of the signers lie, nor are split for longer than that.

Not checked: (Clique) execution; and why signers change branches: a split of the network that outlasts the confirmations
makes two blocks final. No seal names its chain; every header's parent does, as nothing is ever skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from proofs.errors import NotMisbehaviour, UnknownHeight
from proofs.ethereum.execution import ExecutionHeader, decode_header
from proofs.ethereum.storage_layout import RouterLayout, check_claims
from proofs.light_client import Claim, ClientState, ClientStatus, Height
from proofs.poa import rules as shared
from proofs.poa.clique import predicates as rules
from proofs.poa.clique.belief import Belief, decode_belief, encode_belief
from proofs.poa.clique.spec import final_in, verify_branch, verify_checkpoint
from proofs.poa.clique.types import Block, Parameters
from proofs.poa.headers import decode_evidence
from proofs.poa.history import History


@dataclass(frozen=True, slots=True)
class CliqueClient:
    family: ClassVar[str] = "clique"
    portable: ClassVar[bool] = True

    belief: Belief

    def latest(self) -> Height:
        return Height(0, self.belief.history.latest().number)

    def status(self, now: int) -> ClientStatus:
        expires_at = self._expires_at(self.belief.history.latest())
        if self.belief.frozen_at is not None:
            return ClientStatus(ClientState.FROZEN, expires_at)
        return ClientStatus(ClientState.EXPIRED if expires_at <= now else ClientState.ACTIVE, expires_at)

    def timestamp_at(self, at: Height) -> int:
        return self.belief.history.at(at).time

    def update(self, evidence: bytes, *, now: int) -> CliqueClient:
        """Believe the newest final block of a branch. One that contradicts what is believed returns a frozen client."""
        belief = self.belief
        shared.check_not_frozen(belief.frozen_at)
        branch = self._verify(decode_evidence(evidence), now)
        index = final_in(branch, confirmations=belief.parameters.confirmations)
        for block in branch[: index + 1]:
            known = belief.history.find(block.number)
            if known is not None and known.hash != block.hash:
                return self.frozen(block.number)
        newest = branch[index]
        if newest.number <= belief.history.latest().number:
            return self
        rules.check_heavier(branch[-1].total_difficulty, heaviest=belief.heaviest)
        history = belief.history.with_state(newest)
        assert history is not None, "a block above all others, later than they are, contradicts none"
        return CliqueClient(replace(belief, history=history, heaviest=branch[-1].total_difficulty))

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        shared.check_not_frozen(self.belief.frozen_at)
        state_root = self.belief.history.at(at).state_root
        check_claims(claims, state_root=state_root, layout=self.belief.layout, proof=proof)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        """Two branches of which each makes another block of one height final."""
        shared.check_not_frozen(self.belief.frozen_at)
        final = []
        for evidence in (a, b):
            branch = self._verify(decode_evidence(evidence), now)
            index = final_in(branch, confirmations=self.belief.parameters.confirmations)
            final.append({block.number: block.hash for block in branch[: index + 1]})
        shared.check_final_blocks_conflict(*final)

    def frozen(self, number: int) -> CliqueClient:
        """The client after proved misbehaviour at `number`."""
        return CliqueClient(replace(self.belief, frozen_at=number))

    def encode(self) -> bytes:
        return encode_belief(self.belief)

    def _verify(self, headers: tuple[ExecutionHeader, ...], now: int) -> tuple[Block, ...]:
        trusted, fresh = self._start(headers)
        shared.check_within_trusting_period(expires_at=self._expires_at(trusted), now=now)
        return verify_branch(trusted, fresh, self.belief.parameters, now=now)

    def _start(self, headers: tuple[ExecutionHeader, ...]) -> tuple[Block, tuple[ExecutionHeader, ...]]:
        """The newest believed block that a header of the branch names as its parent, and the headers after it."""
        for index in range(len(headers) - 1, -1, -1):
            known = self.belief.history.find(headers[index].number - 1)
            if known is not None and known.hash == headers[index].parent_hash:
                return known, headers[index:]
        first = headers[0].number - 1
        known = self.belief.history.find(first)
        if known is None:
            raise UnknownHeight(0, first)
        shared.check_parent_hash(headers[0], known.hash)
        raise AssertionError("the first header would have been found above")

    def _expires_at(self, block: Block) -> int:
        return block.time + self.belief.parameters.trusting_period


def equivocator(a: bytes, b: bytes) -> bytes:
    """The address that sealed two different blocks of one height. a, b: headers.

    Raises NotMisbehaviour, or the refusals of headers that are none of Clique.
    """
    headers = [decode_header(each) for each in (a, b)]
    signers = []
    for header in headers:
        rules.check_fork_has_seals(header)
        signers.append(rules.signer_of(header, rules.decode_extra_data(header.extra_data)))
    check_same_height(*headers)
    # Not the block hashes: a stranger can turn a seal into its twin, which is another block of the same signer.
    shared.check_conflict(*(rules.seal_hash(header) for header in headers))
    check_same_signer(*signers)
    return signers[0]


def check_same_height(a: ExecutionHeader, b: ExecutionHeader) -> None:
    """Everybody signs more than one block, of different heights."""
    if a.number != b.number:
        raise NotMisbehaviour(f"blocks of two heights: {a.number} and {b.number}")


def check_same_signer(a: bytes, b: bytes) -> None:
    """Every height may have blocks of several signers, in turn and out of turn."""
    if a != b:
        raise NotMisbehaviour("blocks of two signers")


def bootstrap(header: bytes, *, checkpoint_hash: bytes, parameters: Parameters, layout: RouterLayout) -> CliqueClient:
    """Start from an epoch block, or the genesis block, whose hash an operator configured. Raises VerificationError."""
    rules.check_parameters(parameters)
    decoded = decode_header(header)
    shared.check_checkpoint_hash(decoded.hash(), checkpoint_hash)
    block = verify_checkpoint(decoded, parameters)
    return CliqueClient(Belief(parameters, layout, History((block,)), heaviest=block.total_difficulty))


def decode_client(encoded: bytes) -> CliqueClient:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof and the refusals of an impossible client."""
    return CliqueClient(decode_belief(encoded))
