"""Claims about packets: what is proved, and each way in which a proof can lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs.bitcoin import packets
from proofs.bitcoin.membership import (
    TRANSACTION_BYTES_MAX,
    TransactionProof,
    check_is_no_transaction,
    decode_stripped,
    encode_proof,
    verify_transaction,
)
from proofs.bitcoin.packets import MAGIC, decode_script, op_return_data, position_of, sequence_of
from proofs.bitcoin.transactions import Input, Output, Transaction, stripped, transaction_id
from proofs.bitcoin.types import Route
from proofs.commitment import ClientId, commitment_path, receipt_path
from proofs.encoding.proof_batch import join_batch
from proofs.errors import (
    ClientFrozen,
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.light_client import Claim, Height, Position
from proofs.merkle.bitcoin import hash256, path_from_branch
from tests.proofs.bitcoin.builders import (
    COMMITMENT,
    ROUTE,
    coinbase,
    naive_branch,
    naive_root,
    packet_script,
    transaction,
    world,
)

WORLD = world()
HONEST = WORLD.transaction_proof()
OTHER_ROUTE = Route(ROUTE.source_client, ClientId("bitcoin-client-8"))


def at_position(*, height: int | None = None, transaction: int = 2, event: int = 1) -> Claim:
    position = Position(WORLD.at if height is None else Height(0, height), transaction, event)
    return WORLD.claim(path=commitment_path(ROUTE.source_client, sequence_of(position)), written=None)


def with_witness(encoded: bytes) -> bytes:
    """The same transaction with an empty-handed marker and one item of witness."""
    return encoded[:4] + b"\x00\x01" + encoded[4:-4] + b"\x01\x01\xaa" + encoded[-4:]


def flipped(branch: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return (bytes((branch[0][0] ^ 1,)) + branch[0][1:], *branch[1:])


CORRUPTIONS: dict[str, tuple[Callable[[], tuple[Claim, bytes]], type[VerificationError], str]] = {
    "absence": (lambda: (WORLD.claim(value=None), WORLD.proof()), UnsupportedProof, "claim"),
    "another_value": (lambda: (WORLD.claim(value=b"\1" * 32), WORLD.proof()), ValueMismatch, "commitment"),
    "another_client": (
        lambda: (WORLD.claim(path=commitment_path(ClientId("bitcoin-1"), 7), written=None), WORLD.proof()),
        WrongLedger,
        "path",
    ),
    "a_receipt": (
        lambda: (WORLD.claim(path=receipt_path(ROUTE.source_client, sequence_of(WORLD.position))), WORLD.proof()),
        WrongLedger,
        "path",
    ),
    "height_off_by_one": (
        lambda: (at_position(height=WORLD.at.number + 1), WORLD.proof()),
        ValueMismatch,
        "height of the claim",
    ),
    "position_disagrees": (
        lambda: (WORLD.claim(written=replace(WORLD.position, event=0)), WORLD.proof()),
        ValueMismatch,
        "position of the claim",
    ),
    "another_transaction": (lambda: (at_position(transaction=3), WORLD.proof()), RootMismatch, "root of transactions"),
    "another_output": (lambda: (at_position(event=0), WORLD.proof()), UnsupportedProof, "output script"),
    "no_such_output": (lambda: (at_position(event=2), WORLD.proof()), ValueMismatch, "output"),
    "wrong_sibling": (
        lambda: (WORLD.claim(), WORLD.proof(branch=flipped(HONEST.branch))),
        RootMismatch,
        "root of transactions",
    ),
    "missing_sibling": (
        lambda: (WORLD.claim(), WORLD.proof(branch=HONEST.branch[:-1])),
        RootMismatch,
        "root of transactions",
    ),
    "short_sibling": (
        lambda: (WORLD.claim(), WORLD.proof(branch=(HONEST.branch[0][:-1], *HONEST.branch[1:]))),
        MalformedProof,
        "transaction branch hash",
    ),
    "trailing_byte": (
        lambda: (WORLD.claim(), WORLD.proof(transaction=HONEST.transaction + b"\0")),
        MalformedProof,
        "transaction",
    ),
    "with_witness": (
        lambda: (WORLD.claim(), WORLD.proof(transaction=with_witness(HONEST.transaction))),
        MalformedProof,
        "transaction",
    ),
    "more_bytes_than_a_proof_has": (
        lambda: (WORLD.claim(), join_batch([b""] * 60_000)),
        LimitExceeded,
        "proof batch",
    ),
    "too_large": (
        lambda: (WORLD.claim(), WORLD.proof(transaction=b"\0" * (TRANSACTION_BYTES_MAX + 1))),
        LimitExceeded,
        "transaction",
    ),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_invalid(corruption: str) -> None:
    """Each single corruption of a valid proof is refused, for the reason it should be."""
    build, error, part = CORRUPTIONS[corruption]
    claim, proof = build()
    with pytest.raises(error) as refusal:
        WORLD.client.check([claim], at=WORLD.at, proof=proof)
    assert getattr(refusal.value, "part", None) == part


def test_the_witness_is_named_where_it_is_refused() -> None:
    with pytest.raises(MalformedProof) as refusal:
        decode_stripped(with_witness(HONEST.transaction))
    assert refusal.value.got == "with witness"


def test_a_packet_for_another_client() -> None:
    other = transaction(b"\x51", packet_script(route=OTHER_ROUTE), salt=9)
    seen = world([coinbase(13), transaction(b"\x51"), other])
    with pytest.raises(ValueMismatch) as refusal:
        seen.client.check([seen.claim()], at=seen.at, proof=seen.proof())
    assert (refusal.value.part, refusal.value.got) == ("destination client", OTHER_ROUTE.dest_client)


def test_more_claims_than_a_block_announces() -> None:
    with pytest.raises(LimitExceeded):
        WORLD.client.check([WORLD.claim()] * 1_025, at=WORLD.at, proof=b"")


def test_a_frozen_client_proves_nothing() -> None:
    with pytest.raises(ClientFrozen):
        WORLD.client.frozen(13).check([WORLD.claim()], at=WORLD.at, proof=WORLD.proof())


@pytest.mark.parametrize("count", range(1, 18))
def test_every_transaction_of_every_block_is_proved_at_its_own_place_only(count: int) -> None:
    given = [transaction(packet_script(), salt=salt) for salt in range(count)]
    ids = [transaction_id(each) for each in given]
    root = naive_root(ids)
    for index in range(count):
        proof = TransactionProof(stripped(given[index]), naive_branch(ids, index))
        assert verify_transaction(proof, index=index, root=root) == given[index]
        for wrong in {index ^ 1, index + 1, count} - {index}:
            with pytest.raises(VerificationError):
                verify_transaction(proof, index=wrong, root=root)


# --- CVE-2017-12842: 64 bytes that are a transaction and an inner node ---


def sixty_four_bytes() -> bytes:
    spending = Input(b"\x07" * 32, 0, b"", 0)
    encoded = stripped(Transaction(2, (spending,), (Output(0, b"\x51" * 4),), 0))
    assert len(encoded) == 64
    return encoded


def test_a_transaction_as_long_as_an_inner_node_proves_nothing() -> None:
    encoded = sixty_four_bytes()
    with pytest.raises(UnsupportedProof) as refusal:
        verify_transaction(TransactionProof(encoded, ()), index=0, root=hash256(encoded))
    assert refusal.value.part == "transaction"


def test_a_transaction_shown_as_an_inner_node_carries_nothing() -> None:
    """A miner's 64 bytes may end with the id of a transaction that is in no block."""
    node = sixty_four_bytes()
    path = path_from_branch(node[:32], (node[32:],), index=0)
    assert path.nodes == (node,)
    with pytest.raises(MalformedProof) as refusal:
        check_is_no_transaction(path.nodes[0])
    assert (refusal.value.part, refusal.value.got) == ("inner node", node)
    check_is_no_transaction(HONEST.branch[0] + HONEST.branch[1])


# --- outputs and sequences ---


SCRIPT = packet_script()
SCRIPTS: dict[str, tuple[bytes, type[VerificationError], str]] = {
    "pays_somebody": (b"\x51" + SCRIPT[1:], UnsupportedProof, "output script"),
    "another_magic": (SCRIPT.replace(MAGIC, b"CWY2"), UnsupportedProof, "OP_RETURN data"),
    "too_short_for_a_client": (
        b"\x6a" + bytes((len(MAGIC) + 39,)) + MAGIC + COMMITMENT + b"client7",
        MalformedProof,
        "packet output",
    ),
    "client_with_a_slash": (SCRIPT.replace(b"client-7", b"client/7"), MalformedProof, "client id"),
    "something_after_the_push": (SCRIPT + b"\x51", MalformedProof, "OP_RETURN push"),
    "longer_form_than_needed": (b"\x6a\x4c" + SCRIPT[1:], MalformedProof, "OP_RETURN push"),
    "truncated": (SCRIPT[:-1], MalformedProof, "OP_RETURN push"),
    "nothing_pushed": (b"\x6a", MalformedProof, "OP_RETURN push"),
    "empty": (b"", UnsupportedProof, "output script"),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_a_script_that_is_no_packet(case: str) -> None:
    script, error, part = SCRIPTS[case]
    with pytest.raises(error) as refusal:
        decode_script(script)
    assert getattr(refusal.value, "part", None) == part


@pytest.mark.parametrize("length", (8, 39, 40, 64))
def test_a_packet_for_a_client_of_any_length(length: int) -> None:
    """With 40 characters the push needs its longer form."""
    packet = packets.PacketOutput(COMMITMENT, ClientId("c" * length))
    assert decode_script(packets.encode_script(packet)) == packet
    assert len(op_return_data(packets.encode_script(packet))) == 36 + length


def test_a_sequence_names_one_place() -> None:
    for position in (WORLD.position, Position(Height(0, 8_388_607), 1_048_575, 1_048_575)):
        assert position_of(sequence_of(position)) == position
        assert sequence_of(position) < 1 << 63
    with pytest.raises(MalformedProof):
        sequence_of(Position(Height(0, 1 << 23), 0, 0))


def test_the_batch_has_one_proof_for_each_claim() -> None:
    with pytest.raises(MalformedProof):
        WORLD.client.check([WORLD.claim()], at=WORLD.at, proof=join_batch([encode_proof(HONEST)] * 2))
