"""How a block becomes final for the client: authorities of the set that it knows voted for it or for what follows it.

A step is a run of headers without gaps, of which the last is justified: more than two thirds of the set's weight voted
for it or for its descendants. The headers before it are final with it. Between two steps blocks may be left out, as the
votes are not believed for what a block builds on but for who cast them. Not left out are blocks that announce another
set: a set makes nothing final after the block that ends it, so a client that missed the announcement cannot go on.
Where a change takes effect at once, as on Polkadot, that block alone is a step, with the justification that every node
keeps for it. Where it is delayed, one step leads from the announcement to its effect, or several do.

Which set votes on a block follows from the block's number and from what the client believes, never from the message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofs.substrate import predicates as rules
from proofs.substrate.authorities import announced_change
from proofs.substrate.headers import header_hash
from proofs.substrate.justification import signed_payload
from proofs.substrate.types import AuthoritySet, Change, Header, Justification


@dataclass(frozen=True, slots=True)
class Chain:
    """Headers that are linked, with what they say. hashes: number → hash, and the parent of the first."""

    last: Header
    hashes: Mapping[int, bytes]
    changes: tuple[Change, ...]

    @property
    def last_hash(self) -> bytes:
        return self.hashes[self.last.number]


def link(headers: Sequence[Header]) -> Chain:
    """Raises InvalidProof where they are no chain. headers: at least one."""
    first = headers[0]
    parent, parent_hash = first.number - 1, first.parent_hash
    hashes = {parent: parent_hash}
    for header in headers:
        rules.check_number_follows(header.number, parent=parent)
        rules.check_parent_hash(header, parent_hash)
        parent, parent_hash = header.number, header_hash(header)
        hashes[parent] = parent_hash
    announced = (announced_change(each) for each in headers)
    return Chain(headers[-1], hashes, tuple(each for each in announced if each is not None))


def next_change(chain: Chain, pending: Change | None, *, since: int, finalised: int) -> Change | None:
    """Return the change that is on its way when everything up to `finalised` is final. Raises InvalidProof.

    since: the block that brought the present set; what was announced up to it has come to pass.
    """
    for change in chain.changes:
        if change.effective > since:
            rules.check_one_change_at_a_time(change, pending)
            pending = change
    if pending is not None:
        rules.check_change_not_passed(pending, finalised=finalised)
    return pending


def enact(change: Change, current: AuthoritySet) -> AuthoritySet:
    """The set after `current`, from the block on that ends it. Raises LimitExceeded."""
    rules.check_set_id(current.set_id + 1)
    return AuthoritySet(current.set_id + 1, change.effective, change.authorities)


def verify_justification(justification: Justification, chain: Chain, voters: AuthoritySet) -> None:
    """Return only if `voters` made the last block of `chain` final. Raises InvalidProof.

    Shapes and ancestry first; every signature is verified, also those beyond the threshold, as nodes do.
    """
    rules.check_commit_target(justification, number=chain.last.number, block_hash=chain.last_hash)
    rules.check_precommits_count(len(justification.precommits), voters.authorities)
    signed = counted_weight(justification, voters)
    rules.check_threshold(signed=signed, total=voters.authorities.total_weight, set_id=voters.set_id)
    verify_ancestry(justification)
    verify_signatures(justification, set_id=voters.set_id)


def counted_weight(justification: Justification, voters: AuthoritySet) -> int:
    """The weight of everybody who voted. Raises UnknownSigner, DuplicateSigner."""
    weights = dict(zip(voters.authorities.keys, voters.authorities.weights, strict=True))
    counted: set[bytes] = set()
    for vote in justification.precommits:
        rules.check_authority(vote.authority, weights, set_id=voters.set_id)
        rules.check_not_counted_before(vote.authority, counted)
        counted.add(vote.authority)
    return sum(weights[each] for each in counted)


def verify_ancestry(justification: Justification) -> None:
    """Every vote is for the target or a descendant. Each header is walked over once, however many votes need it."""
    ancestry = {header_hash(each): each for each in justification.ancestry}
    reached = {justification.target_hash: justification.target_number}
    for vote in justification.precommits:
        path = []
        at = vote.target_hash
        while at not in reached:
            rules.check_descends(at, ancestry)
            path.append(at)
            at = ancestry[at].parent_hash
        for above in reversed(path):
            number = ancestry[above].number
            rules.check_number_follows(number, parent=reached[at])
            reached[above] = number
            at = above
        rules.check_vote_number(vote.target_number, expected=reached[vote.target_hash])
    rules.check_no_unused_ancestry(used=len(reached) - 1, given=len(justification.ancestry))


def verify_signatures(justification: Justification, *, set_id: int) -> None:
    """Raises InvalidSignature."""
    for vote in justification.precommits:
        payload = signed_payload(vote, round_number=justification.round, set_id=set_id)
        rules.check_vote_signature(vote, payload)
