"""The JSON of Ethereum nodes, decoded strictly: hex is checked here, so that nothing behind this page parses text.

Source: the execution JSON-RPC specification (ethereum/execution-apis), EIP-1474, EIP-1186, EIP-1559.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")
Decode: TypeAlias = Callable[[bytes], T]

# `\Z`, not `$`: a trailing newline is not hex.
Quantity = Annotated[str, Meta(pattern=r"^0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})\Z")]
Data = Annotated[str, Meta(pattern=r"^0x([0-9a-fA-F]{2})*\Z")]
Word = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{64}\Z")]
AddressHex = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{40}\Z")]


def number(text: str) -> int:
    return int(text, 16)


def octets(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def quantity(value: int) -> str:
    return hex(value)


def data(value: bytes) -> str:
    return "0x" + value.hex()


class BlockJson(msgspec.Struct, frozen=True, rename="camel"):
    """A block without its transactions: the fields of its header, in the order in which forks added them."""

    hash: Word
    parent_hash: Word
    sha3_uncles: Word
    miner: AddressHex
    state_root: Word
    transactions_root: Word
    receipts_root: Word
    logs_bloom: Data
    difficulty: Quantity
    number: Quantity
    gas_limit: Quantity
    gas_used: Quantity
    timestamp: Quantity
    extra_data: Data
    mix_hash: Word
    nonce: Data
    base_fee_per_gas: Quantity | None = None
    withdrawals_root: Word | None = None
    blob_gas_used: Quantity | None = None
    excess_blob_gas: Quantity | None = None
    parent_beacon_block_root: Word | None = None
    requests_hash: Word | None = None


class LogJson(msgspec.Struct, frozen=True, rename="camel"):
    """removed: an endpoint that offers a log it has itself given up is not to be believed."""

    address: AddressHex
    topics: Annotated[list[Word], Meta(max_length=4)]
    data: Data
    block_number: Quantity
    block_hash: Word
    transaction_hash: Word
    transaction_index: Quantity
    log_index: Quantity
    removed: bool = False


class StorageJson(msgspec.Struct, frozen=True):
    """key: nodes write it as a quantity or as data of any length."""

    key: Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{1,64}\Z")]
    value: Quantity
    proof: list[Data]


class StateProofJson(msgspec.Struct, frozen=True, rename="camel"):
    account_proof: list[Data]
    storage_proof: list[StorageJson]


class ReceiptJson(msgspec.Struct, frozen=True, rename="camel"):
    transaction_hash: Word
    block_hash: Word
    block_number: Quantity
    gas_used: Quantity
    effective_gas_price: Quantity
    status: Quantity
    logs: list[LogJson]


class CallErrorJson(msgspec.Struct, frozen=True):
    code: int
    message: str = ""
    data: str | None = None


class SimulatedLogJson(msgspec.Struct, frozen=True):
    address: AddressHex
    topics: Annotated[list[Word], Meta(max_length=4)]
    data: Data


class SimulatedCallJson(msgspec.Struct, frozen=True, rename="camel"):
    return_data: Data
    gas_used: Quantity
    status: Quantity
    logs: list[SimulatedLogJson] = []
    error: CallErrorJson | None = None


class SimulatedBlockJson(msgspec.Struct, frozen=True, rename="camel"):
    base_fee_per_gas: Quantity
    calls: list[SimulatedCallJson]


_QUANTITY: Final = msgspec.json.Decoder(Quantity)
_DATA: Final = msgspec.json.Decoder(Data)
_WORD: Final = msgspec.json.Decoder(Word)


def decode_quantity(raw: bytes) -> int:
    """Decode a hex quantity.

    >>> decode_quantity(b'"0x10"')
    16
    """
    return number(_QUANTITY.decode(raw))


def decode_data(raw: bytes) -> bytes:
    """Decode hex data of any length.

    >>> decode_data(b'"0x00ff"').hex()
    '00ff'
    """
    return octets(_DATA.decode(raw))


def decode_word(raw: bytes) -> bytes:
    return octets(_WORD.decode(raw))


decode_any: Final[Decode[object]] = msgspec.json.Decoder(object).decode
decode_block: Final[Decode[BlockJson | None]] = msgspec.json.Decoder(BlockJson | None).decode
decode_logs: Final[Decode[list[LogJson]]] = msgspec.json.Decoder(list[LogJson]).decode
decode_state_proof: Final[Decode[StateProofJson]] = msgspec.json.Decoder(StateProofJson).decode
decode_receipt: Final[Decode[ReceiptJson | None]] = msgspec.json.Decoder(ReceiptJson | None).decode
decode_simulation: Final[Decode[list[SimulatedBlockJson]]] = msgspec.json.Decoder(list[SimulatedBlockJson]).decode
