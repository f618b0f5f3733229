"""Substrate's state trie: what stands at keys under a root, or that nothing does, from a set of nodes in any order.

A node sends such a set for any number of keys: each node once, and the values that nodes name by their hash among
them. Nothing is found by its place: the root's hash names the first node, and every node the next. What nobody asked
for is refused, so that one answer has one form. Both layouts are read alike, as a chain that moved from v0 to v1 holds
both.

A step towards a key uses up at least one of its nibbles, so work is bounded by the keys. Listing is not: there a node
may stand below many, and the number of visits is bounded by itself.

Source: Polkadot specification, section 2.4 "State storage and the storage trie"; sp-trie 38, storage_proof.rs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proofs.encoding.scale import ScaleReader, encode_bytes, encode_vector
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch, ValueMismatch
from proofs.merkle.substrate_node import (
    EMPTY_NODE,
    HASH_BYTES,
    HASHED_VALUE_BYTES_MIN,
    NODE_BYTES_MAX,
    PARTIAL_NIBBLES_MAX,
    WIDTH,
    Node,
    decode_node,
)
from proofs.primitives.hashing import blake2b_256

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EMPTY_ROOT: Final = blake2b_256(EMPTY_NODE)

# A path for each of a thousand claims, hardly shared; reading and hashing them takes some 30 ms.
NODES_MAX: Final = 8_192
# A few runtimes among them.
PROOF_BYTES_MAX: Final = 16 << 20
KEY_BYTES_MAX: Final = PARTIAL_NIBBLES_MAX // 2
# Nodes and nodes in place that one listing may come across: some 0.2 s, and no claim needs a listing.
VISITS_MAX: Final = 32_768

_DIGITS: Final = "0123456789abcdef"


def values_at(root: bytes, keys: Sequence[bytes], nodes: Sequence[bytes]) -> tuple[bytes | None, ...]:
    """Return the value at each key, None where `nodes` show that there is none. Every node is needed.

    Raises MalformedProof, LimitExceeded, RootMismatch, ValueMismatch.
    """
    for key in keys:
        check_key_length(key)
    found = _Nodes(nodes)
    values = tuple([_value_at(found, root, key.hex()) for key in keys])
    check_no_surplus(found.surplus())
    return values


def value_at(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """Return the value at `key`, None where there is none. Raises InvalidProof."""
    return values_at(root, [key], nodes)[0]


def verify_inclusion(root: bytes, key: bytes, value: bytes, nodes: Sequence[bytes]) -> None:
    """Return only if `nodes` show exactly `value` at `key`. Raises InvalidProof."""
    check_value(value_at(root, key, nodes), value)


def verify_exclusion(root: bytes, key: bytes, nodes: Sequence[bytes]) -> None:
    """Return only if `nodes` show that there is nothing at `key`. Raises InvalidProof."""
    check_absent(value_at(root, key, nodes))


def entries_under(root: bytes, prefix: bytes, nodes: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return every key that begins with `prefix`, and its value: a node that is missing there is a refusal.

    Raises MalformedProof, LimitExceeded, RootMismatch.
    """
    check_key_length(prefix)
    found = _Nodes(nodes)
    listing = _Listing(found)
    start = _descend_to(found, root, prefix.hex())
    entries = {} if start is None else dict(listing.entries(*start))
    check_no_surplus(found.surplus())
    return entries


def keys_under(root: bytes, prefix: bytes, nodes: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return every key that begins with `prefix`, in order. Values that are named by a hash need not be given.

    The nodes may be of a call, or of many: what they tell of other keys is not looked at.

    Raises MalformedProof, LimitExceeded, RootMismatch.
    """
    check_key_length(prefix)
    found = _Nodes(nodes)
    start = _descend_to(found, root, prefix.hex())
    return () if start is None else tuple([bytes.fromhex(at) for at, _ in _Listing(found).nodes(*start)])


def shown_entries(root: bytes, nodes: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return every key and value that `nodes` show under `root`; what is not given stays unknown, and is no refusal.

    Raises MalformedProof, LimitExceeded, RootMismatch.
    """
    found = _Nodes(nodes)
    start = _root_node(found, root)
    entries = {} if start is None else dict(_Listing(found, may_miss=True).entries(start.partial, start))
    check_no_surplus(found.surplus())
    return entries


def encode_proof(nodes: Sequence[bytes]) -> bytes:
    """The nodes as Substrate sends them: a vector of byte strings."""
    return encode_vector([encode_bytes(node) for node in nodes])


def decode_proof(encoded: bytes) -> tuple[bytes, ...]:
    """Raises MalformedProof, LimitExceeded."""
    reader = ScaleReader(encoded, "trie proof")
    nodes = reader.vector(lambda: reader.bytes_(limit=NODE_BYTES_MAX), limit=NODES_MAX)
    reader.end()
    return nodes


class _Nodes:
    """The set: nodes and long values by their hash. Each is hashed once, and decoded once if it is needed as a node."""

    __slots__ = ("_by_hash", "_decoded", "_used")

    def __init__(self, nodes: Sequence[bytes]) -> None:
        check_proof_size(nodes)
        self._by_hash = {blake2b_256(node): node for node in nodes}
        check_no_duplicate(len(self._by_hash), len(nodes))
        self._decoded: dict[bytes, Node | None] = {}
        self._used: set[bytes] = set()

    def root(self, root: bytes) -> Node | None:
        """The root may be short, or empty, unlike every node below."""
        if root not in self._by_hash:
            first = next(iter(self._by_hash), b"")
            raise RootMismatch("state trie", computed=first, expected=root)
        self._used.add(root)
        return self._decode(self._by_hash[root])

    def child(self, reference: bytes) -> Node:
        encoded = reference
        if len(reference) == HASH_BYTES:
            encoded = self._named(reference)
            check_child_is_long(encoded)
        node = self._decode(encoded)
        assert node is not None, "an empty node is refused where its parent is read, or too short for a hash"
        return node

    def value(self, digest: bytes) -> bytes:
        value = self._named(digest)
        check_hashed_value_is_long(value)
        return value

    def has(self, reference: bytes) -> bool:
        return len(reference) != HASH_BYTES or reference in self._by_hash

    def surplus(self) -> list[bytes]:
        return [digest for digest in self._by_hash if digest not in self._used]

    def _named(self, digest: bytes) -> bytes:
        encoded = self._by_hash.get(digest)
        if encoded is None:
            raise MalformedProof("trie proof", got="no such node", expected=digest)
        self._used.add(digest)
        return encoded

    def _decode(self, encoded: bytes) -> Node | None:
        if encoded not in self._decoded:
            self._decoded[encoded] = decode_node(encoded)
        return self._decoded[encoded]


def _root_node(nodes: _Nodes, root: bytes) -> Node | None:
    """Nobody needs to send the node of an empty trie."""
    if root == EMPTY_ROOT and not nodes.has(root):
        return None
    return nodes.root(root)


def _value_at(nodes: _Nodes, root: bytes, key: str) -> bytes | None:
    found = _descend_to(nodes, root, key)
    if found is None or found[0] != key:
        return None
    node = found[1]
    return node.value if node.value_hash is None else nodes.value(node.value_hash)


def _descend_to(nodes: _Nodes, root: bytes, key: str) -> tuple[str, Node] | None:
    """The uppermost node whose whole path begins with `key`, and that path; None if there is none."""
    node, before = _root_node(nodes, root), ""
    while node is not None:
        path = before + node.partial
        if path.startswith(key):
            return path, node
        if not key.startswith(path):
            return None
        digit = key[len(path)]
        child = node.children[int(digit, WIDTH)]
        node, before = None if child is None else nodes.child(child), path + digit
    return None


class _Listing:
    """Goes through everything below a node in the order of keys, on a stack of its own."""

    __slots__ = ("_left", "_may_miss", "_nodes")

    def __init__(self, nodes: _Nodes, *, may_miss: bool = False) -> None:
        self._nodes = nodes
        self._may_miss = may_miss
        self._left = VISITS_MAX

    def entries(self, path: str, start: Node) -> Iterator[tuple[bytes, bytes]]:
        for at, node in self.nodes(path, start):
            if node.value_hash is None:
                assert node.value is not None, "only nodes with a value are listed"
                yield bytes.fromhex(at), node.value
            elif not self._may_miss or self._nodes.has(node.value_hash):
                yield bytes.fromhex(at), self._nodes.value(node.value_hash)

    def nodes(self, path: str, start: Node) -> Iterator[tuple[str, Node]]:
        """Every node with a value, and the nibbles that lead to it."""
        yield from self._visit(path, start)
        stack = self._children(path, start)
        while stack:
            before, reference = stack.pop()
            node = self._nodes.child(reference)
            at = before + node.partial
            yield from self._visit(at, node)
            stack += self._children(at, node)

    def _visit(self, at: str, node: Node) -> Iterator[tuple[str, Node]]:
        self._left -= 1
        check_visits(self._left)
        check_path_length(at)
        if node.has_value:
            check_key_is_whole(at)
            yield at, node

    def _children(self, at: str, node: Node) -> list[tuple[str, bytes]]:
        """The last comes first: a stack turns them around."""
        return [
            (at + _DIGITS[nibble], reference)
            for nibble in range(WIDTH - 1, -1, -1)
            if (reference := node.children[nibble]) is not None and (not self._may_miss or self._nodes.has(reference))
        ]


def check_proof_size(nodes: Sequence[bytes]) -> None:
    """Count and bytes are bounded before anything is hashed."""
    if len(nodes) > NODES_MAX:
        raise LimitExceeded("trie nodes", got=len(nodes), limit=NODES_MAX)
    size = sum([len(node) for node in nodes])
    if size > PROOF_BYTES_MAX:
        raise LimitExceeded("trie proof bytes", got=size, limit=PROOF_BYTES_MAX)


def check_no_duplicate(different: int, given: int) -> None:
    """A set has each node once, also one that stands below many."""
    if different != given:
        raise MalformedProof("trie nodes given twice", got=given, expected=different)


def check_no_surplus(unused: Sequence[bytes]) -> None:
    """A node that nobody needed proves nothing, and would let one proof be given in many forms."""
    if unused:
        raise MalformedProof("trie nodes that nothing leads to", got=unused[0], expected="only nodes that are needed")


def check_key_length(key: bytes) -> None:
    """Keys, and with them paths and depth, are bounded."""
    if len(key) > KEY_BYTES_MAX:
        raise LimitExceeded("trie key", got=len(key), limit=KEY_BYTES_MAX)


def check_path_length(path: str) -> None:
    """What a listing goes down is bounded as keys are."""
    if len(path) > PARTIAL_NIBBLES_MAX:
        raise LimitExceeded("trie path nibbles", got=len(path), limit=PARTIAL_NIBBLES_MAX)


def check_key_is_whole(path: str) -> None:
    """Keys are bytes: no value stands after an odd number of nibbles."""
    if len(path) % 2:
        raise MalformedProof("trie key nibbles", got=len(path), expected="an even number")


def check_visits(left: int) -> None:
    """A node that stands below many is listed as often: a small proof may speak of a trie without end."""
    if left < 0:
        raise LimitExceeded("trie nodes in a listing", got=VISITS_MAX + 1, limit=VISITS_MAX)


def check_child_is_long(encoded: bytes) -> None:
    """Below 32 bytes a node stands in its parent; only the root may be short and named by its hash."""
    if len(encoded) < HASH_BYTES:
        raise MalformedProof("trie node named by hash", got=len(encoded), expected=f"at least {HASH_BYTES}")


def check_hashed_value_is_long(value: bytes) -> None:
    """Up to 32 bytes a value stands in its node in every layout."""
    if len(value) < HASHED_VALUE_BYTES_MIN:
        raise MalformedProof("trie value named by hash", got=len(value), expected=f"at least {HASHED_VALUE_BYTES_MIN}")


def check_value(found: bytes | None, expected: bytes) -> None:
    """The value at the key is the expected one, to the byte."""
    if found != expected:
        raise ValueMismatch("state trie value", got="nothing" if found is None else found, expected=expected)


def check_absent(found: bytes | None) -> None:
    """There is nothing at the key."""
    if found is not None:
        raise ValueMismatch("state trie value", got=found, expected="nothing")
