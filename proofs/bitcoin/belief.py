"""What a client believes: a window of the best chain, and up to which height it is final.

The window begins where judging the block after the oldest possible fork has to begin, and is bounded by that. Blocks
at and below `final` are never given up again. In bytes a header goes without the hash of its parent, which follows
from the header before: 48 bytes a block.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from proofs.bitcoin import predicates as rules
from proofs.bitcoin.compact import decode_compact, work_of
from proofs.bitcoin.headers import HEADERS_MAX, header_hash
from proofs.bitcoin.networks import network_named
from proofs.bitcoin.packets import check_route
from proofs.bitcoin.spec import MEDIAN_BLOCKS, context_needed, verify_work
from proofs.bitcoin.types import Block, Header, Parameters, Route
from proofs.commitment import ClientId
from proofs.encoding import protobuf
from proofs.encoding.protobuf import BYTES, STRING, UINT64, Field, Message, bytes_field, string_field, varint_field
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof

_VERSION: Final = b"\x01"
_SHORT: Final = struct.Struct("<i32sIII")
_WORK_BYTES: Final = 32
_WORK_LIMIT: Final = 1 << 128
# What a checkpoint may come with, and the blocks above `final`.
BLOCKS_MAX: Final = HEADERS_MAX + MEDIAN_BLOCKS + rules.CONFIRMATIONS_MAX
_ENCODED_BYTES_MAX: Final = 1_024 + _SHORT.size * BLOCKS_MAX


@dataclass(frozen=True, slots=True)
class Belief:
    """chain: consecutive blocks that end with the tip. final: a height within it. frozen_at: a final height or None."""

    parameters: Parameters
    chain: tuple[Block, ...]
    final: int
    frozen_at: int | None = None

    @property
    def tip(self) -> Block:
        return self.chain[-1]

    def block(self, height: int) -> Block:
        return self.chain[self.place(height)]

    def place(self, height: int) -> int:
        """The index of a height. Only for heights within the window."""
        place = height - self.chain[0].height
        assert 0 <= place < len(self.chain)
        return place


def grown(belief: Belief, chain: Sequence[Block]) -> Belief:
    """The belief that takes `chain` for the best one: final moves on, never back, and what nobody needs is dropped."""
    tip = chain[-1].height
    final = max(belief.final, tip - belief.parameters.confirmations)
    # A fork may still begin at `final`: its first block may open a period and is measured against the one before.
    oldest = final + 1 - max(belief.parameters.network.period, MEDIAN_BLOCKS)
    kept = tuple(chain[max(0, oldest - chain[0].height) :])
    return Belief(belief.parameters, kept, final, belief.frozen_at)


def encode_belief(belief: Belief) -> bytes:
    parameters = belief.parameters
    first = belief.chain[0]
    blocks = b"".join(
        _SHORT.pack(each.header.version, each.header.merkle_root, each.header.time, each.header.bits, each.header.nonce)
        for each in belief.chain
    )
    return _VERSION + b"".join(
        (
            string_field(1, parameters.network.name),
            varint_field(2, parameters.confirmations),
            string_field(3, parameters.route.source_client),
            string_field(4, parameters.route.dest_client),
            varint_field(5, first.height),
            bytes_field(6, first.header.previous),
            bytes_field(7, first.work.to_bytes(_WORK_BYTES, "big")),
            bytes_field(8, blocks),
            varint_field(9, belief.final),
            varint_field(10, 0 if belief.frozen_at is None else belief.frozen_at + 1),
        )
    )


def decode_belief(encoded: bytes) -> Belief:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof, and the refusals of headers without work."""
    if len(encoded) > _ENCODED_BYTES_MAX:
        raise LimitExceeded("bitcoin client", got=len(encoded), limit=_ENCODED_BYTES_MAX)
    if encoded[:1] != _VERSION:
        raise UnsupportedProof("bitcoin client version", got=encoded[:1], expected=_VERSION)
    stored = protobuf.decode(encoded[1:], _BELIEF, part="bitcoin client", canonical=True)
    parameters = Parameters(
        network_named(stored.network),
        stored.confirmations,
        Route(ClientId(stored.source_client), ClientId(stored.dest_client)),
    )
    check_parameters(parameters)
    rules.check_height_has_sequences(stored.first_height)
    check_first_work(int.from_bytes(stored.first_work, "big"))
    chain = tuple(_blocks(stored, parameters))
    check_final_is_kept(stored.final, chain)
    needed = context_needed(stored.final, parameters.network)
    rules.check_run_reaches_back(stored.final - chain[0].height + 1, needed)
    check_genesis(chain[0], parameters)
    return Belief(parameters, chain, stored.final, stored.frozen - 1 if stored.frozen else None)


def check_parameters(parameters: Parameters) -> None:
    rules.check_confirmations(parameters)
    check_route(parameters.route)


def check_genesis(first: Block, parameters: Parameters) -> None:
    if first.height == 0:
        rules.check_genesis_hash(first.hash, parameters.network)


def check_final_is_kept(final: int, chain: Sequence[Block]) -> None:
    """A client that finalised nothing, or what it does not know, is none."""
    if not chain[0].height <= final <= chain[-1].height:
        raise MalformedProof("final height", got=final, expected=f"{chain[0].height} to {chain[-1].height}")


@dataclass(frozen=True, slots=True)
class _Stored:
    network: str
    confirmations: int
    source_client: str
    dest_client: str
    first_height: int
    first_previous: bytes
    first_work: bytes
    blocks: bytes
    final: int
    frozen: int


_BELIEF: Final = Message(
    "BitcoinClient",
    _Stored,
    [
        Field(1, "network", STRING),
        Field(2, "confirmations", UINT64),
        Field(3, "source_client", STRING),
        Field(4, "dest_client", STRING),
        Field(5, "first_height", UINT64),
        Field(6, "first_previous", BYTES),
        Field(7, "first_work", BYTES),
        Field(8, "blocks", BYTES),
        Field(9, "final", UINT64),
        Field(10, "frozen", UINT64),
    ],
)


def _blocks(stored: _Stored, parameters: Parameters) -> Iterator[Block]:
    """Chain the stored headers again. Their work is looked at, their difficulty was when they were taken in."""
    check_stored_lengths(stored)
    previous, work = stored.first_previous, int.from_bytes(stored.first_work, "big")
    for index, (version, root, time, bits, nonce) in enumerate(_SHORT.iter_unpack(stored.blocks)):
        header = Header(version, previous, root, time, bits, nonce)
        digest = header_hash(header)
        verify_work(header, digest, parameters.network)
        work = work if index == 0 else work + work_of(decode_compact(bits))
        yield Block(stored.first_height + index, digest, header, work)
        previous = digest


def check_first_work(work: int) -> None:
    """So that sums of work still fit their 32 bytes: nobody will ever have hashed that much."""
    if work >= _WORK_LIMIT:
        raise MalformedProof("work", got=work, expected=f"below {_WORK_LIMIT:#x}")


def check_stored_lengths(stored: _Stored) -> None:
    """Hashes and numbers of fixed length, and at least one block."""
    lengths = (len(stored.first_previous), len(stored.first_work), len(stored.blocks) % _SHORT.size)
    if lengths != (32, _WORK_BYTES, 0) or not stored.blocks:
        raise MalformedProof("bitcoin client", got=lengths, expected=f"hash, work, blocks of {_SHORT.size} bytes")
