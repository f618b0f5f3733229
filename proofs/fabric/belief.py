"""What a client believes, as one value and as bytes: in the relay's store, in a bundle, on hosts that run it.

A version byte, then a protobuf message: {1 channel id, 2 orderer organisations, 3 host layout, 4 configuration,
5 number of its block, 6 repeated block header, 7 frozen at + 1}.
One client has one encoding, so equal clients are equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from proofs.encoding.protobuf import (
    BYTES,
    STRING,
    UINT32,
    UINT64,
    Field,
    Message,
    bytes_field,
    decode,
    message_field,
    repeated_bytes_field,
    string_field,
    varint_field,
)
from proofs.errors import HeightNotIncreasing, LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch
from proofs.fabric.block_messages import HEADER, BlockHeader
from proofs.fabric.channel_config import CONFIG_BYTES_MAX, ChannelConfig, read_config
from proofs.fabric.hashing import header_hash
from proofs.fabric.host import HOST_LAYOUT, HostLayout, check_layout, encode_policy_choice
from proofs.fabric.predicates import check_header_shape
from proofs.fabric.types import KnownBlock, Parameters, check_parameters

# A relay proves at recent blocks only; older ones can be linked back to.
KNOWN_BLOCKS_MAX: Final = 256

_VERSION: Final = b"\x01"
# The configuration, 256 headers of some 80 bytes, and the layout with two policies.
_CLIENT_BYTES_MAX: Final = CONFIG_BYTES_MAX + (1 << 17)


@dataclass(frozen=True, slots=True)
class Belief:
    """config_number: of the block that brought the configuration. known: ascending, at least one."""

    parameters: Parameters
    host: HostLayout
    config: ChannelConfig
    config_number: int
    known: tuple[KnownBlock, ...]
    frozen_at: int | None


def encode_belief(belief: Belief) -> bytes:
    frozen = 0 if belief.frozen_at is None else belief.frozen_at + 1
    return (
        _VERSION
        + string_field(1, belief.parameters.channel_id)
        + varint_field(2, belief.parameters.orderer_organisations)
        + message_field(3, _encode_layout(belief.host))
        + bytes_field(4, belief.config.raw)
        + varint_field(5, belief.config_number)
        + repeated_bytes_field(6, (_encode_header(each.header) for each in belief.known))
        + varint_field(7, frozen)
    )


def decode_belief(encoded: bytes) -> Belief:
    check_version(encoded)
    if len(encoded) > _CLIENT_BYTES_MAX:
        raise LimitExceeded("client", got=len(encoded), limit=_CLIENT_BYTES_MAX)
    belief = decode(encoded[1:], _BELIEF, part="client")
    check_parameters(belief.parameters)
    check_layout(belief.host)
    check_known_blocks([each.header for each in belief.known], belief.config_number)
    check_encoding_is_the_only_one(belief, encoded)
    return belief


def check_version(encoded: bytes) -> None:
    """Bytes of another version mean something else."""
    if encoded[:1] != _VERSION:
        raise UnsupportedProof("client version", got=encoded[:1], expected=_VERSION)


def check_known_blocks(known: Sequence[BlockHeader], config_number: int) -> None:
    """Numbers ascend, neighbours are linked, and the newest is not older than the configuration."""
    if not known or known[-1].number < config_number:
        raise MalformedProof("known blocks", got=len(known), expected=f"at least one, up to {config_number} or later")
    for each in known:
        check_header_shape(each)
    for earlier, later in pairwise(known):
        if later.number <= earlier.number:
            raise HeightNotIncreasing(got=later.number, trusted=earlier.number)
        if later.number == earlier.number + 1 and later.previous_hash != header_hash(earlier):
            raise ValueMismatch("previous hash", got=later.previous_hash, expected=header_hash(earlier))


def check_encoding_is_the_only_one(belief: Belief, encoded: bytes) -> None:
    """No order, default or number written another way."""
    expected = encode_belief(belief)
    if encoded != expected:
        raise ValueMismatch("client encoding", got=encoded, expected=expected)


def _encode_header(header: BlockHeader) -> bytes:
    return varint_field(1, header.number) + bytes_field(2, header.previous_hash) + bytes_field(3, header.data_hash)


def _encode_layout(host: HostLayout) -> bytes:
    return (
        string_field(1, host.chaincode)
        + string_field(2, host.values)
        + string_field(3, host.tombstones)
        + message_field(4, encode_policy_choice(host.endorsement))
        + message_field(5, encode_policy_choice(host.vouching))
    )


def _belief(
    channel_id: str,
    organisations: int,
    host: HostLayout,
    config: bytes,
    config_number: int,
    headers: tuple[BlockHeader, ...],
    frozen: int,
) -> Belief:
    known = tuple(KnownBlock(header, header_hash(header)) for header in headers)
    frozen_at = frozen - 1 if frozen else None
    return Belief(Parameters(channel_id, organisations), host, read_config(config), config_number, known, frozen_at)


_BELIEF: Final = Message(
    "Client",
    _belief,
    [
        Field(1, "channel_id", STRING),
        Field(2, "orderer_organisations", UINT32),
        Field(3, "host", HOST_LAYOUT, required=True),
        Field(4, "config", BYTES),
        Field(5, "config_number", UINT64),
        Field(6, "known", HEADER, repeated=True, limit=KNOWN_BLOCKS_MAX),
        Field(7, "frozen", UINT64),
    ],
)
