"""Headers of Bitcoin in the forms that test data comes in, and a tree that takes them in one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from proofs.bitcoin import predicates as rules
from proofs.bitcoin.compact import decode_compact, work_of
from proofs.bitcoin.headers import HEADER_BYTES, decode_header, header_hash
from proofs.bitcoin.networks import MAINNET, Network
from proofs.bitcoin.spec import required_bits, retarget, verify_next, verify_work
from proofs.bitcoin.types import Block, Header

LATER_THAN_ALL = 1 << 40
_REPEATS_BELOW = 4_032  # a number that is no difficulty, but how often the next one comes


def split_headers(data: bytes) -> list[bytes]:
    return [data[at : at + HEADER_BYTES] for at in range(0, len(data), HEADER_BYTES)]


def wire(written: str) -> bytes:
    """A hash, from the order in which people write it."""
    return bytes.fromhex(written.removeprefix("0x"))[::-1]


class Tree:
    """All branches from the genesis block. A header goes on top of the block that it names, by all rules."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._chains: list[list[Block]] = []

    def add(self, encoded: bytes) -> None:
        """Raises VerificationError."""
        header = decode_header(encoded)
        digest = header_hash(header)
        if not self._chains:
            rules.check_genesis_hash(digest, self._network)
            self._chains.append([Block(0, digest, header, 0)])
            return
        chain = self._chain_to(header.previous)
        chain.append(verify_next(chain, header, digest, network=self._network, now=LATER_THAN_ALL))

    def _chain_to(self, digest: bytes) -> list[Block]:
        """The chain that ends with this block; a new one where others have gone on from it."""
        for chain in self._chains:
            if chain[-1].hash == digest:
                return chain
        for chain in self._chains:
            for place, block in enumerate(chain):
                if block.hash == digest:
                    self._chains.append(chain[: place + 1])
                    return self._chains[-1]
        return self._chains[0]  # the rule of the parent hash refuses it there


def verify_all(headers: Sequence[bytes], network: Network) -> None:
    """A whole chain from the genesis block on."""
    tree = Tree(network)
    for each in headers:
        tree.add(each)


class Run:
    """Headers from the middle of a chain: each judged as far as the headers before it reach."""

    def __init__(self, height: int, firsts: dict[int, Header], network: Network = MAINNET) -> None:
        self._height = height
        self._firsts = firsts
        self._network = network
        self._last: Header | None = None

    def add(self, encoded: bytes) -> None:
        """Raises VerificationError."""
        header = decode_header(encoded)
        verify_work(header, header_hash(header), self._network)
        last, height = self._last, self._height
        if last is not None:
            rules.check_parent(header, header_hash(last))
            first = self._firsts.get(height - self._network.period)
            if height % self._network.period:
                rules.check_bits(header, last.bits)
            elif first is not None:
                rules.check_bits(header, retarget(last.bits, seconds=last.time - first.time, network=self._network))
        self._last, self._height = header, height + 1


def sparse_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(height, header) of records of a height in four little-endian bytes and a header."""
    size = 4 + HEADER_BYTES
    for at in range(0, len(data), size):
        yield int.from_bytes(data[at : at + 4], "little"), data[at + 4 : at + size]


def verify_sparse(height: int, encoded: bytes, records: dict[int, bytes]) -> None:
    """The first and last header of a period, by the first of this period and both of the one before."""
    header = decode_header(encoded)
    verify_work(header, header_hash(header), MAINNET)
    period = MAINNET.period
    if height % period:
        rules.check_bits(header, decode_header(records[height // period * period]).bits)
    elif height:
        first, last = decode_header(records[height - period]), decode_header(records[height - 1])
        rules.check_parent(header, header_hash(last))
        rules.check_bits(header, retarget(last.bits, seconds=last.time - first.time, network=MAINNET))
    else:
        rules.check_genesis_hash(header_hash(header), MAINNET)


def times_and_bits(data: bytes) -> tuple[int, list[tuple[int, int]]]:
    """Return the first height, and (time, bits) of each block, from a form that leaves out all else."""
    height, count, time = struct.unpack_from("<III", data)
    steps = struct.unpack_from(f"<{count - 1}H", data, 12)
    times = [time]
    for step in steps:
        times.append(times[-1] + step - 3_600)
    bits: list[int] = []
    repeat = 1
    for (word,) in struct.iter_unpack("<I", data[12 + 2 * (count - 1) :]):
        if word < _REPEATS_BELOW:
            repeat = word
        else:
            bits.extend([word] * repeat)
            repeat = 1
    return height, list(zip(times, bits, strict=True))


def verify_bits(height: int, blocks: Sequence[tuple[int, int]], network: Network) -> None:
    """The difficulty of each block, by times and difficulties alone. Begins with the first block of a period."""
    chain: list[Block] = []
    for time, bits in blocks:
        header = Header(4, b"", b"", time, bits, 0)
        if chain:
            rules.check_bits(header, required_bits(chain, time, network))
        chain.append(Block(height + len(chain), b"", header, work_of(decode_compact(bits))))
