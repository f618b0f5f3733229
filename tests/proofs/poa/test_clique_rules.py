"""Each rule of Clique refuses the one thing that it is there for, and names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from proofs.errors import (
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InvalidProof,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotYetVerifiable,
    TimeNotIncreasing,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.poa.clique.predicates import VOTE_IN
from proofs.poa.clique.spec import verify_branch, verify_checkpoint, verify_header
from proofs.poa.clique.types import Block, Parameters
from proofs.poa.votes import MEMBERS_MAX
from tests.proofs.poa.builders import (
    PARAMETERS,
    START,
    clique_block,
    clique_chain,
    clique_genesis,
    clique_sealed,
    clique_vote,
    listed,
    signer,
    signers,
    twin,
)

FIVE = signers(5)
STRANGER = signer("stranger")
GENESIS = clique_genesis(FIVE)
CHAIN = clique_chain(GENESIS, FIVE, 6)
NOW = START + 1_000
# The fourth block of an epoch of three is the child of a checkpoint; the third is the checkpoint.
SHORT = replace(PARAMETERS, epoch_length=3)
LISTED = bytes(32) + listed(FIVE) + bytes(65)


def after(headers: list[ExecutionHeader], parameters: Parameters = PARAMETERS) -> Block:
    trusted = verify_checkpoint(GENESIS, parameters)
    return verify_branch(trusted, headers, parameters, now=NOW)[-1] if headers else trusted


def block(**changes: Any) -> ExecutionHeader:
    """The third block, right but for `changes`, sealed after them by the signer whose turn it is."""
    return clique_block(CHAIN[1], FIVE[3], FIVE, **changes)


def checkpoint(**changes: Any) -> ExecutionHeader:
    return clique_block(CHAIN[1], FIVE[3], FIVE, checkpoint=True, **changes)


def unsealed() -> ExecutionHeader:
    return replace(block(), extra_data=block().extra_data[:-1] + b"\x02")


def signed_by(by: Any, **changes: Any) -> ExecutionHeader:
    return clique_block(CHAIN[1], by, FIVE, **changes)


CORRUPTIONS: dict[str, tuple[Callable[[], ExecutionHeader], type[VerificationError], dict[str, object]]] = {
    "number_skipped": (lambda: block(number=4, difficulty=1), HeightNotIncreasing, {"got": 4, "trusted": 2}),
    "another_parent": (lambda: block(parent_hash=b"\x01" * 32), ValueMismatch, {"part": "parent hash"}),
    "too_soon": (
        lambda: block(timestamp=CHAIN[1].timestamp + 4),
        TimeNotIncreasing,
        {"got": CHAIN[1].timestamp + 4, "trusted": CHAIN[1].timestamp + 5},
    ),
    "from_the_future": (lambda: block(timestamp=NOW + 11), HeaderFromFuture, {"header_time": NOW + 11, "drift": 10}),
    "ommers": (lambda: block(ommers_hash=b"\x01" * 32), ValueMismatch, {"part": "ommers hash"}),
    "withdrawals": (
        lambda: block(withdrawals_root=bytes(32)),
        UnsupportedProof,
        {"part": "fork of a Clique header", "got": "withdrawals"},
    ),
    "mix_digest": (lambda: block(mix_hash=b"\x01" * 32), ValueMismatch, {"part": "mix digest"}),
    "half_a_vote": (lambda: block(nonce=b"\xff" * 7 + b"\x00"), ValueMismatch, {"part": "vote nonce"}),
    "extra_data_short": (lambda: replace(block(), extra_data=bytes(96)), MalformedProof, {"part": "extra data"}),
    "extra_data_odd": (
        lambda: block(extra_data=bytes(32 + 19 + 65)),
        MalformedProof,
        {"part": "extra data", "got": 116},
    ),
    "many_signers": (
        lambda: block(extra_data=bytes(32 + 20 * (MEMBERS_MAX + 1) + 65)),
        LimitExceeded,
        {"part": "signers", "got": MEMBERS_MAX + 1},
    ),
    "signers_listed_between_checkpoints": (
        lambda: block(extra_data=LISTED),
        ValueMismatch,
        {"part": "listed signers", "got": listed(FIVE), "expected": b""},
    ),
    "unsealed": (unsealed, InvalidSignature, {"scheme": "secp256k1: v 2, not 0 or 1"}),
    "stranger": (lambda: signed_by(STRANGER), UnknownSigner, {"signer": STRANGER.address}),
    "signed_again": (lambda: signed_by(FIVE[2]), DuplicateSigner, {"signer": FIVE[2].address}),
    "signed_again_after_one": (lambda: signed_by(FIVE[1]), DuplicateSigner, {"signer": FIVE[1].address}),
    "no_turn_for_one_in_turn": (
        lambda: block(difficulty=1),
        ValueMismatch,
        {"part": "difficulty", "got": 1, "expected": 2},
    ),
    "in_turn_for_one_out_of_turn": (
        lambda: signed_by(FIVE[4], difficulty=2),
        ValueMismatch,
        {"part": "difficulty", "got": 2, "expected": 1},
    ),
}

AT_A_CHECKPOINT: dict[str, tuple[Callable[[], ExecutionHeader], dict[str, object]]] = {
    "no_list": (block, {"part": "listed signers", "got": b""}),
    "another_list": (
        lambda: checkpoint(extra_data=bytes(32) + listed(FIVE[:4]) + bytes(65)),
        {"part": "listed signers", "got": listed(FIVE[:4]), "expected": listed(FIVE)},
    ),
    "list_out_of_order": (
        lambda: checkpoint(extra_data=bytes(32) + listed(FIVE)[20:] + listed(FIVE)[:20] + bytes(65)),
        {"part": "listed signers", "expected": listed(FIVE)},
    ),
    "beneficiary": (
        lambda: checkpoint(beneficiary=STRANGER.address),
        {"part": "vote at a checkpoint", "got": STRANGER.address + bytes(8)},
    ),
    "nonce": (lambda: checkpoint(nonce=VOTE_IN), {"part": "vote at a checkpoint", "got": bytes(20) + VOTE_IN}),
}


def assert_refused(attempt: Callable[[], object], error: type[VerificationError], fields: dict[str, object]) -> None:
    with pytest.raises(error) as refused:
        attempt()
    assert type(refused.value) is error
    assert {name: getattr(refused.value, name) for name in fields} == fields


def test_the_block_that_the_corruptions_start_from_is_valid() -> None:
    assert verify_header(after(CHAIN[:2]), block(), PARAMETERS, now=NOW).signer == FIVE[3].address
    assert verify_header(after(CHAIN[:2]), signed_by(FIVE[4]), PARAMETERS, now=NOW).total_difficulty == 5
    assert verify_header(after(CHAIN[:2], SHORT), checkpoint(), SHORT, now=NOW).signer == FIVE[3].address


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid_header(corruption: str) -> None:
    make, error, fields = CORRUPTIONS[corruption]
    assert_refused(lambda: verify_header(after(CHAIN[:2]), make(), PARAMETERS, now=NOW), error, fields)
    assert issubclass(error, NotYetVerifiable if error is HeaderFromFuture else InvalidProof)


@pytest.mark.parametrize("corruption", AT_A_CHECKPOINT)
def test_invalid_checkpoint(corruption: str) -> None:
    make, fields = AT_A_CHECKPOINT[corruption]
    assert_refused(lambda: verify_header(after(CHAIN[:2], SHORT), make(), SHORT, now=NOW), ValueMismatch, fields)


def test_the_twin_of_a_seal_counts_as_nodes_count_it() -> None:
    twins = replace(block(), extra_data=block().extra_data[:-65] + twin(block().extra_data[-65:]))
    assert verify_header(after(CHAIN[:2]), twins, PARAMETERS, now=NOW).signer == FIVE[3].address


def test_who_has_waited_long_enough_may_sign_again() -> None:
    """Of five signers, one may sign every third block."""
    by_three = clique_chain(GENESIS, FIVE, 9, pick=lambda number, _free: FIVE[number % 3])
    assert after(by_three).number == 9


def test_a_checkpoint_forgets_votes_but_not_who_signed() -> None:
    votes = [clique_block(GENESIS, FIVE[1], FIVE, **clique_vote(by_in=True, subject=STRANGER.address))]
    votes.append(clique_block(votes[0], FIVE[2], FIVE, **clique_vote(by_in=True, subject=STRANGER.address)))
    assert len(after(votes, SHORT).ballot.votes) == 2
    votes.append(clique_block(votes[1], FIVE[3], FIVE, checkpoint=True))
    at_checkpoint = after(votes, SHORT)
    assert at_checkpoint.ballot.votes == ()
    assert_refused(
        lambda: verify_header(at_checkpoint, clique_block(votes[2], FIVE[2], FIVE), SHORT, now=NOW),
        DuplicateSigner,
        {"signer": FIVE[2].address},
    )


def test_a_voted_signer_signs_from_the_next_block_on() -> None:
    chain = [GENESIS]
    for by in (1, 2, 3):
        vote = clique_vote(by_in=True, subject=STRANGER.address)
        chain.append(clique_block(chain[-1], FIVE[by], FIVE, **vote))
    six = [*FIVE, STRANGER]
    assert after(chain[1:]).ballot.members == tuple(sorted(each.address for each in six))
    joined = verify_header(after(chain[1:]), clique_block(chain[-1], STRANGER, six), PARAMETERS, now=NOW)
    assert joined.signer == STRANGER.address


def test_a_checkpoint_to_start_from_lists_each_signer_once_ascending() -> None:
    for extra_data in (bytes(32) + FIVE[1].address + FIVE[0].address, bytes(32) + FIVE[0].address * 2):
        wrong = replace(GENESIS, extra_data=extra_data + bytes(65))
        fields: dict[str, object] = {"part": "signers", "got": 2}
        assert_refused(partial(verify_checkpoint, wrong, PARAMETERS), MalformedProof, fields)


def test_a_checkpoint_sealed_by_nobody_is_refused() -> None:
    with pytest.raises(InvalidSignature):
        verify_checkpoint(clique_genesis(FIVE, number=30_000), PARAMETERS)


def test_the_genesis_block_is_sealed_by_nobody() -> None:
    assert verify_checkpoint(GENESIS, PARAMETERS).recents == ()
    sealed = verify_checkpoint(clique_sealed(clique_genesis(FIVE, number=30_000), FIVE[0]), PARAMETERS)
    assert [each.signer for each in sealed.recents] == [FIVE[0].address]
