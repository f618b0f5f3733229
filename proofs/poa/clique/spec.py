"""What makes a Clique block valid, and when this client calls it final.

Clique has no finality of its own: nodes follow the heaviest chain, and any signer may take part in two. A block is
final *here* when, in one valid branch,

 - it has at least `confirmations` descendants, and
 - more than half of the signers that were authorised after it each sealed at least one of them, and
 - the branch is heavier than every branch that the client believed in before.

Any floor(n/2) + 1 consecutive blocks have different signers, so `confirmations` of that number usually bring the second
with them. Two conflicting blocks are then final only if some signer built on both: that is proof against a minority of
liars and against any endpoint, and no proof against a majority, nor against honest signers that changed over to a
heavier branch after a split of the network. That is why the number is configured, and why a conflict freezes.

Source: EIP-225.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofs.ethereum.execution import ExecutionHeader
from proofs.poa import rules as shared
from proofs.poa.clique import predicates as rules
from proofs.poa.clique.types import NOBODY, Block, Parameters, Signed
from proofs.poa.votes import Ballot, Vote, check_members


def verify_checkpoint(header: ExecutionHeader, parameters: Parameters) -> Block:
    """The block that a checkpoint leaves behind; its hash is compared by the caller.

    Who signed just before it is not known. Those signers are not made to wait at first, which lets nobody in.
    """
    rules.check_is_checkpoint(header.number, epoch_length=parameters.epoch_length)
    rules.check_fork_has_seals(header)
    extra = rules.decode_extra_data(header.extra_data)
    check_members(extra.signers)
    ballot, number = Ballot(extra.signers), header.number
    signer = NOBODY
    recents: tuple[Signed, ...] = ()
    # The genesis block is sealed by nobody.
    if number:
        signer = rules.signer_of(header, extra)
        recents = waiting((Signed(number, signer),), number=number + 1, signers=len(ballot.members))
    return Block(
        number, header.hash(), header.parent_hash, header.state_root, header.timestamp, signer, 0, ballot, recents
    )


def verify_branch(
    trusted: Block, headers: Sequence[ExecutionHeader], parameters: Parameters, *, now: int
) -> tuple[Block, ...]:
    """One block per header, each on the one before, the first on `trusted`. Raises VerificationError."""
    blocks = []
    for header in headers:
        trusted = verify_header(trusted, header, parameters, now=now)
        blocks.append(trusted)
    return tuple(blocks)


def verify_header(parent: Block, header: ExecutionHeader, parameters: Parameters, *, now: int) -> Block:
    """Cheap rules first, the signature last. Raises VerificationError."""
    signers = parent.ballot.members
    is_checkpoint = header.number % parameters.epoch_length == 0
    shared.check_number_follows(header.number, parent=parent.number)
    shared.check_parent_hash(header, parent.hash)
    shared.check_time_advances(header.timestamp, earliest=parent.time + parameters.period)
    shared.check_not_from_future(header.timestamp, now=now, drift=parameters.clock_drift)
    shared.check_no_ommers(header)
    rules.check_fork_has_seals(header)
    rules.check_mix_digest(header)
    rules.check_vote_nonce(header)
    extra = rules.decode_extra_data(header.extra_data)
    rules.check_listed_signers(extra.signers, signers if is_checkpoint else ())
    if is_checkpoint:
        rules.check_checkpoint_votes_for_nobody(header)
    signer = rules.signer_of(header, extra)
    rules.check_may_sign(signer, signers)
    rules.check_has_waited(signer, parent.recents)
    rules.check_difficulty(header.difficulty, signer, number=header.number, signers=signers)
    ballot = parent.ballot.without_votes() if is_checkpoint else _voted(parent.ballot, signer, header)
    recents = (*parent.recents, Signed(header.number, signer))
    return Block(
        header.number,
        header.hash(),
        header.parent_hash,
        header.state_root,
        header.timestamp,
        signer,
        parent.total_difficulty + header.difficulty,
        ballot,
        waiting(recents, number=header.number + 1, signers=len(ballot.members)),
    )


def waiting(recents: Sequence[Signed], *, number: int, signers: int) -> tuple[Signed, ...]:
    """Of those that signed lately, who may not sign the block of `number`."""
    limit = signers // 2 + 1
    return tuple(each for each in recents if each.number > number - limit)


def _voted(ballot: Ballot, signer: bytes, header: ExecutionHeader) -> Ballot:
    return ballot.with_vote(Vote(signer, header.beneficiary, authorize=header.nonce == rules.VOTE_IN))


def final_in(branch: Sequence[Block], *, confirmations: int) -> int:
    """The index of the newest final block of a valid branch. Raises NotYetFinal where none is."""
    rules.check_confirmations(len(branch) - 1, needed=confirmations)
    index = len(branch) - 1 - confirmations
    builders = {each.signer for each in branch[index + 1 :]}
    while index > 0 and not rules.is_majority(builders, branch[index].ballot.members):
        builders.add(branch[index].signer)
        index -= 1
    rules.check_majority_built_on(builders, branch[index].ballot.members)
    return index
