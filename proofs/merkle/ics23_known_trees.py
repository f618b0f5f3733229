"""The short way for the two trees of every Cosmos chain: existence in IAVL and in the simple Merkle tree.

Their writers have exactly one encoding for such a proof, so a pattern recognises it whole, and what is left to do is
little more than hashing. What does not match is not refused here: it takes the long way (ics23, ics23_checks), which
decides and says why. So this module may only ever accept what the long way accepts, with the same root; a test holds
it to that.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from proofs.encoding.protobuf import varint
from proofs.merkle.ics23_checks import DEFAULT_DEPTH_MAX, IAVL_SPEC, TENDERMINT_SPEC
from proofs.merkle.ics23_format import ProofSpec

_STEP_BYTES_MAX: Final = 96  # an IAVL step has at most 12 + 1 + 33 + 35 bytes, and its frame
_PATH_BYTES_MAX: Final = DEFAULT_DEPTH_MAX * _STEP_BYTES_MAX
_TWO_BYTE_LENGTHS: Final = range(1 << 7, 1 << 14)

# Zig-zag numbers that are not negative: the lowest bit is 0. At most nine bytes, none of them needless.
_EVEN_LAST: Final = b"".join(re.escape(bytes([byte])) for byte in range(0, 0x80, 2))
_EVEN_MORE: Final = b"".join(re.escape(bytes([byte])) for byte in range(0x80, 0x100, 2))
_NUMBER: Final = b"(?:[" + _EVEN_LAST + b"]|[" + _EVEN_MORE + rb"][\x80-\xff]{0,7}[\x01-\x7f])"

# Groups: frame (tag, length, hash, tag, length of the prefix), head, sibling after or sibling before. In the head each
# number ends with the first byte below 0x80; how long they may be is told by the frame, which has to fit the head.
_IAVL_NUMBER: Final = b"(?=[" + _EVEN_LAST + _EVEN_MORE + rb"])[\x80-\xff]*+."
_IAVL_STEP: Final = re.compile(
    rb"(\x22.\x08\x01\x12.)([" + _EVEN_LAST + b"]" + _IAVL_NUMBER * 2 + rb"\x20)(?:\x1a\x21(\x20.{32})|(.{32}\x20))",
    re.DOTALL,
)
_IAVL_LEAF: Final = re.compile(rb"\x1a(.)\x08\x01\x18\x01\x20\x01\x2a(.)(\x00" + _NUMBER * 2 + rb")", re.DOTALL)
_SIMPLE_STEP: Final = re.compile(
    rb"(\x22(?:\x27\x08\x01\x12\x01\x01\x1a\x20(.{32})|\x25\x08\x01\x12\x21(\x01.{32})))", re.DOTALL
)
_SIMPLE_LEAF: Final = bytes.fromhex("1a090801180120012a0100")

# The frame that belongs to a head of so many bytes: alone in the prefix, or with 33 bytes of a sibling behind it.
_SIBLING_AFTER: Final = {n: bytes((0x22, n + 39, 8, 1, 0x12, n)) for n in range(4, 13)}
_SIBLING_BEFORE: Final = {n: bytes((0x22, n + 37, 8, 1, 0x12, n + 33)) for n in range(4, 13)}


def root_of_known(encoded: bytes, *, spec: ProofSpec, key: bytes, value: bytes) -> bytes | None:
    """Return the root under which an encoded CommitmentProof shows `value` at `key`; None: take the long way."""
    if spec is IAVL_SPEC:
        compute = _root_of_iavl
    elif spec is TENDERMINT_SPEC:
        compute = _root_of_simple
    else:
        return None
    rest = len(encoded) - 3
    if rest not in _TWO_BYTE_LENGTHS or not key or not value:
        return None
    sized_key = varint(len(key)) + key
    claimed = bytes((0x0A, rest & 0x7F | 0x80, rest >> 7, 0x0A)) + sized_key + b"\x12" + varint(len(value)) + value
    if not encoded.startswith(claimed):
        return None
    return compute(encoded, len(claimed), sized_key + b"\x20" + sha256(value).digest())


def _root_of_iavl(encoded: bytes, start: int, leaf_data: bytes) -> bytes | None:
    leaf = _IAVL_LEAF.match(encoded, start)
    if leaf is None:
        return None
    length, prefix_length, prefix = leaf.groups()
    if prefix_length[0] != len(prefix) or length[0] != len(prefix) + 8:
        return None
    path = encoded[leaf.end() :]
    if len(path) > _PATH_BYTES_MAX:
        return None
    steps = _IAVL_STEP.findall(path)
    if len(steps) > DEFAULT_DEPTH_MAX:
        return None
    node = sha256(prefix + leaf_data).digest()
    lowest = 0
    unread = len(path) - 2 * len(steps)
    for frame, head, after, before in steps:
        lowest += 2  # zig-zag of the layer
        if head[0] < lowest or frame != (_SIBLING_AFTER if after else _SIBLING_BEFORE).get(len(head)):
            return None
        unread -= frame[1]
        node = sha256(head + node + after if after else head + before + node).digest()
    return None if unread else node


def _root_of_simple(encoded: bytes, start: int, leaf_data: bytes) -> bytes | None:
    if not encoded.startswith(_SIMPLE_LEAF, start):
        return None
    path = encoded[start + len(_SIMPLE_LEAF) :]
    if len(path) > _PATH_BYTES_MAX:
        return None
    steps = _SIMPLE_STEP.findall(path)
    if len(steps) > DEFAULT_DEPTH_MAX or b"".join([step[0] for step in steps]) != path:
        return None
    node = sha256(b"\x00" + leaf_data).digest()
    for _all, right, left in steps:
        node = sha256(left + node).digest() if left else sha256(b"\x01" + node + right).digest()
    return node
