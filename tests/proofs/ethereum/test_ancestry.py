"""Older blocks: each place in the state proves what it holds, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from proofs.errors import InvalidProof, MalformedProof, RootMismatch, ValueMismatch
from proofs.ethereum import ancestry
from proofs.ethereum.forks import Fork
from tests.proofs.ethereum.beacon_builders import CHAIN, Tree, chain_at

BLOCK = sha256(b"block").digest()
OTHER = sha256(b"other").digest()
STATE_SLOT = 200
Proof = dict[str, Any]


def recent(slot: int = 190) -> Proof:
    gindex = ancestry.recent_block_gindex(slot, Fork.FULU, CHAIN)
    state = Tree({gindex: BLOCK})
    return {
        "block_root": BLOCK,
        "branch": state.branch(gindex),
        "slot": slot,
        "state_root": state.node(1),
        "state_slot": STATE_SLOT,
        "chain": CHAIN,
    }


def summarized() -> Proof:
    gindex = ancestry.block_in_summary_gindex(70, CHAIN)
    batch = Tree({gindex: BLOCK})
    return {
        "block_root": BLOCK,
        "branch": batch.branch(gindex),
        "slot": 70,
        "summary_root": batch.node(1),
        "chain": CHAIN,
    }


def summary() -> Proof:
    gindex = ancestry.summary_gindex(70, Fork.FULU, CHAIN)
    state = Tree({gindex: BLOCK})
    return {
        "summary_root": BLOCK,
        "branch": state.branch(gindex),
        "slot": 70,
        "state_root": state.node(1),
        "state_slot": STATE_SLOT,
        "chain": CHAIN,
    }


def batch() -> Proof:
    gindex = ancestry.block_in_batch_gindex(70, CHAIN)
    tree = Tree({gindex: BLOCK})
    return {
        "block_root": BLOCK,
        "branch": tree.branch(gindex),
        "slot": 70,
        "historical_root": tree.node(1),
        "chain": CHAIN,
    }


def below_block(gindex: int, name: str, fork: Fork) -> Proof:
    tree = Tree({gindex: BLOCK})
    return {name: BLOCK, "branch": tree.branch(gindex), "block_root": tree.node(1), "fork": fork}


# Rules by name, looked up when they are asked: so switching one off is seen.
VALID: dict[str, tuple[str, Callable[[], Proof], str]] = {
    "recent": ("check_recent_block", recent, "block roots branch"),
    "oldest_recent": ("check_recent_block", lambda: recent(STATE_SLOT - 64), "block roots branch"),
    "summarized": ("check_summarized_block", summarized, "summary branch"),
    "summary": ("check_summary", summary, "historical summaries branch"),
    "batch": ("check_block_in_batch", batch, "historical roots branch"),
    "block_hash": (
        "check_execution_block",
        lambda: below_block(ancestry.block_hash_gindex(Fork.FULU), "block_hash", Fork.FULU),
        "block hash branch",
    ),
    "block_hash_of_capella": (
        "check_execution_block",
        lambda: below_block(ancestry.block_hash_gindex(Fork.CAPELLA), "block_hash", Fork.CAPELLA),
        "block hash branch",
    ),
    "receipts_root": (
        "check_receipts_root",
        lambda: below_block(ancestry.receipts_root_gindex(Fork.FULU), "receipts_root", Fork.FULU),
        "receipts root branch",
    ),
}


@pytest.mark.parametrize("name", VALID)
def test_what_the_state_holds_is_proved(name: str) -> None:
    check, proof, _ = VALID[name]
    getattr(ancestry, check)(**proof())


@pytest.mark.parametrize("name", VALID)
def test_another_leaf_at_the_place_is_refused(name: str) -> None:
    check, proof, part = VALID[name]
    given = proof()
    leaf = (
        next(iter(given)) if "block_hash" not in name and "receipts" not in name else name.split("_of_", maxsplit=1)[0]
    )
    with pytest.raises(RootMismatch) as refusal:
        getattr(ancestry, check)(**given | {leaf: OTHER})
    assert refusal.value.part == part


REFUSED: dict[str, tuple[str, Callable[[], Proof], type[InvalidProof]]] = {
    "a_slot_that_the_ring_has_forgotten": (
        "check_recent_block",
        lambda: recent(STATE_SLOT - 64) | {"slot": STATE_SLOT - 65},
        ValueMismatch,
    ),
    "the_same_place_one_turn_earlier": (
        "check_recent_block",
        lambda: recent(190) | {"slot": 190 - 64},
        ValueMismatch,
    ),
    "the_slot_of_the_state_itself": ("check_recent_block", lambda: recent(STATE_SLOT), ValueMismatch),
    "a_batch_that_is_not_over": (
        "check_summary",
        lambda: summary() | {"slot": STATE_SLOT},
        ValueMismatch,
    ),
    "the_neighbour_of_a_block": ("check_recent_block", lambda: recent(190) | {"slot": 191}, RootMismatch),
    "another_batch": ("check_summary", lambda: summary() | {"slot": 70 + 64}, RootMismatch),
    "a_branch_for_the_indices_of_another_fork": (
        "check_recent_block",
        lambda: recent() | {"chain": chain_at(Fork.DENEB)},
        MalformedProof,
    ),
    "a_summary_on_a_chain_without": (
        "check_summary",
        lambda: summary() | {"chain": chain_at(Fork.BELLATRIX)},
        ValueMismatch,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_state_does_not_hold_is_refused(case: str) -> None:
    check, proof, error = REFUSED[case]
    with pytest.raises(error):
        getattr(ancestry, check)(**proof())


def test_indices_of_transactions_are_bounded() -> None:
    assert ancestry.transaction_gindex(125, Fork.CAPELLA) == 6771703933
    for index in (-1, 1 << 20):
        with pytest.raises(MalformedProof):
            ancestry.transaction_gindex(index, Fork.CAPELLA)
