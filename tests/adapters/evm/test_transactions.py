"""Transactions: the same bytes as eth_account makes, read back to what they were made of, and refused when altered."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import coincurve
import pytest
from eth_account import Account as Oracle

from adapters.evm.transactions import (
    SignedTransaction,
    Transaction,
    account_of,
    address_of_secret,
    create_address,
    decode_transaction,
    recover_address,
    sign_transaction,
    signing_digest,
)
from proofs.encoding import rlp
from proofs.errors import InvalidProof, InvalidSignature, MalformedProof, UnsupportedProof
from relay.keys.signer import Secp256k1Signer

SECRET = bytes(range(1, 33))
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
TRANSACTION = Transaction(
    chain_id=31_337, nonce=0, max_priority_fee=1, max_fee=10**9, gas=21_000, to=b"\x11" * 20, data=b"\x01\x02"
)


def signed(transaction: Transaction = TRANSACTION) -> SignedTransaction:
    return sign_transaction(transaction, Secp256k1Signer(SECRET))


def by_oracle(transaction: Transaction, secret: bytes) -> tuple[bytes, str]:
    fields = {
        "type": 2,
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "maxPriorityFeePerGas": transaction.max_priority_fee,
        "maxFeePerGas": transaction.max_fee,
        "gas": transaction.gas,
        "to": account_of(transaction.to) if transaction.to else "",
        "value": transaction.value,
        "data": transaction.data,
    }
    made = Oracle.sign_transaction(fields, secret)
    return bytes(made.raw_transaction), "0x" + bytes(made.hash).hex()


@pytest.mark.parametrize("seed", range(40))
def test_bytes_and_id_are_those_of_the_oracle(seed: int) -> None:
    chance = Random(seed)
    secret = chance.randbytes(31) + b"\x01"
    max_fee = chance.getrandbits(chance.choice((1, 8, 40)))
    transaction = Transaction(
        chain_id=chance.getrandbits(32) + 1,
        nonce=chance.getrandbits(chance.choice((1, 7, 8, 20))),
        max_priority_fee=chance.randint(0, max_fee),
        max_fee=max_fee,
        gas=21_000 + chance.getrandbits(20),
        to=b"" if seed % 4 == 0 else chance.randbytes(20),
        data=chance.randbytes(chance.choice((0, 1, 55, 56, 300))),
        value=chance.getrandbits(chance.choice((1, 60))),
    )
    own = sign_transaction(transaction, Secp256k1Signer(secret))
    raw, identity = by_oracle(transaction, secret)
    assert own.raw == raw
    assert own.id == identity
    assert decode_transaction(own.raw) == own
    assert account_of(own.sender) == Oracle.from_key(secret).address


def test_the_most_it_can_cost_is_gas_at_the_highest_fee_and_the_value() -> None:
    assert replace(TRANSACTION, value=7).cost_max == 21_000 * 10**9 + 7


def test_a_created_contract_lands_where_the_yellow_paper_says() -> None:
    """Published example: the third contract of the account 0x6ac7…dbf0."""
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert create_address(sender, 2).hex() == "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91"


def test_addresses_carry_the_checksum_of_eip_55() -> None:
    for published in (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    ):
        assert account_of(bytes.fromhex(published[2:])) == published


class WrongKeySigner:
    """Signs with another key than the one it shows."""

    scheme = "secp256k1"
    public_key = coincurve.PublicKey.from_valid_secret(SECRET).format(compressed=True)

    def sign(self, message: bytes) -> bytes:
        return coincurve.PrivateKey(b"\x07" * 32).sign_recoverable(message, hasher=None)


def test_a_signer_that_signs_with_another_key_is_found_out() -> None:
    with pytest.raises(InvalidSignature) as refusal:
        sign_transaction(TRANSACTION, WrongKeySigner())
    assert refusal.value.signer == WrongKeySigner.public_key


def altered(position: int, item: rlp.Encodable) -> bytes:
    fields = rlp.as_list(rlp.decode(signed().raw[1:]), "transaction")
    return b"\x02" + rlp.encode([*fields[:position], item, *fields[position + 1 :]])


MALFORMED = {
    "another type": (b"\x01" + signed().raw[1:], UnsupportedProof, "transaction type"),
    "no bytes": (b"", UnsupportedProof, "transaction type"),
    "trailing byte": (signed().raw + b"\x00", MalformedProof, "RLP"),
    "a field too few": (
        b"\x02" + rlp.encode(rlp.as_list(rlp.decode(signed().raw[1:]), "")[:11]),
        MalformedProof,
        "transaction",
    ),
    "an access list": (altered(8, [[b"\x11" * 20, []]]), UnsupportedProof, "access list"),
    "a short recipient": (altered(5, b"\x11" * 19), MalformedProof, "to"),
    "a recipient that is a list": (altered(5, []), MalformedProof, "to"),
    "a padded number": (altered(1, b"\x00\x01"), MalformedProof, "nonce"),
    "a number too large": (altered(1, b"\x01" * 9), MalformedProof, "nonce"),
    "y parity of 27": (altered(9, b"\x1b"), MalformedProof, "y parity"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_raw_bytes_of_another_form_are_refused(name: str) -> None:
    raw, kind, part = MALFORMED[name]
    with pytest.raises(kind) as refusal:
        decode_transaction(raw)
    assert getattr(refusal.value, "part", None) == part


def test_the_twin_of_a_signature_is_refused() -> None:
    raw = signed().raw
    fields = rlp.as_list(rlp.decode(raw[1:]), "transaction")
    s = rlp.as_int(fields[11], "s")
    parity = rlp.as_int(fields[9], "y parity")
    twin = [*fields[:9], rlp.int_bytes(1 - parity), fields[10], rlp.int_bytes(ORDER - s)]
    with pytest.raises(InvalidSignature) as refusal:
        decode_transaction(b"\x02" + rlp.encode(twin))
    assert refusal.value.scheme == "secp256k1, high s"


@pytest.mark.parametrize("signature", (bytes(65), b"\xff" * 32 + bytes(31) + b"\x01\x00"))
def test_a_signature_that_no_key_can_have_made_is_refused(signature: bytes) -> None:
    with pytest.raises(InvalidSignature):
        recover_address(signing_digest(TRANSACTION), signature)


def test_a_signature_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedProof) as refusal:
        recover_address(bytes(32), bytes(64))
    assert (refusal.value.part, refusal.value.got) == ("signature", 64)


@pytest.mark.parametrize("seed", range(100))
def test_damaged_bytes_are_refused_or_name_another_sender(seed: int) -> None:
    chance = Random(seed)
    raw = bytearray(signed().raw)
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    try:
        decoded = decode_transaction(bytes(raw))
    except InvalidProof:
        return
    assert decoded.sender != address_of_secret(SECRET)
