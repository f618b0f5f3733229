"""What a client believes, as one value and as bytes: in the relay's store, in a bundle, on hosts that run it.

A version byte, then a protobuf message: {1: 07-tendermint client state, 2: repeated {1: height, 2: consensus state},
3: repeated bytes prefix}. One client has one encoding, so equal clients are equal bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from proofs.cometbft.chain_id import revision_of
from proofs.cometbft.configuration import check_configuration
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import (
    CLIENT_STATE,
    CONSENSUS_STATE,
    NOT_FROZEN,
    TendermintClientState,
    encode_client_state,
    encode_consensus_state,
)
from proofs.cometbft.types import ConsensusState, Parameters
from proofs.encoding.protobuf import (
    BYTES,
    UINT64,
    Field,
    Message,
    decode,
    message_field,
    repeated_bytes_field,
    varint_field,
)
from proofs.errors import (
    HeightNotIncreasing,
    LimitExceeded,
    MalformedProof,
    TimeNotIncreasing,
    UnsupportedProof,
    ValueMismatch,
)
from proofs.light_client import Height

# A relay proves at the newest heights only; the rest serves as start for evidence and against equivocation.
CONSENSUS_STATES_MAX: Final = 256

_VERSION: Final = b"\x01"
# 256 consensus states of some 100 bytes and the parameters, with room.
_CLIENT_BYTES_MAX: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class KnownHeight:
    number: int
    state: ConsensusState


@dataclass(frozen=True, slots=True)
class Belief:
    """known: at least one height, ascending, at most CONSENSUS_STATES_MAX. frozen_at: where blocks contradicted."""

    chain_id: str
    parameters: Parameters
    host: HostLayout
    known: tuple[KnownHeight, ...]
    frozen_at: int | None


def encode_belief(belief: Belief) -> bytes:
    revision = revision_of(belief.chain_id)
    state = TendermintClientState(
        belief.chain_id,
        belief.parameters,
        latest_height=Height(revision, belief.known[-1].number),
        frozen_height=NOT_FROZEN if belief.frozen_at is None else Height(revision, belief.frozen_at),
    )
    known = (
        varint_field(1, each.number) + message_field(2, encode_consensus_state(each.state)) for each in belief.known
    )
    return (
        _VERSION
        + message_field(1, encode_client_state(state))
        + repeated_bytes_field(2, known)
        + repeated_bytes_field(3, belief.host.prefix)
    )


def decode_belief(encoded: bytes) -> Belief:
    check_version(encoded)
    if len(encoded) > _CLIENT_BYTES_MAX:
        raise LimitExceeded("client", got=len(encoded), limit=_CLIENT_BYTES_MAX)
    state, known, prefix = decode(encoded[1:], _BELIEF, part="client", canonical=True)
    host = HostLayout(prefix)
    check_configuration(state.chain_id, state.parameters, host)
    check_known_heights(known)
    frozen_at = state.frozen_height.number or None
    belief = Belief(state.chain_id, state.parameters, host, known, frozen_at)
    check_encoding_is_the_only_one(belief, encoded)
    return belief


def check_version(encoded: bytes) -> None:
    """Bytes of another version mean something else."""
    if encoded[:1] != _VERSION:
        raise UnsupportedProof("client version", got=encoded[:1], expected=_VERSION)


def check_known_heights(known: tuple[KnownHeight, ...]) -> None:
    """Heights start at 1, and height and time ascend together, as every update keeps them."""
    if not known or known[0].number < 1:
        raise MalformedProof("known heights", got=len(known), expected="at least one, from height 1")
    for earlier, later in pairwise(known):
        if later.number <= earlier.number:
            raise HeightNotIncreasing(got=later.number, trusted=earlier.number)
        if later.state.time <= earlier.state.time:
            raise TimeNotIncreasing(got=later.state.time, trusted=earlier.state.time)


def check_encoding_is_the_only_one(belief: Belief, encoded: bytes) -> None:
    """Latest height, revision and options follow from the rest: they may not say otherwise."""
    expected = encode_belief(belief)
    if encoded != expected:
        raise ValueMismatch("client encoding", got=encoded, expected=expected)


def _belief(
    state: TendermintClientState, known: tuple[KnownHeight, ...], prefix: tuple[bytes, ...]
) -> tuple[TendermintClientState, tuple[KnownHeight, ...], tuple[bytes, bytes]]:
    if len(prefix) != 2:
        raise MalformedProof("prefix", got=len(prefix), expected="store name and path prefix")
    return state, known, (prefix[0], prefix[1])


_KNOWN_HEIGHT: Final = Message(
    "KnownHeight", KnownHeight, [Field(1, "number", UINT64), Field(2, "state", CONSENSUS_STATE, required=True)]
)
_BELIEF: Final = Message(
    "Client",
    _belief,
    [
        Field(1, "client_state", CLIENT_STATE, required=True),
        Field(2, "known", _KNOWN_HEIGHT, repeated=True, limit=CONSENSUS_STATES_MAX),
        Field(3, "prefix", BYTES, repeated=True, limit=2),
    ],
)
