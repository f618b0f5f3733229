"""Transactions under a believed block: included, carried out, and what they wrote.

A leaf covers payload, signatures, result, events and the hash of the read-write set. So the validators that voted the
block vouch for all of them, and nobody else need be asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofs.chainmaker.hashing import Hash, transaction_hash
from proofs.chainmaker.messages import decode_write_set
from proofs.chainmaker.tree import Memo, verify_path
from proofs.chainmaker.types import ContractResult, Transaction, WriteSet
from proofs.errors import RootMismatch, UnsupportedProof, ValueMismatch, WrongLedger


def verify_inclusion(
    transaction: Transaction,
    path: Sequence[bytes],
    *,
    index: int,
    count: int,
    root: bytes,
    block_version: int,
    digest: Hash,
    memo: Memo | None = None,
) -> None:
    """Return only if the transaction is the one at `index` of a block with `count` of them."""
    leaf = transaction_hash(transaction.encoded, digest, block_version=block_version)
    verify_path(leaf, path, index=index, count=count, root=root, digest=digest, memo=memo)


def verify_write_set(encoded: bytes, transaction: Transaction, digest: Hash) -> WriteSet:
    """What an included transaction wrote, from the bytes of its read-write set. Raises RootMismatch, ValueMismatch."""
    write_set = decode_write_set(encoded)
    check_write_set_hash(digest(encoded), transaction)
    check_write_set_names(write_set, transaction)
    return write_set


def check_write_set_hash(computed: bytes, transaction: Transaction) -> None:
    """The result carries the hash of the serialized read-write set."""
    if computed != transaction.result.write_set_hash:
        raise RootMismatch("rw_set_hash", computed=computed, expected=transaction.result.write_set_hash)


def check_write_set_names(write_set: WriteSet, transaction: Transaction) -> None:
    """The set says whose it is."""
    if write_set.transaction_id != transaction.payload.id:
        raise ValueMismatch("tx_id of the write set", got=write_set.transaction_id, expected=transaction.payload.id)


def check_transaction_chain(transaction: Transaction, chain_id: str) -> None:
    """A transaction is signed for one chain."""
    if transaction.payload.chain_id != chain_id.encode():
        raise WrongLedger("chain id of a transaction", got=transaction.payload.chain_id, expected=chain_id)


def check_invocation(transaction: Transaction) -> None:
    """Type 0 calls a contract; the others change nothing."""
    if transaction.payload.type != 0:
        raise UnsupportedProof("transaction type", got=transaction.payload.type, expected=0)


def check_succeeded(transaction: Transaction) -> ContractResult:
    """Events of a failed transaction may stand in its result, and never happened."""
    if transaction.result.code != 0:
        raise ValueMismatch("transaction result", got=transaction.result.code, expected=0)
    result = transaction.result.contract_result
    if result is None or result.code != 0:
        raise ValueMismatch("contract result", got=None if result is None else result.code, expected=0)
    return result
