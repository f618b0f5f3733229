"""What a client that follows BEEFY believes, as one value and as bytes: a version byte, then SCALE."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.encoding.scale import encode_option, encode_u32, encode_vector
from proofs.substrate.beefy.messages import encode_signers, read_signers
from proofs.substrate.beefy.predicates import check_set_follows, check_signers
from proofs.substrate.beefy.spec import Trust
from proofs.substrate.host import HostLayout
from proofs.substrate.known_blocks import (
    BLOCKS_MAX,
    check_blocks,
    encode_beginning,
    encode_block,
    open_client,
    read_block,
)
from proofs.substrate.types import HASH_BYTES, Block, Parameters


@dataclass(frozen=True, slots=True)
class Committed:
    """The newest root that was signed: of all leaves up to this block."""

    block_number: int
    mmr_root: bytes


@dataclass(frozen=True, slots=True)
class Belief:
    """blocks: at least one, ascending. committed: nothing before the first step. frozen_at: where two differed."""

    parameters: Parameters
    layout: HostLayout
    trust: Trust
    blocks: tuple[Block, ...]
    committed: Committed | None = None
    frozen_at: int | None = None

    @property
    def latest(self) -> Block:
        return self.blocks[-1]


def encode_belief(belief: Belief) -> bytes:
    committed, frozen = belief.committed, belief.frozen_at
    root = None if committed is None else encode_u32(committed.block_number) + committed.mmr_root
    return b"".join((
        encode_beginning(belief.parameters, belief.layout),
        encode_signers(belief.trust.current),
        encode_signers(belief.trust.following),
        encode_vector([encode_block(each) for each in belief.blocks]),
        encode_option(root),
        encode_option(None if frozen is None else encode_u32(frozen)),
    ))  # fmt: skip


def decode_belief(encoded: bytes) -> Belief:
    """Raises InvalidProof."""
    reader, parameters, layout = open_client(encoded)
    belief = Belief(
        parameters,
        layout,
        Trust(read_signers(reader), read_signers(reader)),
        reader.vector(lambda: read_block(reader), limit=BLOCKS_MAX),
        reader.option(lambda: Committed(reader.u32(), reader.fixed(HASH_BYTES))),
        reader.option(reader.u32),
    )
    reader.end()
    verify_trust(belief.trust)
    check_blocks(belief.blocks)
    return belief


def verify_trust(trust: Trust) -> None:
    """Both sets have signers, and follow one another. Raises InvalidProof."""
    check_signers(trust.current)
    check_signers(trust.following)
    check_set_follows(trust.following.set_id, current=trust.current.set_id)
