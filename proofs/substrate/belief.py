"""What a client believes, as one value and as bytes: a version byte, then SCALE. One client has one encoding."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Final

from proofs.encoding.scale import (
    ScaleReader,
    encode_option,
    encode_u8,
    encode_u32,
    encode_u64,
    encode_vector,
)
from proofs.errors import HeightNotIncreasing, LimitExceeded, MalformedProof, TimeNotIncreasing, UnsupportedProof
from proofs.substrate.authorities import encode_authorities, read_authorities
from proofs.substrate.host import PREFIX_BYTES, HostLayout, check_layout
from proofs.substrate.predicates import check_parameters, check_set_id, check_time
from proofs.substrate.types import HASH_BYTES, AuthoritySet, Block, Change, Parameters

# One for each step of a client that is kept up to date: hours of proofs at a step every ten seconds.
BLOCKS_MAX: Final = 1_024
# What came before only tells of misbehaviour. Sets of large chains last for hours and take 40 KiB.
SETS_MAX: Final = 4

VERSION: Final = 1
# Four sets and one that is announced, of 4,096 authorities with 40 bytes each, and 1,024 blocks of 76 bytes.
CLIENT_BYTES_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Belief:
    """sets: ascending, the last is the present one. blocks: at least one, ascending. pending: the announced change.

    frozen_at: where final blocks contradicted each other.
    """

    parameters: Parameters
    layout: HostLayout
    sets: tuple[AuthoritySet, ...]
    blocks: tuple[Block, ...]
    pending: Change | None = None
    frozen_at: int | None = None

    @property
    def latest(self) -> Block:
        return self.blocks[-1]

    def find(self, number: int) -> Block | None:
        return find_block(self.blocks, number)

    def newest_below(self, number: int) -> Block | None:
        return newest_below(self.blocks, number)

    def voters_on(self, number: int) -> AuthoritySet | None:
        """The set that votes on the block `number`: the newest of those that came before it."""
        return next((each for each in reversed(self.sets) if each.since < number), None)


def find_block(blocks: tuple[Block, ...], number: int) -> Block | None:
    block = newest_below(blocks, number + 1)
    return block if block is not None and block.number == number else None


def newest_below(blocks: tuple[Block, ...], number: int) -> Block | None:
    index = bisect_left(blocks, number, key=attrgetter("number"))
    return blocks[index - 1] if index else None


def encode_belief(belief: Belief) -> bytes:
    parameters, frozen = belief.parameters, belief.frozen_at
    return b"".join((
        encode_u8(VERSION),
        parameters.genesis_hash,
        encode_u32(parameters.trusting_period),
        encode_u32(parameters.clock_drift),
        belief.layout.prefix,
        encode_vector([_encode_set(each) for each in belief.sets]),
        encode_vector([encode_block(each) for each in belief.blocks]),
        encode_option(None if belief.pending is None else _encode_change(belief.pending)),
        encode_option(None if frozen is None else encode_u32(frozen)),
    ))  # fmt: skip


def decode_belief(encoded: bytes) -> Belief:
    """Raises InvalidProof."""
    check_version(encoded)
    check_client_size(encoded)
    reader = ScaleReader(encoded[1:], "client")
    parameters = Parameters(reader.fixed(HASH_BYTES), reader.u32(), reader.u32())
    check_parameters(parameters)
    layout = HostLayout(reader.fixed(PREFIX_BYTES))
    check_layout(layout)
    belief = Belief(
        parameters,
        layout,
        reader.vector(lambda: _read_set(reader), limit=SETS_MAX),
        reader.vector(lambda: read_block(reader), limit=BLOCKS_MAX),
        reader.option(lambda: _read_change(reader)),
        reader.option(reader.u32),
    )
    reader.end()
    check_blocks(belief.blocks)
    check_sets(belief.sets, latest=belief.latest.number)
    check_pending(belief.pending, latest=belief.latest.number)
    return belief


def check_version(encoded: bytes) -> None:
    """Bytes of another version mean something else."""
    if encoded[:1] != bytes([VERSION]):
        raise UnsupportedProof("client version", got=encoded[:1], expected=VERSION)


def check_client_size(encoded: bytes) -> None:
    """Before it is read."""
    if len(encoded) > CLIENT_BYTES_MAX:
        raise LimitExceeded("client", got=len(encoded), limit=CLIENT_BYTES_MAX)


def check_blocks(blocks: tuple[Block, ...]) -> None:
    """A client believes something; heights rise, and time never runs backwards."""
    if not blocks:
        raise MalformedProof("blocks", got=0, expected="at least 1")
    for earlier, later in pairwise(blocks):
        if later.number <= earlier.number:
            raise HeightNotIncreasing(got=later.number, trusted=earlier.number)
        if later.time_ms < earlier.time_ms:
            raise TimeNotIncreasing(got=later.time_ms, trusted=earlier.time_ms)


def check_sets(sets: tuple[AuthoritySet, ...], *, latest: int) -> None:
    """Sets follow one another without gaps, each begins after the one before, and a final block brought the last."""
    if not sets:
        raise MalformedProof("authority sets", got=0, expected="at least 1")
    for earlier, later in pairwise(sets):
        if later.set_id != earlier.set_id + 1:
            raise MalformedProof("set id", got=later.set_id, expected=earlier.set_id + 1)
        if later.since <= earlier.since:
            raise HeightNotIncreasing(got=later.since, trusted=earlier.since)
    if sets[-1].since > latest:
        raise MalformedProof("authority set", got=f"since {sets[-1].since}", expected=f"at most {latest}")


def check_pending(change: Change | None, *, latest: int) -> None:
    """What is on its way was announced by a final block, and takes effect after all of them."""
    if change is not None and not change.announced <= latest < change.effective:
        raise MalformedProof("pending change", got=(change.announced, change.effective), expected=f"around {latest}")


def _encode_set(each: AuthoritySet) -> bytes:
    return encode_u64(each.set_id) + encode_u32(each.since) + encode_authorities(each.authorities)


def _read_set(reader: ScaleReader) -> AuthoritySet:
    set_id = reader.u64()
    check_set_id(set_id)
    return AuthoritySet(set_id, reader.u32(), read_authorities(reader))


def encode_block(block: Block) -> bytes:
    return encode_u32(block.number) + block.hash + block.state_root + encode_u64(block.time_ms)


def read_block(reader: ScaleReader) -> Block:
    block = Block(reader.u32(), reader.fixed(HASH_BYTES), reader.fixed(HASH_BYTES), reader.u64())
    check_time(block.time_ms)
    return block


def _encode_change(change: Change) -> bytes:
    return encode_u32(change.announced) + encode_u32(change.effective) + encode_authorities(change.authorities)


def _read_change(reader: ScaleReader) -> Change:
    return Change(reader.u32(), reader.u32(), read_authorities(reader))
