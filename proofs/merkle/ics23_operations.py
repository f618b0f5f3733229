"""The hash and length operations an ICS-23 step can name, by their numbers on the wire.

The number never decides alone: it must be the one that the trusted proof specification names.
Source: cosmos.ics23.v1, enums HashOp and LengthOp.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from proofs.encoding.protobuf import varint
from proofs.errors import MalformedProof, UnsupportedProof
from proofs.merkle.ics23_format import InnerOp, LeafOp
from proofs.primitives.hashing import keccak256, sha256

NO_HASH: Final = 0
SHA256: Final = 1

NO_PREFIX: Final = 0
VAR_PROTO: Final = 1

_HASHES: Final[dict[int, Callable[[bytes], bytes]]] = {
    SHA256: sha256,
    2: lambda data: hashlib.sha512(data).digest(),
    3: keccak256,
    7: lambda data: hashlib.blake2b(data).digest(),
    8: lambda data: hashlib.blake2s(data).digest(),
}

# These come from the system's OpenSSL, and some builds leave them out: refused there like any unknown operation.
if "ripemd160" in hashlib.algorithms_available:
    _HASHES[4] = lambda data: hashlib.new("ripemd160", data).digest()
    _HASHES[5] = lambda data: hashlib.new("ripemd160", sha256(data)).digest()
if "sha512_256" in hashlib.algorithms_available:
    _HASHES[6] = lambda data: hashlib.new("sha512_256", data).digest()

_LENGTHS: Final[dict[int, Callable[[int], bytes]]] = {
    NO_PREFIX: lambda _length: b"",
    VAR_PROTO: varint,
    3: lambda length: length.to_bytes(4, "big"),
    4: lambda length: length.to_bytes(4, "little"),
    5: lambda length: length.to_bytes(8, "big"),
    6: lambda length: length.to_bytes(8, "little"),
}
_EXACT_LENGTHS: Final = {7: 32, 8: 64}


def compute_hash(operation: int, data: bytes) -> bytes:
    hash_function = _HASHES.get(operation)
    if hash_function is None:
        raise UnsupportedProof("ics23 hash operation", got=operation, expected=sorted(_HASHES))
    return hash_function(data)


def compute_leaf(leaf: LeafOp, key: bytes, value: bytes) -> bytes:
    """Return the leaf hash of key and value. Raises MalformedProof, UnsupportedProof."""
    check_not_empty("ics23 key", key)
    check_not_empty("ics23 value", value)
    prepared_key = _prepare(leaf.prehash_key, leaf.length, key)
    return compute_hash(leaf.hash, leaf.prefix + prepared_key + _prepare(leaf.prehash_value, leaf.length, value))


def compute_inner(step: InnerOp, child: bytes) -> bytes:
    check_not_empty("ics23 child", child)
    return compute_hash(step.hash, step.prefix + child + step.suffix)


def prehash(operation: int, data: bytes) -> bytes:
    return data if operation == NO_HASH else compute_hash(operation, data)


def check_not_empty(part: str, data: bytes) -> None:
    """ICS-23: nothing is proved about an empty key or value, since an empty one could not be told from none."""
    if not data:
        raise MalformedProof(part, got=0, expected="at least 1 byte")


def _prepare(hash_operation: int, length_operation: int, data: bytes) -> bytes:
    data = prehash(hash_operation, data)
    exact = _EXACT_LENGTHS.get(length_operation)
    if exact is not None:
        if len(data) != exact:
            raise MalformedProof("ics23 leaf data", got=len(data), expected=exact)
        return data
    write_length = _LENGTHS.get(length_operation)
    if write_length is None:
        raise UnsupportedProof("ics23 length operation", got=length_operation, expected=sorted(_LENGTHS))
    return write_length(len(data)) + data
