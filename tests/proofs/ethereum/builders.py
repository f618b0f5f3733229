"""A small state with one ICS26Router in it, built with the reference trie, and proofs as nodes answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trie.hexary import HexaryTrie

from proofs.encoding import rlp
from proofs.ethereum.execution import ExecutionHeader
from proofs.ethereum.storage_layout import RouterLayout, encode_state_proof
from proofs.primitives.hashing import keccak256

ROUTER = b"\x26" * 20
CODE_HASH = keccak256(b"router code")
LAYOUT = RouterLayout(ROUTER, CODE_HASH)


@dataclass(frozen=True)
class World:
    accounts: HexaryTrie
    storage: HexaryTrie

    @property
    def state_root(self) -> bytes:
        root: bytes = self.accounts.root_hash
        return root

    def account_nodes(self, address: bytes = ROUTER) -> list[bytes]:
        return _proof(self.accounts, keccak256(address))

    def storage_nodes(self, slot: bytes) -> list[bytes]:
        return _proof(self.storage, keccak256(slot))

    def prove(self, paths: Sequence[bytes]) -> bytes:
        return encode_state_proof(self.account_nodes(), [self.storage_nodes(LAYOUT.slot_of(path)) for path in paths])


def world(slots: dict[bytes, bytes], *, code_hash: bytes = CODE_HASH) -> World:
    """slots: 32-byte key → value, leading zeros allowed."""
    storage = HexaryTrie({})
    for number in range(40):
        storage[keccak256(number.to_bytes(32, "big"))] = rlp.encode(b"\x05")
    for slot, value in slots.items():
        storage[keccak256(slot)] = rlp.encode(value.lstrip(b"\x00"))
    accounts = HexaryTrie({})
    for number in range(40):
        accounts[keccak256(number.to_bytes(20, "big"))] = account(keccak256(b"\x80"), keccak256(b""))
    accounts[keccak256(ROUTER)] = account(storage.root_hash, code_hash)
    return World(accounts, storage)


def account(storage_root: bytes, code_hash: bytes) -> bytes:
    return rlp.encode([b"\x01", b"", storage_root, code_hash])


def header(state_root: bytes = bytes(32), *, fields: int = 21) -> ExecutionHeader:
    zero = bytes(32)
    later = {
        "base_fee_per_gas": 7,
        "withdrawals_root": zero,
        "blob_gas_used": 0,
        "excess_blob_gas": 0,
        "parent_beacon_block_root": zero,
        "requests_hash": zero,
    }
    known: dict[str, Any] = dict(list(later.items())[: fields - 15])
    return ExecutionHeader(
        parent_hash=zero,
        ommers_hash=zero,
        beneficiary=bytes(20),
        state_root=state_root,
        transactions_root=zero,
        receipts_root=zero,
        logs_bloom=bytes(256),
        difficulty=0,
        number=9,
        gas_limit=30_000_000,
        gas_used=21_000,
        timestamp=1_700,
        extra_data=b"x",
        mix_hash=zero,
        nonce=bytes(8),
        **known,
    )


def _proof(trie: Any, key: bytes) -> list[bytes]:
    nodes = [rlp.encode(node) for node in trie.get_proof(key)]
    return [node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32]
