"""Receipts of both generations: how they are carried, and what their hash covers.

2.x: RLP, so every log stands for itself. 2.9 put the remaining gas before the logs.

3.x: a concatenation without lengths. Whoever can choose what a contract returns or logs can write bytes that read as
a log of somebody else, and the same hash covers both readings. So shapes are pinned here, and membership.py believes
the *last* log only, of a transaction that calls the host itself.

Fields that are not listed (transaction hash, sender, bloom of 3.x, …) are covered by no hash and are not carried.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.errors import LimitExceeded, MalformedProof
from proofs.fisco_bcos.header_rules import check_gas_text, read_ascii
from proofs.fisco_bcos.suite import hash_of
from proofs.fisco_bcos.types import ADDRESS_BYTES, HASH_BYTES, Suite

TOPICS_MAX: Final = 4
_BLOOM_BYTES: Final = 256
_BEFORE_2_9: Final = 7
_SINCE_2_9: Final = 8
_ADDRESS: Final = re.compile(r"[0-9a-f]{40}\Z")
_PRICE: Final = re.compile(r"(?:0x)?[0-9a-f]{0,64}\Z")


@dataclass(frozen=True, slots=True)
class Log:
    """address: 20 bytes, of the contract that wrote it."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class ReceiptV2:
    """remaining_gas: None before 2.9, which is another hash than any number."""

    state_root: bytes
    gas_used: int
    contract_address: bytes
    logs_bloom: bytes
    status: int
    output: bytes
    logs: tuple[Log, ...]
    remaining_gas: int | None = None

    def items(self) -> list[Encodable]:
        remaining: list[Encodable] = [] if self.remaining_gas is None else [rlp.int_bytes(self.remaining_gas)]
        return [
            self.state_root,
            rlp.int_bytes(self.gas_used),
            self.contract_address,
            self.logs_bloom,
            rlp.int_bytes(self.status),
            self.output,
            *remaining,
            [[each.address, list(each.topics), each.data] for each in self.logs],
        ]

    def hash(self, suite: Suite) -> bytes:
        return hash_of(suite, rlp.encode(self.items()))


@dataclass(frozen=True, slots=True)
class ReceiptV3:
    """contract_address: lower-case hex without 0x, where a contract was made. gas_price: since version 1."""

    version: int
    gas_used: str
    contract_address: str
    status: int
    output: bytes
    logs: tuple[Log, ...]
    block_number: int
    gas_price: str = ""

    def items(self) -> list[Encodable]:
        return [
            rlp.int_bytes(self.version),
            self.gas_used.encode(),
            self.contract_address.encode(),
            rlp.int_bytes(self.status),
            self.output,
            [[each.address, list(each.topics), each.data] for each in self.logs],
            rlp.int_bytes(self.block_number),
            self.gas_price.encode(),
        ]

    def preimage(self) -> bytes:
        logs = (part for each in self.logs for part in (each.address.hex().encode(), *each.topics, each.data))
        return b"".join(
            (
                self.version.to_bytes(4, "big"),
                self.gas_used.encode(),
                self.contract_address.encode(),
                self.status.to_bytes(4, "big"),
                self.output,
                self.gas_price.encode() if self.version else b"",
                *logs,
                self.block_number.to_bytes(8, "big"),
            )
        )

    def hash(self, suite: Suite) -> bytes:
        return hash_of(suite, self.preimage())


def read_receipt_v2(item: Item) -> ReceiptV2:
    """Raises MalformedProof, LimitExceeded."""
    fields = rlp.as_list(item, "receipt")
    check_field_count(len(fields))
    remaining = rlp.as_int(fields[6], "remaining gas") if len(fields) == _SINCE_2_9 else None
    return ReceiptV2(
        rlp.as_bytes(fields[0], "state root", length=HASH_BYTES),
        rlp.as_int(fields[1], "gas used"),
        rlp.as_bytes(fields[2], "contract address", length=ADDRESS_BYTES),
        rlp.as_bytes(fields[3], "logs bloom", length=_BLOOM_BYTES),
        rlp.as_int(fields[4], "status"),
        rlp.as_bytes(fields[5], "output"),
        _read_logs(fields[-1]),
        remaining,
    )


def read_receipt_v3(item: Item) -> ReceiptV3:
    """Raises MalformedProof, LimitExceeded."""
    fields = rlp.as_list(item, "receipt", count=8)
    version, status = (rlp.as_int(fields[at], "receipt number", bits=24) for at in (0, 3))
    gas_used, contract, price = (
        read_ascii(rlp.as_bytes(fields[at], "receipt text"), "receipt text") for at in (1, 2, 7)
    )
    check_gas_text(gas_used)
    check_contract_text(contract)
    check_price_text(price, version)
    output, number = rlp.as_bytes(fields[4], "output"), rlp.as_int(fields[6], "block number", bits=56)
    return ReceiptV3(version, gas_used, contract, status, output, _read_logs(fields[5]), number, price)


def check_field_count(count: int) -> None:
    """Seven fields until 2.9 put the remaining gas before the logs."""
    if count not in (_BEFORE_2_9, _SINCE_2_9):
        raise MalformedProof("receipt", got=count, expected="7 fields, or 8 since 2.9")


def check_contract_text(text: str) -> None:
    """Hashed as it is stored: digits of an address could pass for gas otherwise. Path-like names: WASM chains only."""
    if text and not _ADDRESS.match(text):
        raise MalformedProof("contract address", got=text, expected="40 lower-case hex digits, or nothing")


def check_price_text(text: str, version: int) -> None:
    """A hex number since receipts have version 1. What could hold anything else could hold a log."""
    if not _PRICE.match(text) or (text and version == 0):
        raise MalformedProof("gas price", got=text, expected="a hex number, and nothing in version 0")


def check_topic_count(count: int) -> None:
    """The EVM has LOG0 to LOG4."""
    if count > TOPICS_MAX:
        raise LimitExceeded("topics", got=count, limit=TOPICS_MAX)


def _read_logs(item: Item) -> tuple[Log, ...]:
    return tuple(_read_log(each) for each in rlp.as_list(item, "logs"))


def _read_log(item: Item) -> Log:
    address, topics, data = rlp.as_list(item, "log", count=3)
    listed = rlp.as_list(topics, "topics")
    check_topic_count(len(listed))
    return Log(
        rlp.as_bytes(address, "log address", length=ADDRESS_BYTES),
        tuple(rlp.as_bytes(each, "topic", length=HASH_BYTES) for each in listed),
        rlp.as_bytes(data, "log data"),
    )
