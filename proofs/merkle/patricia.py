"""The Merkle-Patricia trie: what stands at a key under a root, or that nothing does; and the root of a list of items.

Nodes are RLP. A child is named by its hash, or stands in its parent when its encoding is shorter than 32 bytes. A proof
is the chain of nodes from the root towards the key, each once, none left over. A trie over 32-byte hashes is at most
64 nodes deep, and every step uses up part of the key, so work is bounded by the key.

Source: Ethereum yellow paper, appendices C and D.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from proofs.encoding import rlp
from proofs.encoding.rlp import Item
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch, ValueMismatch
from proofs.merkle.patricia_usual import NODE_BYTES_MAX, value_of_usual
from proofs.primitives.hashing import keccak256

EMPTY_ROOT: Final = keccak256(b"\x80")

_HASH_BYTES: Final = 32
_BRANCH: Final = 17
_PAIR: Final = 2
# A branch whose children all stand in it: 16 times fewer than 32 items, and inline nodes nest a few deep at most.
_NODE_ITEMS_MAX: Final = 560
_NODE_DEPTH_MAX: Final = 16
# Most branches hold hashes and empty places, and no value. The length of such a node tells how it has to begin.
_USUAL_HEADS: Final = {
    len(head) + 17 + 32 * hashes: (head, hashes)
    for hashes in range(1, 17)
    for head in (rlp.header(0xC0, 17 + 32 * hashes),)
}
_USUAL_CHILDREN: Final = re.compile(rb"\xa0(.{32})|\x80", re.DOTALL)

# Node bytes → (hash, decoded if that was needed). Proofs of one root share their upper nodes: hashed and decoded once.
Memo: TypeAlias = "dict[bytes, tuple[bytes, Item | None]]"


def value_at(
    root: bytes, key: bytes, proof: Sequence[bytes], *, memo: Memo | None = None, inline_repeated: bool = False
) -> bytes | None:
    """Return the value that `proof` shows at `key` under `root`, None where it shows that there is none.

    key:             the path in the trie itself: already hashed for accounts and storage.
    proof:           nodes from the root on. Empty only for the empty trie.
    inline_repeated: take proofs that give nodes standing in their parent once more as elements of their own, as
                     the MerkleTrie library of Optimism does.

    Raises MalformedProof, LimitExceeded, RootMismatch, ValueMismatch.
    """
    if not proof and root == EMPTY_ROOT:
        return None
    check_proof_length(proof, key)
    value = value_of_usual(root, key, proof, memo)
    if value is not None:
        return value
    return _value_the_long_way(root, key, proof, {} if memo is None else memo, inline_repeated=inline_repeated)


def _value_the_long_way(
    root: bytes, key: bytes, proof: Sequence[bytes], memo: Memo, *, inline_repeated: bool
) -> bytes | None:
    chain = _Chain(proof, memo, inline_repeated=inline_repeated)
    value = _walk(chain.root(root), key, chain.child)
    check_no_surplus(chain.used, len(proof))
    return value


def verify_inclusion(
    root: bytes, key: bytes, value: bytes, proof: Sequence[bytes], *, inline_repeated: bool = False
) -> None:
    """Return only if `proof` shows exactly `value` at `key`. Raises InvalidProof."""
    check_value(value_at(root, key, proof, inline_repeated=inline_repeated), value)


def verify_exclusion(root: bytes, key: bytes, proof: Sequence[bytes]) -> None:
    """Return only if `proof` shows that there is nothing at `key`. Raises InvalidProof."""
    check_absent(value_at(root, key, proof))


def verify_many(root: bytes, keys: Sequence[bytes], nodes: Sequence[bytes]) -> tuple[bytes | None, ...]:
    """What stands at each key, from one set of nodes in any order, each given once and each needed.

    Raises MalformedProof, LimitExceeded, RootMismatch.
    """
    limit = sum(2 * len(key) + 1 for key in keys)
    if len(nodes) > limit:
        raise LimitExceeded("trie nodes", got=len(nodes), limit=limit)
    if not nodes and root == EMPTY_ROOT:
        return (None,) * len(keys)
    by_hash = {keccak256(node): decode_node(node) for node in nodes}
    used: set[bytes] = set()

    def resolve(reference: Item) -> Item:
        if isinstance(reference, list):
            return _inline(reference)
        if reference not in by_hash:
            raise MalformedProof("trie proof", got="no such node", expected=reference)
        used.add(reference)
        return by_hash[reference]

    if keys and root not in by_hash:
        raise RootMismatch("trie", computed=keccak256(nodes[0]) if nodes else b"", expected=root)
    values = tuple(_walk(resolve(root), key, resolve) for key in keys)
    check_no_surplus(len(used), len(nodes))
    return values


def check_proof_length(proof: Sequence[bytes], key: bytes) -> None:
    """Every node but the last uses up at least one nibble of the key."""
    if not proof:
        raise MalformedProof("trie proof", got=0, expected="at least 1 node")
    if len(proof) > 2 * len(key) + 1:
        raise LimitExceeded("trie proof", got=len(proof), limit=2 * len(key) + 1)


def check_no_surplus(used: int, given: int) -> None:
    """A node that nobody needed proves nothing, and would let one proof be given in many forms."""
    if used != given:
        raise MalformedProof("trie proof", got=given, expected=used)


def check_value(found: bytes | None, expected: bytes) -> None:
    """The value at the key is the expected one, to the byte."""
    if found != expected:
        raise ValueMismatch("trie value", got="nothing" if found is None else found, expected=expected)


def check_absent(found: bytes | None) -> None:
    """There is nothing at the key."""
    if found is not None:
        raise ValueMismatch("trie value", got=found, expected="nothing")


def decode_node(encoded: bytes) -> Item:
    """A branch of 17, a leaf or extension of 2, or the empty node. Raises MalformedProof, LimitExceeded."""
    if len(encoded) > NODE_BYTES_MAX:
        raise LimitExceeded("trie node", got=len(encoded), limit=NODE_BYTES_MAX)
    usual = _usual_branch(encoded)
    if usual is not None:
        return usual
    node = rlp.decode(encoded, depth_limit=_NODE_DEPTH_MAX, item_limit=_NODE_ITEMS_MAX)
    _check_shape(node)
    return node


def _usual_branch(encoded: bytes) -> list[Item] | None:
    """A branch of hashes and empty places, read without the general decoder to the same result; None for others."""
    head, hashes = _USUAL_HEADS.get(len(encoded), (b"", 0))
    if not hashes or not encoded.startswith(head):
        return None
    children: list[Item] = _USUAL_CHILDREN.findall(encoded, len(head))
    # As many as there have to be, so nothing was passed over between them.
    is_whole = len(children) == _BRANCH and children.count(b"") == _BRANCH - hashes and children[16] == b""
    return children if is_whole else None


class _Chain:
    """The proof as a chain: the next child by hash must be the next node given."""

    __slots__ = ("_inline_repeated", "_memo", "_proof", "used")

    def __init__(self, proof: Sequence[bytes], memo: Memo, *, inline_repeated: bool) -> None:
        self._proof = proof
        self._memo = memo
        self._inline_repeated = inline_repeated
        self.used = 0

    def root(self, root: bytes) -> Item:
        digest, node = self._next()
        if digest != root:
            raise RootMismatch("trie", computed=digest, expected=root)
        return node

    def child(self, reference: Item) -> Item:
        if isinstance(reference, list):
            node = _inline(reference)
            if self._inline_repeated and self.used < len(self._proof):
                _, repeated = self._next()
                if repeated != node:
                    raise ValueMismatch("trie node given twice", got=rlp.encode(repeated), expected=rlp.encode(node))
            return node
        digest, node = self._next()
        if digest != reference:
            raise RootMismatch("trie node", computed=digest, expected=reference)
        check_child_is_long(self._proof[self.used - 1])
        return node

    def _next(self) -> tuple[bytes, Item]:
        if self.used == len(self._proof):
            raise MalformedProof("trie proof", got=self.used, expected="the next node too")
        encoded = self._proof[self.used]
        self.used += 1
        digest, node = self._memo.get(encoded, (None, None))
        if digest is None or node is None:
            digest, node = digest or keccak256(encoded), decode_node(encoded)
            self._memo[encoded] = (digest, node)
        return digest, node


def _walk(node: Item, key: bytes, resolve: Callable[[Item], Item]) -> bytes | None:
    path, at = key.hex(), 0
    while node != b"":
        _check_shape(node)
        assert isinstance(node, list), "only the empty node is no list"
        if len(node) == _BRANCH:
            if at == len(path):
                return rlp.as_bytes(node[16], "trie branch value") or None
            child = node[int(path[at], 16)]
            at += 1
            if child == b"":
                return None
        else:
            is_leaf, part = decode_path(rlp.as_bytes(node[0], "trie path"))
            if is_leaf:
                value = rlp.as_bytes(node[1], "trie leaf value")
                check_leaf_has_value(value)
                return value if path[at:] == part else None
            if not path.startswith(part, at):
                return None
            at += len(part)
            child = node[1]
        check_reference(child)
        node = resolve(child)
    return None


def decode_path(encoded: bytes) -> tuple[bool, str]:
    """Hex-prefix: whether it belongs to a leaf, and its nibbles as hex digits. One form only. Raises MalformedProof."""
    digits = encoded.hex()
    flag = digits[:1]
    if flag not in ("0", "1", "2", "3"):
        raise MalformedProof("trie path flag", got=flag, expected="0, 1, 2 or 3")
    is_leaf, is_odd = flag in "23", flag in "13"
    if not is_odd and digits[1] != "0":
        raise MalformedProof("trie path padding", got=digits[1], expected="0")
    nibbles = digits[1:] if is_odd else digits[2:]
    if not is_leaf and not nibbles:
        raise MalformedProof("trie extension", got="no nibble", expected="at least 1")
    return is_leaf, nibbles


def check_leaf_has_value(value: bytes) -> None:
    """An empty value is how a trie deletes: no leaf holds one."""
    if not value:
        raise MalformedProof("trie leaf value", got="nothing", expected="at least 1 byte")


def check_reference(child: Item) -> None:
    """A child is a hash, or a node in place. Anything between has no meaning."""
    if isinstance(child, bytes) and len(child) != _HASH_BYTES:
        raise MalformedProof("trie reference", got=len(child), expected=_HASH_BYTES)


def check_child_is_long(encoded: bytes) -> None:
    """Below 32 bytes a node stands in its parent; only the root may be short and named by its hash."""
    if len(encoded) < _HASH_BYTES:
        raise MalformedProof("trie node named by hash", got=len(encoded), expected=f"at least {_HASH_BYTES}")


def _check_shape(node: Item) -> None:
    if node != b"" and (isinstance(node, bytes) or len(node) not in (_BRANCH, _PAIR)):
        raise MalformedProof("trie node", got=len(node), expected="17 or 2 items")


def _inline(node: list[Item]) -> Item:
    """A node in place: its encoding must be short, or it would have been named by its hash."""
    size = len(rlp.encode(node))
    if size >= _HASH_BYTES:
        raise MalformedProof("trie node in place", got=size, expected=f"below {_HASH_BYTES}")
    return node
