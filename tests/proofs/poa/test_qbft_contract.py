"""Validators that stand in a contract are proved with every step; where they are fixed, headers name none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from proofs.encoding import rlp
from proofs.errors import (
    DuplicateSigner,
    InsufficientVotingPower,
    LimitExceeded,
    MalformedProof,
    NotEnoughTrust,
    RootMismatch,
    UnknownSigner,
    VerificationError,
    WrongLedger,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.light_client import Height
from proofs.poa.headers import EVIDENCE_BYTES_MAX
from proofs.poa.qbft.client import QbftClient, bootstrap, decode_client
from proofs.poa.qbft.steps import STEPS_MAX, Step, StorageProof, encode_steps, validator_slots
from proofs.poa.qbft.types import Flavour, ValidatorContract, ValidatorSource
from tests.proofs.ethereum.builders import CODE_HASH, ROUTER, World, world
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

FOUR = signers(4)
OTHERS = [*FOUR[2:], signer("a"), signer("b")]
CONTRACT = ValidatorContract(ROUTER, CODE_HASH, slot=1_000)
PARAMETERS = replace(BFT_PARAMETERS, source=ValidatorSource.CONTRACT, contract=CONTRACT)
NOW = START + 1_000


def storage(members: Sequence[bytes]) -> World:
    """A state in which the contract keeps these validators."""
    words = [rlp.int_bytes(len(members)), *members]
    slots = zip(validator_slots(CONTRACT, len(members)), words, strict=True)
    return world({slot: word for slot, word in slots if word.strip(b"\x00")})


def proof(state: World, count: int) -> StorageProof:
    slots = tuple(tuple(state.storage_nodes(slot)) for slot in validator_slots(CONTRACT, count))
    return StorageProof(tuple(state.account_nodes()), slots)


def step(parent: ExecutionHeader, members: list[Signer], following: list[Signer], **changes: Any) -> Step:
    """A block sealed by `members`, after which the contract names `following`."""
    state = storage([each.address for each in following])
    sealed = bft_block(parent, members, named=(), **({"state_root": state.state_root} | changes))
    return Step(sealed, proof(state, len(following)))


STATE = storage([each.address for each in FOUR])
GENESIS = bft_genesis([], state_root=STATE.state_root)


def client(parameters: Any = PARAMETERS, **changes: Any) -> QbftClient:
    given: dict[str, Any] = {"proof": proof(STATE, 4)}
    return bootstrap(
        GENESIS.encode(), checkpoint_hash=bft_hash(GENESIS), parameters=parameters, layout=LAYOUT, **(given | changes)
    )


def test_each_step_proves_who_seals_the_next() -> None:
    one = step(GENESIS, FOUR, OTHERS)
    two = step(one.header, OTHERS, FOUR)
    followed = client().update(encode_steps([one, two]), now=NOW)
    assert followed.latest() == Height(0, 2)
    assert followed.belief.history.latest().validators == addresses(FOUR)
    assert decode_client(followed.encode()) == followed


def test_over_a_gap_a_quorum_of_who_is_trusted_counts_and_strangers_are_passed_over() -> None:
    late = step(bft_block(GENESIS, FOUR, named=()), FOUR, OTHERS, by=[*FOUR[:3], signer("a")])
    assert client().update(encode_steps([late]), now=NOW).belief.history.latest().validators == addresses(OTHERS)
    few = step(bft_block(GENESIS, FOUR, named=()), FOUR, OTHERS, by=[*FOUR[:2], signer("a"), signer("b")])
    with pytest.raises(NotEnoughTrust) as refused:
        client().update(encode_steps([few]), now=NOW)
    assert (refused.value.signed, refused.value.total) == (2, 4)
    twice = step(bft_block(GENESIS, FOUR, named=()), FOUR, OTHERS, by=[*FOUR[:2], FOUR[1]])
    with pytest.raises(DuplicateSigner):
        client().update(encode_steps([twice]), now=NOW)


def with_proof(change: Callable[[Step], StorageProof | None]) -> Step:
    right = step(GENESIS, FOUR, OTHERS)
    return Step(right.header, change(right))


def held(members: list[bytes]) -> Step:
    """A step after which the contract holds these words."""
    state = storage(members)
    return Step(bft_block(GENESIS, FOUR, named=(), state_root=state.state_root), proof(state, len(members)))


CORRUPTIONS: dict[str, tuple[Callable[[], Step], type[VerificationError], str | None]] = {
    "validators_named": (
        lambda: Step(bft_block(GENESIS, FOUR, state_root=STATE.state_root), proof(STATE, 4)),
        MalformedProof,
        "validators",
    ),
    "proposed_by_a_stranger": (
        lambda: step(GENESIS, FOUR, OTHERS, proposer=signer("x")),
        UnknownSigner,
        None,
    ),
    "sealed_by_a_stranger": (lambda: step(GENESIS, FOUR, OTHERS, by=[*FOUR[:3], signer("x")]), UnknownSigner, None),
    "too_few_seals": (lambda: step(GENESIS, FOUR, OTHERS, by=FOUR[:2]), InsufficientVotingPower, None),
    "too_many_seals": (lambda: step(GENESIS, FOUR, OTHERS, by=[*FOUR, *FOUR[:1]]), LimitExceeded, "seals"),
    "no_slots": (
        lambda: with_proof(lambda right: StorageProof(right.proof.account if right.proof else (), ())),
        MalformedProof,
        "validators in the contract",
    ),
    "one_validator_left_out": (
        lambda: Step(step(GENESIS, FOUR, OTHERS).header, proof(storage(list(addresses_of(OTHERS))), 3)),
        MalformedProof,
        "validators in the contract",
    ),
    "proof_of_another_state": (lambda: with_proof(lambda _: proof(STATE, 4)), RootMismatch, "trie"),
    "nobody": (lambda: held([]), MalformedProof, "validators"),
    "one_twice": (lambda: held([FOUR[0].address] * 2), DuplicateSigner, None),
    "more_than_an_address": (lambda: held([b"\x01" * 21]), MalformedProof, "validator in the contract"),
    "nobody_in_a_slot": (lambda: held([bytes(20)]), MalformedProof, "validator in the contract"),
}


def addresses_of(members: list[Signer]) -> list[bytes]:
    return [each.address for each in members]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid_step(corruption: str) -> None:
    make, error, part = CORRUPTIONS[corruption]
    with pytest.raises(error) as refused:
        client().update(encode_steps([make()]), now=NOW)
    assert type(refused.value) is error
    assert getattr(refused.value, "part", None) == part


def test_the_contract_is_the_configured_one() -> None:
    for contract, part in (
        (replace(CONTRACT, code_hash=b"\x01" * 32), "validator contract code"),
        (replace(CONTRACT, address=b"\x99" * 20), "validator contract"),
    ):
        nodes = STATE.account_nodes(contract.address)
        with pytest.raises(WrongLedger) as refused:
            client(replace(PARAMETERS, contract=contract), proof=StorageProof(tuple(nodes), ()))
        assert refused.value.part == part


def test_a_checkpoint_brings_its_proof() -> None:
    with pytest.raises(MalformedProof, match="proof of the validators"):
        client(proof=None)


def test_a_validator_with_leading_zeros_is_found() -> None:
    small = bytes(3) + b"\x07" * 17
    assert client().update(encode_steps([held([small])]), now=NOW).belief.history.latest().validators == (small,)


def test_fixed_validators_need_a_checkpoint_to_change() -> None:
    fixed = replace(BFT_PARAMETERS, source=ValidatorSource.FIXED)
    begun = client(fixed, proof=None, fixed_validators=addresses(FOUR))
    headers = [bft_block(GENESIS, FOUR, named=())]
    headers.append(bft_block(headers[0], FOUR, named=()))
    headers.append(bft_block(headers[1], FOUR, named=()))
    followed = begun.update(encode_steps([Step(headers[0]), Step(headers[2])]), now=NOW)
    assert followed.latest() == Height(0, 3)
    assert decode_client(followed.encode()) == followed
    with pytest.raises(UnknownSigner):
        begun.update(encode_steps([Step(bft_block(headers[0], OTHERS, named=(), by=OTHERS))]), now=NOW)
    with pytest.raises(MalformedProof, match="part=validators"):
        client(fixed, proof=None)


@pytest.mark.parametrize(
    "impossible",
    (
        replace(PARAMETERS, contract=None),
        replace(BFT_PARAMETERS, contract=CONTRACT),
        replace(PARAMETERS, contract=replace(CONTRACT, slot=1 << 256)),
        replace(PARAMETERS, contract=replace(CONTRACT, address=b"")),
        replace(PARAMETERS, contract=replace(CONTRACT, code_hash=b"")),
    ),
)
def test_a_contract_stands_exactly_where_it_is_read(impossible: Any) -> None:
    with pytest.raises(MalformedProof) as refused:
        client(impossible)
    assert refused.value.part == "validator contract"


def test_istanbul_knows_no_validator_contract() -> None:
    with pytest.raises(MalformedProof, match="validator source"):
        client(replace(PARAMETERS, flavour=Flavour.ISTANBUL))


def test_evidence_is_bounded_before_it_is_read() -> None:
    with pytest.raises(LimitExceeded, match="part=evidence"):
        client().update(bytes(EVIDENCE_BYTES_MAX + 1), now=NOW)
    for count, error in ((0, MalformedProof), (STEPS_MAX + 1, LimitExceeded)):
        with pytest.raises(error) as refused:
            client().update(encode_steps([Step(GENESIS)] * count), now=NOW)
        assert getattr(refused.value, "part", None) == "steps of the evidence"


def test_hostile_evidence_is_only_ever_refused() -> None:
    one = step(GENESIS, FOUR, OTHERS)
    begun = client()
    assert_only_refusals(lambda data: begun.update(data, now=NOW), [encode_steps([one])], count=1_000)
