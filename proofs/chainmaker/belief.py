"""What a ChainMaker client believes, as one value and as bytes: a version byte, then protobuf, in one encoding.

{1: chain id, 2: {1: trusting period, 2: drift, 3: repeated pin {1: node id, 2: key hash}}, 3: host {1: contract,
2: version}, 4: repeated {1: height, 2: ChainConfig}, 5: repeated consensus state, 6: height of misbehaviour}.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Final

from proofs.chainmaker.host import HostLayout, check_layout
from proofs.chainmaker.messages import VALIDATORS_MAX, check_size, decode_config
from proofs.chainmaker.predicates import check_revision
from proofs.chainmaker.spec import verify_config
from proofs.chainmaker.types import ChainConfig, ConsensusState, Parameters, Pin
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
from proofs.errors import (
    HeightNotIncreasing,
    LimitExceeded,
    MalformedProof,
    TimeNotIncreasing,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
)
from proofs.light_client import Height

# A proof exists only at the height of its transaction, so heights are kept longer than where state is proved.
STATES_MAX: Final = 2048
# Configurations change by a vote of organisations; blocks before the last few changes need no judge any more.
CONFIGS_MAX: Final = 4
# A century is a wrong unit.
PERIOD_MAX: Final = 100 * 365 * 86_400

_VERSION: Final = b"\x01"
_CLIENT_BYTES_MAX: Final = 8 << 20
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KnownConfig:
    """What blocks after `height` are signed under, up to the next one."""

    height: int
    config: ChainConfig


@dataclass(frozen=True, slots=True)
class Belief:
    """configs and states: at least one each, ascending. frozen_at: where two final blocks conflicted."""

    chain_id: str
    parameters: Parameters
    layout: HostLayout
    configs: tuple[KnownConfig, ...]
    states: tuple[ConsensusState, ...]
    frozen_at: int | None = None

    def latest(self) -> ConsensusState:
        return self.states[-1]

    def find(self, number: int) -> ConsensusState | None:
        index = bisect_left(self.states, number, key=attrgetter("number"))
        return self.states[index] if index < len(self.states) and self.states[index].number == number else None

    def at(self, height: Height) -> ConsensusState:
        """Raises UnknownHeight, and WrongLedger for a revision."""
        check_revision(height)
        state = self.find(height.number)
        if state is None:
            raise UnknownHeight(0, height.number)
        return state

    def config_for(self, number: int) -> ChainConfig:
        """What the block of this number is signed under. Raises UnknownHeight for one too old to be judged."""
        for each in reversed(self.configs):
            if each.height < number:
                return each.config
        raise UnknownHeight(0, number)


def check_parameters(parameters: Parameters) -> None:
    """A client that could never be updated, or never aged, is not started."""
    if not 0 < parameters.trusting_period <= PERIOD_MAX:
        raise MalformedProof("trusting period", got=parameters.trusting_period, expected=f"1 to {PERIOD_MAX}")
    if not 0 <= parameters.drift <= PERIOD_MAX:
        raise MalformedProof("drift", got=parameters.drift, expected=f"0 to {PERIOD_MAX}")


def check_pins(pins: tuple[Pin, ...]) -> None:
    """Ascending by node, so that one table has one encoding, and each a SHA-256."""
    if len(pins) > VALIDATORS_MAX:
        raise LimitExceeded("pins", got=len(pins), limit=VALIDATORS_MAX)
    for pin in pins:
        if len(pin.key_hash) != _HASH_BYTES:
            raise MalformedProof("pinned key", got=len(pin.key_hash), expected=_HASH_BYTES)
    for earlier, later in pairwise(pins):
        if earlier.node_id >= later.node_id:
            raise MalformedProof("pins", got=later.node_id, expected=f"above {earlier.node_id}")


def check_states(states: tuple[ConsensusState, ...]) -> None:
    """As updates leave them: no gap, and time never falls."""
    if not states:
        raise MalformedProof("consensus states", got=0, expected="at least 1")
    for earlier, later in pairwise(states):
        if later.number != earlier.number + 1:
            raise HeightNotIncreasing(got=later.number, trusted=earlier.number)
        if later.time < earlier.time:
            raise TimeNotIncreasing(got=later.time, trusted=earlier.time)


def check_state_shape(state: ConsensusState) -> None:
    """Both hashes of a state have 32 bytes."""
    for part, value in (("block hash", state.hash), ("tx_root", state.transaction_root)):
        if len(value) != _HASH_BYTES:
            raise MalformedProof(part, got=len(value), expected=_HASH_BYTES)


def check_configs(configs: tuple[KnownConfig, ...], states: tuple[ConsensusState, ...]) -> None:
    """The newest is what the newest state names, and they ascend."""
    if not configs or configs[-1].height != states[-1].config_height:
        got = configs[-1].height if configs else None
        raise ValueMismatch("configuration height", got=got, expected=states[-1].config_height)
    for earlier, later in pairwise(configs):
        if later.height <= earlier.height:
            raise HeightNotIncreasing(got=later.height, trusted=earlier.height)


def check_version(encoded: bytes) -> None:
    """Bytes of another version mean something else."""
    if encoded[:1] != _VERSION:
        raise UnsupportedProof("client version", got=encoded[:1], expected=_VERSION)


def verify_belief(belief: Belief) -> None:
    """What bootstrap and decoding both ask of a client."""
    check_parameters(belief.parameters)
    check_pins(belief.parameters.pins)
    check_layout(belief.layout)
    check_states(belief.states)
    for state in belief.states:
        check_state_shape(state)
    check_configs(belief.configs, belief.states)
    for each in belief.configs:
        verify_config(each.config, chain_id=belief.chain_id)


def encode_belief(belief: Belief) -> bytes:
    parameters = belief.parameters
    pins = (string_field(1, each.node_id) + bytes_field(2, each.key_hash) for each in parameters.pins)
    return (
        _VERSION
        + string_field(1, belief.chain_id)
        + message_field(
            2,
            varint_field(1, parameters.trusting_period)
            + varint_field(2, parameters.drift)
            + repeated_bytes_field(3, pins),
        )
        + message_field(3, string_field(1, belief.layout.contract) + string_field(2, belief.layout.version))
        + repeated_bytes_field(
            4, (varint_field(1, each.height) + bytes_field(2, each.config.encoded) for each in belief.configs)
        )
        + repeated_bytes_field(5, (_encode_state(each) for each in belief.states))
        + varint_field(6, belief.frozen_at or 0)
    )


def _encode_state(state: ConsensusState) -> bytes:
    return (
        varint_field(1, state.number)
        + bytes_field(2, state.hash)
        + varint_field(3, state.time)
        + bytes_field(4, state.transaction_root)
        + varint_field(5, state.transaction_count)
        + varint_field(6, state.version)
        + varint_field(7, state.config_height)
    )


def decode_belief(encoded: bytes) -> Belief:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof and the refusals of an impossible client."""
    check_version(encoded)
    check_size(encoded, "client", _CLIENT_BYTES_MAX)
    belief = decode(encoded[1:], _BELIEF, part="client", canonical=True)
    verify_belief(belief)
    return belief


def _known_config(height: int, encoded: bytes) -> KnownConfig:
    return KnownConfig(height, decode_config(encoded))


def _belief(
    chain_id: str,
    parameters: Parameters,
    layout: HostLayout,
    configs: tuple[KnownConfig, ...],
    states: tuple[ConsensusState, ...],
    frozen_at: int,
) -> Belief:
    return Belief(chain_id, parameters, layout, configs, states, frozen_at or None)


_PIN: Final = Message("Pin", Pin, [Field(1, "node_id", STRING), Field(2, "key_hash", BYTES)])
_PARAMETERS: Final = Message(
    "Parameters",
    Parameters,
    [
        Field(1, "trusting_period", UINT64),
        Field(2, "drift", UINT64),
        Field(3, "pins", _PIN, repeated=True, limit=VALIDATORS_MAX),
    ],
)
_LAYOUT: Final = Message("Host", HostLayout, [Field(1, "contract", STRING), Field(2, "version", STRING)])
_KNOWN_CONFIG: Final = Message("Config", _known_config, [Field(1, "height", UINT64), Field(2, "config", BYTES)])
_STATE: Final = Message(
    "State",
    ConsensusState,
    [
        Field(1, "number", UINT64),
        Field(2, "hash", BYTES),
        Field(3, "time", UINT64),
        Field(4, "transaction_root", BYTES),
        Field(5, "transaction_count", UINT32),
        Field(6, "version", UINT32),
        Field(7, "config_height", UINT64),
    ],
)
_BELIEF: Final = Message(
    "Client",
    _belief,
    [
        Field(1, "chain_id", STRING),
        Field(2, "parameters", _PARAMETERS, required=True),
        Field(3, "host", _LAYOUT, required=True),
        Field(4, "configs", _KNOWN_CONFIG, repeated=True, limit=CONFIGS_MAX),
        Field(5, "states", _STATE, repeated=True, limit=STATES_MAX),
        Field(6, "frozen_at", UINT64),
    ],
)
