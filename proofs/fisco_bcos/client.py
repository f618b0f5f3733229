"""Belief about one group of a FISCO BCOS chain, 2.x or 3.x: every block since the checkpoint, each linked to the next.

Evidence is a step (spec.py), a proof a batch of membership proofs (membership.py). Final at once: PBFT never takes a
block back, so a second final block of one height freezes the client.

Trust root: a block whose hash an operator configured, with the sealers that its header lists; after it, that never a
third of the weight of the sealers lies at once. Chain, group, generation and cipher suite are configured.

Not checked: execution, state (its root covers only what a block changed), permissions, and who may become a sealer: a
change is believed because enough of the sealers before it signed with the new ones. On 3.x, that nodes take no
transaction whose nonce is anything but a number (membership.py). Chains under Raft or with a single sealing node by
configuration give no evidence that convinces; chains of WASM contracts and Web3 transactions are refused. On 2.x, the
configured names of chain and group: neither headers nor receipts bear them, so the checkpoint alone says which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from proofs.encoding.proof_batch import split_batch
from proofs.errors import LimitExceeded, UnknownHeight
from proofs.fisco_bcos import membership, spec
from proofs.fisco_bcos import predicates as rules
from proofs.fisco_bcos.belief import Belief, check_configuration, decode_belief, encode_belief, newest
from proofs.fisco_bcos.host import HostLayout
from proofs.fisco_bcos.membership import Roots
from proofs.fisco_bcos.trees import Memo
from proofs.fisco_bcos.types import Block, Generation, Parameters, Suite
from proofs.light_client import Claim, ClientState, ClientStatus, Height
from proofs.primitives import sm2

# More than any block of a host has.
CLAIMS_MAX: Final = 1_024


@dataclass(frozen=True, slots=True)
class FiscoBcosClient:
    family: ClassVar[str] = "fisco-bcos"
    portable: ClassVar[bool] = True

    belief: Belief

    def latest(self) -> Height:
        return Height(0, self.belief.blocks[-1].number)

    def status(self, now: int) -> ClientStatus:
        expires_at = self._expires_at(self.belief.blocks[-1])
        if self.belief.frozen_at is not None:
            return ClientStatus(ClientState.FROZEN, expires_at)
        return ClientStatus(ClientState.EXPIRED if expires_at <= now else ClientState.ACTIVE, expires_at)

    def block_at(self, at: Height) -> Block:
        """Raises UnknownHeight, and WrongLedger for a revision."""
        rules.check_revision(at)
        block = self.belief.find(at.number)
        if block is None:
            raise UnknownHeight(0, at.number)
        return block

    def timestamp_at(self, at: Height) -> int:
        return self.block_at(at).time_ms // 1_000

    def update(self, evidence: bytes, *, now: int) -> FiscoBcosClient:
        """Believe one step. A valid one that contradicts what is believed returns a frozen client."""
        rules.check_not_frozen(self.belief.frozen_at)
        blocks = self._verify(evidence, now)
        for block in blocks:
            known = self.belief.find(block.number)
            if known is not None and known.hash != block.hash:
                return self.frozen(block.number)
        latest = self.belief.blocks[-1].number
        fresh = tuple(each for each in blocks if each.number > latest)
        return FiscoBcosClient(replace(self.belief, blocks=newest((*self.belief.blocks, *fresh))))

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.belief.frozen_at)
        check_claims_count(len(claims))
        block = self.block_at(at)
        roots = Roots(block.number, block.time_ms // 1_000, block.transactions_root, block.receipts_root)
        memo: Memo = {}
        for claim, each in zip(claims, split_batch(proof, count=len(claims)), strict=True):
            self._check_one(claim, each, roots, memo)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:
        """Two steps of which each makes another block of one height final."""
        rules.check_not_frozen(self.belief.frozen_at)
        first, second = ({each.number: each.hash for each in self._verify(step, now)} for step in (a, b))
        rules.check_blocks_conflict(first, second)

    def frozen(self, number: int) -> FiscoBcosClient:
        """The client after proved misbehaviour at `number`."""
        return FiscoBcosClient(replace(self.belief, frozen_at=number))

    def encode(self) -> bytes:
        return encode_belief(self.belief)

    def _verify(self, evidence: bytes, now: int) -> tuple[Block, ...]:
        parameters = self.belief.parameters
        step = spec.decode_step(evidence, parameters)
        trusted = self.belief.find(step.headers[0].number - 1)
        if trusted is None:
            raise UnknownHeight(0, step.headers[0].number - 1)
        rules.check_within_trusting_period(expires_at=self._expires_at(trusted), now=now)
        return spec.verify_step(trusted, step, parameters, now=now)

    def _check_one(self, claim: Claim, proof: bytes, roots: Roots, memo: Memo) -> None:
        parameters, layout = self.belief.parameters, self.belief.layout
        if parameters.generation is Generation.V2:
            shown = membership.decode_v2(proof)
            membership.verify_v2(claim, shown, roots, parameters=parameters, layout=layout, memo=memo)
        else:
            called = membership.decode_v3(proof)
            membership.verify_v3(claim, called, roots, parameters=parameters, layout=layout, memo=memo)

    def _expires_at(self, block: Block) -> int:
        return block.time_ms // 1_000 + self.belief.parameters.trusting_period


def check_claims_count(count: int) -> None:
    """Before any is looked at: no block of a host makes more of them provable."""
    if count > CLAIMS_MAX:
        raise LimitExceeded("claims", got=count, limit=CLAIMS_MAX)


def bootstrap(
    evidence: bytes, *, checkpoint_hash: bytes, parameters: Parameters, layout: HostLayout
) -> FiscoBcosClient:
    """Start from a block whose hash an operator configured. evidence: a step of this one header.

    Raises VerificationError; Sm2Unavailable where the machine cannot verify the signatures of such a chain.
    """
    check_configuration(parameters, layout)
    if parameters.suite is Suite.SM3_SM2:
        sm2.require()
    step = spec.decode_step(evidence, parameters)
    block = spec.verify_checkpoint(step, parameters, checkpoint_hash=checkpoint_hash)
    return FiscoBcosClient(Belief(parameters, layout, (block,)))


def decode_client(encoded: bytes) -> FiscoBcosClient:
    """Raises InvalidProof for bytes that are no client."""
    return FiscoBcosClient(decode_belief(encoded))
