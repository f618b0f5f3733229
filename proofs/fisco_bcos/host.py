"""How a host contract on this ledger says what it wrote: there is no state tree, so its events are the state.

The host emits two events, neither with indexed arguments, as a host on ChainMaker does:
`Written(bytes path, bytes value)` with 32 bytes of value wherever it stores something under an IBC path, and
`ReceiptAbsent(bytes path, uint64 blockTime)` when asked to record that a receipt is not there. blockTime is unix
seconds of the block, floored: the EVM of these chains counts milliseconds.

The send counter has no event of its own. That commitment n was written says that n was the last sequence then.

On 3.x the event must be the last log of a transaction that calls the host directly, so one transaction makes one claim
provable; why, is in receipts.py and membership.py. A host there emits it after its last call to an app.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.commitment import ClientId, commitment_path, send_counter_path
from proofs.encoding import abi
from proofs.errors import MalformedProof, UnsupportedProof, ValueMismatch, WrongLedger
from proofs.fisco_bcos.receipts import Log
from proofs.fisco_bcos.suite import hash_of
from proofs.fisco_bcos.types import ADDRESS_BYTES, HASH_BYTES, Suite
from proofs.light_client import Claim

WRITTEN: Final = "Written(bytes,bytes)"
RECEIPT_ABSENT: Final = "ReceiptAbsent(bytes,uint64)"

_COUNTER: Final = send_counter_path(ClientId(""))
_RECEIPT: Final = 2
# A client id of up to 64 characters, the kind, and the sequence.
_SUFFIX_BYTES: Final = 9
_PATH_BYTES_MAX: Final = 64 + _SUFFIX_BYTES
_SEQUENCE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class HostLayout:
    """compiler: the hash by which the host's compiler named its events; the SM edition of solc uses SM3."""

    address: bytes
    compiler: Suite


def check_layout(layout: HostLayout) -> None:
    """A contract of the EVM has an address of 20 bytes."""
    if len(layout.address) != ADDRESS_BYTES:
        raise MalformedProof("host address", got=len(layout.address), expected=ADDRESS_BYTES)


def verify_event(log: Log, claim: Claim, *, layout: HostLayout, block_seconds: int) -> None:
    """Return only if the host says by this log what `claim` says. Raises InvalidProof."""
    check_emitter(log, layout)
    if claim.value is None:
        check_is_receipt(claim.path)
        check_event(log, RECEIPT_ABSENT, layout)
        check_data(log.data, abi.encode("(bytes,uint64)", (claim.path, block_seconds)))
        return
    check_event(log, WRITTEN, layout)
    path, value = claim.path, claim.value
    if path.startswith(_COUNTER):
        path, value = counted_commitment(claim.path, claim.value), written_value(log.data)
    check_path_length(path)
    check_value_length(value)
    check_data(log.data, abi.encode("(bytes,bytes)", (path, value)))


def counted_commitment(path: bytes, value: bytes) -> bytes:
    """The path of the commitment that shows a send counter. Raises MalformedProof."""
    client = path[len(_COUNTER) :]
    if len(value) != _SEQUENCE_BYTES or not any(value):
        raise MalformedProof("send counter", got=value, expected="8 bytes, a sequence from 1 on")
    if not client.isascii():
        raise MalformedProof("client id", got=client, expected="ASCII text")
    return commitment_path(ClientId(client.decode("ascii")), int.from_bytes(value, "big"))


def written_value(data: bytes) -> bytes:
    """The last word of what `Written` says: whatever was written, the counter only asks where."""
    return data[-HASH_BYTES:]


def check_emitter(log: Log, layout: HostLayout) -> None:
    """Anybody's contract may emit an event of this form."""
    if log.address != layout.address:
        raise WrongLedger("host contract", got=log.address, expected=layout.address)


def check_event(log: Log, name: str, layout: HostLayout) -> None:
    """The one topic is the hash of the event's name and types: presence and absence are different events."""
    expected = (hash_of(layout.compiler, name.encode()),)
    if log.topics != expected:
        raise ValueMismatch("event", got=[each.hex() for each in log.topics], expected=name)


def check_is_receipt(path: bytes) -> None:
    """Only receipts are recorded as absent: a commitment that is gone was acknowledged or timed out."""
    if not _SUFFIX_BYTES < len(path) <= _PATH_BYTES_MAX or path[-_SUFFIX_BYTES] != _RECEIPT:
        raise UnsupportedProof("absent path", got=path, expected="a receipt path")


def check_path_length(path: bytes) -> None:
    """A client id of up to 64 characters, a kind and a sequence. Source: ICS-24 v2."""
    if not _SUFFIX_BYTES < len(path) <= _PATH_BYTES_MAX:
        raise MalformedProof("path", got=len(path), expected=f"{_SUFFIX_BYTES + 1} to {_PATH_BYTES_MAX} bytes")


def check_value_length(value: bytes) -> None:
    """Every value of IBC v2 is a hash. A value of any length could hold a log, where logs have no lengths."""
    if len(value) != HASH_BYTES:
        raise MalformedProof("value", got=len(value), expected=HASH_BYTES)


def check_data(got: bytes, expected: bytes) -> None:
    """Byte for byte what the host writes: the path of the claim, and its value or the time of the block."""
    if got != expected:
        raise ValueMismatch("event data", got=got, expected=expected)
