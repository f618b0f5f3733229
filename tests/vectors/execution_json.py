"""Headers, receipts and transactions as nodes and other projects write them in JSON: hex, numbers, base64 or lists."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from proofs.encoding import rlp
from proofs.ethereum.execution import ExecutionHeader
from proofs.ethereum.receipts import Log, Receipt, compute_bloom

# Our field → what it is called elsewhere.
_NAMES = {
    "parent_hash": ("parentHash", "parent_hash"),
    "ommers_hash": ("sha3Uncles", "ommers_hash", "uncleHash"),
    "beneficiary": ("miner", "author", "coinbase"),
    "state_root": ("stateRoot", "state_root"),
    "transactions_root": ("transactionsRoot", "transactions_root", "transactionsTrie"),
    "receipts_root": ("receiptsRoot", "receipts_root", "receiptTrie"),
    "logs_bloom": ("logsBloom", "logs_bloom", "bloom"),
    "difficulty": ("difficulty",),
    "number": ("number",),
    "gas_limit": ("gasLimit", "gas_limit"),
    "gas_used": ("gasUsed", "gas_used"),
    "timestamp": ("timestamp",),
    "extra_data": ("extraData", "extra_data"),
    "mix_hash": ("mixHash", "mix_hash"),
    "nonce": ("nonce",),
    "base_fee_per_gas": ("baseFeePerGas",),
    "withdrawals_root": ("withdrawalsRoot",),
    "blob_gas_used": ("blobGasUsed",),
    "excess_blob_gas": ("excessBlobGas",),
    "parent_beacon_block_root": ("parentBeaconBlockRoot",),
    "requests_hash": ("requestsHash",),
}
_NUMBERS = {
    "difficulty",
    "number",
    "gas_limit",
    "gas_used",
    "timestamp",
    "base_fee_per_gas",
    "blob_gas_used",
    "excess_blob_gas",
}


def header_of(block: Mapping[str, Any]) -> ExecutionHeader:
    fields: dict[str, Any] = {}
    for ours, names in _NAMES.items():
        for name in names:
            if block.get(name) is not None:
                fields[ours] = number_of(block[name]) if ours in _NUMBERS else bytes_of(block[name])
    if "seal" in block:
        fields["mix_hash"], fields["nonce"] = (_string(bytes_of(each)) for each in block["seal"])
    return ExecutionHeader(**fields)


def _string(encoded: bytes) -> bytes:
    return rlp.as_bytes(rlp.decode(encoded), "seal")


def receipt_of(receipt: Mapping[str, Any]) -> Receipt:
    outcome = bytes_of(receipt["root"]) if receipt.get("root") else number_of(receipt["status"])
    return Receipt(
        number_of(receipt.get("type") or 0),
        outcome,
        number_of(receipt["cumulativeGasUsed"]),
        bytes_of(receipt["logsBloom"]),
        tuple(
            Log(bytes_of(log["address"]), tuple(map(bytes_of, log["topics"])), bytes_of(log["data"]))
            for log in receipt["logs"]
        ),
    )


def short_receipts_of(encoded: bytes) -> Iterator[Receipt]:
    """As nodes send them to one another since eth/69: [type, outcome, gas, logs], without the bloom."""
    for item in rlp.as_list(rlp.decode(encoded), "receipts"):
        kind, outcome, gas, logs = rlp.as_list(item, "receipt", count=4)
        read = []
        for log in rlp.as_list(logs, "logs"):
            address, topics, data = rlp.as_list(log, "log", count=3)
            words = tuple(rlp.as_bytes(each, "topic") for each in rlp.as_list(topics, "topics"))
            read.append(Log(rlp.as_bytes(address, "address"), words, rlp.as_bytes(data, "data")))
        status = rlp.as_bytes(outcome, "outcome")
        yield Receipt(
            rlp.as_int(kind, "type"),
            status if len(status) == 32 else int.from_bytes(status, "big"),
            rlp.as_int(gas, "gas"),
            compute_bloom(read),
            tuple(read),
        )


def legacy_transaction_of(transaction: Mapping[str, Any]) -> bytes:
    numbers = {name: rlp.int_bytes(number_of(transaction[name])) for name in ("nonce", "gasPrice", "gas", "value")}
    seal = [rlp.int_bytes(number_of(transaction[name])) for name in "vrs"]
    to = bytes_of(transaction["to"]) if transaction["to"] else b""
    head = [numbers["nonce"], numbers["gasPrice"], numbers["gas"], to, numbers["value"]]
    return rlp.encode([*head, bytes_of(transaction["input"]), *seal])


def number_of(value: str | int) -> int:
    return int(value, 16) if isinstance(value, str) else value


def bytes_of(value: str | list[int]) -> bytes:
    if isinstance(value, list):
        return bytes(value)
    return bytes.fromhex(value[2:]) if value.startswith("0x") else base64.b64decode(value, validate=True)
