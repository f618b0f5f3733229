"""Trees against a plain reading, proofs as nodes serve them, senders, and the TARS of signed transactions."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from coincurve import PrivateKey

from proofs.encoding import rlp
from proofs.errors import (
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.fisco_bcos import trees
from proofs.fisco_bcos.suite import address_of, hash_of
from proofs.fisco_bcos.tars import TRANSACTION_BYTES_MAX, decode_signed, verify_signed
from proofs.fisco_bcos.transactions import TransactionV2, check_chain, read_transaction_v2
from proofs.fisco_bcos.types import Suite
from proofs.primitives.hashing import keccak256
from tests.proofs.fisco_bcos.builders import SM, STANDARD, V2, call, parameters, path_v2, path_v3, sealer
from tests.proofs.fuzzing import assert_only_refusals

# --- trees


@pytest.mark.parametrize("seed", range(40))
def test_every_leaf_of_every_tree_verifies(seed: int) -> None:
    chance = random.Random(seed)
    suite = chance.choice(tuple(Suite))
    hashes = [chance.randbytes(32) for _ in range(chance.choice((1, 2, 3, 15, 16, 17, 31, 100, 257, 600)))]
    index = chance.randrange(len(hashes))
    root = trees.compute_root_v2(suite, hashes)
    trees.verify_v2(suite, hashes[index], path_v2(suite, hashes, index), index=index, root=root, part="root")
    root, groups = trees.compute_root_v3(suite, hashes), path_v3(suite, hashes, index)
    assert trees.verify_v3(suite, hashes[index], groups, root=root, part="root") == index
    words = [word for group in groups for word in (len(group).to_bytes(4, "big") + bytes(28), *group)]
    assert trees.groups_of_words(words, hashes[index]) == groups


def test_roots_of_blocks_without_transactions() -> None:
    assert trees.compute_root_v2(STANDARD, []) == keccak256(b"")
    assert trees.compute_root_v3(STANDARD, []) == bytes(32)


LEAF = b"\x31" * 32
ONE, TWO, THREE = (count.to_bytes(4, "big") + bytes(28) for count in (1, 2, 3))
WORDS: dict[str, tuple[list[bytes], type[VerificationError], str]] = {
    "a count of three": ([THREE, LEAF, LEAF, LEAF], MalformedProof, "count word"),
    "a count of none": ([bytes(32), LEAF], MalformedProof, "count word"),
    "a count with a tail": ([TWO[:-1] + b"\x01", LEAF, LEAF], MalformedProof, "count word"),
    "a short count": ([TWO[:-1], LEAF, LEAF], MalformedProof, "count word"),
    "a group that is cut": ([TWO, LEAF], MalformedProof, "proof words"),
    "another lone leaf": ([b"\x32" * 32], ValueMismatch, "lone leaf"),
}


@pytest.mark.parametrize("name", WORDS)
def test_invalid_words(name: str) -> None:
    words, error, part = WORDS[name]
    with pytest.raises(error) as refused:
        trees.groups_of_words(words, LEAF)
    assert refused.value.part == part  # type: ignore[attr-defined]  # all of these have one


def test_a_lone_leaf_has_no_group() -> None:
    assert trees.groups_of_words([], LEAF) == trees.groups_of_words([LEAF], LEAF) == ()
    assert trees.groups_of_words([ONE, LEAF], LEAF) == ((LEAF,),)


# --- transactions of 2.x

KEY = PrivateKey((5).to_bytes(32, "big"))


def signed_v2() -> TransactionV2:
    unsigned = TransactionV2(9, 1, 300_000, 500, b"\x22" * 20, 0, b"\x01\x02", 1, 1, b"", b"", 0, 0)
    signature = KEY.sign_recoverable(keccak256(rlp.encode(unsigned.unsigned_items())), hasher=None)
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    return replace(unsigned, v=bytes((27 + signature[64],)), r=r, s=s)


def encoded_v2(transaction: TransactionV2) -> bytes:
    items = [*transaction.unsigned_items(), transaction.v, rlp.int_bytes(transaction.r), rlp.int_bytes(transaction.s)]
    return rlp.encode(items)


def test_the_sender_of_a_transaction_of_2x() -> None:
    transaction = signed_v2()
    assert read_transaction_v2(rlp.decode(encoded_v2(transaction))) == transaction
    assert transaction.hash(STANDARD) == keccak256(encoded_v2(transaction))
    assert transaction.sender(STANDARD) == address_of(STANDARD, KEY.public_key.format(compressed=False)[1:])
    assert replace(transaction, data=b"\x01").sender(STANDARD) != transaction.sender(STANDARD)


def test_the_sender_on_an_sm_chain() -> None:
    signer = sealer(SM, 6)
    unsigned = replace(signed_v2(), v=signer.public)
    signature = signer.sign(hash_of(SM, rlp.encode(unsigned.unsigned_items())))
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    transaction = replace(unsigned, r=r, s=s)
    assert transaction.sender(SM) == address_of(SM, signer.public)
    with pytest.raises(InvalidSignature):
        replace(transaction, nonce=10).sender(SM)


def test_forms_that_transactions_of_2x_never_have() -> None:
    for changed, part in ((replace(signed_v2(), to=b"\x22" * 19), "to"), (replace(signed_v2(), v=b""), "v")):
        with pytest.raises(MalformedProof) as refused:
            read_transaction_v2(rlp.decode(encoded_v2(changed)))
        assert refused.value.part == part
    for v in (b"\x1d", b"\x01", b"\x1b\x00"):
        with pytest.raises(InvalidSignature) as signature:
            replace(signed_v2(), v=v).sender(STANDARD)
        assert signature.value.scheme.startswith("secp256k1: v ")


def test_a_transaction_of_2x_is_for_one_group() -> None:
    mine = replace(parameters(V2), chain_id="1", group_id="1")
    check_chain(signed_v2(), mine)
    with pytest.raises(WrongLedger) as refused:
        check_chain(replace(signed_v2(), group_id=2), mine)
    assert (refused.value.got, refused.value.expected) == ("1/2", "1/1")


# --- TARS of 3.x


def tars_integer(tag: int, value: int) -> bytes:
    return bytes((tag << 4 | 3,)) + value.to_bytes(8, "big", signed=True)


def tars_text(tag: int, text: bytes) -> bytes:
    return bytes((tag << 4 | 6, len(text))) + text


def tars_bytes(tag: int, data: bytes) -> bytes:
    return bytes((tag << 4 | 13, 0, 1)) + len(data).to_bytes(2, "big") + data


CALL = call()
DATA = b"".join(
    (
        tars_text(2, b"chain0"),
        tars_text(3, b"group0"),
        tars_integer(4, CALL.block_limit),
        tars_text(5, CALL.nonce.encode()),
        tars_text(6, CALL.to.encode()),
        tars_bytes(7, CALL.input),
    )
)


def tars(data: bytes = DATA, *, stated: bytes | None = None, suite: Suite = STANDARD, tail: bytes = b"") -> bytes:
    digest = CALL.hash(suite)
    signature = sealer(suite, 5).sign(digest)
    return b"\x1a" + data + b"\x0b" + tars_bytes(2, stated or digest) + tars_bytes(3, signature) + tail


@pytest.mark.parametrize("suite", Suite)
def test_a_signed_transaction_of_3x(suite: Suite) -> None:
    signed, sender = verify_signed(tars(suite=suite, tail=tars_integer(5, 3)), suite)
    assert signed.transaction == CALL
    assert signed.attribute == 3
    assert sender == address_of(suite, sealer(suite, 5).public)


def test_widths_and_zeros_that_clients_write() -> None:
    zero = b"\x1c" + DATA
    assert decode_signed(tars(zero)).transaction == CALL
    far = tars_text(1, b"x")[:0] + DATA.replace(tars_text(2, b"chain0"), b"\x27\x00\x00\x00\x06chain0")
    assert decode_signed(tars(far)).transaction == CALL


TARS: dict[str, tuple[bytes, type[VerificationError], str]] = {
    "another hash": (tars(stated=b"\x01" * 32), ValueMismatch, "transaction hash"),
    "a transaction of Ethereum": (tars(tail=tars_integer(9, 1)), UnsupportedProof, "transaction type"),
    "tags that descend": (tars(tars_text(3, b"group0") + tars_text(2, b"chain0")), MalformedProof, "TARS tag"),
    "a tag twice": (tars(tars_text(2, b"a") * 2), MalformedProof, "TARS tag"),
    "an unknown tag": (tars(DATA + b"\xf3\x0f" + bytes(8)), MalformedProof, "TARS tag"),
    "a long tag for a short one": (tars(b"\xf3\x04" + bytes(8)), MalformedProof, "TARS tag"),
    "an unknown tag outside": (tars(tail=tars_integer(12, 1)), MalformedProof, "TARS tag"),
    "no data": (tars_bytes(2, b"\x01" * 32), MalformedProof, "TARS transaction"),
    "a struct in a struct": (tars(b"\x2a\x0b"), MalformedProof, "TARS type"),
    "a float": (tars(b"\x24\x00\x00\x00\x00"), MalformedProof, "TARS type"),
    "text where a number is meant": (tars(tars_text(4, b"1")), MalformedProof, "TARS field"),
    "a number where text is meant": (tars(tars_integer(2, 1)), MalformedProof, "TARS field"),
    "text that is none": (tars(tars_text(2, b"\xff")), MalformedProof, "TARS text"),
    "a negative limit": (tars(tars_integer(4, -1)), MalformedProof, "TARS transaction"),
    "bytes of another type": (tars(b"\x7d\x01\x00\x00"), MalformedProof, "TARS bytes"),
    "a length that is text": (tars(b"\x7d\x00\x06\x00"), MalformedProof, "TARS length"),
    "a negative length": (tars(b"\x7d\x00\x00\xff"), MalformedProof, "TARS length"),
    "a cut": (tars()[:-1], MalformedProof, "TARS length"),
    "no end": (b"\x1a" + DATA, MalformedProof, "TARS length"),
    "too long": (bytes(TRANSACTION_BYTES_MAX + 1), LimitExceeded, "transaction"),
}


@pytest.mark.parametrize("name", TARS)
def test_invalid_tars(name: str) -> None:
    encoded, error, part = TARS[name]
    with pytest.raises(error) as refused:
        verify_signed(encoded, STANDARD)
    assert refused.value.part == part  # type: ignore[attr-defined]  # all of these have one


def test_hostile_transactions_are_refused_by_name() -> None:
    assert_only_refusals(lambda data: verify_signed(data, STANDARD), [tars(), tars(tail=tars_integer(5, 3))], 1_500)

    def send(data: bytes) -> None:
        read_transaction_v2(rlp.decode(data)).sender(STANDARD)

    assert_only_refusals(send, [encoded_v2(signed_v2())], 800)
