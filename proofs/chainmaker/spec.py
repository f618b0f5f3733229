"""The order in which the rules apply: a block by itself, after its parent, voted, and what it changes.

A block is final when more than two thirds of the validators of its configuration pre-committed it. The configuration
for the block after this one is this block's, if its first and only transaction made a new one, else that of its parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proofs.chainmaker import predicates as rules
from proofs.chainmaker import vote_rules
from proofs.chainmaker.fields import without
from proofs.chainmaker.hashing import algorithm
from proofs.chainmaker.identities import by_hash, identify, verify_endorsement
from proofs.chainmaker.messages import VALIDATORS_MAX, decode_config
from proofs.chainmaker.transactions import check_invocation, check_transaction_chain, verify_inclusion
from proofs.chainmaker.types import (
    ChainConfig,
    ConsensusState,
    Endorsement,
    EvidenceBlock,
    Header,
    Parameters,
    Step,
    VoteSet,
)

Certificates = Mapping[bytes, bytes]
_NONE: Final[Certificates] = {}
# Votes are signed without their own endorsement.
_ENDORSEMENT: Final = 6


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step leads to: the states of its blocks, and the configurations that it brought, by height."""

    states: tuple[ConsensusState, ...]
    configs: tuple[tuple[int, ChainConfig], ...]


def verify_config(config: ChainConfig, *, chain_id: str) -> None:
    """A configuration that this client can live under."""
    rules.check_chain_id(config.chain_id, chain_id)
    rules.check_supported(config)
    rules.check_validators([node for each in config.organisations for node in each.node_ids], VALIDATORS_MAX)


def verify_checkpoint(
    header: Header, config: ChainConfig, *, chain_id: str, height: int, block_hash: bytes, config_height: int
) -> ConsensusState:
    """The state of the block that an operator named; its configuration was named too."""
    rules.check_checkpoint_height(header.height, height)
    _verify_header(header, config)
    rules.check_chain_id(header.chain_id, chain_id)
    rules.check_checkpoint_hash(header.hash, block_hash)
    rules.check_checkpoint_config_height(config_height, header)
    rules.check_time_is_unsigned(header.time)
    return _state(header, config_height)


def verify_step(
    step: Step, parent: ConsensusState, config: ChainConfig, *, parameters: Parameters, now: int
) -> Progress:
    """Consecutive blocks from `parent` on. config: what the first of them is signed under. Raises InvalidProof."""
    states: list[ConsensusState] = []
    configs: list[tuple[int, ChainConfig]] = []
    certificates = by_hash(step.certificates, algorithm(config.hash_name))
    last = step.blocks[-1]
    for block in step.blocks:
        header = block.header
        rules.check_chain_id(header.chain_id, config.chain_id)
        _verify_header(header, config)
        _verify_link(header, parent)
        rules.check_not_from_future(header.time, now=now, drift=parameters.drift)
        _verify_first(block, config)
        changes = rules.is_config(block.first)
        rules.check_votes_where_needed(block.votes is not None, needed=changes or block is last, number=header.height)
        if block.votes is not None:
            verify_voted(header, block.votes, config, parameters=parameters, certificates=certificates)
        if changes:
            config = _next_config(block, config)
            configs.append((header.height, config))
        parent = _state(header, header.height if changes else header.config_height)
        states.append(parent)
    return Progress(tuple(states), tuple(configs))


def verify_accused(
    block: EvidenceBlock, config: ChainConfig, *, parameters: Parameters, certificates: tuple[bytes, ...]
) -> None:
    """A block that validators made final, wherever it hangs: what they signed counts against them."""
    rules.check_chain_id(block.header.chain_id, config.chain_id)
    _verify_header(block.header, config)
    rules.check_votes_where_needed(block.votes is not None, needed=True, number=block.header.height)
    assert block.votes is not None, "refused above"
    named = by_hash(certificates, algorithm(config.hash_name))
    verify_voted(block.header, block.votes, config, parameters=parameters, certificates=named)


def verify_voted(
    header: Header, votes: VoteSet, config: ChainConfig, *, parameters: Parameters, certificates: Certificates = _NONE
) -> None:
    """Return only if a validator proposed the block and more than two thirds pre-committed it.

    Votes for other blocks are passed over; one for this block that breaks a rule refuses the set, as on the nodes.
    Stops above two thirds: what follows cannot change the answer.
    """
    owners = {node: each.id for each in config.organisations for node in each.node_ids}
    _verify_proposer(header, config, owners, certificates)
    vote_rules.check_precommits(votes)
    vote_rules.check_votes_height(votes, header)
    pins = {each.node_id: each.key_hash for each in parameters.pins}
    voters: set[str] = set()
    keys: set[bytes] = set()
    for key, vote in votes.votes:
        vote_rules.check_vote_key(key, vote)
        if vote.hash != header.hash:
            continue
        vote_rules.check_vote_type(vote)
        vote_rules.check_vote_height(vote, header)
        vote_rules.check_vote_round(vote, votes)
        vote_rules.check_voter_known(vote, owners)
        vote_rules.check_voter_once(vote, voters)
        identity = identify(vote.endorsement.signer, config, at=header.time, certificates=certificates)
        vote_rules.check_role(identity)
        vote_rules.check_signer_is_of_voter(identity, owners[vote.voter])
        vote_rules.check_signer_is_voter(identity, vote.voter)
        vote_rules.check_pin(identity, pins.get(vote.voter))
        vote_rules.check_key_once(identity, keys)
        verify_endorsement(vote.endorsement, without(vote.encoded, {_ENDORSEMENT}), identity)
        voters.add(vote.voter)
        keys.add(identity.key.encoded)
        if len(voters) * 3 > len(owners) * 2:
            break
    vote_rules.check_quorum(signed=len(voters), total=len(owners))


def _verify_proposer(
    header: Header, config: ChainConfig, owners: Mapping[str, str], certificates: Certificates
) -> None:
    """Signed over the block hash, which the scheme hashes again."""
    proposer = vote_rules.check_proposer_present(header.proposer)
    identity = identify(proposer, config, at=header.time, certificates=certificates)
    vote_rules.check_role(identity)
    vote_rules.check_proposer_organisation(identity, owners)
    verify_endorsement(Endorsement(proposer, header.signature), header.hash, identity)


def _verify_header(header: Header, config: ChainConfig) -> None:
    rules.check_block_version(header.version)
    rules.check_header_shape(header)
    rules.check_has_transactions(header.transaction_count)
    rules.check_block_hash(header, algorithm(config.hash_name))


def _verify_link(header: Header, parent: ConsensusState) -> None:
    rules.check_height_follows(header, parent)
    rules.check_previous_hash(header, parent)
    rules.check_time_not_backwards(header, parent)
    rules.check_config_height(header, parent)


def _verify_first(block: EvidenceBlock, config: ChainConfig) -> None:
    """No block hides a new configuration: each shows the one transaction that could hold it."""
    verify_inclusion(
        block.first,
        block.path,
        index=0,
        count=block.header.transaction_count,
        root=block.header.transaction_root,
        block_version=block.header.version,
        digest=algorithm(config.hash_name),
    )


def _next_config(block: EvidenceBlock, old: ChainConfig) -> ChainConfig:
    """A config block is voted by the old validators; the new ones begin with the next block."""
    rules.check_config_alone(block.header)
    check_transaction_chain(block.first, old.chain_id)
    check_invocation(block.first)
    result = block.first.result.contract_result
    assert result is not None, "is_config asked"
    if result.result == old.encoded:
        # Somebody asked for the configuration in a transaction of its own: to the nodes that is a config block too.
        return old
    new = decode_config(result.result)
    verify_config(new, chain_id=old.chain_id)
    rules.check_same_chain_rules(new, old)
    rules.check_sequence_grows(new, old)
    return new


def _state(header: Header, config_height: int) -> ConsensusState:
    return ConsensusState(
        number=header.height,
        hash=header.hash,
        time=header.time,
        transaction_root=header.transaction_root,
        transaction_count=header.transaction_count,
        version=header.version,
        config_height=config_height,
    )
