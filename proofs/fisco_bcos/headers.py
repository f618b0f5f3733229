"""Headers of both generations: how they are carried, and what their hash covers.

2.x: keccak or SM3 over the RLP of thirteen fields, which has one reading only.

3.x: over a concatenation without any lengths. A server could shift bytes from one field to the next and keep the
hash, so that a list of sealers loses its tail. Everything that could move is pinned: one parent, decimal digits before
a time whose first byte is zero, and no extra data, so that sealers and weights have but one common number.

Both are carried as RLP lists, 2.x in the node's own form. Source: recomputed from published headers of both suites.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.encoding import rlp
from proofs.encoding.rlp import Encodable, Item
from proofs.fisco_bcos import header_rules as rules
from proofs.fisco_bcos.suite import hash_of
from proofs.fisco_bcos.types import HASH_BYTES, SEALER_BYTES, Block, Generation, Parameters, SealerSet, Suite

_BLOOM_BYTES = 256


@dataclass(frozen=True, slots=True)
class HeaderV2:
    """In the order of the hash. sealer: place of the one who proposed the block in sealers."""

    parent_hash: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    db_hash: bytes
    logs_bloom: bytes
    number: int
    gas_limit: int
    gas_used: int
    time_ms: int
    extra_data: tuple[bytes, ...]
    sealer: int
    sealers: tuple[bytes, ...]

    def items(self) -> list[Encodable]:
        return [
            self.parent_hash,
            self.state_root,
            self.transactions_root,
            self.receipts_root,
            self.db_hash,
            self.logs_bloom,
            *(rlp.int_bytes(each) for each in (self.number, self.gas_limit, self.gas_used, self.time_ms)),
            list(self.extra_data),
            rlp.int_bytes(self.sealer),
            list(self.sealers),
        ]

    def hash(self, suite: Suite) -> bytes:
        return hash_of(suite, rlp.encode(self.items()))

    def block(self, suite: Suite) -> Block:
        """What a valid header leaves behind. Raises InvalidProof."""
        sealers = SealerSet(self.sealers, (1,) * len(self.sealers))
        rules.check_sealers(sealers)
        rules.check_proposer(self.sealer, sealers)
        rules.check_time(self.time_ms)
        return Block(
            self.number,
            self.hash(suite),
            self.parent_hash,
            self.time_ms,
            self.transactions_root,
            self.receipts_root,
            sealers,
        )


@dataclass(frozen=True, slots=True)
class HeaderV3:
    """In the order of the hash. parents: number and hash of each; gas_used: decimal text, as it is hashed."""

    version: int
    parents: tuple[tuple[int, bytes], ...]
    transactions_root: bytes
    receipts_root: bytes
    state_root: bytes
    number: int
    gas_used: str
    time_ms: int
    sealer: int
    sealers: tuple[bytes, ...]
    extra_data: bytes
    weights: tuple[int, ...]

    def items(self) -> list[Encodable]:
        return [
            rlp.int_bytes(self.version),
            [[rlp.int_bytes(number), digest] for number, digest in self.parents],
            self.transactions_root,
            self.receipts_root,
            self.state_root,
            rlp.int_bytes(self.number),
            self.gas_used.encode(),
            *(rlp.int_bytes(each) for each in (self.time_ms, self.sealer)),
            list(self.sealers),
            self.extra_data,
            [rlp.int_bytes(each) for each in self.weights],
        ]

    def preimage(self) -> bytes:
        # The genesis block was hashed before it had roots: they show as zeros, and are hashed as nothing.
        executed = b"" if self.number == 0 else self._executed()
        return b"".join(
            (
                self.version.to_bytes(4, "big"),
                *(_i64(number) + digest for number, digest in self.parents),
                executed[:96],
                _i64(self.number),
                executed[96:],
                _i64(self.time_ms),
                _i64(self.sealer),
                *self.sealers,
                self.extra_data,
                *(_i64(each) for each in self.weights),
            )
        )

    def hash(self, suite: Suite) -> bytes:
        return hash_of(suite, self.preimage())

    def block(self, suite: Suite) -> Block:
        """What a valid header leaves behind. Raises InvalidProof."""
        rules.check_one_parent(self.parents, self.number)
        rules.check_gas_text(self.gas_used)
        rules.check_no_extra_data(self.extra_data)
        rules.check_weight_count(self.sealers, self.weights)
        sealers = SealerSet(self.sealers, self.weights)
        rules.check_sealers(sealers)
        rules.check_proposer(self.sealer, sealers)
        rules.check_time(self.time_ms)
        return Block(
            self.number,
            self.hash(suite),
            self.parents[0][1],
            self.time_ms,
            self.transactions_root,
            self.receipts_root,
            sealers,
        )

    def _executed(self) -> bytes:
        return self.transactions_root + self.receipts_root + self.state_root + self.gas_used.encode()


Header = HeaderV2 | HeaderV3


def read_header(item: Item, parameters: Parameters) -> Header:
    return read_header_v2(item) if parameters.generation is Generation.V2 else read_header_v3(item)


def read_header_v2(item: Item) -> HeaderV2:
    """Raises MalformedProof."""
    fields = rlp.as_list(item, "header", count=13)
    first, second, third, fourth, fifth = (rlp.as_bytes(each, "header hash", length=HASH_BYTES) for each in fields[:5])
    bloom = rlp.as_bytes(fields[5], "logs bloom", length=_BLOOM_BYTES)
    number = rlp.as_int(fields[6], "block number", bits=56)
    gas_limit, gas_used = (rlp.as_int(each, "gas") for each in fields[7:9])
    time_ms = rlp.as_int(fields[9], "time", bits=64)
    extra_data = tuple(rlp.as_bytes(each, "extra data") for each in rlp.as_list(fields[10], "extra data"))
    sealer = rlp.as_int(fields[11], "proposer")
    sealers = _read_sealers(fields[12])
    return HeaderV2(
        first, second, third, fourth, fifth, bloom, number, gas_limit, gas_used, time_ms, extra_data, sealer, sealers
    )


def read_header_v3(item: Item) -> HeaderV3:
    """Raises MalformedProof."""
    fields = rlp.as_list(item, "header", count=12)
    version = rlp.as_int(fields[0], "header version", bits=32)
    rules.check_header_version(version)
    parents = tuple(_read_parent(each) for each in rlp.as_list(fields[1], "parents"))
    first, second, third = (rlp.as_bytes(each, "header root", length=HASH_BYTES) for each in fields[2:5])
    number = rlp.as_int(fields[5], "block number", bits=56)
    gas_used = rules.read_ascii(rlp.as_bytes(fields[6], "gas used"), "gas used")
    time_ms, sealer = rlp.as_int(fields[7], "time", bits=56), rlp.as_int(fields[8], "proposer", bits=56)
    weights = tuple(rlp.as_int(each, "weight", bits=56) for each in rlp.as_list(fields[11], "weights"))
    extra_data = rlp.as_bytes(fields[10], "extra data")
    sealers = _read_sealers(fields[9])
    return HeaderV3(
        version, parents, first, second, third, number, gas_used, time_ms, sealer, sealers, extra_data, weights
    )


def _read_sealers(item: Item) -> tuple[bytes, ...]:
    return tuple(rlp.as_bytes(each, "sealer", length=SEALER_BYTES) for each in rlp.as_list(item, "sealers"))


def _read_parent(item: Item) -> tuple[int, bytes]:
    number, digest = rlp.as_list(item, "parent", count=2)
    return rlp.as_int(number, "parent number", bits=56), rlp.as_bytes(digest, "parent hash", length=HASH_BYTES)


def _i64(value: int) -> bytes:
    return value.to_bytes(8, "big")
