"""The final blocks that a client remembers, whoever vouched for them: the voters of GRANDPA or the signers of BEEFY.

And how a client's encoding begins, which is the same for both: version, parameters, layout.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from operator import attrgetter
from typing import Final

from proofs.encoding.scale import ScaleReader, encode_u8, encode_u32, encode_u64
from proofs.errors import (
    HeightNotIncreasing,
    LimitExceeded,
    MalformedProof,
    TimeNotIncreasing,
    UnknownHeight,
    UnsupportedProof,
)
from proofs.light_client import ClientState, ClientStatus, Height
from proofs.substrate.host import PREFIX_BYTES, HostLayout, check_layout
from proofs.substrate.predicates import check_parameters, check_revision, check_time
from proofs.substrate.types import HASH_BYTES, Block, Parameters

# One for each step of a client that is kept up to date: hours of proofs at a step every ten seconds.
BLOCKS_MAX: Final = 1_024

VERSION: Final = 1
# Four sets and one that is announced, of 4,096 authorities with 40 bytes each, and 1,024 blocks of 76 bytes.
CLIENT_BYTES_MAX: Final = 1 << 20


def block_at(blocks: tuple[Block, ...], at: Height) -> Block:
    """Raises UnknownHeight, and WrongLedger for a revision."""
    check_revision(at)
    block = newest_below(blocks, at.number + 1)
    if block is None or block.number != at.number:
        raise UnknownHeight(0, at.number)
    return block


def newest_below(blocks: tuple[Block, ...], number: int) -> Block | None:
    index = bisect_left(blocks, number, key=attrgetter("number"))
    return blocks[index - 1] if index else None


def with_block(blocks: tuple[Block, ...], new: Block) -> tuple[Block, ...]:
    """An older block than the latest leaves them as they are."""
    return (*blocks, new)[-BLOCKS_MAX:] if new.number > blocks[-1].number else blocks


def expires_at(block: Block, parameters: Parameters) -> int:
    """Unix seconds."""
    return block.time_ms // 1_000 + parameters.trusting_period


def status_of(latest: Block, parameters: Parameters, *, frozen_at: int | None, now: int) -> ClientStatus:
    end = expires_at(latest, parameters)
    if frozen_at is not None:
        return ClientStatus(ClientState.FROZEN, end)
    return ClientStatus(ClientState.EXPIRED if end <= now else ClientState.ACTIVE, end)


def encode_beginning(parameters: Parameters, layout: HostLayout) -> bytes:
    return b"".join((
        encode_u8(VERSION),
        parameters.genesis_hash,
        encode_u32(parameters.trusting_period),
        encode_u32(parameters.clock_drift),
        layout.prefix,
    ))  # fmt: skip


def open_client(encoded: bytes) -> tuple[ScaleReader, Parameters, HostLayout]:
    """Return a reader of what follows the beginning. Raises InvalidProof."""
    check_version(encoded)
    check_client_size(encoded)
    reader = ScaleReader(encoded[1:], "client")
    parameters = Parameters(reader.fixed(HASH_BYTES), reader.u32(), reader.u32())
    check_parameters(parameters)
    layout = HostLayout(reader.fixed(PREFIX_BYTES))
    check_layout(layout)
    return reader, parameters, layout


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


def encode_block(block: Block) -> bytes:
    return encode_u32(block.number) + block.hash + block.state_root + encode_u64(block.time_ms)


def read_block(reader: ScaleReader) -> Block:
    block = Block(reader.u32(), reader.fixed(HASH_BYTES), reader.fixed(HASH_BYTES), reader.u64())
    check_time(block.time_ms)
    return block
