"""The proof that the host said something in one block, for one claim of a batch.

2.x, RLP: [index, receipt, levels, log]. A receipt of RLP has one reading: the log of the host in it is the host's.

3.x, RLP: [transaction, groups, receipt, groups, log]. A receipt has several readings (receipts.py): a contract of
anybody can return or log bytes that read as a log of the host. One reading remains safe:

 - the transaction at the same place calls the host directly, so the host runs first and last;
 - it makes no contract, so nothing but digits stands before the status, and too few of them to hold an address;
 - the log is the last one, and the host writes its event after its last call to anybody else. Its length is fixed by
   the claim, so the end of what was hashed reads in one way.

That a transaction calls the host rests on where its texts end, which is not hashed either. Its nonce is shorter than an
address and all digits, its `to` has the form 0x…, and what follows begins with no text: then no address that really
stood before `to` fits into the nonce. What remains is trust in nodes that they refuse a nonce that is no number.
Web3-type transactions are refused by their shape.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch, WrongLedger
from proofs.fisco_bcos import trees
from proofs.fisco_bcos.host import HostLayout, verify_event
from proofs.fisco_bcos.receipts import Log, ReceiptV2, ReceiptV3, read_receipt_v2, read_receipt_v3
from proofs.fisco_bcos.transactions import TransactionV3, check_chain, read_transaction_v3
from proofs.fisco_bcos.trees import LevelV2, Memo, check_root
from proofs.fisco_bcos.types import Parameters
from proofs.light_client import Claim, Position

PROOF_BYTES_MAX: Final = 1 << 20
# A receipt with thousands of logs has more items than that; a transaction of the host has a few.
_ITEMS_MAX: Final = 16_384
_INDEX_BITS: Final = 32

# Above it a nonce could hold an address of 40 digits.
_NONCE: Final = re.compile(r"[0-9a-f]{1,39}\Z")
# The same: no machine has burnt that much.
_GAS_DIGITS_MAX: Final = 39
_SELECTOR_BYTES: Final = 4
_TEXT: Final = frozenset(b"0123456789abcdefABCDEFxX")


@dataclass(frozen=True, slots=True)
class ProofV2:
    index: int
    receipt: ReceiptV2
    levels: tuple[LevelV2, ...]
    log: int


@dataclass(frozen=True, slots=True)
class ProofV3:
    transaction: TransactionV3
    transaction_groups: tuple[tuple[bytes, ...], ...]
    receipt: ReceiptV3
    receipt_groups: tuple[tuple[bytes, ...], ...]
    log: int


@dataclass(frozen=True, slots=True)
class Roots:
    """What the block says: its two trees, its height, and its time in unix seconds."""

    number: int
    seconds: int
    transactions: bytes
    receipts: bytes


def verify_v2(
    claim: Claim, proof: ProofV2, roots: Roots, *, parameters: Parameters, layout: HostLayout, memo: Memo
) -> None:
    """Raises InvalidProof."""
    check_position(claim.written, number=roots.number, transaction=proof.index, log=proof.log)
    leaf = proof.receipt.hash(parameters.suite)
    computed = trees.root_v2(parameters.suite, leaf, proof.levels, index=proof.index, memo=memo)
    check_root(computed, roots.receipts, "receipts root")
    check_status(proof.receipt.status)
    log = log_at(proof.receipt.logs, proof.log)
    verify_event(log, claim, layout=layout, block_seconds=roots.seconds)


def verify_v3(
    claim: Claim, proof: ProofV3, roots: Roots, *, parameters: Parameters, layout: HostLayout, memo: Memo
) -> None:
    """Raises InvalidProof."""
    suite, receipt = parameters.suite, proof.receipt
    computed, place = trees.root_v3(suite, receipt.hash(suite), proof.receipt_groups, memo=memo)
    check_root(computed, roots.receipts, "receipts root")
    check_no_node_is_a_receipt(proof.receipt_groups, roots.number)
    digest = proof.transaction.hash(suite)
    computed, transaction_place = trees.root_v3(suite, digest, proof.transaction_groups, memo=memo)
    check_root(computed, roots.transactions, "transactions root")
    check_same_place(transaction_place, place, proof)
    check_position(claim.written, number=roots.number, transaction=place, log=proof.log)
    check_block_number(receipt.block_number, roots.number)
    check_status(receipt.status)
    check_makes_no_contract(receipt)
    check_gas_holds_no_address(receipt)
    check_chain(proof.transaction, parameters)
    check_call(proof.transaction, layout)
    check_is_last(receipt.logs, proof.log)
    verify_event(log_at(receipt.logs, proof.log), claim, layout=layout, block_seconds=roots.seconds)


def log_at(logs: tuple[Log, ...], index: int) -> Log:
    """Raises MalformedProof."""
    if index >= len(logs):
        raise MalformedProof("log", got=index, expected=f"below {len(logs)}")
    return logs[index]


def check_status(status: int) -> None:
    """0 is success. What failed has written nothing."""
    if status != 0:
        raise ValueMismatch("status", got=status, expected=0)


def check_position(written: Position | None, *, number: int, transaction: int, log: int) -> None:
    """Where the claim says it was written is where the proof shows it."""
    if written is None:
        return
    got = (written.height.revision, written.height.number, written.transaction, written.event)
    expected = (0, number, transaction, log)
    if got != expected:
        raise ValueMismatch("position", got=got, expected=expected)


def check_same_place(transaction: int, receipt: int, proof: ProofV3) -> None:
    """Both trees have a leaf for each transaction, in the order of the block; a receipt does not name its own."""
    if transaction != receipt or len(proof.transaction_groups) != len(proof.receipt_groups):
        raise ValueMismatch("place of the receipt", got=receipt, expected=transaction)


def check_no_node_is_a_receipt(groups: Sequence[Sequence[bytes]], number: int) -> None:
    """Leaves and nodes are hashed alike. A receipt of 64 bytes could hold the hash of one that is nowhere, as its node.

    Every receipt ends with the number of its block. For an honest node the chance of that is 2⁻⁶⁴. The tree of
    transactions needs no such rule, as it is as deep.
    """
    for group in groups:
        if group[-1].endswith(number.to_bytes(8, "big")):
            raise MalformedProof("node of receipts", got=group[-1], expected="a hash, not the end of a receipt")


def check_block_number(got: int, expected: int) -> None:
    """A receipt of 3.x names its block."""
    if got != expected:
        raise ValueMismatch("block number of the receipt", got=got, expected=expected)


def check_makes_no_contract(receipt: ReceiptV3) -> None:
    """The digits of a new contract's address could be read as gas."""
    if receipt.contract_address:
        raise UnsupportedProof("contract address", got=receipt.contract_address, expected="none")


def check_gas_holds_no_address(receipt: ReceiptV3) -> None:
    """An address has 40 digits, and now and then no letters: behind the gas it would be read as more of it."""
    if len(receipt.gas_used) > _GAS_DIGITS_MAX:
        raise UnsupportedProof("gas used", got=len(receipt.gas_used), expected=f"at most {_GAS_DIGITS_MAX} digits")


def check_call(transaction: TransactionV3, layout: HostLayout) -> None:
    """The transaction calls the host, and its texts end where they are said to end. See the top of this file."""
    if not _NONCE.match(transaction.nonce):
        raise UnsupportedProof("nonce", got=transaction.nonce, expected="1 to 39 digits")
    called = "0x" + layout.address.hex()
    if transaction.to != called:
        raise WrongLedger("called contract", got=transaction.to, expected=called)
    if len(transaction.input) < _SELECTOR_BYTES or _TEXT.issuperset(transaction.input[:_SELECTOR_BYTES]):
        raise UnsupportedProof("input", got=transaction.input[:_SELECTOR_BYTES], expected="a selector that is no text")
    if transaction.abi:
        raise UnsupportedProof("abi", got=transaction.abi, expected="none: nothing is deployed")


def check_is_last(logs: tuple[Log, ...], index: int) -> None:
    """Logs of 3.x are hashed without their lengths: only where the last one begins is certain."""
    if index != len(logs) - 1:
        raise UnsupportedProof("log", got=index, expected=f"the last, {len(logs) - 1}")


def encode_v2(proof: ProofV2) -> bytes:
    levels: list[Encodable] = [[list(each.left), list(each.right)] for each in proof.levels]
    return rlp.encode([rlp.int_bytes(proof.index), proof.receipt.items(), levels, rlp.int_bytes(proof.log)])


def encode_v3(proof: ProofV3) -> bytes:
    groups = [[list(each) for each in side] for side in (proof.transaction_groups, proof.receipt_groups)]
    items: list[Encodable] = [proof.transaction.items(), groups[0], proof.receipt.items(), groups[1]]
    return rlp.encode([*items, rlp.int_bytes(proof.log)])


def decode_v2(encoded: bytes) -> ProofV2:
    """Raises MalformedProof, LimitExceeded."""
    index, receipt, levels, log = _items(encoded, count=4)
    return ProofV2(
        rlp.as_int(index, "leaf index", bits=_INDEX_BITS),
        read_receipt_v2(receipt),
        trees.read_levels_v2(levels),
        rlp.as_int(log, "log", bits=_INDEX_BITS),
    )


def decode_v3(encoded: bytes) -> ProofV3:
    """Raises MalformedProof, LimitExceeded."""
    transaction, transaction_groups, receipt, receipt_groups, log = _items(encoded, count=5)
    return ProofV3(
        read_transaction_v3(transaction),
        trees.read_groups_v3(transaction_groups),
        read_receipt_v3(receipt),
        trees.read_groups_v3(receipt_groups),
        rlp.as_int(log, "log", bits=_INDEX_BITS),
    )


def _items(encoded: bytes, *, count: int) -> list[Item]:
    check_proof_size(encoded)
    return rlp.as_list(rlp.decode(encoded, depth_limit=6, item_limit=_ITEMS_MAX), "proof", count=count)


def check_proof_size(encoded: bytes) -> None:
    """Before it is read: one receipt, one transaction and two paths are small."""
    if len(encoded) > PROOF_BYTES_MAX:
        raise LimitExceeded("proof", got=len(encoded), limit=PROOF_BYTES_MAX)
