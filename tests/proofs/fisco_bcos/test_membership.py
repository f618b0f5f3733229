"""What the host said in a block: what is believed, and what each rule refuses, in both generations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.commitment import ClientId, acknowledgement_path, send_counter_path
from proofs.encoding import abi, rlp
from proofs.encoding.proof_batch import join_batch
from proofs.errors import (
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.fisco_bcos import membership, trees
from proofs.fisco_bcos.client import CLAIMS_MAX
from proofs.fisco_bcos.headers import HeaderV3
from proofs.fisco_bcos.host import WRITTEN, HostLayout
from proofs.fisco_bcos.membership import PROOF_BYTES_MAX, ProofV2, ProofV3
from proofs.fisco_bcos.receipts import Log
from proofs.fisco_bcos.suite import hash_of
from proofs.fisco_bcos.trees import LevelV2, Memo
from proofs.fisco_bcos.types import Generation, Suite
from proofs.light_client import Claim, Height, Position
from tests.proofs.fisco_bcos.builders import (
    BLOCK_SECONDS,
    COUNTER,
    HOST,
    INDEX,
    MISSING,
    NOISE,
    PATH,
    RECEIPT_PATH,
    SENT,
    SM,
    STANDARD,
    V2,
    V3,
    VALUE,
    World,
    absent,
    at_position,
    call,
    receipt_v2,
    receipt_v3,
    world,
    written,
)

KINDS = tuple((generation, suite) for generation in Generation for suite in Suite)


def saying(generation: Generation, log: Log, **changed: Any) -> World:
    """A world whose host says this, as the last log."""
    receipt = receipt_v2(NOISE, log) if generation is V2 else receipt_v3(NOISE, log)
    return world(generation, receipt=receipt, **changed)


@pytest.mark.parametrize(("generation", "suite"), KINDS)
def test_what_was_written_is_proved(generation: Generation, suite: Suite) -> None:
    honest = world(generation, suite)
    for claim in (SENT, COUNTER, at_position(SENT), at_position(COUNTER)):
        honest.check(claim)


@pytest.mark.parametrize("generation", Generation)
@pytest.mark.parametrize(
    ("index", "count"), ((0, 1), (0, 2), (1, 2), (2, 3), (15, 16), (16, 17), (130, 300), (299, 300))
)
def test_every_place_of_every_tree_is_proved(generation: Generation, index: int, count: int) -> None:
    world(generation, index=index, count=count).check(at_position(SENT, transaction=index))


@pytest.mark.parametrize("generation", Generation)
def test_absence_is_a_recorded_event(generation: Generation) -> None:
    recorded = saying(generation, absent(RECEIPT_PATH, BLOCK_SECONDS))
    recorded.check(MISSING)
    assert recorded.client.timestamp_at(recorded.at) == BLOCK_SECONDS


def test_names_of_events_are_hashed_as_the_compiler_does() -> None:
    topic = hash_of(SM, WRITTEN.encode())
    receipt = receipt_v2(Log(HOST, (topic,), written().data))
    honest = world(V2, SM, receipt=receipt, log=0)
    belief = replace(honest.client.belief, layout=HostLayout(HOST, SM))
    proof = join_batch([honest.encoded()])
    replace(honest.client, belief=belief).check([SENT], at=honest.at, proof=proof)
    with pytest.raises(ValueMismatch) as refused:
        honest.check(SENT)
    assert (refused.value.part, refused.value.expected) == ("event", WRITTEN)


def test_a_batch_hashes_shared_nodes_once() -> None:
    honest = world()
    honest.client.check([SENT, COUNTER], at=honest.at, proof=join_batch([honest.encoded()] * 2))
    memo: Memo = {}
    assert isinstance(honest.proof, ProofV2)
    for _ in range(3):
        leaf = honest.proof.receipt.hash(STANDARD)
        trees.root_v2(STANDARD, leaf, honest.proof.levels, index=INDEX, memo=memo)
    assert len(memo) == len(honest.proof.levels)


def test_receipts_since_2_9_have_remaining_gas() -> None:
    receipt = replace(receipt_v2(written()), remaining_gas=77)
    world(V2, receipt=receipt, log=0).check(SENT)
    assert receipt.hash(STANDARD) != receipt_v2(written()).hash(STANDARD)


def test_digits_of_an_address_do_not_pass_for_gas_on_3x() -> None:
    """A deployment that starts with the name of the host in letters, which are instructions, too, and may log anything.

    One address in 2²⁷ has no letters, and the address follows from the block and the place in it: it can be waited for.
    """
    made = replace(receipt_v3(Log(b"\x99" * 20, (), b"")), gas_used="53000", contract_address="31" * 20)
    read = replace(made, gas_used="53000" + "31" * 20, contract_address="")
    assert made.hash(STANDARD) == read.hash(STANDARD)
    deployed = replace(call(), to="", input=("0x" + HOST.hex()).encode() + call().input)
    assert deployed.hash(STANDARD) == call().hash(STANDARD)
    with pytest.raises(UnsupportedProof):
        membership.check_gas_holds_no_address(read)


def test_receipts_of_version_1_have_a_price() -> None:
    receipt = replace(receipt_v3(written()), version=1, gas_price="0x5208")
    world(V3, receipt=receipt).check(SENT)
    assert receipt.hash(STANDARD) != replace(receipt, gas_price="0x5209").hash(STANDARD)


def test_later_versions_of_transactions_hash_more() -> None:
    """Each field is part of the hash from its version on, and not before."""
    later: dict[str, Any] = {
        "value": "0x1",
        "gas_price": "0x2",
        "gas_limit": 3,
        "max_fee": "0x4",
        "max_priority_fee": "0x5",
    }
    for name, value in later.items():
        assert replace(call(), **{name: value}).hash(STANDARD) == call().hash(STANDARD)
        first = replace(call(), version=1)
        assert replace(first, **{name: value}).hash(STANDARD) != first.hash(STANDARD)
    second = replace(call(), version=2)
    assert replace(second, extension=b"x").hash(STANDARD) != second.hash(STANDARD)
    world(V3, transaction=replace(call(), version=2, extension=b"x", gas_limit=3)).check(SENT)


# --- claims that the event does not bear out

Refusal = tuple[Callable[[Generation], None], type[VerificationError], dict[str, Any]]


def claim_of(generation: Generation, claim: Claim) -> None:
    world(generation).check(claim)


def says(log: Log, claim: Claim = SENT) -> Callable[[Generation], None]:
    return lambda generation: saying(generation, log).check(claim)


OTHER_PATH = acknowledgement_path(ClientId("attestations-0"), 7)
CLAIMS: dict[str, Refusal] = {
    "another value": (
        lambda kind: claim_of(kind, replace(SENT, value=b"\x12" * 32)),
        ValueMismatch,
        {"part": "event data"},
    ),
    "another path": (
        lambda kind: claim_of(kind, replace(SENT, path=OTHER_PATH)),
        ValueMismatch,
        {"part": "event data"},
    ),
    "another contract": (
        says(written(address=b"\x98" * 20)),
        WrongLedger,
        {"part": "host contract", "got": b"\x98" * 20},
    ),
    "an absence where a value is claimed": (says(absent(PATH, BLOCK_SECONDS)), ValueMismatch, {"part": "event"}),
    "a value where absence is claimed": (says(written(RECEIPT_PATH), MISSING), ValueMismatch, {"part": "event"}),
    "an indexed argument more": (
        says(replace(written(), topics=(*written().topics, bytes(32)))),
        ValueMismatch,
        {"part": "event"},
    ),
    "no topic": (says(replace(written(), topics=())), ValueMismatch, {"part": "event"}),
    "a byte more": (says(replace(written(), data=written().data + b"\x00")), ValueMismatch, {"part": "event data"}),
    "absence at another time": (
        says(absent(RECEIPT_PATH, BLOCK_SECONDS - 1), MISSING),
        ValueMismatch,
        {"part": "event data"},
    ),
    "absence in milliseconds": (
        says(absent(RECEIPT_PATH, 1_000 * BLOCK_SECONDS + 500), MISSING),
        ValueMismatch,
        {"part": "event data"},
    ),
    "absence of what is no receipt": (
        says(absent(PATH, BLOCK_SECONDS), Claim(PATH, None)),
        UnsupportedProof,
        {"part": "absent path"},
    ),
    "a counter one further": (
        lambda kind: claim_of(kind, replace(COUNTER, value=(8).to_bytes(8, "big"))),
        ValueMismatch,
        {"part": "event data"},
    ),
    "a counter of nothing sent": (
        lambda kind: claim_of(kind, replace(COUNTER, value=bytes(8))),
        MalformedProof,
        {"part": "send counter"},
    ),
    "a counter of another client": (
        lambda kind: claim_of(kind, replace(COUNTER, path=send_counter_path(ClientId("attestations-1")))),
        ValueMismatch,
        {"part": "event data"},
    ),
    "a client id that is no text": (
        lambda kind: claim_of(kind, replace(COUNTER, path=COUNTER.path + b"\xff")),
        MalformedProof,
        {"part": "client id"},
    ),
    "a long path": (
        lambda kind: claim_of(kind, replace(SENT, path=b"p" * 74)),
        MalformedProof,
        {"part": "path", "got": 74},
    ),
    "a short value": (
        lambda kind: claim_of(kind, replace(SENT, value=b"\x11" * 31)),
        MalformedProof,
        {"part": "value", "got": 31},
    ),
    "another height": (
        lambda kind: claim_of(kind, at_position(SENT, number=3)),
        ValueMismatch,
        {"part": "position", "got": (0, 3, 17, 1)},
    ),
    "another revision": (
        lambda kind: claim_of(kind, replace(SENT, written=Position(Height(1, 2), INDEX, 1))),
        ValueMismatch,
        {"part": "position"},
    ),
    "another transaction": (
        lambda kind: claim_of(kind, at_position(SENT, transaction=16)),
        ValueMismatch,
        {"part": "position"},
    ),
    "another event": (lambda kind: claim_of(kind, at_position(SENT, event=0)), ValueMismatch, {"part": "position"}),
}


@pytest.mark.parametrize("generation", Generation)
@pytest.mark.parametrize("name", CLAIMS)
def test_invalid_claim(generation: Generation, name: str) -> None:
    attempt, error, fields = CLAIMS[name]
    with pytest.raises(error) as refused:
        attempt(generation)
    assert type(refused.value) is error
    assert {part: getattr(refused.value, part) for part in fields} == fields


# --- proofs that do not hold


def changed_v2(**fields: Any) -> None:
    honest = world()
    assert isinstance(honest.proof, ProofV2)
    honest.check(SENT, replace(honest.proof, **fields))


def changed_v3(**fields: Any) -> None:
    honest = world(V3)
    assert isinstance(honest.proof, ProofV3)
    honest.check(SENT, replace(honest.proof, **fields))


def receipt_in_v3(**fields: Any) -> None:
    """A chain that really has such a receipt."""
    world(V3, receipt=replace(receipt_v3(NOISE, written()), **fields)).check(SENT)


def transaction_in_v3(**fields: Any) -> None:
    """A chain that really has such a transaction, as far as anybody can tell."""
    world(V3, transaction=replace(call(), **fields)).check(SENT)


def levels_v2() -> list[LevelV2]:
    proof = world().proof
    assert isinstance(proof, ProofV2)
    return list(proof.levels)


def with_level(number: int, level: LevelV2) -> tuple[LevelV2, ...]:
    levels = levels_v2()
    levels[number] = level
    return tuple(levels)


def groups_v3() -> tuple[tuple[bytes, ...], ...]:
    proof = world(V3).proof
    assert isinstance(proof, ProofV3)
    return proof.receipt_groups


def transaction_groups() -> tuple[tuple[bytes, ...], ...]:
    proof = world(V3).proof
    assert isinstance(proof, ProofV3)
    return proof.transaction_groups


BOTTOM, MIDDLE, TOP = levels_v2()
HASH = b"\x21" * 32


def misplaced_v3() -> None:
    """The receipt is the one of a transaction beside the one that called the host."""
    stranger, victim = world(V3, index=16), world(V3, index=17)
    assert isinstance(stranger.proof, ProofV3)
    assert isinstance(victim.proof, ProofV3)
    receipts = [receipt_v3(NOISE, status=each).hash(STANDARD) for each in range(20)]
    receipts[16] = stranger.proof.receipt.hash(STANDARD)
    chain = type(victim.chain)(V3)
    chain.grow(
        receipts_root=victim_root(stranger), transactions_root=trees.root_v3(
            STANDARD, victim.proof.transaction.hash(STANDARD), victim.proof.transaction_groups)[0],
    )  # fmt: skip
    spliced = replace(stranger.proof, transaction=call(), transaction_groups=victim.proof.transaction_groups)
    chain.follower().check([SENT], at=Height(0, 2), proof=join_batch([membership.encode_v3(spliced)]))


def victim_root(of: World) -> bytes:
    assert isinstance(of.proof, ProofV3)
    return trees.root_v3(STANDARD, of.proof.receipt.hash(STANDARD), of.proof.receipt_groups)[0]


def shallow_v3() -> None:
    """Place 0 of both trees, but one of them has a level more: they are not of one block."""
    one, two = world(V3, index=0, count=1), world(V3, index=0, count=2)
    assert isinstance(one.proof, ProofV3)
    assert isinstance(two.proof, ProofV3)
    chain = type(one.chain)(V3)
    transactions_root = trees.root_v3(STANDARD, call().hash(STANDARD), two.proof.transaction_groups)[0]
    chain.grow(receipts_root=victim_root(one), transactions_root=transactions_root)
    spliced = replace(one.proof, transaction_groups=two.proof.transaction_groups)
    chain.follower().check([SENT], at=Height(0, 2), proof=join_batch([membership.encode_v3(spliced)]))


def hollow_v3() -> None:
    """The one receipt of the block has 64 bytes, half of them the hash of a receipt that is nowhere."""
    two = world(V3, index=0, count=2)
    assert isinstance(two.proof, ProofV3)
    node = (two.proof.receipt.hash(STANDARD), b"\x33" * 24 + (2).to_bytes(8, "big"))
    chain = type(two.chain)(V3)
    transactions_root = trees.root_v3(STANDARD, call().hash(STANDARD), two.proof.transaction_groups)[0]
    chain.grow(receipts_root=hash_of(STANDARD, b"".join(node)), transactions_root=transactions_root)
    spliced = replace(two.proof, receipt_groups=(node,))
    chain.follower().check([SENT], at=Height(0, 2), proof=join_batch([membership.encode_v3(spliced)]))


PROOFS: dict[str, tuple[Callable[[], None], type[VerificationError], dict[str, Any]]] = {
    "2.x: another receipt": (
        lambda: changed_v2(receipt=receipt_v2(written())),
        RootMismatch,
        {"part": "receipts root"},
    ),
    "2.x: failed": (
        lambda: world(receipt=receipt_v2(NOISE, written(), status=1)).check(SENT),
        ValueMismatch,
        {"part": "status", "got": 1},
    ),
    "2.x: no such log": (lambda: changed_v2(log=3), MalformedProof, {"part": "log", "got": 3}),
    "2.x: another log": (lambda: changed_v2(log=0), WrongLedger, {"part": "host contract"}),
    "2.x: another index in the group": (lambda: changed_v2(index=18), MalformedProof, {"part": "siblings"}),
    "2.x: another group": (lambda: changed_v2(index=33), MalformedProof, {"part": "sibling"}),
    "2.x: an index beyond the tree": (
        lambda: changed_v2(index=INDEX + 256),
        MalformedProof,
        {"part": "leaf index", "got": 273},
    ),
    "2.x: no levels": (lambda: changed_v2(index=0, levels=()), MalformedProof, {"part": "top level", "got": 0}),
    "2.x: no top": (
        lambda: changed_v2(index=1, levels=(replace(BOTTOM, left=BOTTOM.left[:1]),)),
        MalformedProof,
        {"part": "leaf index"},
    ),
    "2.x: a top with siblings": (
        lambda: changed_v2(levels=with_level(2, LevelV2((), (HASH,)))),
        MalformedProof,
        {"part": "top level"},
    ),
    "2.x: sixteen siblings": (
        lambda: changed_v2(levels=with_level(0, replace(BOTTOM, right=BOTTOM.right * 8))),
        MalformedProof,
        {"part": "siblings"},
    ),
    "2.x: a leaf of another index": (
        lambda: changed_v2(levels=with_level(0, replace(BOTTOM, right=BOTTOM.right[::-1]))),
        MalformedProof,
        {"part": "sibling"},
    ),
    "2.x: a long node": (
        lambda: changed_v2(levels=with_level(1, LevelV2((MIDDLE.left[0] + b"\x00",), ()))),
        MalformedProof,
        {"part": "sibling"},
    ),
    "2.x: another sibling": (
        lambda: changed_v2(levels=with_level(1, LevelV2((HASH,), ()))),
        RootMismatch,
        {"part": "receipts root"},
    ),
    "2.x: too many levels": (
        lambda: changed_v2(levels=(BOTTOM, *(MIDDLE,) * 5, TOP)),
        LimitExceeded,
        {"part": "tree levels", "got": 7},
    ),
    "2.x: six fields": (lambda: check_bytes(V2, without_field), MalformedProof, {"part": "receipt", "got": 6}),
    "3.x: another receipt": (lambda: changed_v3(receipt=receipt_v3(written())), ValueMismatch, {"part": "tree group"}),
    "3.x: another transaction": (lambda: changed_v3(transaction=call("1")), ValueMismatch, {"part": "tree group"}),
    "3.x: a level less of receipts": (
        lambda: changed_v3(receipt_groups=groups_v3()[:-1]),
        RootMismatch,
        {"part": "receipts root"},
    ),
    "3.x: a level less of transactions": (
        lambda: changed_v3(transaction_groups=transaction_groups()[:-1]),
        RootMismatch,
        {"part": "transactions root"},
    ),
    "3.x: three in a group": (
        lambda: changed_v3(receipt_groups=((*groups_v3()[0], HASH), *groups_v3()[1:])),
        MalformedProof,
        {"part": "tree group"},
    ),
    "3.x: an empty group": (
        lambda: changed_v3(receipt_groups=(*groups_v3(), ())),
        MalformedProof,
        {"part": "tree group"},
    ),
    "3.x: a short node": (
        lambda: changed_v3(receipt_groups=((groups_v3()[0][0][1:], groups_v3()[0][1]),)),
        MalformedProof,
        {"part": "tree group"},
    ),
    "3.x: too many levels": (
        lambda: changed_v3(receipt_groups=groups_v3() * 5),
        LimitExceeded,
        {"part": "tree levels"},
    ),
    "3.x: the receipt of another place": (
        misplaced_v3,
        ValueMismatch,
        {"part": "place of the receipt", "got": 16, "expected": 17},
    ),
    "3.x: a receipt that poses as a node": (hollow_v3, MalformedProof, {"part": "node of receipts"}),
    "3.x: trees of different depth": (shallow_v3, ValueMismatch, {"part": "place of the receipt", "got": 0}),
    "3.x: failed": (lambda: receipt_in_v3(status=12), ValueMismatch, {"part": "status", "got": 12}),
    "3.x: of another block": (
        lambda: receipt_in_v3(block_number=3),
        ValueMismatch,
        {"part": "block number of the receipt", "got": 3},
    ),
    "3.x: makes a contract whose address has digits only": (
        lambda: receipt_in_v3(gas_used="1" + "2" * 39),
        UnsupportedProof,
        {"part": "gas used", "got": 40, "expected": "at most 39 digits"},
    ),
    "3.x: makes a contract": (
        lambda: receipt_in_v3(contract_address="ab" * 20),
        UnsupportedProof,
        {"part": "contract address"},
    ),
    "3.x: an address that is a path": (
        lambda: receipt_in_v3(contract_address="/apps/host"),
        MalformedProof,
        {"part": "contract address"},
    ),
    "3.x: gas with a zero before it": (lambda: receipt_in_v3(gas_used="021000"), MalformedProof, {"part": "gas used"}),
    "3.x: a price before version 1": (lambda: receipt_in_v3(gas_price="0x1"), MalformedProof, {"part": "gas price"}),
    "3.x: a price that is no number": (
        lambda: receipt_in_v3(version=1, gas_price="Z" * 40),
        MalformedProof,
        {"part": "gas price"},
    ),
    "3.x: not the last log": (
        lambda: world(V3, receipt=receipt_v3(written(), NOISE), log=0).check(SENT),
        UnsupportedProof,
        {"part": "log", "got": 0},
    ),
    "3.x: no such log": (lambda: changed_v3(log=2), UnsupportedProof, {"part": "log", "got": 2}),
    "3.x: another group": (
        lambda: transaction_in_v3(group_id="group1"),
        WrongLedger,
        {"part": "chain and group", "got": "chain0/group1"},
    ),
    "3.x: another chain": (lambda: transaction_in_v3(chain_id="chain1"), WrongLedger, {"part": "chain and group"}),
    "3.x: a call of somebody else": (
        lambda: transaction_in_v3(to="0x" + "99" * 20),
        WrongLedger,
        {"part": "called contract"},
    ),
    "3.x: a call without 0x": (lambda: transaction_in_v3(to=HOST.hex()), WrongLedger, {"part": "called contract"}),
    "3.x: a nonce that holds an address": (
        lambda: transaction_in_v3(nonce="1" + "98" * 20),
        UnsupportedProof,
        {"part": "nonce"},
    ),
    "3.x: a nonce that is no number": (lambda: transaction_in_v3(nonce="1x"), UnsupportedProof, {"part": "nonce"}),
    "3.x: no nonce": (lambda: transaction_in_v3(nonce=""), UnsupportedProof, {"part": "nonce"}),
    "3.x: an input that begins with text": (
        lambda: transaction_in_v3(input=b"98aeBBBB"),
        UnsupportedProof,
        {"part": "input"},
    ),
    "3.x: no input": (lambda: transaction_in_v3(input=b"\xf0\x0d"), UnsupportedProof, {"part": "input"}),
    "3.x: an interface": (lambda: transaction_in_v3(abi="[]"), UnsupportedProof, {"part": "abi"}),
}


def without_field(items: Any) -> None:
    del items[1][0]


def check_bytes(generation: Generation, change: Callable[[Any], None]) -> None:
    honest = world(generation)
    items = rlp.decode(honest.encoded())
    change(items)
    honest.client.check([SENT], at=honest.at, proof=join_batch([rlp.encode(items)]))


@pytest.mark.parametrize("name", PROOFS)
def test_invalid_proof(name: str) -> None:
    attempt, error, fields = PROOFS[name]
    with pytest.raises(error) as refused:
        attempt()
    assert type(refused.value) is error
    assert {part: getattr(refused.value, part) for part in fields} == fields


@pytest.mark.parametrize("generation", Generation)
def test_a_log_has_four_topics_at_most(generation: Generation) -> None:
    with pytest.raises(LimitExceeded) as refused:
        saying(generation, replace(written(), topics=(bytes(32),) * 5)).check(SENT)
    assert (refused.value.part, refused.value.got) == ("topics", 5)


def test_data_that_reads_as_a_log_of_the_host_is_not_believed_on_3x() -> None:
    """Why the rules of 3.x exist: a contract of anybody logs bytes that read as a log of the host, with one hash."""
    inner = written()
    hidden = HOST.hex().encode() + inner.topics[0] + inner.data
    real = receipt_v3(Log(b"\x98" * 20, (b"\x55" * 32,), b"noise" + hidden))
    forged = receipt_v3(Log(b"\x98" * 20, (b"\x55" * 32,), b"noise"), inner)
    assert forged.hash(STANDARD) == real.hash(STANDARD)
    with pytest.raises(WrongLedger) as refused:
        world(V3, receipt=forged, transaction=call(to="0x" + "98" * 20)).check(SENT)
    assert refused.value.part == "called contract"
    returned = replace(receipt_v3(), output=hidden)
    assert returned.hash(STANDARD) == receipt_v3(inner).hash(STANDARD)


def test_sealers_do_not_move_into_other_fields_on_3x() -> None:
    """The last key and the first weight could be read as extra data: the same hash, and fewer sealers to convince."""
    honest = world(V3).chain.headers[1]
    assert isinstance(honest, HeaderV3)
    moved = replace(
        honest,
        sealers=honest.sealers[:-1],
        extra_data=honest.sealers[-1] + (1).to_bytes(8, "big"),
        weights=(1, 1, 1),
    )
    assert moved.hash(STANDARD) == honest.hash(STANDARD)
    with pytest.raises(UnsupportedProof) as refused:
        moved.block(STANDARD)
    assert refused.value.part == "extra data"


# --- bounds and places


def test_bounds() -> None:
    honest = world()
    with pytest.raises(LimitExceeded) as refused:
        honest.client.check([SENT] * (CLAIMS_MAX + 1), at=honest.at, proof=b"")
    assert refused.value.part == "claims"
    with pytest.raises(LimitExceeded) as refused:
        honest.client.check([SENT], at=honest.at, proof=join_batch([bytes(PROOF_BYTES_MAX + 1)]))
    assert refused.value.part == "proof"


def test_a_proof_holds_at_its_own_height_only() -> None:
    honest = world()
    proof = join_batch([honest.encoded()])
    with pytest.raises(RootMismatch):
        honest.client.check([SENT], at=Height(0, 1), proof=proof)
    with pytest.raises(UnknownHeight):
        honest.client.check([SENT], at=Height(0, 3), proof=proof)


def test_a_proof_for_another_host_on_the_same_chain() -> None:
    honest = world()
    belief = replace(honest.client.belief, layout=HostLayout(b"\x77" * 20, STANDARD))
    with pytest.raises(WrongLedger) as refused:
        replace(honest.client, belief=belief).check([SENT], at=honest.at, proof=join_batch([honest.encoded()]))
    assert refused.value.part == "host contract"


def test_the_event_is_what_the_documentation_says() -> None:
    assert written().data == abi.encode("(bytes,bytes)", (PATH, VALUE))
    assert len(written().data) == 64 + 64 + 64
