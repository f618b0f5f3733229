"""What an Ethereum client believes, and its bytes.

Static trust (the chain, the host) and the two committees are kept apart from the small states per block, which are
bounded. The bytes are a version, then SSZ: the chain first, because its preset says how long the committees are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding.ssz import BYTES4, BYTES32, UINT8, UINT64, ByteList, Container, List
from proofs.errors import MalformedProof
from proofs.ethereum.containers import containers_of, sync_committee_type
from proofs.ethereum.evidence import fork_of
from proofs.ethereum.forks import Chain, Fork, ForkSchedule, Preset
from proofs.ethereum.spec import Trust
from proofs.ethereum.storage_layout import RouterLayout, decode_layout
from proofs.ethereum.types import LightClientHeader, SyncCommittee

VERSION: Final = 1

# One final block per epoch: 256 of them reach back 27 hours, longer than any proof is prepared for.
EXECUTION_STATES_MAX: Final = 256
_FORKS_MAX: Final = 32
_LAYOUT_BYTES_MAX: Final = 256
_CHAIN_BYTES_MAX: Final = 1024
# Two committees of the largest preset, the states, and a header.
_BELIEF_BYTES_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ExecutionState:
    """A final execution block: its number, its state root, and its time in unix seconds."""

    number: int
    state_root: bytes
    time: int


@dataclass(frozen=True, slots=True)
class Belief:
    """`states`: ascending by number, at least one. `frozen_at`: the slot where final headers contradicted."""

    chain: Chain
    layout: RouterLayout
    trusting_period: int
    trust: Trust
    states: tuple[ExecutionState, ...]
    frozen_at: int | None = None


@dataclass(frozen=True, slots=True)
class _ForkRow:
    fork: int
    version: bytes
    epoch: int


@dataclass(frozen=True, slots=True)
class _ChainRow:
    slots_per_epoch: int
    epochs_per_period: int
    committee_size: int
    slots_per_batch: int
    forks: tuple[_ForkRow, ...]
    genesis_validators_root: bytes
    genesis_time: int
    seconds_per_slot: int


@dataclass(frozen=True, slots=True)
class _BeliefRow:
    """SSZ has no optional values: a list of at most one stands for them."""

    layout: bytes
    trusting_period: int
    finalized_header: LightClientHeader
    current: SyncCommittee
    following: tuple[SyncCommittee, ...]
    states: tuple[ExecutionState, ...]
    frozen_at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Envelope:
    version: int
    chain: bytes
    belief: bytes


_FORK_ROW: Final = Container(_ForkRow, {"fork": UINT8, "version": BYTES4, "epoch": UINT64})
_CHAIN_ROW: Final = Container(
    _ChainRow,
    {
        "slots_per_epoch": UINT64,
        "epochs_per_period": UINT64,
        "committee_size": UINT64,
        "slots_per_batch": UINT64,
        "forks": List(_FORK_ROW, _FORKS_MAX),
        "genesis_validators_root": BYTES32,
        "genesis_time": UINT64,
        "seconds_per_slot": UINT64,
    },
)
_STATE: Final = Container(ExecutionState, {"number": UINT64, "state_root": BYTES32, "time": UINT64})
_ENVELOPE: Final = Container(
    _Envelope, {"version": UINT8, "chain": ByteList(_CHAIN_BYTES_MAX), "belief": ByteList(_BELIEF_BYTES_MAX)}
)


def _belief_row(preset: Preset) -> Container[_BeliefRow]:
    committee = sync_committee_type(preset)
    return Container(
        _BeliefRow,
        {
            "layout": ByteList(_LAYOUT_BYTES_MAX),
            "trusting_period": UINT64,
            # The newest form holds the headers of all forks.
            "finalized_header": containers_of(max(Fork), preset).header,
            "current": committee,
            "following": List(committee, 1),
            "states": List(_STATE, EXECUTION_STATES_MAX),
            "frozen_at": List(UINT64, 1),
        },
    )


def encode_belief(belief: Belief) -> bytes:
    chain, trust = belief.chain, belief.trust
    row = _ChainRow(
        chain.preset.slots_per_epoch,
        chain.preset.epochs_per_sync_committee_period,
        chain.preset.sync_committee_size,
        chain.preset.slots_per_historical_root,
        tuple(_ForkRow(fork, version, epoch) for fork, version, epoch in chain.schedule.forks),
        chain.genesis_validators_root,
        chain.genesis_time,
        chain.seconds_per_slot,
    )
    body = _BeliefRow(
        belief.layout.encode(),
        belief.trusting_period,
        trust.finalized_header,
        trust.current_sync_committee,
        () if trust.next_sync_committee is None else (trust.next_sync_committee,),
        belief.states,
        () if belief.frozen_at is None else (belief.frozen_at,),
    )
    return _ENVELOPE.encode(_Envelope(VERSION, _CHAIN_ROW.encode(row), _belief_row(chain.preset).encode(body)))


def decode_belief(encoded: bytes) -> Belief:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    check_version(encoded)
    envelope = _ENVELOPE.decode(encoded)
    chain = _chain_of(_CHAIN_ROW.decode(envelope.chain))
    row = _belief_row(chain.preset).decode(envelope.belief)
    check_states_ascend(row.states)
    return Belief(
        chain,
        decode_layout(row.layout),
        row.trusting_period,
        Trust(row.finalized_header, row.current, row.following[0] if row.following else None),
        row.states,
        row.frozen_at[0] if row.frozen_at else None,
    )


def _chain_of(row: _ChainRow) -> Chain:
    return Chain(
        preset=Preset(row.slots_per_epoch, row.epochs_per_period, row.committee_size, row.slots_per_batch),
        schedule=ForkSchedule(tuple((fork_of(each.fork), each.version, each.epoch) for each in row.forks)),
        genesis_validators_root=row.genesis_validators_root,
        genesis_time=row.genesis_time,
        seconds_per_slot=row.seconds_per_slot,
    )


def check_version(encoded: bytes) -> None:
    """The first byte of every encoding of a client says how to read the others."""
    if encoded[:1] != bytes([VERSION]):
        raise MalformedProof("client version", got=encoded[:1], expected=VERSION)


def check_states_ascend(states: tuple[ExecutionState, ...]) -> None:
    """Look-up is by bisection: states out of order would hide one another. A client believes at least one."""
    numbers = [state.number for state in states]
    if not numbers or numbers != sorted(set(numbers)):
        raise MalformedProof("execution states", got=len(numbers), expected="at least 1, ascending")
