"""Addresses of contracts and users, as the chain's EVM sees them.

Source: chainmaker utils, address.go; vm.addr_type of the configuration.
"""

from __future__ import annotations

from proofs.chainmaker.hashing import GASLESS_VERSION
from proofs.chainmaker.keys import PublicKey
from proofs.primitives.hashing import keccak256, sm3


def contract_address(name: str, *, block_version: int) -> bytes:
    """20 bytes. From 2300 on the name is hashed twice."""
    once = keccak256(name.encode())
    return (once if block_version < GASLESS_VERSION else keccak256(once))[12:]


def ethereum_address(key: PublicKey) -> bytes:
    """Of a user where addr_type is 2: of the point without its prefix, whatever the curve."""
    return keccak256(key.point[1:])[12:]


def zxl_address(key: PublicKey) -> str:
    """Of a user where addr_type is 1."""
    return "ZX" + sm3(key.point)[:20].hex()
