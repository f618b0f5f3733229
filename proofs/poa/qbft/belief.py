"""What a client of QBFT or its relatives believes, as one value and as bytes: a version byte, then RLP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import LimitExceeded, MalformedProof
from proofs.ethereum.storage_layout import RouterLayout, decode_layout
from proofs.poa.history import STATES_MAX, History, check_states
from proofs.poa.qbft.predicates import check_parameters, check_validators_named
from proofs.poa.qbft.types import Block, Flavour, Parameters, ValidatorContract, ValidatorSource
from proofs.poa.rules import check_client_version, read_frozen
from proofs.poa.votes import MEMBERS_MAX, VOTES_MAX, Ballot, Vote, ballot_items, read_ballot, read_flag

VERSION: Final = 1
# 64 blocks with 256 validators and 512 votes each; a usual client has some kilobytes.
_CLIENT_BYTES_MAX: Final = 4 << 20
_ITEMS_MAX: Final = 64 + STATES_MAX * (16 + MEMBERS_MAX + 4 * VOTES_MAX)
_FLAVOURS: Final = tuple(Flavour)
_SOURCES: Final = tuple(ValidatorSource)


@dataclass(frozen=True, slots=True)
class Belief:
    """frozen_at: where two sealed blocks contradicted each other."""

    parameters: Parameters
    layout: RouterLayout
    history: History[Block]
    frozen_at: int | None = None


def encode_belief(belief: Belief) -> bytes:
    items: list[Encodable] = [
        _parameter_items(belief.parameters),
        belief.layout.encode(),
        [_block_items(each) for each in belief.history.states],
        [] if belief.frozen_at is None else [rlp.int_bytes(belief.frozen_at)],
    ]
    return bytes([VERSION]) + rlp.encode(items)


def decode_belief(encoded: bytes) -> Belief:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, HeightNotIncreasing, TimeNotIncreasing."""
    check_client_version(encoded, VERSION)
    if len(encoded) > _CLIENT_BYTES_MAX:
        raise LimitExceeded("client", got=len(encoded), limit=_CLIENT_BYTES_MAX)
    items = rlp.as_list(rlp.decode(encoded[1:], depth_limit=6, item_limit=_ITEMS_MAX), "client", count=4)
    parameters = _read_parameters(items[0])
    check_parameters(parameters)
    states = tuple(_read_block(each) for each in rlp.as_list(items[2], "consensus states"))
    check_states(states)
    layout = decode_layout(rlp.as_bytes(items[1], "router layout"))
    return Belief(parameters, layout, History(states), read_frozen(items[3]))


def _parameter_items(parameters: Parameters) -> list[Encodable]:
    contract = parameters.contract
    return [
        parameters.flavour.value.encode(),
        rlp.int_bytes(parameters.epoch_length),
        rlp.int_bytes(parameters.trusting_period),
        rlp.int_bytes(parameters.clock_drift),
        parameters.source.value.encode(),
        [] if contract is None else [contract.address, contract.code_hash, rlp.int_bytes(contract.slot)],
        rlp.int_bytes(parameters.gaps),
    ]


def _read_parameters(item: Item) -> Parameters:
    flavour, epoch_length, trusting_period, clock_drift, source, contract, gaps = rlp.as_list(
        item, "parameters", count=7
    )
    return Parameters(
        _FLAVOURS[check_name("flavour", flavour, [each.value for each in _FLAVOURS])],
        rlp.as_int(epoch_length, "epoch length", bits=64),
        rlp.as_int(trusting_period, "trusting period", bits=64),
        rlp.as_int(clock_drift, "clock drift", bits=64),
        _SOURCES[check_name("validator source", source, [each.value for each in _SOURCES])],
        _read_contract(contract),
        read_flag(gaps, "gaps"),
    )


def check_name(part: str, item: Item, names: Sequence[str]) -> int:
    """One of the known names. Returns its index."""
    encoded = [name.encode() for name in names]
    if item not in encoded:
        raise MalformedProof(part, got=item, expected=f"one of {names}")
    return encoded.index(rlp.as_bytes(item, part))


def _read_contract(item: Item) -> ValidatorContract | None:
    if item == []:
        return None
    address, code_hash, slot = rlp.as_list(item, "validator contract", count=3)
    return ValidatorContract(
        rlp.as_bytes(address, "validator contract"),
        rlp.as_bytes(code_hash, "validator contract"),
        rlp.as_int(slot, "validator contract"),
    )


def _block_items(block: Block) -> Encodable:
    return [
        rlp.int_bytes(block.number),
        block.hash,
        block.parent_hash,
        block.state_root,
        rlp.int_bytes(block.time),
        ballot_items(Ballot(block.validators, block.votes or ())),
        rlp.int_bytes(block.votes is not None),
    ]


def _read_block(item: Item) -> Block:
    number, digest, parent_hash, state_root, time, ballot, votes_known = rlp.as_list(item, "block", count=7)
    decoded = read_ballot(ballot)
    check_validators_named(decoded.members)
    return Block(
        rlp.as_int(number, "number", bits=64),
        rlp.as_bytes(digest, "block hash", length=32),
        rlp.as_bytes(parent_hash, "parent hash", length=32),
        rlp.as_bytes(state_root, "state root", length=32),
        rlp.as_int(time, "time", bits=64),
        decoded.members,
        check_votes_known(decoded, votes_known),
    )


def check_votes_known(ballot: Ballot, item: Item) -> tuple[Vote, ...] | None:
    """Votes that are not known are not listed."""
    is_known = read_flag(item, "votes known")
    if ballot.votes and not is_known:
        raise MalformedProof("votes", got=len(ballot.votes), expected="none where they are not known")
    return ballot.votes if is_known else None
