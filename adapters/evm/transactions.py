"""EIP-1559 transactions: built, signed by a key we never see, and read back from their raw bytes.

Read back are only transactions of the form we make: type 2, without an access list. The raw bytes say everything (who
pays, which nonce, what it may cost), so nothing else needs to be stored for one.
Source: EIP-2718, EIP-1559, EIP-2 (low s).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import coincurve

from adapters.contract.ledger import Account, Signer, TxId
from proofs.encoding import rlp
from proofs.errors import InvalidSignature, MalformedProof, UnsupportedProof
from proofs.primitives.hashing import keccak256

_TYPE: Final = b"\x02"
_SIGNED_FIELDS: Final = 12
_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
_SCHEME: Final = "secp256k1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """to: 20 bytes, or empty to create a contract. Fees in wei per unit of gas, value in wei."""

    chain_id: int
    nonce: int
    max_priority_fee: int
    max_fee: int
    gas: int
    to: bytes
    data: bytes
    value: int = 0

    @property
    def cost_max(self) -> int:
        """The most it can take from its sender, in wei."""
        return self.gas * self.max_fee + self.value


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    transaction: Transaction
    sender: bytes
    raw: bytes

    @property
    def id(self) -> TxId:
        return transaction_id(self.raw)


def sign_transaction(transaction: Transaction, signer: Signer) -> SignedTransaction:
    """Raises InvalidSignature when the signer's answer does not verify under its own public key."""
    assert signer.scheme == _SCHEME, "an EVM account signs with secp256k1"
    digest = signing_digest(transaction)
    signature = signer.sign(digest)
    sender = recover_address(digest, signature)
    if sender != address_of_public_key(signer.public_key):
        raise InvalidSignature(signer=signer.public_key, scheme=_SCHEME)
    r, s = signature[:32].lstrip(b"\0"), signature[32:64].lstrip(b"\0")
    raw = _TYPE + rlp.encode([*_fields(transaction), rlp.int_bytes(signature[64]), r, s])
    return SignedTransaction(transaction, sender, raw)


def signing_digest(transaction: Transaction) -> bytes:
    return keccak256(_TYPE + rlp.encode(_fields(transaction)))


def decode_transaction(raw: bytes) -> SignedTransaction:
    """Read a signed transaction and recover its sender. Raises InvalidProof."""
    if raw[:1] != _TYPE:
        raise UnsupportedProof("transaction type", got=raw[:1], expected=_TYPE)
    fields = rlp.as_list(rlp.decode(raw[1:]), "transaction", count=_SIGNED_FIELDS)
    if rlp.as_list(fields[8], "access list"):
        raise UnsupportedProof("access list", got=len(fields[8]), expected="none")
    to = rlp.as_bytes(fields[5], "to")
    if len(to) not in (0, 20):
        raise MalformedProof("to", got=len(to), expected="20 bytes, or none to create a contract")
    transaction = Transaction(
        chain_id=rlp.as_int(fields[0], "chain id", bits=64),
        nonce=rlp.as_int(fields[1], "nonce", bits=64),
        max_priority_fee=rlp.as_int(fields[2], "max priority fee"),
        max_fee=rlp.as_int(fields[3], "max fee"),
        gas=rlp.as_int(fields[4], "gas", bits=64),
        to=to,
        value=rlp.as_int(fields[6], "value"),
        data=rlp.as_bytes(fields[7], "data"),
    )
    parity = rlp.as_int(fields[9], "y parity", bits=8)
    r, s = (rlp.as_int(field, "signature").to_bytes(32, "big") for field in fields[10:])
    sender = recover_address(signing_digest(transaction), r + s + bytes((parity,)))
    return SignedTransaction(transaction, sender, raw)


def transaction_id(raw: bytes) -> TxId:
    return TxId("0x" + keccak256(raw).hex())


def recover_address(digest: bytes, signature: bytes) -> bytes:
    """The address whose key signed. signature: r‖s‖v, v 0 or 1, low s. Raises MalformedProof, InvalidSignature."""
    if len(signature) != 65:
        raise MalformedProof("signature", got=len(signature), expected=65)
    if signature[64] > 1:
        raise MalformedProof("y parity", got=signature[64], expected="0 or 1")
    if int.from_bytes(signature[32:64], "big") > _ORDER // 2:
        raise InvalidSignature(signer=b"", scheme=f"{_SCHEME}, high s")
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception as refused:
        raise InvalidSignature(signer=b"", scheme=_SCHEME) from refused
    return _address(key)


def address_of_public_key(public_key: bytes) -> bytes:
    """public_key: 33 bytes, compressed."""
    return _address(coincurve.PublicKey(public_key))


def address_of_secret(secret: bytes) -> bytes:
    return _address(coincurve.PublicKey.from_valid_secret(secret))


def account_of(address: bytes) -> Account:
    """An address as EIP-55 writes it: the case of its letters is a checksum."""
    digits = address.hex()
    nibbles = keccak256(digits.encode()).hex()
    return Account("0x" + "".join(d.upper() if int(n, 16) > 7 else d for d, n in zip(digits, nibbles, strict=False)))


def create_address(sender: bytes, nonce: int) -> bytes:
    """Where the contract lands that this transaction creates."""
    return keccak256(rlp.encode([sender, rlp.int_bytes(nonce)]))[12:]


def _address(key: coincurve.PublicKey) -> bytes:
    return keccak256(key.format(compressed=False)[1:])[12:]


def _fields(transaction: Transaction) -> list[rlp.Encodable]:
    numbers = (
        transaction.chain_id,
        transaction.nonce,
        transaction.max_priority_fee,
        transaction.max_fee,
        transaction.gas,
    )
    no_access_list: list[rlp.Encodable] = []
    return [
        *map(rlp.int_bytes, numbers),
        transaction.to,
        rlp.int_bytes(transaction.value),
        transaction.data,
        no_access_list,
    ]
