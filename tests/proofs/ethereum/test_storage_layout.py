from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proofs.commitment import ClientId, acknowledgement_path, commitment_path, receipt_path, send_counter_path
from proofs.encoding import rlp
from proofs.errors import (
    InvalidProof,
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.ethereum.storage_layout import (
    IMPLEMENTATION_SLOT,
    PROOF_BYTES_MAX,
    ROUTER_COMMITMENTS_SLOT,
    RouterLayout,
    check_claims,
    decode_layout,
    encode_state_proof,
    is_send_counter,
)
from proofs.light_client import Claim
from proofs.primitives.hashing import keccak256
from tests.proofs.ethereum.builders import CODE_HASH, LAYOUT, ROUTER, world
from tests.proofs.fuzzing import assert_only_refusals

CODE = b"\x00" + b"\x55" * 19
CLIENT = ClientId("client-0")
SENT = Claim(commitment_path(CLIENT, 1), b"\x11" * 32)
SHORT = Claim(commitment_path(CLIENT, 2), bytes(2) + b"\x22" * 30)
ACKED = Claim(acknowledgement_path(CLIENT, 1), b"\x33" * 32)
UNRECEIVED = Claim(receipt_path(CLIENT, 9), None)
COUNTER = Claim(send_counter_path(CLIENT), (258).to_bytes(8, "big"))
UNUSED = Claim(send_counter_path(ClientId("client-7")), bytes(8))
CLAIMS = [SENT, SHORT, ACKED, UNRECEIVED, COUNTER, UNUSED]
WORLD = world({LAYOUT.slot_of(claim.path): claim.value for claim in CLAIMS if claim.value and any(claim.value)})


def check(*claims: Claim, proof: bytes | None = None, layout: RouterLayout = LAYOUT) -> None:
    proof = WORLD.prove([claim.path for claim in claims]) if proof is None else proof
    check_claims(claims, state_root=WORLD.state_root, layout=layout, proof=proof)


def test_slots_are_where_solidity_puts_them() -> None:
    """keccak256(key ‖ slot) of a mapping; the counter's key is text, in the mapping one slot further."""
    slot = ROUTER_COMMITMENTS_SLOT.to_bytes(32, "big")
    assert slot.hex() == "1260944489272988d9df285149b5aa1b0f48f2136d6f416159f840a3e0747600"
    assert LAYOUT.slot_of(SENT.path) == keccak256(keccak256(b"client-0\x01" + bytes(7) + b"\x01") + slot)
    assert LAYOUT.slot_of(COUNTER.path) == keccak256(b"client-0" + slot[:-1] + b"\x01")


def test_all_kinds_of_claims_are_proved_at_once() -> None:
    check(*CLAIMS)
    for claim in CLAIMS:
        check(claim)


WRONG: dict[str, tuple[Claim, type[VerificationError], dict[str, Any]]] = {
    "another_value": (replace(SENT, value=b"\x12" * 32), ValueMismatch, {"got": SENT.value}),
    "absence_of_what_is_there": (replace(SENT, value=None), ValueMismatch, {"expected": "nothing"}),
    "presence_of_what_is_absent": (replace(UNRECEIVED, value=b"\x01" * 32), ValueMismatch, {"got": "nothing"}),
    "another_counter": (replace(COUNTER, value=(259).to_bytes(8, "big")), ValueMismatch, {"got": b"\x01\x02"}),
    "zero_as_commitment": (replace(UNRECEIVED, value=bytes(32)), MalformedProof, {"part": "commitment"}),
    "short_commitment": (replace(SHORT, value=b"\x22" * 30), MalformedProof, {"part": "commitment"}),
    "short_counter": (replace(COUNTER, value=b"\x01\x02"), MalformedProof, {"part": "send counter"}),
    "no_counter": (replace(UNUSED, value=None), MalformedProof, {"part": "send counter", "got": None}),
}


@pytest.mark.parametrize("name", WRONG)
def test_claims_that_the_state_does_not_bear_out(name: str) -> None:
    claim, error, fields = WRONG[name]
    with pytest.raises(error) as refusal:
        check(claim)
    for field, expected in fields.items():
        assert getattr(refusal.value, field) == expected


def test_nothing_claimed_is_nothing_proved() -> None:
    with pytest.raises(MalformedProof) as refused:
        check()
    assert (refused.value.part, refused.value.got) == ("claims", 0)


def test_the_proof_of_another_path_proves_nothing() -> None:
    with pytest.raises(InvalidProof):
        check(UNRECEIVED, proof=WORLD.prove([SENT.path]))


def test_another_state_root_is_refused() -> None:
    with pytest.raises(RootMismatch):
        check_claims([SENT], state_root=bytes(32), layout=LAYOUT, proof=WORLD.prove([SENT.path]))


def test_other_code_at_the_hosts_address_is_refused() -> None:
    with pytest.raises(WrongLedger) as refusal:
        check(SENT, layout=replace(LAYOUT, code_hash=bytes(32)))
    assert (refusal.value.part, refusal.value.got) == ("host code hash", CODE_HASH)


def test_a_host_that_is_not_there_is_refused() -> None:
    elsewhere = replace(LAYOUT, address=b"\x99" * 20)
    proof = encode_state_proof(WORLD.account_nodes(elsewhere.address), [[]])
    with pytest.raises(WrongLedger) as refusal:
        check(SENT, layout=elsewhere, proof=proof)
    assert refusal.value.got == "nothing there"


def test_every_claim_has_its_own_list_of_nodes() -> None:
    for proof in (WORLD.prove([SENT.path]), WORLD.prove([SENT.path] * 3), rlp.encode([[]]), rlp.encode(b"x" * 40)):
        with pytest.raises(MalformedProof):
            check(SENT, SENT, proof=proof)


def test_behind_a_proxy_the_code_that_runs_is_proved_too() -> None:
    assert int.from_bytes(IMPLEMENTATION_SLOT, "big") == (
        int.from_bytes(keccak256(b"eip1967.proxy.implementation"), "big") - 1
    )
    behind = world({LAYOUT.slot_of(SENT.path): SENT.value or b"", IMPLEMENTATION_SLOT: CODE})
    layout = replace(LAYOUT, implementation=CODE)
    nodes = [behind.storage_nodes(key) for key in layout.storage_keys([SENT])]
    proof = encode_state_proof(behind.account_nodes(), nodes)
    check_claims([SENT], state_root=behind.state_root, layout=layout, proof=proof)
    upgraded = replace(layout, implementation=b"\x77" * 20)
    with pytest.raises(WrongLedger) as refusal:
        check_claims([SENT], state_root=behind.state_root, layout=upgraded, proof=proof)
    assert (refusal.value.part, refusal.value.got) == ("host implementation", CODE.lstrip(b"\x00"))
    unproved = encode_state_proof(behind.account_nodes(), nodes[:1])
    with pytest.raises(MalformedProof):
        check_claims([SENT], state_root=behind.state_root, layout=layout, proof=unproved)


def test_large_proofs_are_refused_unread() -> None:
    with pytest.raises(LimitExceeded):
        check(SENT, proof=bytes(PROOF_BYTES_MAX + 1))


def test_a_layout_survives_encoding() -> None:
    for implementation in (None, CODE):
        layout = RouterLayout(ROUTER, CODE_HASH, commitments_slot=5, implementation=implementation)
        assert decode_layout(layout.encode()) == layout
    for wrong in (
        b"\x80",
        rlp.encode([b"\x02", ROUTER, CODE_HASH, b"\x05", b""]),
        rlp.encode([b"\x01", b"", CODE_HASH, b"", b""]),
    ):
        with pytest.raises(MalformedProof):
            decode_layout(wrong)


def test_only_printable_client_ids_name_counters() -> None:
    assert is_send_counter(send_counter_path(CLIENT))
    assert not is_send_counter(commitment_path(ClientId("nextSequenceSend/a"), 1))
    assert not is_send_counter(SENT.path)


def test_hostile_bytes_meet_refusals_only() -> None:
    seeds = [WORLD.prove([claim.path for claim in CLAIMS])]
    assert_only_refusals(lambda data: check(*CLAIMS, proof=data), seeds, 1_500)
    assert_only_refusals(decode_layout, [LAYOUT.encode()], 1_000)
