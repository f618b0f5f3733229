"""What an execution block says: its header, and accounts and storage under its state root.

A header grew with the forks, and the number of its fields tells how far. A number we do not know is refused: the
missing meaning could be that of a fork which changed what the others mean.

Source: yellow paper, section 4; EIP-1559, 4895, 4844, 4788, 7685; EIP-1186 for the proofs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Item
from proofs.errors import LimitExceeded, RootMismatch, UnsupportedProof
from proofs.merkle import patricia
from proofs.merkle.patricia import Memo
from proofs.primitives.hashing import keccak256

# Frontier, London, Shanghai, Cancun, Prague. Clique, IBFT and QBFT headers have the same fields.
_FIELD_COUNTS: Final = (15, 16, 17, 20, 21)
# The seals of a large validator set stand in extra data: 1,000 of them are 65 kB.
HEADER_BYTES_MAX: Final = 128 << 10
_BLOOM_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class ExecutionHeader:
    """In the order of the encoding. None from the first fork on that the header does not know."""

    parent_hash: bytes
    ommers_hash: bytes
    beneficiary: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    logs_bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: bytes
    nonce: bytes
    base_fee_per_gas: int | None = None
    withdrawals_root: bytes | None = None
    blob_gas_used: int | None = None
    excess_blob_gas: int | None = None
    parent_beacon_block_root: bytes | None = None
    requests_hash: bytes | None = None

    def encode(self, *, extra_data: bytes | None = None) -> bytes:
        """The RLP whose hash names the block. Raises UnsupportedProof for fields that no fork has together.

        extra_data: instead of the header's own, where a seal or a name covers less of it.
        """
        values = list(_values_of(self))
        while values and values[-1] is None:
            values.pop()
        if None in values:
            raise UnsupportedProof("execution header", got="a gap in its fields", expected="fields up to one fork")
        check_field_count(len(values))
        if extra_data is not None:
            values[_EXTRA_DATA] = extra_data
        return rlp.encode([rlp.int_bytes(each) if isinstance(each, int) else each for each in values])

    def hash(self) -> bytes:
        return keccak256(self.encode())


# Name → bits of an integer, or bytes of a string; 0 for a string of any length.
_BITS: Final = {
    "difficulty": 256,
    "number": 64,
    "gas_limit": 64,
    "gas_used": 64,
    "timestamp": 64,
    "base_fee_per_gas": 256,
    "blob_gas_used": 64,
    "excess_blob_gas": 64,
}
_BYTES: Final = {"beneficiary": 20, "logs_bloom": _BLOOM_BYTES, "nonce": 8, "extra_data": None}
_HASH_BYTES: Final = 32
_NAMES: Final = tuple(each.name for each in fields(ExecutionHeader))
_EXTRA_DATA: Final = _NAMES.index("extra_data")
_values_of: Final = attrgetter(*_NAMES)
# For each field how it is read: as a number of so many bits, or as a string of so many bytes.
_READERS: Final = tuple((name, _BITS.get(name), _BYTES.get(name, 32)) for name in _NAMES)


def decode_header(encoded: bytes) -> ExecutionHeader:
    """Raises MalformedProof, LimitExceeded, UnsupportedProof. Its hash is keccak256(encoded): RLP has one form."""
    if len(encoded) > HEADER_BYTES_MAX:
        raise LimitExceeded("execution header", got=len(encoded), limit=HEADER_BYTES_MAX)
    items = rlp.as_list(rlp.decode(encoded, depth_limit=1, item_limit=64), "execution header")
    check_field_count(len(items))
    return ExecutionHeader(*[_field(item, *reader) for item, reader in zip(items, _READERS, strict=False)])  # type: ignore[arg-type] # the tables above give each name its type


def check_field_count(count: int) -> None:
    """Only the field counts of known forks."""
    if count not in _FIELD_COUNTS:
        raise UnsupportedProof("execution header fields", got=count, expected=f"one of {_FIELD_COUNTS}")


def _field(item: Item, name: str, bits: int | None, length: int | None) -> int | bytes:
    return rlp.as_bytes(item, name, length=length) if bits is None else rlp.as_int(item, name, bits=bits)


def check_header_hash(encoded: bytes, expected: bytes) -> None:
    """A block is named by the hash of its header."""
    if (computed := keccak256(encoded)) != expected:
        raise RootMismatch("execution header", computed=computed, expected=expected)


@dataclass(frozen=True, slots=True)
class Account:
    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


def decode_account(encoded: bytes) -> Account:
    """Raises MalformedProof, LimitExceeded."""
    items = rlp.as_list(rlp.decode(encoded, depth_limit=1, item_limit=8), "account", count=4)
    return Account(
        rlp.as_int(items[0], "account nonce", bits=64),
        rlp.as_int(items[1], "account balance"),
        rlp.as_bytes(items[2], "account storage root", length=_HASH_BYTES),
        rlp.as_bytes(items[3], "account code hash", length=_HASH_BYTES),
    )


def prove_account(
    state_root: bytes, address: bytes, proof: Sequence[bytes], *, memo: Memo | None = None
) -> Account | None:
    """The account that `proof` shows at `address`, None where it shows that there is none. Raises InvalidProof."""
    encoded = patricia.value_at(state_root, keccak256(address), proof, memo=memo)
    return None if encoded is None else decode_account(encoded)


def prove_slot(storage_root: bytes, slot: bytes, proof: Sequence[bytes], *, memo: Memo | None = None) -> bytes:
    """The value of a storage slot, without leading zeros: empty for a slot that holds nothing. Raises InvalidProof.

    slot: the 32-byte key as contracts count it; hashed here.
    """
    encoded = patricia.value_at(storage_root, keccak256(slot), proof, memo=memo)
    if encoded is None:
        return b""
    value = rlp.as_bytes(rlp.decode(encoded, depth_limit=1, item_limit=1), "storage value")
    # An integer: no leading zero, and zero itself is never stored.
    if rlp.as_int(value, "storage value") == 0:
        raise UnsupportedProof("storage value", got="a stored zero", expected="no entry for zero")
    return value
