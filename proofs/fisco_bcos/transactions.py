"""Transactions of both generations: what their hash covers, and who sent them.

2.x: RLP of ten fields and the signature; the sender signs the hash of the ten alone.

3.x: a concatenation without lengths, then hashed; the signature stands beside it. The reading that is believed is
pinned in membership.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import InvalidSignature, MalformedProof, ValueMismatch, WrongLedger
from proofs.fisco_bcos.header_rules import read_ascii
from proofs.fisco_bcos.suite import address_of, hash_of, signer_of
from proofs.fisco_bcos.types import ADDRESS_BYTES, SEALER_BYTES, Parameters, Suite

_V_BASE: Final = 27
_SCALAR_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class TransactionV2:
    """to: 20 bytes, or nothing where a contract is made. v: 27 or 28, or the public key on SM chains."""

    nonce: int
    gas_price: int
    gas: int
    block_limit: int
    to: bytes
    value: int
    data: bytes
    chain_id: int
    group_id: int
    extra_data: bytes
    v: bytes
    r: int
    s: int

    def unsigned_items(self) -> list[Encodable]:
        return [
            *(rlp.int_bytes(each) for each in (self.nonce, self.gas_price, self.gas, self.block_limit)),
            self.to,
            rlp.int_bytes(self.value),
            self.data,
            *(rlp.int_bytes(each) for each in (self.chain_id, self.group_id)),
            self.extra_data,
        ]

    def hash(self, suite: Suite) -> bytes:
        signed = [*self.unsigned_items(), self.v, rlp.int_bytes(self.r), rlp.int_bytes(self.s)]
        return hash_of(suite, rlp.encode(signed))

    def sender(self, suite: Suite) -> bytes:
        """Raises InvalidSignature, MalformedProof."""
        digest = hash_of(suite, rlp.encode(self.unsigned_items()))
        scalars = self.r.to_bytes(_SCALAR_BYTES, "big") + self.s.to_bytes(_SCALAR_BYTES, "big")
        return address_of(suite, signer_of(suite, digest, scalars + self._signature_tail(suite)))

    def _signature_tail(self, suite: Suite) -> bytes:
        if suite is Suite.SM3_SM2:
            return self.v.rjust(SEALER_BYTES, b"\x00")
        check_recovery_byte(self.v)
        return bytes((self.v[0] - _V_BASE,))


@dataclass(frozen=True, slots=True)
class TransactionV3:
    """to: as the sender wrote it, and so it is hashed. The last six belong to later versions of transactions."""

    version: int
    chain_id: str
    group_id: str
    block_limit: int
    nonce: str
    to: str
    input: bytes
    abi: str = ""
    value: str = ""
    gas_price: str = ""
    gas_limit: int = 0
    max_fee: str = ""
    max_priority_fee: str = ""
    extension: bytes = b""

    def preimage(self) -> bytes:
        texts = (self.nonce, self.to)
        parts = [
            self.version.to_bytes(4, "big"),
            self.chain_id.encode(),
            self.group_id.encode(),
            self.block_limit.to_bytes(8, "big"),
            *(each.encode() for each in texts),
            self.input,
            self.abi.encode(),
        ]
        if self.version >= 1:
            parts += [self.value.encode(), self.gas_price.encode(), self.gas_limit.to_bytes(8, "big")]
            parts += [self.max_fee.encode(), self.max_priority_fee.encode()]
        if self.version >= 2:
            parts.append(self.extension)
        return b"".join(parts)

    def hash(self, suite: Suite) -> bytes:
        return hash_of(suite, self.preimage())

    def items(self) -> list[Encodable]:
        return [
            rlp.int_bytes(self.version),
            self.chain_id.encode(),
            self.group_id.encode(),
            rlp.int_bytes(self.block_limit),
            self.nonce.encode(),
            self.to.encode(),
            self.input,
            self.abi.encode(),
            self.value.encode(),
            self.gas_price.encode(),
            rlp.int_bytes(self.gas_limit),
            self.max_fee.encode(),
            self.max_priority_fee.encode(),
            self.extension,
        ]


def read_transaction_v2(item: Item) -> TransactionV2:
    """Raises MalformedProof."""
    fields = rlp.as_list(item, "transaction", count=13)
    nonce, price, gas, limit = (rlp.as_int(each, "transaction number") for each in fields[:4])
    value, chain, group = (rlp.as_int(fields[at], "transaction number") for at in (5, 7, 8))
    to = rlp.as_bytes(fields[4], "to")
    check_to_length(to)
    data, extra, v = (rlp.as_bytes(fields[at], "transaction bytes") for at in (6, 9, 10))
    check_v_length(v)
    r, s = (rlp.as_int(each, "signature") for each in fields[11:])
    return TransactionV2(nonce, price, gas, limit, to, value, data, chain, group, extra, v, r, s)


def read_transaction_v3(item: Item) -> TransactionV3:
    """Raises MalformedProof."""
    fields = rlp.as_list(item, "transaction", count=14)
    version = rlp.as_int(fields[0], "transaction version", bits=24)
    limit, gas_limit = (rlp.as_int(fields[at], "transaction number", bits=56) for at in (3, 10))
    texts = {at: _text(fields[at]) for at in (1, 2, 4, 5, 7, 8, 9, 11, 12)}
    data, extension = (rlp.as_bytes(fields[at], "transaction bytes") for at in (6, 13))
    return TransactionV3(
        version, texts[1], texts[2], limit, texts[4], texts[5], data, texts[7], texts[8], texts[9], gas_limit,
        texts[11], texts[12], extension,
    )  # fmt: skip


def check_to_length(to: bytes) -> None:
    """An address, or nothing where a contract is made."""
    if len(to) not in (0, ADDRESS_BYTES):
        raise MalformedProof("to", got=len(to), expected="20 bytes, or none")


def check_v_length(v: bytes) -> None:
    """27 or 28, or a public key."""
    if not 0 < len(v) <= SEALER_BYTES:
        raise MalformedProof("v", got=len(v), expected="1 to 64 bytes")


def check_recovery_byte(v: bytes) -> None:
    """27 or 28. Source: SDKs of 2.x, which sign as Ethereum did before EIP-155."""
    if v not in (b"\x1b", b"\x1c"):
        raise InvalidSignature(signer=b"", scheme=f"secp256k1: v {v[:4].hex()}, not 1b or 1c")


def check_chain(transaction: TransactionV2 | TransactionV3, parameters: Parameters) -> None:
    """Nodes of one chain serve many groups with the same sealers: a transaction names the one it is for."""
    got = f"{transaction.chain_id}/{transaction.group_id}"
    expected = f"{parameters.chain_id}/{parameters.group_id}"
    if got != expected:
        raise WrongLedger("chain and group", got=got, expected=expected)


def sender_v3(suite: Suite, digest: bytes, signature: bytes) -> bytes:
    """The address that signed a transaction of 3.x. digest: its hash. Raises InvalidSignature, MalformedProof."""
    return address_of(suite, signer_of(suite, digest, signature))


def check_data_hash(computed: bytes, stated: bytes) -> None:
    """The hash that travels with a transaction is believed only as far as it is recomputed."""
    if computed != stated:
        raise ValueMismatch("transaction hash", got=stated, expected=computed)


def _text(item: Item) -> str:
    return read_ascii(rlp.as_bytes(item, "transaction text"), "transaction text")
