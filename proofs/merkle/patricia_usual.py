"""The short way down a Merkle-Patricia trie: branches of hashes, then a leaf of the rest of the key.

Most proofs of accounts, storage slots and receipts are that. A pattern recognises a whole branch and takes one child
out of it, and a leaf is compared with the only encoding that it can have, so what is left is little more than hashing.
What does not fit is not refused here: it takes the long way (patricia), which decides and says why. So this module may
only ever accept what the long way accepts, with the same value; a test holds it to that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Item
from proofs.primitives.hashing import keccak256

# A receipt with many logs is a leaf of some hundred KiB.
NODE_BYTES_MAX: Final = 1 << 20
# Below it a node stands in its parent; only the root may be short and named by its hash.
_NAMED_BYTES_MIN: Final = 32
# The length of a branch without value tells how many hashes it holds, and so how it has to begin.
_BRANCH_HEADS: Final = {
    len(head) + 17 + 32 * hashes: head for hashes in range(1, 17) for head in (rlp.header(0xC0, 17 + 32 * hashes),)
}
_CHILD: Final = rb"(?:\xa0.{32}|\x80)"
# By nibble: what stands before the child, the child, what stands after it, and no value.
_BRANCHES: Final = {
    f"{nibble:x}": re.compile(_CHILD * nibble + rb"(?:\xa0(.{32})|\x80)" + _CHILD * (15 - nibble) + rb"\x80", re.DOTALL)
    for nibble in range(16)
}


def value_of_usual(
    root: bytes, key: bytes, proof: Sequence[bytes], memo: dict[bytes, tuple[bytes, Item | None]] | None
) -> bytes | None:
    """Return the value that a usual proof shows at `key` under `root`; None: take the long way.

    memo: hashes of nodes that were hashed before, and room for those that are hashed now.
    """
    path = key.hex()
    at = len(proof) - 1
    if not 0 <= at <= len(path):
        return None
    reference: bytes | None = root
    for encoded, nibble in zip(proof, path[:at], strict=False):
        head = _BRANCH_HEADS.get(len(encoded))
        if head is None or not encoded.startswith(head) or _hash_of(encoded, memo) != reference:
            return None
        found = _BRANCHES[nibble].fullmatch(encoded, len(head))
        reference = found and found[1]
        if reference is None:
            return None
    leaf = proof[at]
    if len(leaf) > NODE_BYTES_MAX:
        return None
    if _hash_of(leaf, memo) != reference or (at and len(leaf) < _NAMED_BYTES_MIN):
        return None
    return _value_in_leaf(leaf, path[at:])


def _hash_of(encoded: bytes, memo: dict[bytes, tuple[bytes, Item | None]] | None) -> bytes:
    if memo is None:
        return keccak256(encoded)
    known = memo.get(encoded)
    if known is None:
        known = memo[encoded] = (keccak256(encoded), None)
    return known[0]


def _value_in_leaf(leaf: bytes, nibbles: str) -> bytes | None:
    """What follows the only bytes that a leaf of these nibbles, with a value of this length, can begin with."""
    odd = len(nibbles) % 2
    path = bytes.fromhex(f"3{nibbles}" if odd else f"20{nibbles}")
    start = path if len(path) == 1 else rlp.header(0x80, len(path)) + path
    whole = len(leaf)
    list_head = rlp.header(0xC0, whole - _head_bytes(whole))
    left = whole - len(list_head) - len(start)
    value_bytes = left - _head_bytes(left)
    if value_bytes < 2:
        return None
    start = list_head + start + rlp.header(0x80, value_bytes)
    # Where a head has another length than was thought, lengths do not add up.
    return leaf[-value_bytes:] if len(start) + value_bytes == whole and leaf.startswith(start) else None


def _head_bytes(whole: int) -> int:
    """How much of `whole` bytes is the head of a payload that fills the rest."""
    if whole <= 56:
        return 1
    if whole <= 257:
        return 2
    return 3 if whole <= 65_538 else 4
