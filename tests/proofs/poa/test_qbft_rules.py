"""Each rule of QBFT and its relatives refuses the one thing that it is there for, and names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.encoding import rlp
from proofs.errors import (
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    TimeNotIncreasing,
    UnknownSigner,
    ValueMismatch,
    VerificationError,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.poa.qbft.extra_data import decode_extra_data, encode_extra_data
from proofs.poa.qbft.spec import verify_checkpoint, verify_step
from proofs.poa.qbft.steps import Step
from proofs.poa.qbft.types import Block, ExtraData, Flavour
from proofs.poa.votes import MEMBERS_MAX
from tests.proofs.poa.builders import (
    BFT_PARAMETERS,
    START,
    addresses,
    bft_block,
    bft_genesis,
    signer,
    signers,
    twin,
)

SEVEN = signers(7)
STRANGER = signer("stranger")
NOW = START + 1_000
GENESIS = {flavour: bft_genesis(SEVEN, flavour) for flavour in Flavour}
PARENT = {flavour: bft_block(GENESIS[flavour], SEVEN, flavour=flavour) for flavour in Flavour}


def parameters(flavour: Flavour) -> Any:
    return replace(BFT_PARAMETERS, flavour=flavour)


def trusted(flavour: Flavour = Flavour.QBFT) -> Block:
    checkpoint = verify_checkpoint(Step(GENESIS[flavour]), parameters(flavour))
    return verify_step(checkpoint, Step(PARENT[flavour]), parameters(flavour), now=NOW)


def judge(judged: ExecutionHeader, flavour: Flavour = Flavour.QBFT) -> Block:
    return verify_step(trusted(flavour), Step(judged), parameters(flavour), now=NOW)


def block(flavour: Flavour = Flavour.QBFT, **changes: Any) -> ExecutionHeader:
    return bft_block(PARENT[flavour], SEVEN, flavour=flavour, **changes)


def resealed(**changes: Any) -> ExecutionHeader:
    """The block with its extra data changed after sealing."""
    sealed = block()
    extra = replace(decode_extra_data(sealed.extra_data, Flavour.QBFT), **changes)
    return replace(sealed, extra_data=encode_extra_data(extra, Flavour.QBFT))


def seals(sealed: ExecutionHeader) -> tuple[bytes, ...]:
    return decode_extra_data(sealed.extra_data, Flavour.QBFT).seals


# A quorum of 7 is 5.
CORRUPTIONS: dict[str, tuple[Callable[[], ExecutionHeader], type[VerificationError], dict[str, object]]] = {
    "same_height": (lambda: bft_block(GENESIS[Flavour.QBFT], SEVEN), HeightNotIncreasing, {"got": 1, "trusted": 1}),
    "another_parent": (lambda: block(parent_hash=b"\x01" * 32), ValueMismatch, {"part": "parent hash"}),
    "no_later": (
        lambda: block(timestamp=PARENT[Flavour.QBFT].timestamp),
        TimeNotIncreasing,
        {"got": PARENT[Flavour.QBFT].timestamp},
    ),
    "from_the_future": (lambda: block(timestamp=NOW + 11), HeaderFromFuture, {"header_time": NOW + 11}),
    "ommers": (lambda: block(ommers_hash=b"\x01" * 32), ValueMismatch, {"part": "ommers hash"}),
    "mix_digest": (lambda: block(mix_hash=bytes(32)), ValueMismatch, {"part": "mix digest", "got": bytes(32)}),
    "difficulty": (lambda: block(difficulty=2), ValueMismatch, {"part": "difficulty", "got": 2, "expected": 1}),
    "nonce": (lambda: block(nonce=b"\xff" * 8), ValueMismatch, {"part": "nonce", "got": b"\xff" * 8}),
    "nobody_named": (lambda: block(named=()), MalformedProof, {"part": "validators", "got": 0}),
    "one_named_twice": (
        lambda: block(named=(*addresses(SEVEN), SEVEN[0].address)),
        DuplicateSigner,
        {"signer": SEVEN[0].address},
    ),
    "another_set": (
        lambda: bft_block(PARENT[Flavour.QBFT], [*SEVEN, STRANGER]),
        ValueMismatch,
        {"part": "validators", "expected": b"".join(addresses(SEVEN))},
    ),
    "proposed_by_a_stranger": (
        lambda: block(proposer=STRANGER),
        UnknownSigner,
        {"signer": STRANGER.address, "signers": "proposers"},
    ),
    "more_seals_than_validators": (
        lambda: block(by=[*SEVEN, SEVEN[0]]),
        LimitExceeded,
        {"part": "seals", "got": 8, "limit": 7},
    ),
    "one_seals_twice": (lambda: block(by=[*SEVEN[:5], SEVEN[0]]), DuplicateSigner, {"signer": SEVEN[0].address}),
    "one_seals_twice_by_the_twin": (
        lambda: resealed(seals=(*seals(block()), twin(seals(block())[0]))),
        DuplicateSigner,
        {"signer": SEVEN[0].address},
    ),
    "stranger_seals": (
        lambda: block(by=[*SEVEN[:5], STRANGER]),
        UnknownSigner,
        {"signer": STRANGER.address, "signers": "validators"},
    ),
    "one_seal_too_few": (lambda: block(by=SEVEN[:4]), InsufficientVotingPower, {"signed": 4, "total": 7}),
    "no_seals": (lambda: block(by=[]), InsufficientVotingPower, {"signed": 0, "total": 7}),
    "seal_is_no_signature": (
        lambda: resealed(seals=(*seals(block())[:4], seals(block())[4][:64] + b"\x1b")),
        InvalidSignature,
        {"scheme": "secp256k1: v 27, not 0 or 1"},
    ),
}


def assert_refused(attempt: Callable[[], object], error: type[VerificationError], fields: dict[str, object]) -> None:
    with pytest.raises(error) as refused:
        attempt()
    assert type(refused.value) is error
    assert {name: getattr(refused.value, name) for name in fields} == fields


@pytest.mark.parametrize("flavour", Flavour)
def test_the_block_that_the_corruptions_start_from_is_valid(flavour: Flavour) -> None:
    assert judge(block(flavour), flavour).validators == addresses(SEVEN)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid_block(corruption: str) -> None:
    make, error, fields = CORRUPTIONS[corruption]
    assert_refused(lambda: judge(make()), error, fields)


SEALED_FIELDS: dict[str, Any] = {"state_root": b"\x66" * 32, "receipts_root": b"\x66" * 32, "gas_used": 1}
SEALED_PARTS: dict[Flavour, dict[str, Any]] = {
    flavour: {"vanity": b"\x01" * 32}
    | ({"proposer_seal": SEVEN[2].seal(bytes(32))} if flavour.is_istanbul else {"round": 1})
    for flavour in Flavour
}


@pytest.mark.parametrize(("flavour", "change"), [(f, c) for f in Flavour for c in (*SEALED_FIELDS, *SEALED_PARTS[f])])
def test_whatever_changes_after_sealing_breaks_the_seals(flavour: Flavour, change: str) -> None:
    sealed = block(flavour)
    if change in SEALED_FIELDS:
        sealed = replace(sealed, **{change: SEALED_FIELDS[change]})
    else:
        extra = replace(decode_extra_data(sealed.extra_data, flavour), **{change: SEALED_PARTS[flavour][change]})
        sealed = replace(sealed, extra_data=encode_extra_data(extra, flavour))
    with pytest.raises((UnknownSigner, InvalidSignature)):
        judge(sealed, flavour)


@pytest.mark.parametrize("flavour", (Flavour.ISTANBUL, Flavour.ISTANBUL_LEGACY))
def test_istanbul_is_proposed_by_seal_and_votes_by_nonce(flavour: Flavour) -> None:
    assert_refused(
        lambda: judge(block(flavour, proposer=STRANGER), flavour),
        UnknownSigner,
        {"signer": STRANGER.address, "signers": "proposers"},
    )
    assert_refused(
        lambda: judge(block(flavour, nonce=b"\xff" * 7 + b"\x00"), flavour), ValueMismatch, {"part": "nonce"}
    )
    voted = judge(block(flavour, proposer=SEVEN[3], vote=(STRANGER.address, True)), flavour)
    assert voted.votes is not None
    assert [(each.voter, each.subject, each.authorize) for each in voted.votes] == [
        (SEVEN[3].address, STRANGER.address, True)
    ]


@pytest.mark.parametrize(
    ("flavour", "validators", "quorum"),
    (
        *((Flavour.QBFT, count, quorum) for count, quorum in enumerate((1, 2, 2, 3, 4, 4, 5, 6, 6, 7), start=1)),
        *((Flavour.IBFT2, count, quorum) for count, quorum in enumerate((1, 2, 2, 3, 4, 4, 5, 6, 6, 7), start=1)),
        *((Flavour.ISTANBUL, count, quorum) for count, quorum in enumerate((1, 2, 2, 3, 4, 4, 5, 6, 6, 7), start=1)),
        *((Flavour.ISTANBUL_LEGACY, n, quorum) for n, quorum in enumerate((1, 1, 1, 3, 3, 3, 5, 5, 5, 7), start=1)),
    ),
)
def test_exactly_a_quorum_seals(flavour: Flavour, validators: int, quorum: int) -> None:
    members = signers(validators)
    genesis = bft_genesis(members, flavour)
    checkpoint = verify_checkpoint(Step(genesis), parameters(flavour))

    def sealed_by(count: int) -> Block:
        sealed = bft_block(genesis, members, flavour=flavour, by=members[:count])
        return verify_step(checkpoint, Step(sealed), parameters(flavour), now=NOW)

    assert sealed_by(quorum).number == 1
    assert_refused(lambda: sealed_by(quorum - 1), InsufficientVotingPower, {"signed": quorum - 1, "total": validators})


def extra_data(flavour: Flavour, **changes: Any) -> bytes:
    base: dict[str, Any] = {
        "vanity": bytes(32),
        "validators": (bytes(20),),
        "vote": None,
        "round": 0,
        "proposer_seal": b"",
        "seals": (),
    }
    return encode_extra_data(ExtraData(**(base | changes)), flavour)


def items(*parts: Any) -> bytes:
    return rlp.encode(list(parts))


ADDRESS = b"\x11" * 20
EXTRA_DATA: dict[str, tuple[Flavour, bytes, type[VerificationError], dict[str, object]]] = {
    "long_vanity": (Flavour.QBFT, extra_data(Flavour.QBFT, vanity=bytes(33)), MalformedProof, {"part": "vanity"}),
    "no_vanity": (Flavour.ISTANBUL, bytes(31), MalformedProof, {"part": "extra data", "got": 31}),
    "four_items": (Flavour.QBFT, items(b"", [], [], b""), MalformedProof, {"part": "extra data", "got": 4}),
    "six_items": (Flavour.QBFT, items(b"", [], [], b"", [], b""), MalformedProof, {"part": "extra data", "got": 6}),
    "trailing": (Flavour.QBFT, extra_data(Flavour.QBFT) + b"\x00", MalformedProof, {"part": "RLP"}),
    "trailing_istanbul": (Flavour.ISTANBUL, extra_data(Flavour.ISTANBUL) + b"\x00", MalformedProof, {"part": "RLP"}),
    "short_validator": (
        Flavour.QBFT,
        extra_data(Flavour.QBFT, validators=(bytes(19),)),
        MalformedProof,
        {"part": "validator", "got": 19},
    ),
    "many_validators": (
        Flavour.QBFT,
        extra_data(Flavour.QBFT, validators=(ADDRESS,) * (MEMBERS_MAX + 1)),
        LimitExceeded,
        {"part": "signers", "got": MEMBERS_MAX + 1},
    ),
    "many_seals": (
        Flavour.QBFT,
        extra_data(Flavour.QBFT, seals=(bytes(65),) * (MEMBERS_MAX + 1)),
        LimitExceeded,
        {"part": "seals", "got": MEMBERS_MAX + 1},
    ),
    "short_seal": (Flavour.QBFT, extra_data(Flavour.QBFT, seals=(bytes(64),)), MalformedProof, {"part": "seal"}),
    "short_proposer_seal": (
        Flavour.ISTANBUL,
        extra_data(Flavour.ISTANBUL, proposer_seal=bytes(64)),
        MalformedProof,
        {"part": "proposer seal", "got": 64},
    ),
    "vote_of_another_type": (
        Flavour.QBFT,
        items(b"", [], [ADDRESS, b"\xaa"], b"", []),
        MalformedProof,
        {"part": "vote type", "got": b"\xaa"},
    ),
    "vote_out_as_ibft_writes_it": (
        Flavour.QBFT,
        items(b"", [], [ADDRESS, b"\x00"], b"", []),
        MalformedProof,
        {"part": "vote type", "got": b"\x00"},
    ),
    "vote_out_as_qbft_writes_it": (
        Flavour.IBFT2,
        items(b"", [], [ADDRESS, b""], bytes(4), []),
        MalformedProof,
        {"part": "vote type", "got": b""},
    ),
    "no_vote_as_ibft_writes_it": (Flavour.QBFT, items(b"", [], b"", b"", []), MalformedProof, {"part": "vote"}),
    "no_vote_as_qbft_writes_it": (
        Flavour.IBFT2,
        items(b"", [], [], bytes(4), []),
        MalformedProof,
        {"part": "vote", "got": 0},
    ),
    "round_as_ibft_writes_it": (Flavour.QBFT, items(b"", [], [], bytes(4), []), MalformedProof, {"part": "round"}),
    "round_as_qbft_writes_it": (Flavour.IBFT2, items(b"", [], b"", b"", []), MalformedProof, {"part": "round"}),
    "round_of_five_bytes": (Flavour.QBFT, items(b"", [], [], b"\x01" * 5, []), MalformedProof, {"part": "round"}),
}


@pytest.mark.parametrize("corruption", EXTRA_DATA)
def test_invalid_extra_data(corruption: str) -> None:
    flavour, data, error, fields = EXTRA_DATA[corruption]
    assert_refused(lambda: decode_extra_data(data, flavour), error, fields)


@pytest.mark.parametrize("flavour", (Flavour.QBFT, Flavour.IBFT2))
@pytest.mark.parametrize("vote", (None, (ADDRESS, True), (ADDRESS, False)))
def test_extra_data_survives_its_encoding(flavour: Flavour, vote: tuple[bytes, bool] | None) -> None:
    extra = ExtraData(b"", (ADDRESS, bytes(20)), vote, 0xFEDCBA, b"", (bytes(65),))
    assert decode_extra_data(encode_extra_data(extra, flavour), flavour) == extra


def test_a_checkpoint_names_its_validators_once() -> None:
    for named, error in ((), MalformedProof), ((ADDRESS, ADDRESS), DuplicateSigner):
        wrong = replace(GENESIS[Flavour.QBFT], extra_data=extra_data(Flavour.QBFT, validators=named))
        with pytest.raises(error):
            verify_checkpoint(Step(wrong), BFT_PARAMETERS)
