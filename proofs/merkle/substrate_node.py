"""Nodes of Substrate's state trie: what their bytes say, in the one form that they have.

A node begins with its kind and the number of nibbles that it adds to the path; the nibbles follow, padded in front to
whole bytes. There are leaves and branches, no extensions: a branch has nibbles of its own, and a value or none. Values
stand in the node; from layout v1 on a value of more than 32 bytes is named by its hash. A child is named by its hash,
or stands in its parent when its encoding is shorter than 32 bytes.

Source: Polkadot specification, section 2.4 "State storage and the storage trie"; sp-trie 38, node_header.rs and
node_codec.rs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from proofs.encoding.scale import ScaleReader, encode_bytes, encode_compact, encode_u16
from proofs.errors import LimitExceeded, MalformedProof

HASH_BYTES: Final = 32
WIDTH: Final = 16
EMPTY_NODE: Final = b"\x00"
# The longest values are runtimes of some MiB.
NODE_BYTES_MAX: Final = 4 << 20
# Keys are some 100 bytes, of nested maps some 200. Substrate's own bound is 65,535 nibbles.
PARTIAL_NIBBLES_MAX: Final = 2_048
# Below this a value stands in its node in every layout (sp-core, TRIE_VALUE_NODE_THRESHOLD).
HASHED_VALUE_BYTES_MIN: Final = 33

_PART: Final = "trie node"
_NO_CHILD: Final = (None,) * WIDTH
_BITS: Final = tuple(1 << nibble for nibble in range(WIDTH))
_HASH_LENGTH: Final = encode_compact(HASH_BYTES)
_HASH_STEP: Final = len(_HASH_LENGTH) + HASH_BYTES


class Kind(IntEnum):
    """The bits in front of the number of nibbles; the number of these bits is how many are left for it."""

    LEAF = 0b01
    BRANCH = 0b10
    BRANCH_WITH_VALUE = 0b11
    LEAF_WITH_HASH = 0b001 | 0x100
    BRANCH_WITH_HASH = 0b0001 | 0x200

    @property
    def bits(self) -> int:
        return 2 + (self >> 8)

    @property
    def prefix(self) -> int:
        return (self & 0xFF) << (8 - self.bits)


_LEAVES: Final = (Kind.LEAF, Kind.LEAF_WITH_HASH)
# For each first byte the kind and the largest number of nibbles that it has room for.
_KIND_OF: Final = tuple(
    next(((kind, 0xFF >> kind.bits) for kind in Kind if first >> (8 - kind.bits) == kind & 0xFF), None)
    for first in range(256)
)


@dataclass(frozen=True, slots=True)
class Node:
    """`partial`: nibbles as hex digits. At most one of `value` and `value_hash`. `children`: 16 references, or none."""

    partial: str
    value: bytes | None = None
    value_hash: bytes | None = None
    children: tuple[bytes | None, ...] = _NO_CHILD

    @property
    def has_value(self) -> bool:
        return self.value is not None or self.value_hash is not None


def decode_node(encoded: bytes) -> Node | None:
    """The node that fills `encoded`; None is the node of an empty trie. Raises MalformedProof, LimitExceeded."""
    check_node_size(encoded)
    if encoded == EMPTY_NODE:
        return None
    reader = ScaleReader(encoded, _PART)
    kind, nibbles = _read_header(reader)
    partial = _read_partial(reader, nibbles)
    node = _read_leaf(reader, kind, partial) if kind in _LEAVES else _read_branch(reader, kind, partial)
    reader.end()
    return node


def encode_node(node: Node) -> bytes:
    """The bytes of a node that `decode_node` gives back."""
    bitmap = sum(1 << nibble for nibble, child in enumerate(node.children) if child is not None)
    kind = _kind_of(node, is_leaf=not bitmap)
    padded = node.partial if len(node.partial) % 2 == 0 else "0" + node.partial
    parts = [_header(kind, len(node.partial)), bytes.fromhex(padded)]
    if bitmap:
        parts.append(encode_u16(bitmap))
    if node.value is not None:
        parts.append(encode_bytes(node.value))
    if node.value_hash is not None:
        parts.append(node.value_hash)
    parts += [encode_bytes(child) for child in node.children if child is not None]
    return b"".join(parts)


def _kind_of(node: Node, *, is_leaf: bool) -> Kind:
    if node.value_hash is not None:
        return Kind.LEAF_WITH_HASH if is_leaf else Kind.BRANCH_WITH_HASH
    if is_leaf:
        return Kind.LEAF
    return Kind.BRANCH if node.value is None else Kind.BRANCH_WITH_VALUE


def _header(kind: Kind, nibbles: int) -> bytes:
    """What does not fit into the first byte follows in bytes of 255 and a last one below that."""
    full = 0xFF >> kind.bits
    if nibbles < full:
        return bytes((kind.prefix | nibbles,))
    many, rest = divmod(nibbles - full, 255)
    return bytes((kind.prefix | full, *(255,) * many, rest))


def _read_header(reader: ScaleReader) -> tuple[Kind, int]:
    first = reader.u8()
    known = _KIND_OF[first]
    if known is None:
        raise MalformedProof("trie node header", got=first, expected="a leaf or a branch")
    kind, full = known
    nibbles = first & full
    more = 255 if nibbles == full else 0
    while more == 255:
        more = reader.u8()
        nibbles += more
        check_partial_length(nibbles)
    return kind, nibbles


def _read_partial(reader: ScaleReader, nibbles: int) -> str:
    digits = reader.fixed((nibbles + 1) // 2).hex()
    if nibbles % 2 == 0:
        return digits
    check_padding(digits[0])
    return digits[1:]


def _read_leaf(reader: ScaleReader, kind: Kind, partial: str) -> Node:
    if kind == Kind.LEAF_WITH_HASH:
        return Node(partial, value_hash=reader.fixed(HASH_BYTES))
    return Node(partial, value=reader.bytes_(limit=NODE_BYTES_MAX))


def _read_branch(reader: ScaleReader, kind: Kind, partial: str) -> Node:
    bitmap = reader.u16()
    value = reader.bytes_(limit=NODE_BYTES_MAX) if kind == Kind.BRANCH_WITH_VALUE else None
    value_hash = reader.fixed(HASH_BYTES) if kind == Kind.BRANCH_WITH_HASH else None
    count = bitmap.bit_count()
    check_branch_is_needed(count, has_value=kind != Kind.BRANCH)
    references = iter(_read_references(reader, count))
    children = tuple([next(references) if bitmap & bit else None for bit in _BITS])
    return Node(partial, value, value_hash, children)


def _read_references(reader: ScaleReader, count: int) -> list[bytes]:
    """Nothing but hashes is the most frequent case, and is read at once, to the same result."""
    if reader.remaining == count * _HASH_STEP:
        ahead = reader.ahead()
        if ahead[::_HASH_STEP] == _HASH_LENGTH * count:
            reader.fixed(len(ahead))
            return [ahead[at : at + HASH_BYTES] for at in range(1, len(ahead), _HASH_STEP)]
    return [_read_child(reader) for _ in range(count)]


def _read_child(reader: ScaleReader) -> bytes:
    child = reader.bytes_(limit=HASH_BYTES)
    check_child_is_not_empty(child)
    return child


def check_node_size(encoded: bytes) -> None:
    """Nodes are bounded before anything is read from them."""
    if len(encoded) > NODE_BYTES_MAX:
        raise LimitExceeded(_PART, got=len(encoded), limit=NODE_BYTES_MAX)


def check_partial_length(nibbles: int) -> None:
    """Keys are bounded: Substrate has none of this length."""
    if nibbles > PARTIAL_NIBBLES_MAX:
        raise LimitExceeded("trie node nibbles", got=nibbles, limit=PARTIAL_NIBBLES_MAX)


def check_padding(digit: str) -> None:
    """An odd number of nibbles is padded by a zero in front, and by nothing else (node_codec.rs, `pad_left`)."""
    if digit != "0":
        raise MalformedProof("trie node padding", got=digit, expected="0")


def check_branch_is_needed(children: int, *, has_value: bool) -> None:
    """A branch stands where ways part: with a value it has a child at least, without one two (specification, 2.4.3)."""
    fewest = 1 if has_value else 2
    if children < fewest:
        raise MalformedProof("trie branch children", got=children, expected=f"at least {fewest}")


def check_child_is_not_empty(child: bytes) -> None:
    """Where nothing is the bitmap has no bit: the node of the empty trie stands below no other."""
    if child in (b"", EMPTY_NODE):
        raise MalformedProof("trie child", got=child, expected="a node")
