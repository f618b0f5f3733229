"""A claim is proved by the host's own event in a successful transaction of that very block, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.chainmaker.client import ChainMakerClient
from proofs.chainmaker.host import HostLayout
from proofs.chainmaker.membership import PROOF_BYTES_MAX, BlockProof, TransactionProof, Witness, encode_proof
from proofs.chainmaker.messages import decode_transaction
from proofs.chainmaker.transactions import verify_write_set
from proofs.chainmaker.tree import compute_path, compute_root, verify_path
from proofs.commitment import ClientId, acknowledgement_path, commitment_path, send_counter_path
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
from proofs.light_client import Claim, Height, Position
from proofs.primitives.hashing import sha256
from tests.proofs.chainmaker import plain_form as form
from tests.proofs.chainmaker.builders import (
    CHAIN_ID,
    NOW,
    PATH,
    RECEIPT,
    START,
    VALUE,
    Block,
    Plain,
    absent,
    block,
    genesis,
    proof,
    started,
    step,
    transaction,
    with_certificates,
    written,
)
from tests.proofs.fuzzing import assert_only_refusals

NETWORK = with_certificates()
COUNTER = send_counter_path(ClientId("chainmaker-0"))
SENT = transaction(10, [written(), written(COUNTER, (7).to_bytes(8, "big"))])
GONE = transaction(11, [absent()])
BLOCK = block(NETWORK, genesis(NETWORK), txs=[transaction(1), SENT, GONE])
AT = Height(0, 1)
CLAIMS = (
    Claim(PATH, VALUE, Position(AT, 1, 0)),
    Claim(COUNTER, (7).to_bytes(8, "big")),
    Claim(RECEIPT, None, Position(AT, 2, 0)),
)
WHERE = ((1, 0), (1, 1), (2, 0))


def believing(*blocks: Block) -> ChainMakerClient:
    return started(NETWORK).update(step(*blocks), now=NOW)


CLIENT = believing(BLOCK)


def refused(
    error: type[VerificationError], claim: Claim = CLAIMS[0], events: list[Plain] | None = None, **changes: Any
) -> VerificationError:
    """Of a transaction that differs from an honest one by these events and fields, in a block that was voted."""
    version = changes.pop("block_version", None)
    tx = transaction(10, [written()] if events is None else events, **changes)
    made = block(NETWORK, genesis(NETWORK), txs=[tx], **({} if version is None else {"block_version": version}))
    with pytest.raises(error) as refusal:
        believing(made).check([replace(claim, written=None)], at=AT, proof=proof(made, (0, 0)))
    return refusal.value


def test_a_batch_of_claims_of_one_block_is_proved_at_once() -> None:
    CLIENT.check(CLAIMS, at=AT, proof=proof(BLOCK, *WHERE))
    for claim, where in zip(CLAIMS, WHERE, strict=True):
        CLIENT.check([claim], at=AT, proof=proof(BLOCK, where))


def test_other_versions_from_2300_on_serve_too() -> None:
    made = block(NETWORK, genesis(NETWORK), txs=[SENT], block_version=2300)
    believing(made).check([replace(CLAIMS[0], written=None)], at=AT, proof=proof(made, (0, 0)))


REFUSED: dict[str, tuple[Callable[[], VerificationError], str]] = {
    "failed transaction": (partial(refused, ValueMismatch, result_code=4), "transaction result"),
    "failed contract": (partial(refused, ValueMismatch, contract_code=1), "contract result"),
    "no invocation": (partial(refused, UnsupportedProof, tx_type=1), "transaction type"),
    "transaction of another chain": (partial(refused, WrongLedger, chain_id="other"), "chain id of a transaction"),
    "another contract": (partial(refused, WrongLedger, events=[written(contract_name="EVIL")]), "host contract"),
    "new code": (
        partial(refused, WrongLedger, events=[written(contract_version="2.0")]),
        "host contract version",
    ),
    "event of another transaction": (
        partial(refused, ValueMismatch, events=[written(tx_id="f" * 64)]),
        "tx_id of the event",
    ),
    "another topic": (partial(refused, ValueMismatch, events=[written(topic="ab" * 32)]), "event topic"),
    "presence told by absence": (partial(refused, ValueMismatch, events=[absent(PATH)]), "event topic"),
    "absence told by presence": (
        partial(refused, ValueMismatch, Claim(RECEIPT, None), [written(RECEIPT)]),
        "event topic",
    ),
    "another path": (
        partial(refused, ValueMismatch, events=[written(commitment_path(ClientId("chainmaker-0"), 8))]),
        "path of the event",
    ),
    "another value": (partial(refused, ValueMismatch, events=[written(value=b"\x12" * 32)]), "value of the event"),
    "absence of another receipt": (
        partial(refused, ValueMismatch, Claim(RECEIPT[:-1] + b"\x63", None), [absent()]),
        "path of the event",
    ),
    "absence of a commitment": (partial(refused, UnsupportedProof, Claim(PATH, None), [absent(PATH)]), "absent path"),
    "absence of an acknowledgement": (
        partial(refused, UnsupportedProof, Claim(acknowledgement_path(ClientId("chainmaker-0"), 7), None), [absent()]),
        "absent path",
    ),
    "absence of a short path": (
        partial(refused, UnsupportedProof, Claim(b"\x02" * 9, None), [absent()]),
        "absent path",
    ),
    "absence at another time": (
        partial(refused, ValueMismatch, Claim(RECEIPT, None), [absent(time=START + 2)]),
        "time of the record",
    ),
    "events before 2300": (partial(refused, UnsupportedProof, block_version=2201), "block version of an event"),
    "indexed argument": (
        partial(refused, MalformedProof, events=[written(event_data=["00" * 32, "00"])]),
        "event data",
    ),
    "no hex": (partial(refused, MalformedProof, events=[written(event_data=["zz"])]), "event data"),
    "upper-case hex": (partial(refused, MalformedProof, events=[written(event_data=["AB"])]), "event data"),
    "spaced hex": (partial(refused, MalformedProof, events=[written(event_data=["ab ab"])]), "event data"),
    "long data": (partial(refused, LimitExceeded, events=[written(event_data=["00" * 65_537])]), "event data"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_host_did_not_say_is_refused(name: str) -> None:
    act, part = REFUSED[name]
    assert getattr(act(), "part") == part  # noqa: B009 - the type is a parameter


def test_events_without_text_form_are_refused() -> None:
    assert isinstance(refused(MalformedProof, events=[written(event_data=[b"\xff\xfe"])]), MalformedProof)


def test_a_result_without_contract_proves_nothing() -> None:
    tx = transaction(10)
    del tx["result"]["contract_result"]
    made = block(NETWORK, genesis(NETWORK), txs=[tx])
    with pytest.raises(ValueMismatch) as refusal:
        believing(made).check([CLAIMS[0]], at=AT, proof=proof(made, (0, 0)))
    assert refusal.value.part == "contract result"


# --- the proof itself


def parts(**changes: Any) -> bytes:
    """The honest proof of the first claim with something changed."""
    honest = TransactionProof(form.encode(form.TRANSACTION, SENT), 1, BLOCK.path(1))
    witnesses = changes.pop("witnesses", (Witness(0, 0),))
    more = changes.pop("more", ())
    return encode_proof(BlockProof((replace(honest, **changes), *more), witnesses))


SPARE = TransactionProof(form.encode(form.TRANSACTION, GONE), 2, BLOCK.path(2))
OTHER = form.encode(form.TRANSACTION, transaction(10, [written(value=b"\x99" * 32)]))

PROOFS: dict[str, tuple[dict[str, Any], type[VerificationError], str]] = {
    "another index": ({"index": 0}, RootMismatch, "tx_root"),
    "padding": ({"index": 3}, MalformedProof, "transaction index"),
    "short path": ({"path": BLOCK.path(1)[:1]}, MalformedProof, "path length"),
    "long path": ({"path": (*BLOCK.path(1), b"\x00" * 32)}, MalformedProof, "path length"),
    "short node": ({"path": (b"\x00" * 31, BLOCK.path(1)[1])}, MalformedProof, "path node"),
    "another node": ({"path": (b"\x00" * 32, BLOCK.path(1)[1])}, RootMismatch, "tx_root"),
    "another transaction": ({"transaction": OTHER}, RootMismatch, "tx_root"),
    "no such event": ({"witnesses": (Witness(0, 2),)}, MalformedProof, "event"),
    "no such transaction": ({"witnesses": (Witness(1, 0),)}, MalformedProof, "transactions of the proof"),
    "more than needed": ({"more": (SPARE,)}, MalformedProof, "transactions of the proof"),
    "no witness": ({"witnesses": ()}, MalformedProof, "witnesses"),
    "two witnesses": ({"witnesses": (Witness(0, 0), Witness(0, 0))}, MalformedProof, "witnesses"),
    "another event": ({"witnesses": (Witness(0, 1),)}, ValueMismatch, "position of the claim"),
}


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_has_one_form(name: str) -> None:
    changes, error, part = PROOFS[name]
    with pytest.raises(error) as refusal:
        CLIENT.check([CLAIMS[0]], at=AT, proof=parts(**changes))
    assert getattr(refusal.value, "part") == part  # noqa: B009 - the type is a parameter


def test_nothing_claimed_is_nothing_proved() -> None:
    with pytest.raises(MalformedProof):
        CLIENT.check([], at=AT, proof=b"")


def test_a_proof_is_bounded_before_it_is_read() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        CLIENT.check(CLAIMS, at=AT, proof=bytes(PROOF_BYTES_MAX + 1))
    assert refusal.value.part == "proof"


def test_the_last_of_an_odd_list_is_its_own_sibling() -> None:
    """Without the rule a list of three and one of four with the last repeated have one root."""
    twice = block(NETWORK, genesis(NETWORK), txs=[transaction(1), SENT, GONE, GONE], tx_count=3)
    assert twice.header["tx_root"] == BLOCK.header["tx_root"]
    path = (b"\x00" * 32, BLOCK.path(2)[1])
    with pytest.raises(MalformedProof) as refusal:
        CLIENT.check(
            [replace(CLAIMS[2])], at=AT, proof=encode_proof(BlockProof((replace(SPARE, path=path),), (Witness(0, 0),)))
        )
    assert refusal.value.part == "sibling of the last"


# --- confusion of ledgers, heights and hosts


def test_a_proof_of_another_height_host_revision_or_ledger_is_refused() -> None:
    honest = proof(BLOCK, (1, 0))
    claim = [CLAIMS[0]]
    after = block(NETWORK, BLOCK)
    client = believing(BLOCK, after)
    client.check(claim, at=AT, proof=honest)
    with pytest.raises(MalformedProof):
        client.check(claim, at=Height(0, 2), proof=honest)
    with pytest.raises(UnknownHeight):
        client.check(claim, at=Height(0, 3), proof=honest)
    with pytest.raises(WrongLedger):
        client.check(claim, at=Height(1, 1), proof=honest)
    belief = client.belief
    for layout in (HostLayout("OTHER", "1.0"), HostLayout(belief.layout.contract, "1.1")):
        with pytest.raises(WrongLedger):
            ChainMakerClient(replace(belief, layout=layout)).check(claim, at=AT, proof=honest)
    with pytest.raises(WrongLedger):
        ChainMakerClient(replace(belief, chain_id="other")).check(claim, at=AT, proof=honest)
    assert belief.chain_id == CHAIN_ID


def test_the_same_block_shape_at_the_next_height_is_another_proof() -> None:
    again = deepcopy(SENT)
    again["payload"]["timestamp"] = START + 5
    after = block(NETWORK, BLOCK, txs=[transaction(1), again, GONE])
    with pytest.raises(RootMismatch):
        believing(BLOCK, after).check([replace(CLAIMS[0], written=None)], at=Height(0, 2), proof=proof(BLOCK, (1, 0)))


# --- read-write sets


def test_what_a_transaction_wrote_is_in_its_read_write_set() -> None:
    plain = {
        "tx_id": f"{5:064x}",
        "tx_reads": [
            {"key": b"k", "value": b"old", "contract_name": "C", "version": {"ref_tx_id": "a", "ref_offset": 1}}
        ],
        "tx_writes": [{"key": b"k", "value": b"new", "contract_name": "C"}],
    }
    encoded = form.encode(form.WRITE_SET, plain)
    tx = transaction(5)
    tx["result"]["rw_set_hash"] = sha256(encoded)
    decoded = decode_transaction(form.encode(form.TRANSACTION, tx))
    (write,) = verify_write_set(encoded, decoded, sha256).writes
    assert (write.key, write.value, write.contract) == (b"k", b"new", b"C")
    other = form.encode(form.WRITE_SET, plain | {"tx_writes": []})
    with pytest.raises(RootMismatch):
        verify_write_set(other, decoded, sha256)
    foreign = transaction(6)
    foreign["result"]["rw_set_hash"] = sha256(encoded)
    with pytest.raises(ValueMismatch) as refusal:
        verify_write_set(encoded, decode_transaction(form.encode(form.TRANSACTION, foreign)), sha256)
    assert refusal.value.part == "tx_id of the write set"


# --- properties


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_every_leaf_and_only_it_is_in_the_tree(leaves: list[bytes], data: st.DataObject) -> None:
    root = compute_root(leaves, sha256)
    assert root == naive_root(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = compute_path(leaves, index, sha256)
    verify_path(leaves[index], path, index=index, count=len(leaves), root=root, digest=sha256)
    with pytest.raises(VerificationError):
        verify_path(b"\xee" * 32, path, index=index, count=len(leaves), root=root, digest=sha256)


def naive_root(leaves: list[bytes]) -> bytes:
    """As the node builds it: padded with nothing to a power of two; without a right child, the left one twice."""
    level: list[bytes | None] = [*leaves, *[None] * ((1 << (len(leaves) - 1).bit_length()) - len(leaves))]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [None if left is None else sha256(left + (right or left)) for left, right in pairs]
    assert level[0] is not None
    return level[0]


def test_shared_nodes_are_hashed_once() -> None:
    counted: list[bytes] = []

    def count(data: bytes) -> bytes:
        counted.append(data)
        return sha256(data)

    leaves = [bytes([number]) * 32 for number in range(64)]
    root = compute_root(leaves, sha256)
    memo: dict[bytes, bytes] = {}
    for index in range(64):
        path = compute_path(leaves, index, sha256)
        verify_path(leaves[index], path, index=index, count=64, root=root, digest=count, memo=memo)
    assert len(counted) == 63


def test_hostile_proofs_are_refused_by_name() -> None:
    seeds = [proof(BLOCK, *WHERE)]
    # What a proof says is hashed, but for gas, which is not: a change of it alone is the same proof.
    taken = assert_only_refusals(lambda data: CLIENT.check(CLAIMS, at=AT, proof=data), seeds, 2_000)
    assert taken <= 20
