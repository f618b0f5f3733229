"""What miners hash and what a light client keeps of it: plain values, without rules.

Hashes are in the order of the wire, which is the reverse of the order in which people write them.
The rules are in predicates.py, the order in which they apply in spec.py, the bytes in headers.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.bitcoin.networks import Network
from proofs.commitment import ClientId

# 23 bits: a sequence that begins with a height stays below 2⁶³ for more than a century.
HEIGHT_LIMIT: Final = 1 << 23


@dataclass(frozen=True, slots=True)
class Header:
    """The six fields of the 80 bytes. version is signed, bits is the target in compact form, time is unix seconds."""

    version: int
    previous: bytes
    merkle_root: bytes
    time: int
    bits: int
    nonce: int


@dataclass(frozen=True, slots=True)
class Block:
    """A header in its place.

    hash: double SHA-256 of the 80 bytes.
    work: expected number of hashes of the whole chain up to here, counted from the first block that was kept.
    """

    height: int
    hash: bytes
    header: Header
    work: int


@dataclass(frozen=True, slots=True)
class Route:
    """What stands for a host on a ledger that has none: packets from a virtual client to a client that exists.

    source_client: the name under which packets from this ledger are known; it exists only in configuration.
    dest_client:   the client of this ledger on the destination; an output has to name it.
    """

    source_client: ClientId
    dest_client: ClientId


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an operator decides about a client.

    confirmations: how many blocks must follow a block until it is final.
    """

    network: Network
    confirmations: int
    route: Route
