"""The order in which the rules apply: a block by itself, then against what is trusted, cheap rules before signatures.

Source: CometBFT light/verifier.go (Verify, VerifyAdjacent, VerifyNonAdjacent) and types/validation.go.
"""

from __future__ import annotations

from typing import Final

from proofs.cometbft import canonical
from proofs.cometbft import predicates as rules
from proofs.cometbft.types import (
    BlockIdFlag,
    ClientHeader,
    Commit,
    CommitSig,
    ConsensusState,
    LightBlock,
    Parameters,
    SignedHeader,
    TrustLevel,
    Validator,
    ValidatorSet,
)

# Looking a member up in its enumeration takes longer than comparing it.
_COMMIT: Final = BlockIdFlag.COMMIT


def verify_step(
    step: ClientHeader, trusted: ConsensusState, *, chain_id: str, parameters: Parameters, now: int
) -> ConsensusState:
    """Return belief about the step's block, given belief about its trusted height. now: nanoseconds.

    Whether the trusted state has expired is the caller's question: it is asked before anything is read.
    """
    block, header = step.block, step.block.signed_header.header
    check_block(block, chain_id)
    rules.check_height_increases(header, step.trusted_height.number)
    rules.check_time_increases(header, trusted.time)
    rules.check_not_from_future(header, now=now, max_clock_drift=parameters.max_clock_drift)
    check_trusted_set(step, trusted)
    votes = Votes(chain_id, block.signed_header.commit)
    if header.height == step.trusted_height.number + 1:
        rules.check_next_validators_hash(header, trusted.next_validators_hash)
    else:
        check_trusted_power(votes, step.trusted_validators, parameters.trust_level)
    check_own_power(votes, block.validators)
    return consensus_state(block.signed_header)


def verify_accusation(step: ClientHeader, trusted: ConsensusState, *, chain_id: str, parameters: Parameters) -> None:
    """The weaker rule for misbehaviour: enough of the trusted set signed a block that its own set committed.

    Source: 07-tendermint misbehaviour_handle.go, checkMisbehaviourHeader; misbehaviour.go, validCommit.
    """
    check_block(step.block, chain_id)
    rules.check_height_increases(step.block.signed_header.header, step.trusted_height.number)
    check_trusted_set(step, trusted)
    votes = Votes(chain_id, step.block.signed_header.commit)
    check_trusted_power(votes, step.trusted_validators, parameters.trust_level)
    check_own_power(votes, step.block.validators)


def verify_checkpoint(block: LightBlock, *, chain_id: str, height: int, header_hash: bytes) -> ConsensusState:
    """Believe a block because an operator named its hash. That its own set committed it is checked all the same."""
    check_block(block, chain_id)
    rules.check_checkpoint(block.signed_header.header, height=height, header_hash=header_hash)
    check_own_power(Votes(chain_id, block.signed_header.commit), block.validators)
    return consensus_state(block.signed_header)


def consensus_state(signed: SignedHeader) -> ConsensusState:
    header = signed.header
    return ConsensusState(header.time, header.app_hash, header.next_validators_hash)


def check_block(block: LightBlock, chain_id: str) -> None:
    """Everything that needs neither trust nor signatures: shapes, and that header, commit and set belong together."""
    check_header(block.signed_header, chain_id)
    check_validator_set(block.validators)
    rules.check_validators_hash(block.validators, block.signed_header.header)
    rules.check_commit_size(block.signed_header.commit, block.validators)


def check_header(signed: SignedHeader, chain_id: str) -> None:
    header, commit = signed.header, signed.commit
    rules.check_block_protocol(header)
    rules.check_chain_id_length(header.chain_id)
    rules.check_chain_id(header, chain_id)
    rules.check_header_height_is_positive(header)
    rules.check_header_hash_lengths(header)
    rules.check_header_names_its_validators(header)
    rules.check_proposer_address_length(header)
    rules.check_commit_height(signed)
    rules.check_commit_round(commit)
    rules.check_commit_block_id(commit)
    rules.check_commit_is_for_header(signed)
    for vote in commit.signatures:
        rules.check_vote_shape(vote)


def check_validator_set(validators: ValidatorSet) -> None:
    rules.check_set_is_not_empty(validators)
    rules.check_validator_keys(validators)
    rules.check_powers(validators)
    rules.check_validator_addresses(validators)
    rules.check_validators_are_distinct(validators)


def check_trusted_set(step: ClientHeader, trusted: ConsensusState) -> None:
    computed = step.block.signed_header.header.validators_hash
    if step.trusted_validators is not step.block.validators:  # else the set and its hash were checked with the block
        check_validator_set(step.trusted_validators)
        computed = canonical.validators_hash(step.trusted_validators)
    rules.check_trusted_validators_hash(computed, trusted.next_validators_hash)


class Votes:
    """The votes for the block of one commit. A vote that was found valid for a key is not verified for it again."""

    __slots__ = ("_canonical", "_valid", "commit")

    def __init__(self, chain_id: str, commit: Commit) -> None:
        self.commit = commit
        self._canonical = canonical.CommitVotes(chain_id, commit)
        self._valid: dict[int, Validator] = {}

    def check(self, index: int, vote: CommitSig, validator: Validator) -> None:
        known = self._valid.get(index)
        if known is not None and (known is validator or known.public_key == validator.public_key):
            return
        rules.check_vote_signature(vote, validator, self._canonical.sign_bytes(vote))
        self._valid[index] = validator


def check_trusted_power(votes: Votes, trusted: ValidatorSet, level: TrustLevel) -> None:
    """Votes are found by address, as the trusted set may be in another order. Stops as soon as there is enough."""
    index_by_address = {validator.address: index for index, validator in enumerate(trusted.validators)}
    total = trusted.total_power
    signed = 0
    counted: set[int] = set()
    for place, vote in enumerate(votes.commit.signatures):
        index = index_by_address.get(vote.validator_address) if vote.flag is _COMMIT else None
        if index is None:
            continue
        validator = trusted.validators[index]
        rules.check_not_counted_before(index, counted, validator)
        counted.add(index)
        votes.check(place, vote, validator)
        signed += validator.power
        if signed * level.denominator > total * level.numerator:
            return
    rules.check_trust(signed=signed, total=total, level=level)


def check_own_power(votes: Votes, validators: ValidatorSet) -> None:
    """Votes are found by index. Stops above two thirds: what follows cannot change the answer."""
    total = validators.total_power
    signed = 0
    for place, (vote, validator) in enumerate(zip(votes.commit.signatures, validators.validators, strict=True)):
        if vote.flag is not _COMMIT:
            continue
        rules.check_vote_is_by(vote, validator)
        votes.check(place, vote, validator)
        signed += validator.power
        if signed * 3 > total * 2:
            return
    rules.check_quorum(signed=signed, total=total)
