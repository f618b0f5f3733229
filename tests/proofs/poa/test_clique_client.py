"""A Clique client follows honest chains, waits for depth, and freezes when two final blocks contradict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proofs.encoding import rlp
from proofs.errors import (
    ClientFrozen,
    HeaderFromFuture,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    NotYetFinal,
    TrustExpired,
    UnknownHeight,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.light_client import ClientState, Height
from proofs.poa.clique.client import CliqueClient, bootstrap, decode_client, equivocator
from proofs.poa.headers import HEADERS_MAX, encode_evidence
from tests.proofs.fuzzing import assert_only_refusals
from tests.proofs.poa.builders import (
    LAYOUT,
    PARAMETERS,
    START,
    clique_block,
    clique_chain,
    clique_genesis,
    clique_sealed,
    signer,
    signers,
    twin,
)
from tests.proofs.poa.clients import clique_client

FIVE = signers(5)
GENESIS = clique_genesis(FIVE)
CHAIN = clique_chain(GENESIS, FIVE, 20)
NOW = START + 200


def client(genesis: ExecutionHeader = GENESIS, **changes: Any) -> CliqueClient:
    return clique_client(genesis, **changes)


def evidence(*headers: ExecutionHeader) -> bytes:
    return encode_evidence(headers)


def test_it_believes_the_newest_block_that_is_deep_enough() -> None:
    followed = client().update(evidence(*CHAIN[:12]), now=NOW)
    assert followed.latest() == Height(0, 8)
    assert followed.timestamp_at(Height(0, 8)) == CHAIN[7].timestamp
    assert followed.belief.history.latest().state_root == CHAIN[7].state_root
    assert followed.belief.heaviest == sum(each.difficulty for each in CHAIN[:12])


def test_it_goes_on_from_where_it_is_and_evidence_may_overlap() -> None:
    followed = client().update(evidence(*CHAIN[:8]), now=NOW)
    for overlap in (4, 2, 0):
        assert followed.update(evidence(*CHAIN[overlap:14]), now=NOW).latest() == Height(0, 10)


def lazy(*active: int) -> list[ExecutionHeader]:
    """A branch on the genesis block that only some of the five make, none of them in turn more often than he may."""
    return clique_chain(GENESIS, FIVE, 12, pick=lambda number, _free: FIVE[active[number % len(active)]])


def test_a_branch_that_is_final_only_below_what_is_believed_changes_nothing() -> None:
    followed = client().update(evidence(*CHAIN[:8]), now=NOW)
    assert followed.latest() == Height(0, 4)
    assert followed.update(evidence(*lazy(1, 2, 3)[:7]), now=NOW) == followed
    assert followed.update(evidence(*lazy(1, 2, 3)[:8]), now=NOW).belief.frozen_at == 4


def test_evidence_given_twice_adds_no_depth() -> None:
    followed = client().update(evidence(*CHAIN[:8]), now=NOW)
    with pytest.raises(NotYetFinal):
        followed.update(evidence(*CHAIN[:8]), now=NOW)


def test_too_little_depth_is_not_final_yet() -> None:
    with pytest.raises(NotYetFinal) as refused:
        client().update(evidence(*CHAIN[:4]), now=NOW)
    assert (refused.value.part, refused.value.got, refused.value.needed) == ("confirmations", 3, 4)


def test_depth_made_by_half_of_the_signers_is_not_final_yet() -> None:
    two = signers(2)
    genesis = clique_genesis(two)
    with pytest.raises(NotYetFinal) as refused:
        client(genesis, confirmations=1).update(evidence(*clique_chain(genesis, two, 2)), now=NOW)
    assert (refused.value.part, refused.value.got, refused.value.needed) == ("signers that built on it", 1, 2)
    followed = client(genesis, confirmations=1).update(evidence(*clique_chain(genesis, two, 3)), now=NOW)
    assert followed.latest() == Height(0, 1)


def test_a_lighter_branch_than_a_believed_one_is_never_final() -> None:
    followed = client(confirmations=9).update(evidence(*CHAIN[:10]), now=NOW)
    assert followed.latest() == Height(0, 1)
    last, fork = CHAIN[0], []
    for by in (FIVE[3], FIVE[4], FIVE[0], FIVE[3], FIVE[4], FIVE[0], FIVE[3], FIVE[4], FIVE[0], FIVE[3], FIVE[4]):
        last = clique_block(last, by, FIVE, state_root=b"\x66" * 32)
        fork.append(last)
    weight = CHAIN[0].difficulty + sum(each.difficulty for each in fork)
    heaviest = sum(each.difficulty for each in CHAIN[:10])
    assert weight <= heaviest
    with pytest.raises(NotYetFinal) as refused:
        followed.update(evidence(*fork), now=NOW)
    assert (refused.value.part, refused.value.got, refused.value.needed) == ("total difficulty", weight, heaviest + 1)


def test_a_conflicting_final_block_freezes_it() -> None:
    followed = client().update(evidence(*CHAIN[:12]), now=NOW)
    frozen = followed.update(evidence(*lazy(1, 2, 3)), now=NOW)
    assert frozen.belief.frozen_at == 8
    assert frozen.status(NOW).state is ClientState.FROZEN
    assert decode_client(frozen.encode()) == frozen
    for refused in (
        lambda: frozen.update(evidence(*CHAIN), now=NOW),
        lambda: frozen.check([], at=Height(0, 8), proof=b""),
        lambda: frozen.misbehaviour(b"", b"", now=NOW),
    ):
        with pytest.raises(ClientFrozen, match="frozen_at=8"):
            refused()


def test_misbehaviour_is_two_branches_that_are_both_final_and_differ() -> None:
    ours, theirs = evidence(*CHAIN[:12]), evidence(*lazy(1, 2, 3))
    client().misbehaviour(ours, theirs, now=NOW)
    with pytest.raises(NotMisbehaviour, match="no height at which both are final"):
        client().misbehaviour(ours, evidence(*CHAIN), now=NOW)
    with pytest.raises(NotYetFinal):
        client().misbehaviour(ours, evidence(*lazy(1, 2, 3)[:3]), now=NOW)


def test_an_equivocator_is_named() -> None:
    by = FIVE[1]
    a = CHAIN[0]
    b = clique_block(GENESIS, by, FIVE, state_root=b"\x66" * 32)
    assert equivocator(a.encode(), b.encode()) == by.address
    stranger = clique_block(GENESIS, FIVE[2], FIVE)
    twins = replace(a, extra_data=a.extra_data[:-65] + twin(a.extra_data[-65:]))
    assert twins.hash() != a.hash()
    for other, reason in (
        (CHAIN[1], "blocks of two heights: 1 and 2"),
        (stranger, "blocks of two signers"),
        (a, "one block given twice"),
        (twins, "one block given twice"),
    ):
        with pytest.raises(NotMisbehaviour) as refused:
            equivocator(a.encode(), other.encode())
        assert refused.value.reason == reason


def test_evidence_that_hangs_in_the_air_is_refused() -> None:
    followed = client().update(evidence(*CHAIN[:8]), now=NOW)
    with pytest.raises(UnknownHeight, match="number=5"):
        followed.update(evidence(*CHAIN[5:20]), now=NOW)
    with pytest.raises(ValueMismatch) as refused:
        client().update(evidence(replace(CHAIN[0], parent_hash=b"\x01" * 32)), now=NOW)
    assert refused.value.part == "parent hash"


def test_trust_expires() -> None:
    expires_at = GENESIS.timestamp + PARAMETERS.trusting_period
    assert client().status(expires_at - 1).state is ClientState.ACTIVE
    assert client().status(expires_at).state is ClientState.EXPIRED
    assert client().update(evidence(*CHAIN), now=expires_at - 1).latest() == Height(0, 16)
    with pytest.raises(TrustExpired) as refused:
        client().update(evidence(*CHAIN), now=expires_at)
    assert refused.value.expired_at == expires_at


def test_a_block_from_the_future_waits() -> None:
    now = CHAIN[4].timestamp - PARAMETERS.clock_drift
    assert client().update(evidence(*CHAIN[:5]), now=now).latest() == Height(0, 1)
    with pytest.raises(HeaderFromFuture) as refused:
        client().update(evidence(*CHAIN[:5]), now=now - 1)
    assert refused.value.header_time == CHAIN[4].timestamp


def test_unknown_heights_and_revisions_are_refused() -> None:
    with pytest.raises(UnknownHeight):
        client().timestamp_at(Height(0, 1))
    with pytest.raises(WrongLedger, match="revision"):
        client().timestamp_at(Height(1, 0))


def test_it_starts_only_from_the_configured_checkpoint() -> None:
    with pytest.raises(WrongLedger) as refused:
        bootstrap(GENESIS.encode(), checkpoint_hash=b"\x01" * 32, parameters=PARAMETERS, layout=LAYOUT)
    assert refused.value.part == "checkpoint"
    with pytest.raises(UnsupportedProof) as unsupported:
        client(CHAIN[0])
    assert unsupported.value.part == "block to start from"


@pytest.mark.parametrize(
    ("part", "changes"),
    (
        ("epoch length", {"epoch_length": 0}),
        ("period", {"period": -1}),
        ("confirmations", {"confirmations": 0}),
        ("confirmations", {"confirmations": 257}),
        ("trusting period", {"trusting_period": 0}),
        ("clock drift", {"clock_drift": -1}),
    ),
)
def test_impossible_parameters_are_refused(part: str, changes: dict[str, int]) -> None:
    with pytest.raises(MalformedProof) as refused:
        client(GENESIS, **changes)
    assert refused.value.part == part


def test_it_starts_from_a_sealed_checkpoint_and_only_by_a_listed_signer() -> None:
    checkpoint = clique_sealed(clique_genesis(FIVE, number=30_000), FIVE[0])
    started = client(checkpoint)
    assert started.latest() == Height(0, 30_000)
    assert started.belief.history.latest().signer == FIVE[0].address


def test_a_client_survives_its_encoding() -> None:
    followed = client().update(evidence(*CHAIN[:12]), now=NOW)
    assert decode_client(followed.encode()) == followed
    with pytest.raises(UnsupportedProof, match="client version"):
        decode_client(b"\x02" + followed.encode()[1:])
    with pytest.raises(LimitExceeded, match="part=client"):
        decode_client(b"\x01" + bytes(4 << 20))


def test_evidence_is_bounded_before_it_is_read() -> None:
    for data, part in (
        (bytes((1 << 20) + 1), "evidence"),
        (rlp.encode([CHAIN[0].encode()] * (HEADERS_MAX + 1)), "headers of the evidence"),
    ):
        with pytest.raises(LimitExceeded) as refused:
            client().update(data, now=NOW)
        assert refused.value.part == part
    with pytest.raises(MalformedProof, match="at least 1"):
        client().update(rlp.encode([]), now=NOW)


def test_a_stranger_makes_no_chain() -> None:
    stranger = signer("stranger")
    with pytest.raises(UnknownSigner):
        client().update(evidence(clique_block(GENESIS, stranger, FIVE)), now=NOW)


def test_hostile_evidence_is_only_ever_refused() -> None:
    followed = client().update(evidence(*CHAIN[:8]), now=NOW)
    assert_only_refusals(lambda data: followed.update(data, now=NOW), [evidence(*CHAIN[4:12])], count=1_500)


def test_hostile_clients_are_only_ever_refused() -> None:
    followed = client().update(evidence(*CHAIN[:8]), now=NOW)
    assert_only_refusals(decode_client, [followed.encode()], count=1_500)
