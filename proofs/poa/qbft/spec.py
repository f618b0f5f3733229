"""What makes a sealed block final, and how trust passes from one set of validators to the next.

A block is final at once when a quorum of its validators sealed it. Which validators those are must follow from what is
trusted already:

 - The next block, and all votes of the epoch are known: the set is exactly the one that the votes made.
 - The next block, votes not known (the client came over a gap): it names the trusted block as its parent, and the set
   differs by one member at most, since one block decides no more. Among its seals are those of more members of the
   trusted set than may lie, so one of an honest member, who seals only what the chain decided.
 - A later block, unless the operator permits no gaps: a quorum of the trusted set sealed it, too. Too few is
   `NotEnoughTrust`: take a block between.

Where validators stand in a contract, each step proves the set of the block after it; over a gap the seals of validators
that are not known are passed over and a quorum of the trusted set counts.

A vote for what is already so is not counted. Besu counts such votes until something is decided about their subject; it
never casts them, and a chain on which somebody does is followed over a gap by the third rule.

Source: EEA QBFT specification; EIP-650.
"""

from __future__ import annotations

from proofs.errors import MalformedProof
from proofs.ethereum.execution import ExecutionHeader
from proofs.poa import rules as shared
from proofs.poa.qbft import predicates as rules
from proofs.poa.qbft.extra_data import block_hash, commit_digest, decode_extra_data, proposal_digest
from proofs.poa.qbft.steps import Step, validators_in_contract
from proofs.poa.qbft.types import Block, ExtraData, Parameters, ValidatorSource
from proofs.poa.votes import Ballot, Vote


def verify_checkpoint(step: Step, parameters: Parameters, *, fixed: tuple[bytes, ...] = ()) -> Block:
    """The block that a checkpoint leaves behind; its hash is compared by the caller.

    fixed: the validators that an operator vouches for, where headers name none and no contract is read.
    """
    header = step.header
    extra = decode_extra_data(header.extra_data, parameters.flavour)
    if parameters.source is ValidatorSource.HEADER:
        validators = extra.validators
    else:
        rules.check_validators_not_named(extra.validators)
        validators = fixed if parameters.source is ValidatorSource.FIXED else _in_contract(step, parameters)
    rules.check_validators_named(validators)
    rules.check_validators_differ(validators)
    # Votes are forgotten at the start of an epoch. What a vote at its very start counts, implementations disagree on.
    starts_epoch = header.number % parameters.epoch_length == 0 and _vote(header, extra, b"", parameters) is None
    digest = block_hash(header, extra, parameters.flavour)
    votes = () if starts_epoch else None
    return Block(
        header.number, digest, header.parent_hash, header.state_root, header.timestamp, tuple(sorted(validators)), votes
    )


def verify_step(trusted: Block, step: Step, parameters: Parameters, *, now: int) -> Block:
    """Return what the sealed block leaves behind. Cheap rules first, signatures last. Raises VerificationError."""
    header, flavour = step.header, parameters.flavour
    is_next = header.number == trusted.number + 1
    rules.check_height_increases(header.number, trusted=trusted.number)
    rules.check_gap_is_permitted(header.number, trusted=trusted.number, gaps=parameters.gaps)
    if is_next:
        shared.check_parent_hash(header, trusted.hash)
    shared.check_time_advances(header.timestamp, earliest=trusted.time + 1)
    shared.check_not_from_future(header.timestamp, now=now, drift=parameters.clock_drift)
    shared.check_no_ommers(header)
    rules.check_mix_digest(header)
    rules.check_difficulty(header)
    rules.check_nonce(header, flavour)
    extra = decode_extra_data(header.extra_data, flavour)
    digest = block_hash(header, extra, flavour)
    if parameters.source is ValidatorSource.HEADER:
        validators, votes = _named_in_header(trusted, header, extra, parameters)
    else:
        validators, votes = _named_elsewhere(trusted, step, extra, parameters)
    return Block(header.number, digest, header.parent_hash, header.state_root, header.timestamp, validators, votes)


def _named_in_header(
    trusted: Block, header: ExecutionHeader, extra: ExtraData, parameters: Parameters
) -> tuple[tuple[bytes, ...], tuple[Vote, ...] | None]:
    is_next = header.number == trusted.number + 1
    rules.check_validators_named(extra.validators)
    rules.check_validators_differ(extra.validators)
    validators = tuple(sorted(extra.validators))
    if is_next and trusted.votes is not None:
        rules.check_validators_as_voted(validators, trusted.validators)
    proposer = _proposer(header, extra, parameters)
    rules.check_proposer(proposer, validators)
    signers = _signers(header, extra, parameters)
    rules.check_sealed_by_validators(signers, validators)
    rules.check_quorum(len(signers), validators=len(validators), flavour=parameters.flavour)
    changes = len(set(validators).symmetric_difference(trusted.validators))
    if not is_next or changes > 1:
        rules.check_trusted_quorum(signers, trusted.validators, parameters.flavour)
    elif changes:
        rules.check_honest_member_sealed(signers, trusted.validators)
    return _after_votes(trusted, header, validators, _vote(header, extra, proposer, parameters), parameters)


def _after_votes(
    trusted: Block,
    header: ExecutionHeader,
    validators: tuple[bytes, ...],
    vote: Vote | None,
    parameters: Parameters,
) -> tuple[tuple[bytes, ...], tuple[Vote, ...] | None]:
    """Who seals the next block, and the undecided votes."""
    if header.number % parameters.epoch_length == 0:
        return validators, () if vote is None else None
    if trusted.votes is None or header.number != trusted.number + 1:
        return validators, None
    ballot = Ballot(validators, trusted.votes)
    if vote is not None:
        ballot = ballot.with_vote(vote)
    return ballot.members, ballot.votes


def _named_elsewhere(
    trusted: Block, step: Step, extra: ExtraData, parameters: Parameters
) -> tuple[tuple[bytes, ...], None]:
    rules.check_validators_not_named(extra.validators)
    is_exact = step.header.number == trusted.number + 1 or parameters.source is ValidatorSource.FIXED
    if is_exact:
        rules.check_proposer(step.header.beneficiary, trusted.validators)
    signers = _signers(step.header, extra, parameters, validators=len(trusted.validators) if is_exact else None)
    if is_exact:
        rules.check_sealed_by_validators(signers, trusted.validators)
        rules.check_quorum(len(signers), validators=len(trusted.validators), flavour=parameters.flavour)
    else:
        rules.check_trusted_quorum(signers, trusted.validators, parameters.flavour)
    if parameters.source is ValidatorSource.FIXED:
        return trusted.validators, None
    validators = _in_contract(step, parameters)
    rules.check_validators_named(validators)
    rules.check_validators_differ(validators)
    return tuple(sorted(validators)), None


def _signers(
    header: ExecutionHeader, extra: ExtraData, parameters: Parameters, *, validators: int | None = None
) -> list[bytes]:
    """Who sealed, each once. validators: how many there are, if the header does not say; None if nobody does."""
    if parameters.source is ValidatorSource.HEADER:
        validators = len(extra.validators)
    if validators is not None:
        rules.check_seal_count(len(extra.seals), validators=validators)
    digest = commit_digest(header, extra, parameters.flavour)
    signers = [rules.seal_signer(digest, seal) for seal in extra.seals]
    rules.check_sealed_once(signers)
    return signers


def _proposer(header: ExecutionHeader, extra: ExtraData, parameters: Parameters) -> bytes:
    """The beneficiary, or with Istanbul whoever made the proposer's seal."""
    if parameters.flavour.is_istanbul:
        return rules.seal_signer(proposal_digest(header, extra), extra.proposer_seal)
    return header.beneficiary


def _vote(header: ExecutionHeader, extra: ExtraData, proposer: bytes, parameters: Parameters) -> Vote | None:
    """The proposer's vote: in the extra data, or with Istanbul in beneficiary and nonce, where nobody means no vote."""
    if not parameters.flavour.is_istanbul:
        return None if extra.vote is None else Vote(proposer, *extra.vote)
    if not any(header.beneficiary) and header.nonce == rules.VOTE_OUT:
        return None
    return Vote(proposer, header.beneficiary, authorize=header.nonce == rules.VOTE_IN)


def _in_contract(step: Step, parameters: Parameters) -> tuple[bytes, ...]:
    if step.proof is None:
        raise MalformedProof("proof of the validators", got="none", expected="one with every header")
    assert parameters.contract is not None, "check_parameters lets no other client begin"
    return validators_in_contract(step.header.state_root, parameters.contract, step.proof)
