"""Whatever bytes come: refusals of our own, nothing else; and never after much work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs.bitcoin.belief import BLOCKS_MAX
from proofs.bitcoin.blocks import decode_block, verify_block
from proofs.bitcoin.client import decode_client
from proofs.bitcoin.headers import HEADERS_MAX, encode_header
from proofs.bitcoin.membership import TransactionProof, encode_proof
from proofs.bitcoin.merkleblock import verify_merkleblock
from proofs.bitcoin.packets import decode_script
from proofs.bitcoin.transactions import decode_transaction
from proofs.encoding.proof_batch import join_batch
from proofs.encoding.protobuf import bytes_field
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof, VerificationError, WrongLedger
from tests.proofs.bitcoin.builders import REGTEST_GENESIS, client_at, evidence, mine, now_after, packet_script, world
from tests.proofs.bitcoin.test_blocks import ENCODED, GOOD, encode_block, merkleblock, with_witness
from tests.proofs.fuzzing import assert_only_refusals
from tests.proofs.merkle.bitcoin_trees import TREE, leaves

CASES = 800
WORLD = world()
BRANCH = mine(WORLD.chain, 4)


def test_evidence() -> None:
    seeds = [evidence(BRANCH[-4:]), evidence(BRANCH[-6:])]
    assert_only_refusals(lambda data: WORLD.client.update(data, now=now_after(BRANCH)), seeds, CASES)


def test_proofs() -> None:
    def check(data: bytes) -> None:
        WORLD.client.check([WORLD.claim()], at=WORLD.at, proof=data)

    assert assert_only_refusals(check, [WORLD.proof()], CASES) == 0


def test_paths() -> None:
    def check(data: bytes) -> None:
        WORLD.client.check([WORLD.claim(path=data, written=None)], at=WORLD.at, proof=WORLD.proof())

    assert assert_only_refusals(check, [WORLD.claim().path], CASES) == 0


def test_clients() -> None:
    def use(data: bytes) -> None:
        client = decode_client(data)
        assert decode_client(client.encode()) == client
        client.update(evidence(BRANCH[-4:]), now=now_after(BRANCH))

    assert_only_refusals(use, [WORLD.client.encode(), WORLD.client.frozen(13).encode()], CASES)


def test_transactions_blocks_parts_and_scripts() -> None:
    assert_only_refusals(decode_transaction, [ENCODED, with_witness(ENCODED)], CASES)
    assert_only_refusals(lambda data: verify_block(decode_block(data), now=1 << 40), [encode_block(GOOD)], CASES)
    assert_only_refusals(verify_merkleblock, [merkleblock(TREE, leaves(1)[0])], CASES)
    assert_only_refusals(decode_script, [packet_script()], CASES)


STORED = client_at(BRANCH[:13]).encode()


def test_clients_that_never_were() -> None:
    with pytest.raises(UnsupportedProof):
        decode_client(b"\2" + STORED[1:])
    with pytest.raises(LimitExceeded):
        decode_client(b"\1" * (2_000 + 48 * BLOCKS_MAX))
    for changes, error in (
        ({"final": 13}, MalformedProof),
        ({"parameters": replace(WORLD.client.belief.parameters, confirmations=0)}, MalformedProof),
    ):
        belief = replace(client_at(BRANCH[:13]).belief, **changes)
        with pytest.raises(error):
            decode_client(replace(WORLD.client, belief=belief).encode())
    fields = STORED.replace(bytes_field(6, b"\0" * 32), b"")  # canonical readers take an empty field for a missing one
    for wrong in (STORED.replace(bytes_field(7, b"\0" * 32), bytes_field(7, b"\0" * 31)), fields):
        with pytest.raises(MalformedProof) as refusal:
            decode_client(wrong)
        assert refusal.value.expected == "hash, work, blocks of 48 bytes"
    short = replace(client_at(BRANCH[:13]).belief, chain=tuple(BRANCH[6:13]))
    with pytest.raises(MalformedProof) as refusal:
        decode_client(replace(WORLD.client, belief=short).encode())
    assert refusal.value.part == "headers up to the checkpoint"
    heavy = replace(BRANCH[0], work=1 << 128)
    belief = replace(client_at(BRANCH[:13]).belief, chain=(heavy, *BRANCH[1:13]))
    with pytest.raises(MalformedProof) as refusal:
        decode_client(replace(WORLD.client, belief=belief).encode())
    assert refusal.value.part == "work"
    foreign = mine([replace(BRANCH[0], hash=b"\x55" * 32)], 12)
    belief = replace(
        client_at(BRANCH[:13]).belief, chain=tuple(replace(each, height=each.height) for each in foreign[1:])
    )
    moved = tuple(replace(each, height=each.height - 1) for each in belief.chain)
    with pytest.raises(WrongLedger) as genesis:
        decode_client(replace(WORLD.client, belief=replace(belief, chain=moved, final=11)).encode())
    assert genesis.value.part == "genesis block"


@pytest.mark.parametrize(
    "proof",
    (
        b"\x0a" * (1 << 20),
        join_batch([encode_proof(TransactionProof(b"\0" * (1 << 20), ()))]),
        join_batch([encode_proof(TransactionProof(b"\2\0\0\0\xfe\x98\x00\x00\x00" + b"\0" * 99_000, ()))]),
        join_batch([encode_proof(TransactionProof(ENCODED, (b"\0" * 32,) * 30_000))]),
    ),
    ids=("noise", "transaction", "inputs", "branch"),
)
def test_a_large_proof_is_refused(proof: bytes) -> None:
    with pytest.raises(VerificationError):
        WORLD.client.check([WORLD.claim()], at=WORLD.at, proof=proof)


def test_large_evidence_is_refused() -> None:
    for data in (b"\0" * (1 << 20), encode_header(REGTEST_GENESIS) * HEADERS_MAX):
        with pytest.raises(VerificationError):
            WORLD.client.update(data, now=now_after(BRANCH))
