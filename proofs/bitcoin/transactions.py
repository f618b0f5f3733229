"""Transactions: what moves, what is hashed, and the rules that need nothing but the transaction itself.

A transaction's id is the hash of its form *without* witness; the witness is beside it and no id covers it.

Source: Bitcoin Core primitives/transaction.h, consensus/tx_check.cpp (CheckTransaction); BIP 144.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.bitcoin.wire import Reader, compact_size
from proofs.errors import LimitExceeded, MalformedProof
from proofs.merkle.bitcoin import hash256

# A block's weight, in which every byte of the part without witness counts four times.
WEIGHT_MAX: Final = 4_000_000
STRIPPED_BYTES_MAX: Final = WEIGHT_MAX // 4
VALUE_MAX: Final = 21_000_000 * 100_000_000

_INPUT_BYTES_MIN: Final = 32 + 4 + 1 + 4
_OUTPUT_BYTES_MIN: Final = 8 + 1
_TRANSACTION_FLAG: Final = 1
_NO_TRANSACTION: Final = (b"\0" * 32, 0xFFFF_FFFF)
_COINBASE_SCRIPT_BYTES: Final = range(2, 101)


@dataclass(frozen=True, slots=True)
class Input:
    previous_id: bytes
    previous_output: int
    script: bytes
    sequence: int


@dataclass(frozen=True, slots=True)
class Output:
    """value: satoshis."""

    value: int
    script: bytes


@dataclass(frozen=True, slots=True)
class Transaction:
    """witness: for each input a stack of items; None for the form without witness."""

    version: int
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    lock_time: int
    witness: tuple[tuple[bytes, ...], ...] | None = None

    @property
    def is_coinbase(self) -> bool:
        return len(self.inputs) == 1 and _spends_nothing(self.inputs[0])


def decode_transaction(encoded: bytes) -> Transaction:
    """With or without witness. Raises MalformedProof, LimitExceeded."""
    check_transaction_length(len(encoded), limit=WEIGHT_MAX)
    reader = Reader(encoded, "transaction")
    transaction = read_transaction(reader)
    reader.end()
    return transaction


def read_transaction(reader: Reader) -> Transaction:
    """The next transaction of a block. Raises MalformedProof."""
    version = reader.number(4)
    inputs = read_inputs(reader)
    with_witness = not inputs
    if with_witness:
        check_witness_flag(reader.number(1))
        inputs = read_inputs(reader)
    check_has_inputs(inputs)
    outputs = read_outputs(reader)
    witness = tuple(_read_stack(reader) for _ in inputs) if with_witness else None
    check_witness_is_used(witness)
    return Transaction(version, inputs, outputs, reader.number(4), witness)


def read_inputs(reader: Reader) -> tuple[Input, ...]:
    return tuple(
        Input(reader.take(32), reader.number(4), reader.bytes(), reader.number(4))
        for _ in range(reader.count(item_bytes=_INPUT_BYTES_MIN))
    )


def read_outputs(reader: Reader) -> tuple[Output, ...]:
    """Raises MalformedProof, also for none at all: nothing spends into nowhere."""
    count = reader.count(item_bytes=_OUTPUT_BYTES_MIN)
    check_has_outputs(count)
    return tuple(Output(reader.number(8), reader.bytes()) for _ in range(count))


def _read_stack(reader: Reader) -> tuple[bytes, ...]:
    return tuple(reader.bytes() for _ in range(reader.count(item_bytes=1)))


def stripped(transaction: Transaction) -> bytes:
    """The form without witness: what the id is the hash of."""
    inputs = (
        each.previous_id
        + each.previous_output.to_bytes(4, "little")
        + compact_size(len(each.script))
        + each.script
        + each.sequence.to_bytes(4, "little")
        for each in transaction.inputs
    )
    outputs = (
        each.value.to_bytes(8, "little") + compact_size(len(each.script)) + each.script for each in transaction.outputs
    )
    return b"".join(
        (
            transaction.version.to_bytes(4, "little"),
            compact_size(len(transaction.inputs)),
            *inputs,
            compact_size(len(transaction.outputs)),
            *outputs,
            transaction.lock_time.to_bytes(4, "little"),
        )
    )


def transaction_id(transaction: Transaction) -> bytes:
    """In the order of the wire."""
    return hash256(stripped(transaction))


def check_transaction(transaction: Transaction) -> None:
    """Everything that needs no other transaction. Source: CheckTransaction."""
    check_transaction_length(len(stripped(transaction)), limit=STRIPPED_BYTES_MAX)
    check_values(transaction.outputs)
    check_inputs_are_distinct(transaction.inputs)
    if transaction.is_coinbase:
        check_coinbase_script(transaction.inputs[0])
    else:
        check_inputs_spend_something(transaction.inputs)


def check_transaction_length(size: int, *, limit: int) -> None:
    """bad-txns-oversize. Asked before anything is read."""
    if size > limit:
        raise LimitExceeded("transaction", got=size, limit=limit)


def check_witness_flag(flag: int) -> None:
    """BIP 144: a number of inputs of zero announces a witness, if 1 follows."""
    if flag != _TRANSACTION_FLAG:
        raise MalformedProof("transaction flag", got=flag, expected=_TRANSACTION_FLAG)


def check_witness_is_used(witness: Sequence[Sequence[bytes]] | None) -> None:
    """transaction.h, superfluous witness record: a form that says nothing more is a second form of the same."""
    if witness is not None and not any(witness):
        raise MalformedProof("witness", got="only empty stacks", expected="the form without witness")


def check_has_inputs(inputs: Sequence[Input]) -> None:
    """bad-txns-vin-empty."""
    if not inputs:
        raise MalformedProof("transaction inputs", got=0, expected="at least 1")


def check_has_outputs(count: int) -> None:
    """bad-txns-vout-empty."""
    if count == 0:
        raise MalformedProof("transaction outputs", got=0, expected="at least 1")


def check_values(outputs: Sequence[Output]) -> None:
    """bad-txns-vout-toolarge, -negative, -txouttotal-toolarge: there are only so many coins."""
    total = 0
    for output in outputs:
        total += output.value
        if total > VALUE_MAX:
            raise MalformedProof("transaction value", got=total, expected=f"at most {VALUE_MAX}")


def check_inputs_are_distinct(inputs: Sequence[Input]) -> None:
    """bad-txns-inputs-duplicate (CVE-2018-17144)."""
    spent = {(each.previous_id, each.previous_output) for each in inputs}
    if len(spent) != len(inputs):
        raise MalformedProof("transaction inputs", got="one output spent twice", expected="distinct outputs")


def check_coinbase_script(spending: Input) -> None:
    """bad-cb-length."""
    size = len(spending.script)
    if size not in _COINBASE_SCRIPT_BYTES:
        raise MalformedProof("coinbase script", got=size, expected="2 to 100 bytes")


def check_inputs_spend_something(inputs: Sequence[Input]) -> None:
    """bad-txns-prevout-null: only a coinbase transaction makes coins."""
    if any(_spends_nothing(each) for each in inputs):
        raise MalformedProof("transaction input", got="no output", expected="an output of another transaction")


def _spends_nothing(spending: Input) -> bool:
    return (spending.previous_id, spending.previous_output) == _NO_TRANSACTION
