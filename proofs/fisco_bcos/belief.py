"""What a client believes, as one value and as bytes: a version byte, then RLP. One client has one encoding.

Every block since the checkpoint is believed, as proofs exist only at the height of their transaction; the oldest are
forgotten. Sealers change rarely: each list is stored once, and blocks name it by its place.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import (
    HeightNotIncreasing,
    LimitExceeded,
    MalformedProof,
    TimeNotIncreasing,
    UnsupportedProof,
    ValueMismatch,
)
from proofs.fisco_bcos.header_rules import check_sealers, check_time, read_ascii
from proofs.fisco_bcos.host import HostLayout, check_layout
from proofs.fisco_bcos.predicates import check_parameters
from proofs.fisco_bcos.types import (
    ADDRESS_BYTES,
    HASH_BYTES,
    SEALER_BYTES,
    Block,
    Generation,
    Parameters,
    SealerSet,
    Suite,
)

# Events are proved at their own height: at a block a second, over a quarter of an hour of them.
BLOCKS_MAX: Final = 1_024

# Where a chain rotates its sealers with every epoch, older epochs are forgotten first.
SEALER_LISTS_MAX: Final = 64

_VERSION: Final = 1
# 1,024 blocks of 160 bytes, and 64 lists of 256 sealers.
_CLIENT_BYTES_MAX: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Belief:
    """blocks: at least one, at most BLOCKS_MAX, without gaps. frozen_at: where final blocks conflicted."""

    parameters: Parameters
    layout: HostLayout
    blocks: tuple[Block, ...]
    frozen_at: int | None = None

    def find(self, number: int) -> Block | None:
        index = bisect_left(self.blocks, number, key=attrgetter("number"))
        return self.blocks[index] if index < len(self.blocks) and self.blocks[index].number == number else None


def newest(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """As many of the newest blocks as a client keeps."""
    kept = blocks[-BLOCKS_MAX:]
    lists: set[SealerSet] = set()
    for index in range(len(kept) - 1, -1, -1):
        lists.add(kept[index].sealers)
        if len(lists) > SEALER_LISTS_MAX:
            return kept[index + 1 :]
    return kept


def encode_belief(belief: Belief) -> bytes:
    sets = tuple(dict.fromkeys(each.sealers for each in belief.blocks))
    place = {sealers: number for number, sealers in enumerate(sets)}
    parameters = belief.parameters
    numbers = (parameters.generation, parameters.suite, parameters.trusting_period, parameters.clock_drift)
    items: list[Encodable] = [
        [*(rlp.int_bytes(each) for each in numbers), parameters.chain_id.encode(), parameters.group_id.encode()],
        [belief.layout.address, rlp.int_bytes(belief.layout.compiler)],
        [[list(each.keys), [rlp.int_bytes(weight) for weight in each.weights]] for each in sets],
        [_block_items(each, place[each.sealers]) for each in belief.blocks],
        [] if belief.frozen_at is None else [rlp.int_bytes(belief.frozen_at)],
    ]
    return bytes([_VERSION]) + rlp.encode(items)


def decode_belief(encoded: bytes) -> Belief:
    """Raises InvalidProof."""
    check_version(encoded)
    if len(encoded) > _CLIENT_BYTES_MAX:
        raise LimitExceeded("client", got=len(encoded), limit=_CLIENT_BYTES_MAX)
    parameters, layout, sets, blocks, frozen = rlp.as_list(rlp.decode(encoded[1:], depth_limit=5), "client", count=5)
    listed = rlp.as_list(blocks, "blocks")
    check_blocks_count(len(listed))
    lists = rlp.as_list(sets, "sealer lists")
    check_lists_count(len(lists))
    known = tuple(_read_sealers(each) for each in lists)
    belief = Belief(
        _read_parameters(parameters),
        _read_layout(layout),
        tuple(_read_block(each, known) for each in listed),
        _read_frozen(frozen),
    )
    check_blocks(belief.blocks)
    check_encoding_is_the_only_one(belief, encoded)
    return belief


def check_version(encoded: bytes) -> None:
    """Bytes of another version mean something else."""
    if encoded[:1] != bytes([_VERSION]):
        raise UnsupportedProof("client version", got=encoded[:1], expected=_VERSION)


def check_blocks_count(count: int) -> None:
    """A client believes something, and remembers a bounded number of blocks."""
    if not 1 <= count <= BLOCKS_MAX:
        raise MalformedProof("blocks", got=count, expected=f"1 to {BLOCKS_MAX}")


def check_lists_count(count: int) -> None:
    """Every list holds up to 256 keys: few lists keep a client small."""
    if count > SEALER_LISTS_MAX:
        raise LimitExceeded("sealer lists", got=count, limit=SEALER_LISTS_MAX)


def check_blocks(blocks: tuple[Block, ...]) -> None:
    """As every update keeps them: without gaps, from a sealed block on, and time never runs backwards."""
    if blocks[0].number < 1:
        raise MalformedProof("block number", got=blocks[0].number, expected="at least 1")
    for earlier, later in pairwise(blocks):
        if later.number != earlier.number + 1:
            raise HeightNotIncreasing(got=later.number, trusted=earlier.number)
        if later.time_ms < earlier.time_ms:
            raise TimeNotIncreasing(got=later.time_ms, trusted=earlier.time_ms)
        if later.parent_hash != earlier.hash:
            raise ValueMismatch("parent hash", got=later.parent_hash, expected=earlier.hash)


def check_encoding_is_the_only_one(belief: Belief, encoded: bytes) -> None:
    """Lists of sealers stand in the order of their first use, each once and none unused."""
    expected = encode_belief(belief)
    if encoded != expected:
        raise ValueMismatch("client encoding", got=encoded, expected=expected)


def _block_items(block: Block, sealers: int) -> Encodable:
    return [
        rlp.int_bytes(block.number),
        block.hash,
        block.parent_hash,
        rlp.int_bytes(block.time_ms),
        block.transactions_root,
        block.receipts_root,
        rlp.int_bytes(sealers),
    ]


def _read_block(item: Item, sets: tuple[SealerSet, ...]) -> Block:
    number, digest, parent, time, transactions, receipts, place = rlp.as_list(item, "block", count=7)
    chosen = rlp.as_int(place, "sealer list", bits=32)
    if chosen >= len(sets):
        raise MalformedProof("sealer list", got=chosen, expected=f"below {len(sets)}")
    time_ms = rlp.as_int(time, "time", bits=64)
    check_time(time_ms)
    return Block(
        rlp.as_int(number, "block number", bits=56),
        rlp.as_bytes(digest, "block hash", length=HASH_BYTES),
        rlp.as_bytes(parent, "parent hash", length=HASH_BYTES),
        time_ms,
        rlp.as_bytes(transactions, "transactions root", length=HASH_BYTES),
        rlp.as_bytes(receipts, "receipts root", length=HASH_BYTES),
        sets[chosen],
    )


def _read_sealers(item: Item) -> SealerSet:
    keys, weights = (rlp.as_list(each, "sealers") for each in rlp.as_list(item, "sealers", count=2))
    if len(keys) != len(weights):
        raise MalformedProof("weights", got=len(weights), expected=len(keys))
    sealers = SealerSet(
        tuple(rlp.as_bytes(each, "sealer", length=SEALER_BYTES) for each in keys),
        tuple(rlp.as_int(each, "weight", bits=56) for each in weights),
    )
    check_sealers(sealers)
    return sealers


def _read_parameters(item: Item) -> Parameters:
    fields = rlp.as_list(item, "parameters", count=6)
    generation, suite, period, drift = (rlp.as_int(each, "parameter", bits=64) for each in fields[:4])
    chain, group = (read_ascii(rlp.as_bytes(each, "parameter"), "parameter") for each in fields[4:])
    if generation not in set(Generation) or suite not in set(Suite):
        raise UnsupportedProof("parameters", got=(generation, suite), expected="a known generation and suite")
    parameters = Parameters(Generation(generation), Suite(suite), chain, group, period, drift)
    check_parameters(parameters)
    return parameters


def _read_layout(item: Item) -> HostLayout:
    address, compiler = rlp.as_list(item, "host layout", count=2)
    suite = rlp.as_int(compiler, "compiler", bits=64)
    if suite not in set(Suite):
        raise UnsupportedProof("compiler", got=suite, expected="a known suite")
    return HostLayout(rlp.as_bytes(address, "host address", length=ADDRESS_BYTES), Suite(suite))


def _read_frozen(item: Item) -> int | None:
    frozen = rlp.as_list(item, "frozen at")
    return rlp.as_int(rlp.as_list(item, "frozen at", count=1)[0], "frozen at", bits=56) if frozen else None


def check_configuration(parameters: Parameters, layout: HostLayout) -> None:
    """What an operator says is possible at all."""
    check_parameters(parameters)
    check_layout(layout)
