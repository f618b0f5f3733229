"""Older blocks from a final one: the beacon state remembers block roots, recent ones each, older ones in summaries.

    recent     state.block_roots[slot mod 8192]                                        up to 8,192 slots back
    older      state.historical_summaries[n].block_summary_root → block roots of a batch of 8,192   capella on
    oldest     state.historical_roots[n] → block roots of a batch                       before capella

and below a block root, the header's body holds the execution payload with its hash, receipts root and transactions.
(8,192 stands for the preset's SLOTS_PER_HISTORICAL_ROOT, 64 in the minimal one.)
Source: consensus-specs, specs/{phase0,bellatrix,capella,electra}/beacon-chain.md, containers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.errors import MalformedProof, ValueMismatch
from proofs.ethereum.containers import EXECUTION_PAYLOAD_GINDEX
from proofs.ethereum.forks import Chain, Fork
from proofs.merkle.ssz_branch import check_branch, concat_gindices

# Leaves of a beacon block header: slot, proposer, parent, state root (3), body root (4).
STATE_ROOT_GINDEX: Final = 8 + 3
BODY_ROOT_GINDEX: Final = 8 + 4

# Fields of the beacon state. Until electra it had at most 32.
_BLOCK_ROOTS: Final = 5
_HISTORICAL_SUMMARIES: Final = 27
_HISTORICAL_SUMMARIES_LIMIT: Final = 1 << 24

# Fields of the execution payload: of at most 16 until deneb added two.
_RECEIPTS_ROOT: Final = 3
_BLOCK_HASH: Final = 12
_TRANSACTIONS: Final = 13
_TRANSACTIONS_LIMIT: Final = 1 << 20


def state_field_gindex(field: int, fork: Fork) -> int:
    return (64 if fork >= Fork.ELECTRA else 32) + field


def payload_field_gindex(field: int, fork: Fork) -> int:
    """From the block root to a field of the execution payload."""
    leaves = 32 if fork >= Fork.DENEB else 16
    return concat_gindices(BODY_ROOT_GINDEX, EXECUTION_PAYLOAD_GINDEX, leaves + field)


def receipts_root_gindex(fork: Fork) -> int:
    return payload_field_gindex(_RECEIPTS_ROOT, fork)


def block_hash_gindex(fork: Fork) -> int:
    return payload_field_gindex(_BLOCK_HASH, fork)


def transaction_gindex(index: int, fork: Fork) -> int:
    """From the block root to the hash tree root of one transaction's bytes. Raises MalformedProof."""
    if not 0 <= index < _TRANSACTIONS_LIMIT:
        raise MalformedProof("transaction index", got=index, expected=f"below {_TRANSACTIONS_LIMIT}")
    return concat_gindices(payload_field_gindex(_TRANSACTIONS, fork), 2, _TRANSACTIONS_LIMIT + index)


def recent_block_gindex(slot: int, fork: Fork, chain: Chain) -> int:
    """From the state root to the block root of `slot`."""
    batch = chain.preset.slots_per_historical_root
    return concat_gindices(state_field_gindex(_BLOCK_ROOTS, fork), batch + slot % batch)


def summary_gindex(slot: int, fork: Fork, chain: Chain) -> int:
    """From the state root to the summary of the batch that `slot` is in. Raises ValueMismatch before capella."""
    index = chain.batch_at(slot) - first_summarized_batch(chain)
    if index < 0:
        raise ValueMismatch("summarized slot", got=slot, expected="capella or later")
    list_root = state_field_gindex(_HISTORICAL_SUMMARIES, fork)
    # The list's data, its item, and the first of the item's two fields.
    return concat_gindices(list_root, 2, _HISTORICAL_SUMMARIES_LIMIT + index, 2)


def first_summarized_batch(chain: Chain) -> int:
    """Historical roots stopped growing with capella, and summaries go on from there."""
    epochs = [epoch for fork, _, epoch in chain.schedule.forks if fork is Fork.CAPELLA]
    if not epochs:
        raise ValueMismatch("fork schedule", got="no capella", expected="a chain with historical summaries")
    return chain.batch_at(epochs[0] * chain.preset.slots_per_epoch)


def block_in_summary_gindex(slot: int, chain: Chain) -> int:
    batch = chain.preset.slots_per_historical_root
    return batch + slot % batch


def block_in_batch_gindex(slot: int, chain: Chain) -> int:
    """Historical roots are roots of (block roots, state roots): one step deeper than a summary's."""
    return concat_gindices(2, block_in_summary_gindex(slot, chain))


def check_within_memory(slot: int, *, state_slot: int, chain: Chain) -> None:
    """block_roots is a ring: beyond its length the same place holds the root of a later block."""
    oldest = state_slot - chain.preset.slots_per_historical_root
    if not oldest <= slot < state_slot:
        raise ValueMismatch("slot of a recent block", got=slot, expected=f"{oldest} to {state_slot - 1}")


def check_recent_block(
    block_root: bytes, branch: Sequence[bytes], *, slot: int, state_root: bytes, state_slot: int, chain: Chain
) -> None:
    """The state at `state_slot` remembers `block_root` as the newest block at or before `slot`."""
    check_within_memory(slot, state_slot=state_slot, chain=chain)
    gindex = recent_block_gindex(slot, chain.fork_at(state_slot), chain)
    check_branch(block_root, branch, gindex=gindex, root=state_root, part="block roots branch")


def check_summarized_block(
    block_root: bytes, branch: Sequence[bytes], *, slot: int, summary_root: bytes, chain: Chain
) -> None:
    """The batch of block roots under `summary_root` holds `block_root` at its place."""
    check_branch(
        block_root, branch, gindex=block_in_summary_gindex(slot, chain), root=summary_root, part="summary branch"
    )


def check_summary(
    summary_root: bytes, branch: Sequence[bytes], *, slot: int, state_root: bytes, state_slot: int, chain: Chain
) -> None:
    """The state at `state_slot` remembers `summary_root` as that of the batch that `slot` is in."""
    if chain.batch_at(slot) >= chain.batch_at(state_slot):
        raise ValueMismatch("summarized slot", got=slot, expected="a batch before the state's")
    gindex = summary_gindex(slot, chain.fork_at(state_slot), chain)
    check_branch(summary_root, branch, gindex=gindex, root=state_root, part="historical summaries branch")


def check_block_in_batch(
    block_root: bytes, branch: Sequence[bytes], *, slot: int, historical_root: bytes, chain: Chain
) -> None:
    """The historical root of the batch of `slot`, which the caller trusts, holds `block_root` at its place."""
    gindex = block_in_batch_gindex(slot, chain)
    check_branch(block_root, branch, gindex=gindex, root=historical_root, part="historical roots branch")


def check_execution_block(block_hash: bytes, branch: Sequence[bytes], *, block_root: bytes, fork: Fork) -> None:
    """The beacon block with `block_root` carries the execution block with this hash."""
    check_branch(block_hash, branch, gindex=block_hash_gindex(fork), root=block_root, part="block hash branch")


def check_receipts_root(receipts_root: bytes, branch: Sequence[bytes], *, block_root: bytes, fork: Fork) -> None:
    """The beacon block with `block_root` carries an execution block with this receipts root."""
    gindex = receipts_root_gindex(fork)
    check_branch(receipts_root, branch, gindex=gindex, root=block_root, part="receipts root branch")
