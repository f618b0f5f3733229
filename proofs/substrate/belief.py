"""What a client believes, as one value and as bytes: a version byte, then SCALE. One client has one encoding."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from proofs.encoding.scale import (
    ScaleReader,
    encode_option,
    encode_u32,
    encode_u64,
    encode_vector,
)
from proofs.errors import HeightNotIncreasing, MalformedProof
from proofs.substrate.authorities import encode_authorities, read_authorities
from proofs.substrate.host import HostLayout
from proofs.substrate.known_blocks import (
    BLOCKS_MAX,
    check_blocks,
    encode_beginning,
    encode_block,
    open_client,
    read_block,
)
from proofs.substrate.predicates import check_set_id
from proofs.substrate.types import AuthoritySet, Block, Change, Parameters

# What came before only tells of misbehaviour. Sets of large chains last for hours and take 40 KiB.
SETS_MAX: Final = 4


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

    def voters_on(self, number: int) -> AuthoritySet | None:
        """The set that votes on the block `number`: the newest of those that came before it."""
        return next((each for each in reversed(self.sets) if each.since < number), None)


def encode_belief(belief: Belief) -> bytes:
    frozen = belief.frozen_at
    return b"".join((
        encode_beginning(belief.parameters, belief.layout),
        encode_vector([_encode_set(each) for each in belief.sets]),
        encode_vector([encode_block(each) for each in belief.blocks]),
        encode_option(None if belief.pending is None else _encode_change(belief.pending)),
        encode_option(None if frozen is None else encode_u32(frozen)),
    ))  # fmt: skip


def decode_belief(encoded: bytes) -> Belief:
    """Raises InvalidProof."""
    reader, parameters, layout = open_client(encoded)
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


def _encode_change(change: Change) -> bytes:
    return encode_u32(change.announced) + encode_u32(change.effective) + encode_authorities(change.authorities)


def _read_change(reader: ScaleReader) -> Change:
    return Change(reader.u32(), reader.u32(), read_authorities(reader))
