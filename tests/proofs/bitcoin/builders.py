"""A miner for networks where that takes no time, blocks with packets in them, and clients that follow.

Two networks: regtest as it is, and SMALL, whose difficulty follows time over periods of eight blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from proofs.bitcoin.client import BitcoinClient, bootstrap
from proofs.bitcoin.compact import decode_compact, encode_compact, work_of
from proofs.bitcoin.headers import encode_header, header_hash
from proofs.bitcoin.membership import TransactionProof, encode_proof
from proofs.bitcoin.networks import REGTEST, Network
from proofs.bitcoin.packets import PacketOutput, encode_script, sequence_of
from proofs.bitcoin.spec import median_time, required_bits
from proofs.bitcoin.transactions import Input, Output, Transaction, stripped, transaction_id
from proofs.bitcoin.types import Block, Header, Parameters, Route
from proofs.commitment import ClientId, commitment_path
from proofs.encoding.proof_batch import join_batch
from proofs.light_client import Claim, Height, Position
from proofs.merkle.bitcoin import hash256

ROUTE: Final = Route(ClientId("bitcoin-0"), ClientId("bitcoin-client-7"))
COMMITMENT: Final = bytes(range(32))
SPACING: Final = 600

REGTEST_GENESIS: Final = Header(
    version=1,
    previous=b"\0" * 32,
    merkle_root=bytes.fromhex("3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"),
    time=1_296_688_602,
    bits=0x207FFFFF,
    nonce=2,
)
SMALL_LIMIT: Final = (1 << 252) - 1


def small_network(**changes: Any) -> Network:
    """Periods of eight blocks that follow time, with an easiest target of sixteen hashes."""
    rough = Network(name="small", genesis_hash=b"", pow_limit=SMALL_LIMIT, period=8)
    network = replace(rough, **changes)
    return replace(network, genesis_hash=header_hash(small_genesis()))


def small_genesis() -> Header:
    header = Header(1, b"\0" * 32, b"\0" * 32, REGTEST_GENESIS.time, encode_compact(SMALL_LIMIT), 0)
    return mined(header)


def mined(header: Header) -> Header:
    """The header with the first nonce whose hash is below the target that it names itself."""
    target = decode_compact(header.bits)
    while int.from_bytes(header_hash(header), "little") > target:
        header = replace(header, nonce=header.nonce + 1)
    return header


def unmined(header: Header) -> Header:
    """The header with the first nonce that does *not* suffice."""
    target = decode_compact(header.bits)
    while int.from_bytes(header_hash(header), "little") <= target:
        header = replace(header, nonce=header.nonce + 1)
    return header


def first_block(network: Network) -> Block:
    genesis = REGTEST_GENESIS if network is REGTEST else small_genesis()
    return Block(0, header_hash(genesis), genesis, 0)


def next_header(chain: Sequence[Block], network: Network, **changes: Any) -> Header:
    """The header that an honest miner would put on top; changes are made before it is mined."""
    time = changes.pop("time", chain[-1].header.time + SPACING)
    assert isinstance(time, int)
    bits = required_bits(chain, time, network)
    header = Header(4, chain[-1].hash, hash256(chain[-1].hash), time, bits, 0)
    return mined(replace(header, **changes))


def block_on(chain: Sequence[Block], header: Header) -> Block:
    work = chain[-1].work + work_of(decode_compact(header.bits))
    return Block(chain[-1].height + 1, header_hash(header), header, work)


def mine(chain: Sequence[Block], count: int, network: Network = REGTEST, **changes: Any) -> list[Block]:
    """The chain with `count` more blocks; the same changes in each of them."""
    grown = list(chain)
    for _ in range(count):
        grown.append(block_on(grown, next_header(grown, network, **changes)))
    return grown


def mine_root(chain: Sequence[Block], root: bytes, network: Network = REGTEST) -> list[Block]:
    """The chain with one more block that holds transactions with this root."""
    return mine(chain, 1, network, merkle_root=root)


def evidence(blocks: Sequence[Block]) -> bytes:
    return b"".join(encode_header(block.header) for block in blocks)


def client_at(chain: Sequence[Block], network: Network = REGTEST, confirmations: int = 3) -> BitcoinClient:
    """A client whose checkpoint is the last block of the chain."""
    return bootstrap(
        evidence(chain),
        checkpoint_height=chain[-1].height,
        checkpoint_hash=chain[-1].hash,
        parameters=Parameters(network, confirmations, ROUTE),
    )


def now_after(chain: Sequence[Block]) -> int:
    return max(median_time(chain), chain[-1].header.time)


def coinbase(height: int) -> Transaction:
    spending = Input(b"\0" * 32, 0xFFFF_FFFF, height.to_bytes(4, "little"), 0xFFFF_FFFF)
    return Transaction(1, (spending,), (Output(50_0000_0000, b"\x51" * 22),), 0)


def transaction(*scripts: bytes, salt: int = 0) -> Transaction:
    spending = Input(hash256(salt.to_bytes(4, "little")), 0, b"\x51" * 70, 0xFFFF_FFFF)
    return Transaction(2, (spending,), tuple(Output(0, script) for script in scripts), 0)


def packet_script(commitment: bytes = COMMITMENT, route: Route = ROUTE) -> bytes:
    return encode_script(PacketOutput(commitment, route.dest_client))


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """The tree, read literally."""
    if len(leaves) == 1:
        return leaves[0]
    even = [*leaves, leaves[-1]] if len(leaves) % 2 else list(leaves)
    return naive_root([hash256(even[at] + even[at + 1]) for at in range(0, len(even), 2)])


def naive_branch(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    if len(leaves) == 1:
        return ()
    even = [*leaves, leaves[-1]] if len(leaves) % 2 else list(leaves)
    row = [hash256(even[at] + even[at + 1]) for at in range(0, len(even), 2)]
    return (even[index ^ 1], *naive_branch(row, index // 2))


@dataclass(frozen=True)
class World:
    """A regtest chain with one packet in it, final, and a client that follows."""

    client: BitcoinClient
    chain: list[Block]
    transactions: list[Transaction]
    position: Position

    @property
    def at(self) -> Height:
        return self.position.height

    def claim(self, **changes: Any) -> Claim:
        path = commitment_path(ROUTE.source_client, sequence_of(self.position))
        return replace(Claim(path, COMMITMENT, self.position), **changes)

    def transaction_proof(self, index: int | None = None) -> TransactionProof:
        index = self.position.transaction if index is None else index
        ids = [transaction_id(each) for each in self.transactions]
        return TransactionProof(stripped(self.transactions[index]), naive_branch(ids, index))

    def proof(self, **changes: Any) -> bytes:
        changed = replace(self.transaction_proof(), **changes)
        return join_batch([encode_proof(changed)])


def world(transactions: Sequence[Transaction] | None = None, *, index: int = 2, output: int = 1) -> World:
    chain = mine([first_block(REGTEST)], 12)
    client = client_at(chain)
    height = chain[-1].height + 1
    others = [transaction(b"\x51", salt=salt) for salt in range(4)]
    given = (
        list(transactions)
        if transactions is not None
        else [coinbase(height), others[0], transaction(b"\x51", packet_script(), salt=9), *others[1:]]
    )
    chain = mine_root(chain, naive_root([transaction_id(each) for each in given]))
    chain = mine(chain, 5)
    client = client.update(evidence(chain[height:]), now=now_after(chain))
    return World(client, chain, given, Position(Height(0, height), index, output))
