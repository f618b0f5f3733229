"""The two trees under the roots of a header. A proof says where the leaf stands; both are read so that it must be true.

2.x: sixteen nodes under each. A leaf is RLP(index) ‖ hash, not hashed by itself, so the index is proved. A level holds
the siblings left and right of the node. What is left alone at the top is hashed once more: the last level is empty.

3.x: two nodes under each, a lone last one is hashed alone; a leaf is the hash of a transaction or receipt, so a single
leaf is the root. A level is the group itself, one or two hashes, in order. Leaves and nodes look the same: whoever asks
must have hashed the leaf from a full transaction or receipt himself. The place follows from the sides, unless siblings
are equal, and then so is what stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Item
from proofs.errors import LimitExceeded, MalformedProof, RootMismatch, ValueMismatch
from proofs.fisco_bcos.suite import hash_of
from proofs.fisco_bcos.types import HASH_BYTES, Suite

# 16^5 and 2^20 leaves: blocks have a thousand transactions, and no configuration allows a million.
LEVELS_MAX_V2: Final = 6
LEVELS_MAX_V3: Final = 20
_WIDTH: Final = 16
_COUNT_WORD_TAIL: Final = bytes(28)

# What was hashed in one batch of proofs: proofs of one block share most of their nodes.
Memo = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class LevelV2:
    left: tuple[bytes, ...]
    right: tuple[bytes, ...]


def root_v2(
    suite: Suite, leaf_hash: bytes, levels: Sequence[LevelV2], *, index: int, memo: Memo | None = None
) -> bytes:
    """The root that `levels` claim for the leaf at `index`. Raises MalformedProof, LimitExceeded."""
    check_level_count(len(levels), limit=LEVELS_MAX_V2)
    check_index_fits(index, levels)
    check_top(levels)
    node = leaf_v2(index, leaf_hash)
    place = index
    for number, level in enumerate(levels):
        check_siblings(level, place, number=number, is_top=number == len(levels) - 1)
        node = _hashed(suite, b"".join((*level.left, node, *level.right)), memo)
        place //= _WIDTH
    return node


def leaf_v2(index: int, leaf_hash: bytes) -> bytes:
    """Source: 2.2 and later number their leaves by RLP, so that 0 is 0x80 and 128 is 0x8180."""
    return rlp.encode(rlp.int_bytes(index)) + leaf_hash


def check_level_count(count: int, *, limit: int) -> None:
    """Before any is hashed: no tree of a block is deeper."""
    if count > limit:
        raise LimitExceeded("tree levels", got=count, limit=limit)


def check_index_fits(index: int, levels: Sequence[LevelV2]) -> None:
    """The levels below the top tell sixteen places each apart, so a leaf has one place in one tree."""
    if index >= _WIDTH ** (len(levels) - 1 if levels else 0):
        raise MalformedProof("leaf index", got=index, expected=f"a place that {len(levels)} levels can tell")


def check_top(levels: Sequence[LevelV2]) -> None:
    """The root is the hash of one node: had it siblings, there would be another level."""
    if not levels or levels[-1].left or levels[-1].right:
        raise MalformedProof("top level", got=len(levels), expected="a last level without siblings")


def check_siblings(level: LevelV2, place: int, *, number: int, is_top: bool) -> None:
    """All nodes to the left are there, at most fifteen in all, and each is one node or one leaf and no more."""
    here = place % _WIDTH
    if not is_top and (len(level.left) != here or len(level.right) >= _WIDTH - here):
        raise MalformedProof("siblings", got=f"{len(level.left)}, {len(level.right)}", expected=f"{here} to the left")
    first = place - here
    for offset, sibling in enumerate((*level.left, b"", *level.right)):
        if offset == len(level.left):
            continue
        mark = rlp.encode(rlp.int_bytes(first + offset)) if number == 0 else b""
        if len(sibling) != len(mark) + HASH_BYTES or not sibling.startswith(mark):
            raise MalformedProof("sibling", got=sibling, expected=f"{mark.hex()} and 32 bytes")


def root_v3(
    suite: Suite, leaf_hash: bytes, groups: Sequence[Sequence[bytes]], *, memo: Memo | None = None
) -> tuple[bytes, int]:
    """The root that `groups` claim for a leaf, and the place of that leaf. Raises MalformedProof, LimitExceeded."""
    check_level_count(len(groups), limit=LEVELS_MAX_V3)
    node, place = leaf_hash, 0
    for number, group in enumerate(groups):
        check_group(group, node)
        place |= group.index(node) << number
        node = _hashed(suite, b"".join(group), memo)
    return node, place


def check_group(group: Sequence[bytes], node: bytes) -> None:
    """One or two hashes, and the one that was computed below is among them."""
    if not 1 <= len(group) <= 2 or any(len(each) != HASH_BYTES for each in group):
        raise MalformedProof("tree group", got=[len(each) for each in group], expected="1 or 2 hashes")
    if node not in group:
        raise ValueMismatch("tree group", got=group[0], expected=node)


def check_root(computed: bytes, expected: bytes, part: str) -> None:
    """The hashes lead to the root of the header."""
    if computed != expected:
        raise RootMismatch(part, computed=computed, expected=expected)


def verify_v2(suite: Suite, leaf_hash: bytes, levels: Sequence[LevelV2], *, index: int, root: bytes, part: str) -> None:
    """Return only if the leaf stands at `index` under `root`. Raises InvalidProof."""
    check_root(root_v2(suite, leaf_hash, levels, index=index), root, part)


def verify_v3(suite: Suite, leaf_hash: bytes, groups: Sequence[Sequence[bytes]], *, root: bytes, part: str) -> int:
    """Return the place of the leaf under `root`. Raises InvalidProof."""
    computed, place = root_v3(suite, leaf_hash, groups)
    check_root(computed, root, part)
    return place


def compute_root_v2(suite: Suite, hashes: Sequence[bytes]) -> bytes:
    """The root over all transactions or receipts of a block."""
    nodes = [leaf_v2(index, each) for index, each in enumerate(hashes)]
    while len(nodes) > 1:
        nodes = [hash_of(suite, b"".join(nodes[at : at + _WIDTH])) for at in range(0, len(nodes), _WIDTH)]
    return hash_of(suite, b"".join(nodes))


def compute_root_v3(suite: Suite, hashes: Sequence[bytes]) -> bytes:
    """The root over all transactions or receipts of a block; a block without any has zeros."""
    nodes = list(hashes)
    while len(nodes) > 1:
        nodes = [hash_of(suite, b"".join(nodes[at : at + 2])) for at in range(0, len(nodes), 2)]
    return nodes[0] if nodes else bytes(HASH_BYTES)


def groups_of_words(words: Sequence[bytes], leaf_hash: bytes) -> tuple[tuple[bytes, ...], ...]:
    """The groups of a proof as 3.2 and later serve it: a word that counts, then as many hashes. Raises InvalidProof.

    A block of one transaction has no group; nodes serve the leaf itself then, or nothing.
    """
    if len(words) <= 1:
        check_lone_leaf(words, leaf_hash)
        return ()
    groups = []
    at = 0
    while at < len(words):
        count = read_count_word(words[at])
        groups.append(tuple(words[at + 1 : at + 1 + count]))
        at += 1 + count
        check_not_cut(at, words)
    return tuple(groups)


def check_lone_leaf(words: Sequence[bytes], leaf_hash: bytes) -> None:
    """A proof without groups says nothing unless it names the leaf, if anything."""
    if words and words[0] != leaf_hash:
        raise ValueMismatch("lone leaf", got=words[0], expected=leaf_hash)


def read_count_word(word: bytes) -> int:
    """Four bytes of count, then zeros. Raises MalformedProof."""
    count = int.from_bytes(word[:4], "big")
    if len(word) != HASH_BYTES or word[4:] != _COUNT_WORD_TAIL or not 1 <= count <= 2:
        raise MalformedProof("count word", got=word, expected="1 or 2, and zeros")
    return count


def check_not_cut(end: int, words: Sequence[bytes]) -> None:
    """A count word promises as many hashes as it says."""
    if end > len(words):
        raise MalformedProof("proof words", got=len(words), expected=end)


def read_levels_v2(item: Item) -> tuple[LevelV2, ...]:
    """Raises MalformedProof, LimitExceeded."""
    levels = rlp.as_list(item, "tree levels")
    check_level_count(len(levels), limit=LEVELS_MAX_V2)
    pairs = (rlp.as_list(each, "tree level", count=2) for each in levels)
    return tuple(LevelV2(_nodes(left), _nodes(right)) for left, right in pairs)


def read_groups_v3(item: Item) -> tuple[tuple[bytes, ...], ...]:
    """Raises MalformedProof, LimitExceeded."""
    groups = rlp.as_list(item, "tree groups")
    check_level_count(len(groups), limit=LEVELS_MAX_V3)
    return tuple(_nodes(each) for each in groups)


def _nodes(item: Item) -> tuple[bytes, ...]:
    return tuple(rlp.as_bytes(each, "tree node") for each in rlp.as_list(item, "tree nodes"))


def _hashed(suite: Suite, data: bytes, memo: Memo | None) -> bytes:
    if memo is None:
        return hash_of(suite, data)
    known = memo.get(data)
    if known is None:
        known = memo[data] = hash_of(suite, data)
    return known
