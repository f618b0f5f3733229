"""Answers of real nodes: headers, signatures, trees, receipts and transactions of both generations and suites.

The node's own hash, root or sender is the expectation; what is asked is computed from the other fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from proofs.fisco_bcos import trees
from proofs.fisco_bcos.headers import HeaderV2, HeaderV3
from proofs.fisco_bcos.spec import verify_signatures
from proofs.fisco_bcos.tars import verify_signed
from proofs.fisco_bcos.transactions import TransactionV2, TransactionV3, sender_v3
from proofs.fisco_bcos.types import SealerSignature, Suite
from tests.proofs.fisco_bcos import node_json as node
from tests.vectors.case import ACCEPT, REJECT, Case, value
from tests.vectors.files import DataFile, Files

STANDARD, SM = Suite.KECCAK_SECP256K1, Suite.SM3_SM2
_SUITES = {"keccak256+secp256k1": STANDARD, "sm3+sm2": SM}


def cases(files: Files) -> Iterator[Case]:
    for pattern, read in _READERS.items():
        for file in files.matching(pattern):
            yield from read(file)


def _sealed_v2(file: DataFile) -> Iterator[Case]:
    suite, block = _suite(file), file.json()["result"]
    header = node.header_v2(block)
    yield Case(file, "hash", value(node.raw(block["hash"])), partial(header.hash, suite))
    yield from _signatures(file, header, node.signatures(block), suite)
    for transaction in block.get("transactions", ()):
        if isinstance(transaction, dict):
            yield from _transaction_v2(file, transaction)


def _signatures(
    file: DataFile, header: HeaderV2 | HeaderV3, signed: tuple[SealerSignature, ...], suite: Suite
) -> Iterator[Case]:
    """A node accepted the block with them: they are a quorum. With one quorum signature less they are none."""
    yield Case(file, "signatures", ACCEPT, partial(_verify, header, signed, suite))
    sealers = len(header.sealers)
    quorum = sealers - (sealers - 1) // 3
    yield Case(file, "signatures without quorum", REJECT, partial(_verify, header, signed[: quorum - 1], suite))


def _verify(header: HeaderV2 | HeaderV3, signed: tuple[SealerSignature, ...], suite: Suite) -> None:
    block = header.block(suite)
    verify_signatures(block, signed, suite, trusted=block.sealers)


def _proved_v2(file: DataFile) -> Iterator[Case]:
    suite, answer = _suite(file), file.json()
    block = answer["block"]
    header = node.header_v2(block)
    yield Case(file, "hash", value(node.raw(block["hash"])), partial(header.hash, suite))
    hashes = [node.raw(each) for each in block["transactions"]]
    root = partial(trees.compute_root_v2, suite, hashes)
    yield Case(file, "root over all transactions", value(header.transactions_root), root)
    proved = answer["transactionByHashWithProof"]
    index = node.number(proved["transaction"]["transactionIndex"])
    digest, levels = node.raw(proved["transaction"]["hash"]), node.levels(proved["txProof"])
    yield from _path_v2(file, "transaction", digest, levels, index, header.transactions_root)
    proved = answer["transactionReceiptByHashWithProof"]
    digest = node.receipt_v2(proved["transactionReceipt"]).hash(suite)
    yield from _path_v2(file, "receipt", digest, node.levels(proved["receiptProof"]), index, header.receipts_root)


def _path_v2(
    file: DataFile, name: str, leaf: bytes, levels: tuple[trees.LevelV2, ...], index: int, root: bytes
) -> Iterator[Case]:
    ask = partial(trees.verify_v2, _suite(file), leaf, levels, root=root, part=name)
    yield Case(file, f"{name} proof", ACCEPT, partial(ask, index=index))
    yield Case(file, f"{name} proof at another index", REJECT, partial(ask, index=index + 1))


def _loose_proof_v2(file: DataFile) -> Iterator[Case]:
    """Documentation without a header: the root is that of whoever extracted it, and the index is the node's."""
    answer = file.json()
    result, root = answer["response"]["result"], node.raw(answer["computed_root"])
    index = node.number(result["transaction"]["transactionIndex"])
    ask = partial(trees.root_v2, STANDARD, node.raw(result["transaction"]["hash"]), node.levels(result["txProof"]))
    yield Case(file, "root", value(root), partial(ask, index=index))
    yield Case(file, "another index", REJECT, partial(ask, index=index + 1))


def _transaction_v2(file: DataFile, answer: dict[str, Any]) -> Iterator[Case]:
    suite = _suite(file)
    transaction: TransactionV2 = node.transaction_v2(answer)
    yield Case(file, "transaction hash", value(node.raw(answer["hash"])), partial(transaction.hash, suite))
    yield Case(file, "sender", value(node.raw(answer["from"])), partial(transaction.sender, suite))


def _header_v3(file: DataFile, block: dict[str, Any]) -> Iterator[Case]:
    header, suite = node.header_v3(block), _suite(file)
    yield Case(file, "hash", value(node.raw(block["hash"])), partial(header.hash, suite))
    if block["signatureList"]:
        yield from _signatures(file, header, node.signatures(block), suite)


def _receipt_v3(file: DataFile, answer: dict[str, Any]) -> Iterator[Case]:
    receipt = node.receipt_v3(answer)
    digest = node.raw(answer["hash"])
    yield Case(file, "receipt hash", value(digest), partial(receipt.hash, _suite(file)))
    if "txReceiptProof" in answer:
        words = partial(trees.groups_of_words, node.words(answer["txReceiptProof"]), digest)
        yield Case(file, "lone leaf", value(()), words)


def _transaction_v3(file: DataFile, answer: dict[str, Any]) -> Iterator[Case]:
    suite = _suite(file)
    transaction: TransactionV3 = node.transaction_v3(answer)
    yield Case(file, "transaction hash", value(node.raw(answer["hash"])), partial(transaction.hash, suite))
    sender = partial(_sender_v3, transaction, node.raw(answer["signature"]), suite)
    yield Case(file, "sender", value(node.raw(answer["from"])), sender)


def _sender_v3(transaction: TransactionV3, signature: bytes, suite: Suite) -> bytes:
    return sender_v3(suite, transaction.hash(suite), signature)


def _tars(file: DataFile) -> Iterator[Case]:
    for number, entry in enumerate(file.json()):
        encoded, suite = node.raw(entry["raw_tars_hex"]), _SUITES[entry["crypto"].lower()]
        other = SM if suite is STANDARD else STANDARD
        expected = value((node.raw(entry["dataHash"]), node.raw(entry["sender"]), entry["nonce"], entry["to"]))
        yield Case(file, f"{number}", expected, partial(_signed, encoded, suite))
        yield Case(file, f"{number} read with the other suite", REJECT, partial(_signed, encoded, other))


def _signed(encoded: bytes, suite: Suite) -> tuple[bytes, bytes, str, str]:
    signed, sender = verify_signed(encoded, suite)
    transaction = signed.transaction
    return transaction.hash(suite), sender, transaction.nonce, transaction.to


def _proved_v3(file: DataFile) -> Iterator[Case]:
    suite, answer = _suite(file), file.json()
    header = node.header_v3(answer["block"])
    yield from _header_v3(file, answer["block"])
    yield from _transaction_v3(file, answer["transaction"])
    yield from _receipt_v3_hash(file, answer["receipt"])
    transaction = node.transaction_v3(answer["transaction"]).hash(suite)
    receipt = node.receipt_v3(answer["receipt"]).hash(suite)
    for name, leaf, proof, root in (
        ("transaction", transaction, answer["transaction"]["txProof"], header.transactions_root),
        ("receipt", receipt, answer["receipt"]["txReceiptProof"], header.receipts_root),
    ):
        words = node.words(proof)
        yield Case(file, f"{name} proof", ACCEPT, partial(_in_tree_v3, suite, leaf, words, root))
        cut = partial(_in_tree_v3, suite, leaf, words[:-3], root)
        yield Case(file, f"{name} proof without its last level", REJECT, cut)


def _receipt_v3_hash(file: DataFile, answer: dict[str, Any]) -> Iterator[Case]:
    hash_it: Callable[[], bytes] = partial(node.receipt_v3(answer).hash, _suite(file))
    yield Case(file, "receipt hash", value(node.raw(answer["hash"])), hash_it)


def _in_tree_v3(suite: Suite, leaf: bytes, words: list[bytes], root: bytes) -> None:
    trees.verify_v3(suite, leaf, trees.groups_of_words(words, leaf), root=root, part="root")


def _legacy_v3(file: DataFile) -> Iterator[Case]:
    """3.0 and 3.1 serve proofs of a tree that no header of theirs commits to: whole blocks prove, those do not."""
    suite, answer = _suite(file), file.json()
    block = answer["block"]
    header = node.header_v3(block)
    yield from _header_v3(file, block)
    yield from _transaction_v3(file, answer["transaction"])
    yield from _receipt_v3_hash(file, answer["receipt"])
    hashes = [node.raw(each) for each in block["transactions"]]
    root = partial(trees.compute_root_v3, suite, hashes)
    yield Case(file, "root over all transactions", value(header.transactions_root), root)
    transaction = node.transaction_v3(answer["transaction"]).hash(suite)
    receipt = node.receipt_v3(answer["receipt"]).hash(suite)
    for name, leaf, proof, expected in (
        ("transaction", transaction, answer["transaction"]["transactionProof"], header.transactions_root),
        ("receipt", receipt, answer["receipt"]["receiptProof"], header.receipts_root),
    ):
        groups = [(*level.left, leaf, *level.right) for level in node.levels(proof)]
        ask = partial(trees.verify_v3, suite, leaf, groups, root=expected, part=name)
        yield Case(file, f"{name} proof of the old tree", REJECT, ask)


def _suite(file: DataFile) -> Suite:
    """Which suite a chain has is configuration: the names of the files are the only place that tells it."""
    return SM if "sm3" in file.name else STANDARD


def _result(read: Callable[[DataFile, dict[str, Any]], Iterator[Case]]) -> Callable[[DataFile], Iterator[Case]]:
    return lambda file: read(file, file.json()["result"])


_READERS: Final = {
    "v2/header*.json": _sealed_v2,
    "v2/keccak_proof*.json": _proved_v2,
    "v2/tx_*.json": _result(_transaction_v2),
    "v2/txproof_three_level*.json": _loose_proof_v2,
    "v3/*header*.json": _result(_header_v3),
    "v3/*receipt*.json": _result(_receipt_v3),
    "v3/keccak_tx_*.json": _result(_transaction_v3),
    "v3/signed_tars_transactions*.json": _tars,
    "v3/v3.2.0_block*.json": _proved_v3,
    "v3/v3.0.1_block*.json": _legacy_v3,
}
