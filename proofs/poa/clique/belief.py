"""What a Clique client believes, as one value and as bytes: a version byte, then RLP. One client has one encoding."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import LimitExceeded
from proofs.ethereum.storage_layout import RouterLayout, decode_layout
from proofs.poa.clique.predicates import check_parameters
from proofs.poa.clique.types import Block, Parameters, Signed
from proofs.poa.history import STATES_MAX, History, check_states
from proofs.poa.rules import check_client_version, read_frozen
from proofs.poa.votes import ADDRESS_BYTES, MEMBERS_MAX, VOTES_MAX, ballot_items, read_ballot

VERSION: Final = 1
# 64 blocks with 256 signers, 512 votes and 129 recent ones each; a usual client has some kilobytes.
_CLIENT_BYTES_MAX: Final = 4 << 20
_ITEMS_MAX: Final = 64 + STATES_MAX * (16 + 3 * MEMBERS_MAX + 4 * VOTES_MAX)


@dataclass(frozen=True, slots=True)
class Belief:
    """heaviest: the most total difficulty of any branch that was believed. frozen_at: where final blocks conflicted."""

    parameters: Parameters
    layout: RouterLayout
    history: History[Block]
    heaviest: int
    frozen_at: int | None = None


def encode_belief(belief: Belief) -> bytes:
    frozen: list[Encodable] = [] if belief.frozen_at is None else [rlp.int_bytes(belief.frozen_at)]
    items: list[Encodable] = [
        [rlp.int_bytes(each) for each in astuple(belief.parameters)],
        belief.layout.encode(),
        [_block_items(each) for each in belief.history.states],
        rlp.int_bytes(belief.heaviest),
        frozen,
    ]
    return bytes([VERSION]) + rlp.encode(items)


def decode_belief(encoded: bytes) -> Belief:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, HeightNotIncreasing, TimeNotIncreasing."""
    check_client_version(encoded, VERSION)
    if len(encoded) > _CLIENT_BYTES_MAX:
        raise LimitExceeded("client", got=len(encoded), limit=_CLIENT_BYTES_MAX)
    items = rlp.as_list(rlp.decode(encoded[1:], depth_limit=6, item_limit=_ITEMS_MAX), "client", count=5)
    numbers = [rlp.as_int(each, "parameter", bits=64) for each in rlp.as_list(items[0], "parameters", count=5)]
    parameters = Parameters(*numbers)
    check_parameters(parameters)
    states = tuple(_read_block(each) for each in rlp.as_list(items[2], "consensus states"))
    check_states(states)
    layout = decode_layout(rlp.as_bytes(items[1], "router layout"))
    return Belief(parameters, layout, History(states), rlp.as_int(items[3], "heaviest"), read_frozen(items[4]))


def _block_items(block: Block) -> Encodable:
    return [
        rlp.int_bytes(block.number),
        block.hash,
        block.parent_hash,
        block.state_root,
        rlp.int_bytes(block.time),
        block.signer,
        rlp.int_bytes(block.total_difficulty),
        ballot_items(block.ballot),
        [[rlp.int_bytes(each.number), each.signer] for each in block.recents],
    ]


def _read_block(item: Item) -> Block:
    number, digest, parent_hash, state_root, time, signer, difficulty, ballot, recents = rlp.as_list(
        item, "block", count=9
    )
    return Block(
        rlp.as_int(number, "number", bits=64),
        rlp.as_bytes(digest, "block hash", length=32),
        rlp.as_bytes(parent_hash, "parent hash", length=32),
        rlp.as_bytes(state_root, "state root", length=32),
        rlp.as_int(time, "time", bits=64),
        rlp.as_bytes(signer, "signer", length=ADDRESS_BYTES),
        rlp.as_int(difficulty, "total difficulty"),
        read_ballot(ballot),
        tuple(_read_signed(each) for each in rlp.as_list(recents, "recent signers")),
    )


def _read_signed(item: Item) -> Signed:
    number, signer = rlp.as_list(item, "recent signer", count=2)
    return Signed(rlp.as_int(number, "number", bits=64), rlp.as_bytes(signer, "signer", length=ADDRESS_BYTES))
