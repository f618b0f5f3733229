"""A client of QBFT, IBFT 2 and Istanbul follows sealed headers, also over gaps, and freezes on a contradiction."""

from __future__ import annotations

from typing import Any

import pytest

from proofs.errors import (
    ClientFrozen,
    HeaderFromFuture,
    LimitExceeded,
    MalformedProof,
    NotEnoughTrust,
    NotMisbehaviour,
    TrustExpired,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.light_client import ClientState, Height
from proofs.poa.headers import encode_evidence
from proofs.poa.history import STATES_MAX
from proofs.poa.qbft.client import QbftClient, bootstrap, decode_client
from proofs.poa.qbft.steps import STEPS_MAX
from proofs.poa.qbft.types import Flavour
from tests.proofs.fuzzing import assert_only_refusals
from tests.proofs.poa.builders import (
    BFT_PARAMETERS,
    LAYOUT,
    START,
    Signer,
    addresses,
    bft_block,
    bft_genesis,
    bft_hash,
    signer,
    signers,
)
from tests.proofs.poa.clients import bft_client

FOUR = signers(4)
FIVE = [*FOUR, signer("fifth")]
GENESIS = bft_genesis(FOUR)
NOW = START + 2_000


def chain(
    count: int, members: list[Signer] = FOUR, parent: ExecutionHeader = GENESIS, flavour: Flavour = Flavour.QBFT
) -> list[ExecutionHeader]:
    headers = []
    for _ in range(count):
        parent = bft_block(parent, members, flavour=flavour)
        headers.append(parent)
    return headers


CHAIN = chain(10)


def client(genesis: ExecutionHeader = GENESIS, flavour: Flavour = Flavour.QBFT, **changes: Any) -> QbftClient:
    return bft_client(genesis, flavour=flavour, **changes)


def evidence(*headers: ExecutionHeader) -> bytes:
    return encode_evidence(headers)


@pytest.mark.parametrize("flavour", Flavour)
def test_every_flavour_is_followed_block_by_block_and_over_a_gap(flavour: Flavour) -> None:
    genesis = bft_genesis(FOUR, flavour)
    headers = chain(4, parent=genesis, flavour=flavour)
    followed = client(genesis, flavour).update(evidence(*headers[:2]), now=NOW).update(evidence(headers[3]), now=NOW)
    assert followed.flavour is flavour
    assert followed.latest() == Height(0, 4)
    assert followed.timestamp_at(Height(0, 2)) == headers[1].timestamp
    assert followed.belief.history.latest().hash == bft_hash(headers[3], flavour)
    assert decode_client(followed.encode()) == followed


def test_a_block_sealed_in_another_round_or_by_others_is_the_same_block() -> None:
    followed = client().update(evidence(CHAIN[0]), now=NOW)
    again = bft_block(GENESIS, FOUR, by=FOUR[1:], round_number=3)
    assert again != CHAIN[0]
    assert followed.update(evidence(again), now=NOW) == followed


def voted_in() -> list[ExecutionHeader]:
    """Three of four vote for a fifth, who is a validator from the fourth block on."""
    headers: list[ExecutionHeader] = []
    parent = GENESIS
    for number in (1, 2, 3):
        parent = bft_block(parent, FOUR, vote=(FIVE[4].address, True), proposer=FOUR[number])
        headers.append(parent)
    return [*headers, bft_block(parent, FIVE)]


def test_a_vote_changes_the_set() -> None:
    followed = client().update(evidence(*voted_in()), now=NOW)
    assert followed.belief.history.latest().validators == addresses(FIVE)
    assert followed.belief.history.latest().votes == ()


def test_who_knows_all_votes_accepts_no_other_set() -> None:
    headers = voted_in()
    followed = client().update(evidence(*headers[:3]), now=NOW)
    for members in (FOUR, [*FOUR, signer("another")]):
        with pytest.raises(ValueMismatch) as refused:
            followed.update(evidence(bft_block(headers[2], members)), now=NOW)
        assert refused.value.part == "validators"
        assert refused.value.expected == b"".join(addresses(FIVE))


def test_who_missed_votes_accepts_one_change_in_the_next_block() -> None:
    headers = voted_in()
    jumped = client().update(evidence(headers[2]), now=NOW)
    assert jumped.belief.history.latest().votes is None
    assert jumped.update(evidence(headers[3]), now=NOW).belief.history.latest().validators == addresses(FIVE)
    two_more = [*FIVE, signer("sixth")]
    with pytest.raises(NotEnoughTrust) as refused:
        jumped.update(
            evidence(bft_block(headers[2], two_more, by=sorted(two_more, key=FOUR.__contains__)[:4])), now=NOW
        )
    assert (refused.value.signed, refused.value.total) == (2, 4)


def test_a_change_needs_an_honest_member_also_where_a_quorum_of_three_is_one() -> None:
    """Quorum's first rule lets one of three seal. One of four could otherwise drop somebody and go on alone."""
    flavour = Flavour.ISTANBUL_LEGACY
    genesis = bft_genesis(FOUR, flavour)
    headers = chain(3, parent=genesis, flavour=flavour)
    jumped = client(genesis, flavour).update(evidence(headers[2]), now=NOW)
    for by in (FOUR[:1], FOUR[:2]):
        forged = bft_block(headers[2], FOUR[:3], flavour=flavour, by=by, proposer=FOUR[0])
        if len(by) == 1:
            with pytest.raises(NotEnoughTrust) as refused:
                jumped.update(evidence(forged), now=NOW)
            assert (refused.value.signed, refused.value.total) == (1, 4)
        else:
            assert jumped.update(evidence(forged), now=NOW).latest() == Height(0, 4)


def test_a_gap_needs_a_quorum_of_who_is_trusted() -> None:
    late = bft_block(CHAIN[8], FIVE, by=[*FOUR[:3], FIVE[4]])
    assert client().update(evidence(late), now=NOW).latest() == Height(0, 10)
    with pytest.raises(NotEnoughTrust) as refused:
        client().update(evidence(bft_block(CHAIN[8], [*FIVE[2:], signer("x")], by=[*FIVE[2:]])), now=NOW)
    assert (refused.value.signed, refused.value.total) == (2, 4)


def test_an_epoch_forgets_votes_and_makes_them_known_again() -> None:
    headers = chain(6)
    short = client(epoch_length=4)
    jumped = short.update(evidence(headers[2]), now=NOW)
    assert jumped.belief.history.latest().votes is None
    assert jumped.update(evidence(headers[3]), now=NOW).belief.history.latest().votes == ()
    vote = bft_block(headers[2], FOUR, vote=(FIVE[4].address, True))
    assert jumped.update(evidence(vote), now=NOW).belief.history.latest().votes is None


def test_two_sealed_blocks_of_one_height_freeze_it() -> None:
    other = bft_block(CHAIN[0], FOUR, state_root=b"\x66" * 32)
    followed = client().update(evidence(*CHAIN[:2]), now=NOW)
    frozen = followed.update(evidence(other), now=NOW)
    assert frozen.belief.frozen_at == 2
    assert frozen.status(NOW).state is ClientState.FROZEN
    assert decode_client(frozen.encode()) == frozen
    for refused in (
        lambda: frozen.update(evidence(CHAIN[2]), now=NOW),
        lambda: frozen.check([], at=Height(0, 2), proof=b""),
        lambda: frozen.misbehaviour(b"", b"", now=NOW),
    ):
        with pytest.raises(ClientFrozen, match="frozen_at=2"):
            refused()


def test_time_that_runs_backwards_freezes_it() -> None:
    followed = client().update(evidence(CHAIN[4]), now=NOW)
    late = bft_block(CHAIN[0], FOUR, timestamp=CHAIN[4].timestamp + 1)
    assert followed.update(evidence(late), now=NOW).belief.frozen_at == 2


def test_misbehaviour_is_two_sealed_blocks_of_one_height() -> None:
    other = bft_block(CHAIN[0], FOUR, state_root=b"\x66" * 32)
    for believer in (client(), client().update(evidence(*CHAIN[:2]), now=NOW)):
        believer.misbehaviour(evidence(CHAIN[1]), evidence(other), now=NOW)
        believer.misbehaviour(evidence(*CHAIN[:3]), evidence(CHAIN[0], other), now=NOW)
        for a, b in (
            (evidence(CHAIN[1]), evidence(CHAIN[1])),
            (evidence(CHAIN[1]), evidence(CHAIN[2])),
            (evidence(CHAIN[0]), evidence(bft_block(GENESIS, FOUR, by=FOUR[1:], round_number=3))),
        ):
            with pytest.raises(NotMisbehaviour):
                believer.misbehaviour(a, b, now=NOW)


def test_trust_expires_and_the_future_waits() -> None:
    expires_at = GENESIS.timestamp + BFT_PARAMETERS.trusting_period
    assert client().status(expires_at - 1).state is ClientState.ACTIVE
    assert client().status(expires_at).state is ClientState.EXPIRED
    with pytest.raises(TrustExpired):
        client().update(evidence(CHAIN[0]), now=expires_at)
    with pytest.raises(HeaderFromFuture):
        client().update(evidence(CHAIN[0]), now=CHAIN[0].timestamp - 11)
    assert client().update(evidence(CHAIN[0]), now=CHAIN[0].timestamp - 10).latest() == Height(0, 1)


def test_unknown_heights_and_revisions_are_refused() -> None:
    with pytest.raises(UnknownHeight):
        client().timestamp_at(Height(0, 1))
    with pytest.raises(WrongLedger, match="revision"):
        client().timestamp_at(Height(1, 0))
    with pytest.raises(UnknownHeight, match="number=-1"):
        client().update(evidence(GENESIS), now=NOW)


def test_it_starts_only_from_the_configured_checkpoint() -> None:
    with pytest.raises(WrongLedger, match="part=checkpoint"):
        bootstrap(GENESIS.encode(), checkpoint_hash=b"\x01" * 32, parameters=BFT_PARAMETERS, layout=LAYOUT)


def test_it_keeps_a_bounded_number_of_heights() -> None:
    headers = chain(STATES_MAX + 2)
    followed = client()
    for at in range(0, len(headers), STEPS_MAX):
        followed = followed.update(evidence(*headers[at : at + STEPS_MAX]), now=NOW)
    assert len(followed.belief.history.states) == STATES_MAX
    with pytest.raises(UnknownHeight):
        followed.timestamp_at(Height(0, 2))
    assert followed.timestamp_at(Height(0, 3)) == headers[2].timestamp


def test_evidence_and_clients_are_bounded_before_they_are_read() -> None:
    with pytest.raises(LimitExceeded) as refused:
        client().update(evidence(*[CHAIN[0]] * (STEPS_MAX + 1)), now=NOW)
    assert (refused.value.part, refused.value.got) == ("steps of the evidence", STEPS_MAX + 1)
    with pytest.raises(LimitExceeded, match="part=client"):
        decode_client(b"\x01" + bytes(4 << 20))
    with pytest.raises(UnsupportedProof, match="client version"):
        decode_client(b"\x02")


@pytest.mark.parametrize(
    ("part", "changes"),
    (
        ("epoch length", {"epoch_length": 0}),
        ("trusting period", {"trusting_period": 0}),
        ("clock drift", {"clock_drift": 1 << 32}),
    ),
)
def test_impossible_parameters_are_refused(part: str, changes: dict[str, int]) -> None:
    with pytest.raises(MalformedProof) as refused:
        client(GENESIS, Flavour.QBFT, **changes)
    assert refused.value.part == part


@pytest.mark.parametrize("flavour", Flavour)
def test_hostile_evidence_is_only_ever_refused(flavour: Flavour) -> None:
    genesis = bft_genesis(FOUR, flavour)
    headers = chain(3, parent=genesis, flavour=flavour)
    followed = client(genesis, flavour)
    assert_only_refusals(
        lambda data: followed.update(data, now=NOW), [evidence(*headers), evidence(headers[2])], count=500
    )


def test_hostile_clients_are_only_ever_refused() -> None:
    followed = client().update(evidence(*voted_in()[:2]), now=NOW)
    assert followed.belief.history.latest().votes
    assert_only_refusals(decode_client, [followed.encode()], count=1_500)
