"""What nodes of FISCO BCOS answer over JSON-RPC, as values of the verifier. Never a hash or a verdict of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofs.fisco_bcos.headers import HeaderV2, HeaderV3
from proofs.fisco_bcos.receipts import Log, ReceiptV2, ReceiptV3
from proofs.fisco_bcos.transactions import TransactionV2, TransactionV3
from proofs.fisco_bcos.trees import LevelV2
from proofs.fisco_bcos.types import SealerSignature

Json = dict[str, Any]


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def number(value: str | int) -> int:
    return int(value, 16) if isinstance(value, str) else value


def header_v2(block: Json) -> HeaderV2:
    return HeaderV2(
        raw(block["parentHash"]),
        raw(block["stateRoot"]),
        raw(block["transactionsRoot"]),
        raw(block["receiptsRoot"]),
        raw(block["dbHash"]),
        raw(block["logsBloom"]),
        number(block["number"]),
        number(block["gasLimit"]),
        number(block["gasUsed"]),
        number(block["timestamp"]),
        tuple(raw(each) for each in block["extraData"]),
        number(block["sealer"]),
        tuple(raw(each) for each in block["sealerList"]),
    )


def header_v3(block: Json) -> HeaderV3:
    return HeaderV3(
        block["version"],
        tuple((each["blockNumber"], raw(each["blockHash"])) for each in block["parentInfo"]),
        raw(block["txsRoot"]),
        raw(block["receiptsRoot"]),
        raw(block["stateRoot"]),
        block["number"],
        block["gasUsed"],
        block["timestamp"],
        block["sealer"],
        tuple(raw(each) for each in block["sealerList"]),
        raw(block["extraData"]),
        tuple(block["consensusWeights"]),
    )


def signatures(block: Json) -> tuple[SealerSignature, ...]:
    return tuple(
        SealerSignature(number(each["index"] if "index" in each else each["sealerIndex"]), raw(each["signature"]))
        for each in block["signatureList"]
    )


def receipt_v2(receipt: Json) -> ReceiptV2:
    return ReceiptV2(
        raw(receipt["root"]),
        number(receipt["gasUsed"]),
        raw(receipt["contractAddress"]),
        raw(receipt["logsBloom"]),
        number(receipt["status"]),
        raw(receipt["output"]),
        tuple(_log(each) for each in receipt["logs"]),
        number(receipt["remainGas"]) if "remainGas" in receipt else None,
    )


def receipt_v3(receipt: Json) -> ReceiptV3:
    return ReceiptV3(
        receipt["version"],
        receipt["gasUsed"],
        receipt["contractAddress"].removeprefix("0x"),
        receipt["status"],
        raw(receipt["output"]),
        tuple(_log(each) for each in receipt["logEntries"]),
        receipt["blockNumber"],
        receipt.get("effectiveGasPrice", ""),
    )


def transaction_v2(transaction: Json) -> TransactionV2:
    """Nodes print 0 or 1, or the key, as v; what was signed says 27 or 28. A new contract shows as to = 0."""
    signature = transaction["signature"]
    v = raw(signature["v"]) if len(signature["v"]) > 4 else bytes((27 + number(signature["v"]),))
    to = raw(transaction["to"])
    return TransactionV2(
        number(transaction["nonce"]),
        number(transaction["gasPrice"]),
        number(transaction["gas"]),
        number(transaction["blockLimit"]),
        to if any(to) else b"",
        number(transaction["value"]),
        raw(transaction["input"]),
        number(transaction["chainId"]),
        number(transaction["groupId"]),
        raw(transaction["extraData"]),
        v,
        number(signature["r"]),
        number(signature["s"]),
    )


def transaction_v3(transaction: Json) -> TransactionV3:
    return TransactionV3(
        transaction["version"],
        transaction["chainID"],
        transaction["groupID"],
        transaction["blockLimit"],
        _nonce(transaction),
        transaction["to"],
        raw(transaction["input"]),
        transaction["abi"],
    )


def levels(proof: Sequence[Json]) -> tuple[LevelV2, ...]:
    return tuple(
        LevelV2(tuple(raw(each) for each in level["left"]), tuple(raw(each) for each in level["right"]))
        for level in proof
    )


def words(proof: Sequence[str]) -> list[bytes]:
    return [raw(each) for each in proof]


def _nonce(transaction: Json) -> str:
    """Nodes since 3.4 print the hex of the text; they also answer with an `extraData`, which older ones lack."""
    nonce: str = transaction["nonce"]
    return raw(nonce).decode() if "extraData" in transaction else nonce


def _log(log: Json) -> Log:
    return Log(raw(log["address"]), tuple(raw(each) for each in log["topics"]), raw(log["data"]))
