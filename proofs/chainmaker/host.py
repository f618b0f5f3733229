"""How a host contract on this ledger says what it wrote: there is no state tree, so its events are the state.

The host runs in the chain's EVM and emits two events, neither with indexed arguments:
`Written(bytes path, bytes value)` wherever it stores something under an IBC path, and
`ReceiptAbsent(bytes path, uint64 blockTime)` when asked to record that a receipt is not there. The node keeps an EVM
log as topic (hex, without 0x) and data (further topics, then the blob, all hex).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.chainmaker.hashing import GASLESS_VERSION
from proofs.chainmaker.types import ContractEvent, Payload
from proofs.encoding import abi
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch, WrongLedger
from proofs.light_client import Claim

WRITTEN: Final = "Written(bytes,bytes)"
RECEIPT_ABSENT: Final = "ReceiptAbsent(bytes,uint64)"

# From this version on a call from contract to contract goes through the node, so that events carry their own emitter.
EVENTS_NAME_THEIR_EMITTER: Final = GASLESS_VERSION

_WRITTEN_TOPIC: Final = abi.event_topic(WRITTEN).hex().encode()
_ABSENT_TOPIC: Final = abi.event_topic(RECEIPT_ABSENT).hex().encode()
_RECEIPT: Final = 2
_NAME_BYTES_MAX: Final = 128
# Paths have some 70 bytes and values 32; the ledger itself keeps no more than this of an event.
_DATA_BYTES_MAX: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class HostLayout:
    """contract: its name on the chain. version: of its code; an upgrade is another host until an operator agrees."""

    contract: str
    version: str


def check_layout(layout: HostLayout) -> None:
    """A host has a name and a version of its code, both short."""
    for part in (layout.contract, layout.version):
        if not part:
            raise MalformedProof("host contract", got="", expected="a name and a version")
        if len(part.encode()) > _NAME_BYTES_MAX:
            raise LimitExceeded("host contract", got=len(part.encode()), limit=_NAME_BYTES_MAX)


def verify_event(
    event: ContractEvent, claim: Claim, *, payload: Payload, layout: HostLayout, block_version: int, block_time: int
) -> None:
    """Return only if the host says by this event what `claim` says. Raises InvalidProof."""
    check_emitter_is_named(block_version)
    check_emitter(event, layout)
    check_emitter_version(event, layout)
    check_event_transaction(event, payload)
    if claim.value is None:
        check_is_receipt(claim.path)
        path, time = _absent(event)
        check_path(path, claim.path)
        check_recorded_time(time, block_time)
    else:
        path, value = _written(event)
        check_path(path, claim.path)
        check_value(value, claim.value)


def check_emitter_is_named(block_version: int) -> None:
    """Before 2300 an event carries the name of the contract that was called first, whoever emitted it."""
    if block_version < EVENTS_NAME_THEIR_EMITTER:
        raise UnsupportedProof("block version of an event", got=block_version, expected=EVENTS_NAME_THEIR_EMITTER)


def check_emitter(event: ContractEvent, layout: HostLayout) -> None:
    """Anybody's contract may emit an event of this form."""
    if event.contract != layout.contract.encode():
        raise WrongLedger("host contract", got=event.contract, expected=layout.contract)


def check_emitter_version(event: ContractEvent, layout: HostLayout) -> None:
    """New code under the old name may say anything."""
    if event.contract_version != layout.version.encode():
        raise WrongLedger("host contract version", got=event.contract_version, expected=layout.version)


def check_event_transaction(event: ContractEvent, payload: Payload) -> None:
    """An event names the transaction that it is part of."""
    if event.transaction_id != payload.id:
        raise ValueMismatch("tx_id of the event", got=event.transaction_id, expected=payload.id)


def check_topic(event: ContractEvent, expected: bytes) -> None:
    """The topic is the hash of the event's name and types: presence and absence are different events."""
    if event.topic != expected:
        raise ValueMismatch("event topic", got=event.topic, expected=expected)


def check_is_receipt(path: bytes) -> None:
    """Only receipts are recorded as absent: a commitment that is gone was acknowledged or timed out."""
    if len(path) < 10 or path[-9] != _RECEIPT:
        raise UnsupportedProof("absent path", got=path, expected="a receipt path")


def check_path(got: bytes, expected: bytes) -> None:
    """The event is about the path that is claimed."""
    if got != expected:
        raise ValueMismatch("path of the event", got=got, expected=expected)


def check_value(got: bytes, expected: bytes) -> None:
    """And it wrote the value that is claimed."""
    if got != expected:
        raise ValueMismatch("value of the event", got=got, expected=expected)


def check_recorded_time(got: int, block_time: int) -> None:
    """What the contract took for the time is the block's: a sender's own time need not be monotone."""
    if got != block_time:
        raise ValueMismatch("time of the record", got=got, expected=block_time)


def _written(event: ContractEvent) -> tuple[bytes, bytes]:
    check_topic(event, _WRITTEN_TOPIC)
    path, value = abi.decode("(bytes,bytes)", _blob(event))
    assert isinstance(path, bytes)
    assert isinstance(value, bytes)
    return path, value


def _absent(event: ContractEvent) -> tuple[bytes, int]:
    check_topic(event, _ABSENT_TOPIC)
    path, time = abi.decode("(bytes,uint64)", _blob(event))
    assert isinstance(path, bytes)
    assert isinstance(time, int)
    return path, time


def _blob(event: ContractEvent) -> bytes:
    """The log's data. There is one string, as no argument is indexed; hex has one spelling."""
    if len(event.data) != 1:
        raise MalformedProof("event data", got=len(event.data), expected=1)
    text = event.data[0]
    if len(text) > 2 * _DATA_BYTES_MAX:
        raise LimitExceeded("event data", got=len(text), limit=2 * _DATA_BYTES_MAX)
    try:
        blob = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        raise MalformedProof("event data", got=text, expected="hex") from None
    if blob.hex().encode() != text:
        raise MalformedProof("event data", got=text, expected="lower-case hex without spaces")
    return blob
