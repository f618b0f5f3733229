"""Belief about a Bitcoin chain: the one of most work, and its blocks that enough others follow.

update   consecutive 80-byte headers. The first may be any successor of a kept block. A branch counts if its tip has
         more work than ours; a lighter one is refused, and wins when it comes again with more blocks. A heavier one
         that forks below the final height returns the *frozen* client: what was called final was not
check    one transaction with its branch per claim, at the height at which the claim was written
absent   cannot be proved, as nothing on this ledger says what it does not hold
misbehaviour  is not defined: nobody signs a block, so no two of them convict anybody

Trust root: a block whose height and hash an operator configured, with the network, the confirmations and the two client
ids that stand for a host; after it, that most work is done by whoever keeps the rules.

Not checked: that the transactions of a block are valid, and that nobody withholds a heavier chain, which no header
shows. Both cost an adversary the work of all confirmations. On test networks, where the easiest target is always at
hand, that is nothing. Nor which side of a split a block is on: no header names its network, and where both sides keep
the rules of work, a transaction may be on both. The heavier side above the checkpoint is believed, the checkpoint
decides below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from proofs.bitcoin import membership
from proofs.bitcoin import predicates as rules
from proofs.bitcoin.belief import Belief, check_genesis, check_parameters, decode_belief, encode_belief, grown
from proofs.bitcoin.compact import decode_compact, work_of
from proofs.bitcoin.headers import HEADERS_MAX, decode_run
from proofs.bitcoin.spec import MEDIAN_BLOCKS, context_needed, median_time, verify_next, verify_work
from proofs.bitcoin.types import Block, Header, Parameters
from proofs.errors import UnknownHeight, UnsupportedProof
from proofs.light_client import Claim, ClientState, ClientStatus, Height


@dataclass(frozen=True, slots=True)
class BitcoinClient:
    family: ClassVar[str] = "bitcoin"
    portable: ClassVar[bool] = True

    belief: Belief

    def latest(self) -> Height:
        return Height(0, self.belief.final)

    def status(self, now: int) -> ClientStatus:  # noqa: ARG002 - work does not age
        return ClientStatus(ClientState.ACTIVE if self.belief.frozen_at is None else ClientState.FROZEN)

    def timestamp_at(self, at: Height) -> int:
        """The median time past, which never decreases: the time of a single block may."""
        self._check_height(at)
        return median_time(self.belief.chain[: self.belief.place(at.number) + 1])

    def update(self, evidence: bytes, *, now: int) -> BitcoinClient:
        """Headers that are all known return the same client."""
        belief = self.belief
        rules.check_not_frozen(belief.frozen_at)
        run = decode_run(evidence)
        fork, new = self._fork(run)
        if not new:
            return self
        branch = list(belief.chain[: fork + 1])
        rules.check_fork_is_kept(
            len(branch), context_needed(branch[-1].height, belief.parameters.network), branch[-1].height
        )
        for header, digest in new:
            branch.append(verify_next(branch, header, digest, network=belief.parameters.network, now=now))
        rules.check_more_work(branch[-1].work, best=belief.tip.work)
        if branch[fork].height < belief.final:
            return self.frozen(branch[fork].height + 1)
        return BitcoinClient(grown(belief, branch))

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        rules.check_not_frozen(self.belief.frozen_at)
        self._check_height(at)
        root = self.belief.block(at.number).header.merkle_root
        membership.verify_claims(claims, proof, height=at.number, root=root, route=self.belief.parameters.route)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:  # noqa: ARG002 - the contract's arguments
        raise UnsupportedProof("misbehaviour", got="block headers", expected="none: work convicts nobody")

    def frozen(self, height: int) -> BitcoinClient:
        """The client after the final block at `height` was replaced."""
        return BitcoinClient(replace(self.belief, frozen_at=height))

    def encode(self) -> bytes:
        return encode_belief(self.belief)

    def _check_height(self, at: Height) -> None:
        rules.check_revision(at)
        first = self.belief.chain[0].height
        # The median of the first ten of a window would need blocks that are gone; a genesis block has none before it.
        rules.check_kept(at, first + MEDIAN_BLOCKS - 1 if first else 0)
        rules.check_final(at, self.belief.final)

    def _fork(self, run: Sequence[tuple[Header, bytes]]) -> tuple[int, Sequence[tuple[Header, bytes]]]:
        """The place of the last known block that the run builds on, and the headers after it. Raises UnknownHeight."""
        chain = self.belief.chain
        places = {block.hash: place for place, block in enumerate(chain)}
        first, digest = run[0]
        place = places.get(digest)
        if place is None and (parent := places.get(first.previous)) is not None:
            return parent, run
        if place is None:
            raise UnknownHeight(0, self.belief.tip.height + 1)
        for index, (_, digest) in enumerate(run):
            if place + index >= len(chain) or chain[place + index].hash != digest:
                return place + index - 1, run[index:]
        return place + len(run) - 1, ()


def bootstrap(
    headers: bytes, *, checkpoint_height: int, checkpoint_hash: bytes, parameters: Parameters
) -> BitcoinClient:
    """Start from a block whose height and hash (in the order of the wire) an operator configured.

    headers: consecutive headers that end with the checkpoint, and reach back at least to the first of its period and
             over eleven blocks (`context_needed`). They are proved by their hash links, whoever served them. The
             height is not: it is a number of the configuration, like the hash.

    Raises VerificationError.
    """
    check_parameters(parameters)
    rules.check_height_has_sequences(checkpoint_height)
    network = parameters.network
    run = decode_run(headers, limit=HEADERS_MAX + MEDIAN_BLOCKS)
    rules.check_run_reaches_back(len(run), context_needed(checkpoint_height, network))
    rules.check_run_begins_in_time(len(run), checkpoint_height)
    rules.check_checkpoint_hash(run[-1][1], checkpoint_hash)
    chain: list[Block] = []
    for header, digest in run:
        if chain:
            rules.check_parent(header, chain[-1].hash)
        verify_work(header, digest, network)
        height = checkpoint_height - len(run) + 1 + len(chain)
        work = chain[-1].work + work_of(decode_compact(header.bits)) if chain else 0
        chain.append(Block(height, digest, header, work))
    check_genesis(chain[0], parameters)
    return BitcoinClient(Belief(parameters, tuple(chain), checkpoint_height))


def decode_client(encoded: bytes) -> BitcoinClient:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof and the refusals of headers without work."""
    return BitcoinClient(decode_belief(encoded))
