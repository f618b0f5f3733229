"""A packet on a ledger without hosts: one output that commits to it, and a sequence that tells where it stands.

    OP_RETURN  push( "CWY1" ‖ commitment, 32 bytes ‖ destination client, 8 to 64 characters )

The commitment is that of IBC v2, so the packet itself may travel by any way: who alters it is found out. Its name is
(virtual client, sequence), and the sequence is height ‖ transaction ‖ output in 23, 20 and 20 bits: nobody counts on
this ledger, so sequences have gaps, but no two outputs share one, and it says by itself where the proof must be.

One way only: nothing here receives, so nothing is acknowledged and nothing times out.

What an output does not show is who wrote it: whoever pays for a transaction may commit to any packet. An application
must treat the source port of such a packet as a label, not as an authority.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from proofs.bitcoin.types import HEIGHT_LIMIT, Route
from proofs.commitment import ClientId, commitment_path
from proofs.errors import MalformedProof, UnsupportedProof, WrongLedger
from proofs.light_client import Height, Position

MAGIC: Final = b"CWY1"
COMMITMENT_BYTES: Final = 32

_OP_RETURN: Final = 0x6A
_OP_PUSHDATA1: Final = 0x4C
_SEQUENCE_BYTES: Final = 8
_CLIENT_ID: Final = re.compile(rb"[A-Za-z0-9.+_#\[\]<>-]{8,64}")  # ICS-24 identifiers, with ibc-go's least length
_DATA_BYTES: Final = range(len(MAGIC) + COMMITMENT_BYTES + 8, len(MAGIC) + COMMITMENT_BYTES + 64 + 1)

# More than a block can hold.
_TRANSACTION_LIMIT: Final = 1 << 20
_OUTPUT_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PacketOutput:
    commitment: bytes
    dest_client: ClientId


def encode_script(packet: PacketOutput) -> bytes:
    """The script of the output that announces a packet."""
    data = MAGIC + packet.commitment + packet.dest_client.encode()
    push = bytes((len(data),)) if len(data) < _OP_PUSHDATA1 else bytes((_OP_PUSHDATA1, len(data)))
    return bytes((_OP_RETURN,)) + push + data


def decode_script(script: bytes) -> PacketOutput:
    """Raises UnsupportedProof for a script of another kind, MalformedProof for one that is nearly of this kind."""
    data = op_return_data(script)
    check_magic(data)
    check_data_length(data)
    client = data[len(MAGIC) + COMMITMENT_BYTES :]
    check_client_id(client)
    return PacketOutput(data[len(MAGIC) : len(MAGIC) + COMMITMENT_BYTES], ClientId(client.decode("ascii")))


def op_return_data(script: bytes) -> bytes:
    """What the script `OP_RETURN push` carries: one push in its shortest form, and nothing after it."""
    check_is_op_return(script)
    header = 3 if script[1:2] == bytes((_OP_PUSHDATA1,)) else 2
    data = script[header:]
    check_push(script, data, has_long_form=header == 3)
    return data


def check_is_op_return(script: bytes) -> None:
    """Anything else pays somebody."""
    if script[:1] != bytes((_OP_RETURN,)):
        raise UnsupportedProof("output script", got=script[:1], expected="OP_RETURN")


def check_push(script: bytes, data: bytes, *, has_long_form: bool) -> None:
    """The script is exactly one push. Two forms of one packet would be two outputs to some readers, one to others."""
    announced = script[2:3] if has_long_form else script[1:2]
    is_shortest = has_long_form is (len(data) >= _OP_PUSHDATA1)
    if len(announced) != 1 or announced[0] != len(data) or not is_shortest:
        raise MalformedProof("OP_RETURN push", got=script[1:3], expected=f"the shortest push of {len(data)} bytes")


def check_magic(data: bytes) -> None:
    """OP_RETURN carries everything under the sun."""
    if data[: len(MAGIC)] != MAGIC:
        raise UnsupportedProof("OP_RETURN data", got=data[: len(MAGIC)], expected=MAGIC)


def check_data_length(data: bytes) -> None:
    if len(data) not in _DATA_BYTES:
        raise MalformedProof("packet output", got=len(data), expected=f"{_DATA_BYTES[0]} to {_DATA_BYTES[-1]} bytes")


def check_client_id(client: bytes) -> None:
    """ICS-24: printable, without the characters that paths use."""
    if _CLIENT_ID.fullmatch(client) is None:
        raise MalformedProof("client id", got=client, expected="8 to 64 letters, digits or .+-_#[]<>")


def check_route(route: Route) -> None:
    check_client_id(route.source_client.encode())
    check_client_id(route.dest_client.encode())


def sequence_of(position: Position) -> int:
    """Raises MalformedProof for a position that no block has."""
    height, transaction, output = position.height.number, position.transaction, position.event
    limits = (HEIGHT_LIMIT, _TRANSACTION_LIMIT, _OUTPUT_LIMIT)
    for part, value, limit in zip(
        ("height", "transaction", "output"), (height, transaction, output), limits, strict=True
    ):
        if not 0 <= value < limit:
            raise MalformedProof(f"position {part}", got=value, expected=f"below {limit}")
    return (height * _TRANSACTION_LIMIT + transaction) * _OUTPUT_LIMIT + output


def position_of(sequence: int) -> Position:
    rest, output = divmod(sequence, _OUTPUT_LIMIT)
    height, transaction = divmod(rest, _TRANSACTION_LIMIT)
    return Position(Height(0, height), transaction, output)


def position_of_path(path: bytes, route: Route) -> Position:
    """Where the packet of a commitment path stands. Raises WrongLedger for any other path: it is not written here."""
    sequence = int.from_bytes(path[-_SEQUENCE_BYTES:], "big")
    check_path(path, commitment_path(route.source_client, sequence))
    return position_of(sequence)


def check_path(path: bytes, expected: bytes) -> None:
    """This ledger holds commitments of one virtual client, and neither receipts nor acknowledgements."""
    if path != expected:
        raise WrongLedger("path", got=path, expected=expected)
