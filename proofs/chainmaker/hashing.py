"""Which hash a chain uses, and what it hashes: headers, transactions and read-write sets.

The algorithm is the one in the chain's configuration, so the checkpoint fixes it; no message can choose another.
What is hashed is Go's protobuf form, ascending fields with defaults left out, which the decoders insist on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from proofs.chainmaker.fields import replaced, without
from proofs.errors import UnsupportedProof
from proofs.primitives.hashing import sha256, sm3

Hash = Callable[[bytes], bytes]

# From this version on a transaction is hashed as if no gas had been used. Source: utils, CalcTxHashWithVersion.
GASLESS_VERSION: Final = 2300

_HEADER_HASH: Final = 5
_HEADER_SIGNATURE: Final = 15
_RESULT: Final = 4
_CONTRACT_RESULT: Final = 2
_GAS_USED: Final = 4


def sha3_256(data: bytes) -> bytes:
    """FIPS 202, not Keccak-256."""
    return hashlib.sha3_256(data).digest()


_ALGORITHMS: Final[dict[str, Hash]] = {"SHA256": sha256, "SHA3_256": sha3_256, "SM3": sm3}


def algorithm(name: str) -> Hash:
    """crypto.hash of the configuration, in its exact spelling. Raises UnsupportedProof."""
    check_algorithm(name)
    return _ALGORITHMS[name]


def check_algorithm(name: str) -> None:
    """Three hashes are in use on these chains, each in its exact spelling."""
    if name not in _ALGORITHMS:
        raise UnsupportedProof("crypto.hash", got=name, expected=" or ".join(_ALGORITHMS))


def block_hash(header: bytes, digest: Hash) -> bytes:
    """Of a serialized header that decoded canonically: its own hash and the proposer's signature are left out."""
    return digest(without(header, {_HEADER_HASH, _HEADER_SIGNATURE}))


def transaction_hash(transaction: bytes, digest: Hash, *, block_version: int) -> bytes:
    """The leaf of a serialized transaction that decoded canonically, with its result."""
    if block_version < GASLESS_VERSION:
        return digest(transaction)
    return digest(replaced(transaction, _RESULT, _without_gas))


def _without_gas(result: bytes) -> bytes:
    return replaced(result, _CONTRACT_RESULT, lambda contract_result: without(contract_result, {_GAS_USED}))
