"""What makes an ICS-23 proof sound under a proof specification: one rule, one predicate.

A step is only a hash of prefix, child and suffix. Without these rules a forger moves bytes between them: a leaf poses
as an inner node, a sibling hides in a prefix, two keys seem to be neighbours. Proofs of both kinds were forged on real
chains this way.

Source: github.com/cosmos/ics23 (README and go/proof.go, go/ops.go), ICS-023, advisory "dragonberry" of October 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof
from proofs.merkle.ics23_format import InnerOp, InnerSpec, LeafOp, ProofSpec
from proofs.merkle.ics23_operations import NO_PREFIX, SHA256, VAR_PROTO

IAVL_SPEC: Final = ProofSpec(
    leaf_spec=LeafOp(SHA256, 0, SHA256, VAR_PROTO, b"\x00"),
    inner_spec=InnerSpec((0, 1), 33, 4, 12, b"", SHA256),  # a child is its length byte and its hash
)
TENDERMINT_SPEC: Final = ProofSpec(
    leaf_spec=LeafOp(SHA256, 0, SHA256, VAR_PROTO, b"\x00"),
    inner_spec=InnerSpec((0, 1), 32, 1, 1, b"", SHA256),
)
SMT_SPEC: Final = ProofSpec(
    leaf_spec=LeafOp(SHA256, SHA256, SHA256, NO_PREFIX, b"\x00"),
    inner_spec=InnerSpec((0, 1), 32, 1, 1, bytes(32), SHA256),
    max_depth=256,
    prehash_key_before_comparison=True,
)

# What upstream takes for a specification that names no depth; a balanced tree that deep has no place in this universe.
DEFAULT_DEPTH_MAX: Final = 128
_IAVL_SHAPE: Final = (IAVL_SPEC.leaf_spec, IAVL_SPEC.inner_spec)
_TENDERMINT_SHAPE: Final = (TENDERMINT_SPEC.leaf_spec, TENDERMINT_SPEC.inner_spec)
_IAVL_NUMBERS: Final = ("height", "size", "version")
_IAVL_CHILD_BYTES: Final = 33


def check_spec(spec: ProofSpec) -> None:
    """A specification is sound only if prefixes are too short to hide a whole child: else siblings can be invented."""
    inner = spec.inner_spec
    if inner.child_size < 1:
        raise UnsupportedProof("proof spec child size", got=inner.child_size, expected="at least 1")
    if not 0 <= inner.min_prefix_length <= inner.max_prefix_length < inner.min_prefix_length + inner.child_size:
        lengths = (inner.min_prefix_length, inner.max_prefix_length)
        raise UnsupportedProof("proof spec prefix lengths", got=lengths, expected=f"a span below {inner.child_size}")
    if sorted(inner.child_order) != list(range(len(inner.child_order))) or not inner.child_order:
        raise UnsupportedProof("proof spec child order", got=inner.child_order, expected="a permutation from 0")
    if inner.empty_child and len(inner.empty_child) != inner.child_size:
        raise UnsupportedProof("proof spec empty child", got=len(inner.empty_child), expected=inner.child_size)
    if min(spec.max_depth, spec.min_depth) < 0:
        raise UnsupportedProof("proof spec depth", got=(spec.min_depth, spec.max_depth), expected="not negative")


def check_leaf(leaf: LeafOp, spec: LeafOp) -> None:
    """Every operation is the specified one: the proof never chooses its own hash. The prefix may carry more."""
    got = (leaf.hash, leaf.prehash_key, leaf.prehash_value, leaf.length)
    expected = (spec.hash, spec.prehash_key, spec.prehash_value, spec.length)
    if got != expected:
        raise UnsupportedProof("ics23 leaf operations", got=got, expected=expected)
    if not leaf.prefix.startswith(spec.prefix):
        raise MalformedProof("ics23 leaf prefix", got=leaf.prefix, expected=f"{spec.prefix.hex()} first")


def check_depth(depth: int, spec: ProofSpec) -> None:
    """Bounds work, and keeps a shallow node of a tree of fixed depth from posing as a leaf."""
    limit = spec.max_depth or DEFAULT_DEPTH_MAX
    if depth > limit:
        raise LimitExceeded("ics23 depth", got=depth, limit=limit)
    if depth < spec.min_depth:
        raise MalformedProof("ics23 depth", got=depth, expected=f"at least {spec.min_depth}")


def check_inner(step: InnerOp, spec: ProofSpec, *, layer: int) -> None:
    """One step: its hash, its prefix and suffix. layer: 1 for the step above the leaf."""
    check_inner_hash(step, spec)
    check_inner_is_no_leaf(step, spec)
    check_inner_prefix_length(step, spec.inner_spec)
    check_inner_suffix_length(step, spec.inner_spec)
    check_by_format(step, spec, layer=layer)


def check_inner_hash(step: InnerOp, spec: ProofSpec) -> None:
    if step.hash != spec.inner_spec.hash:
        raise UnsupportedProof("ics23 inner hash", got=step.hash, expected=spec.inner_spec.hash)


def check_inner_is_no_leaf(step: InnerOp, spec: ProofSpec) -> None:
    """Domain separation: what starts like a leaf is a leaf, and a leaf has no children."""
    if step.prefix.startswith(spec.leaf_spec.prefix):
        raise MalformedProof("ics23 inner prefix", got=step.prefix, expected="not the leaf prefix first")


def check_inner_prefix_length(step: InnerOp, spec: InnerSpec) -> None:
    """The prefix holds its own bytes and at most all children but one."""
    longest = spec.max_prefix_length + (len(spec.child_order) - 1) * spec.child_size
    if not spec.min_prefix_length <= len(step.prefix) <= longest:
        raise MalformedProof(
            "ics23 inner prefix length", got=len(step.prefix), expected=f"{spec.min_prefix_length} to {longest}"
        )


def check_inner_suffix_length(step: InnerOp, spec: InnerSpec) -> None:
    """The suffix is whole children and nothing else."""
    if len(step.suffix) % spec.child_size:
        raise MalformedProof(
            "ics23 inner suffix length", got=len(step.suffix), expected=f"a multiple of {spec.child_size}"
        )


def check_by_format(step: InnerOp | LeafOp, spec: ProofSpec, *, layer: int) -> None:
    """The rules that IAVL and simple Merkle nodes obey beyond what a specification can say. layer: 0 for the leaf."""
    if (spec.leaf_spec, spec.inner_spec) == _IAVL_SHAPE:
        check_iavl_prefix(step.prefix, layer=layer)
    elif isinstance(step, InnerOp) and (spec.leaf_spec, spec.inner_spec) == _TENDERMINT_SHAPE:
        check_tendermint_prefix(step)


def check_iavl_prefix(prefix: bytes, *, layer: int) -> None:
    """An IAVL node begins with height, size and version; its height is at least the number of layers below it."""
    position = 0
    height = 0
    for name in _IAVL_NUMBERS:
        value, position = _read_zigzag(prefix, position, name)
        if value < 0:
            raise MalformedProof(f"iavl {name}", got=value, expected="not negative")
        if name == "height":
            height = value
    if height < layer:
        raise MalformedProof("iavl height", got=height, expected=f"at least {layer}")
    # After the numbers: nothing in a leaf; the child's length byte, or a left sibling with its own before that.
    permitted = (0,) if layer == 0 else (1, 1 + _IAVL_CHILD_BYTES)
    if len(prefix) - position not in permitted:
        raise MalformedProof("iavl prefix rest", got=len(prefix) - position, expected=permitted)


def check_tendermint_prefix(step: InnerOp) -> None:
    """Inner nodes of the simple Merkle tree begin with 1, and with nothing else when the sibling is on the right."""
    if not step.prefix.startswith(b"\x01") or (step.suffix and step.prefix != b"\x01"):
        raise MalformedProof("simple merkle inner prefix", got=step.prefix, expected="01 and a left sibling or none")


def check_node_size(node: bytes, spec: InnerSpec) -> None:
    """A node longer than a child slot would reach into its neighbour's."""
    if len(node) > spec.child_size >= 32:
        raise MalformedProof("ics23 node", got=len(node), expected=f"at most {spec.child_size}")


def check_left_most(path: Sequence[InnerOp], spec: InnerSpec) -> None:
    """No key lies to the left: every step is the first child, or has only empty children before it."""
    for step in path:
        if not _is_at(step, spec, 0) and not left_branches_are_empty(step, spec):
            raise MalformedProof("ics23 right neighbour", got="a path with branches to its left", expected="left-most")


def check_right_most(path: Sequence[InnerOp], spec: InnerSpec) -> None:
    """No key lies to the right: every step is the last child, or has only empty children after it."""
    for step in path:
        if not _is_at(step, spec, len(spec.child_order) - 1) and not right_branches_are_empty(step, spec):
            raise MalformedProof("ics23 left neighbour", got="a path with branches to its right", expected="right-most")


def check_neighbours(left: Sequence[InnerOp], right: Sequence[InnerOp], spec: InnerSpec) -> None:
    """Nothing lies between: where the paths part they are adjacent children, below that right-most and left-most."""
    shared = 0
    while shared < min(len(left), len(right)) and left[-1 - shared] == right[-1 - shared]:
        shared += 1
    if shared == min(len(left), len(right)):
        raise MalformedProof("ics23 neighbours", got="one path within the other", expected="paths that part")
    left_slot, right_slot = _slot(left[-1 - shared], spec), _slot(right[-1 - shared], spec)
    if left_slot is None or right_slot is None or right_slot != left_slot + 1:
        raise MalformedProof("ics23 neighbours", got=(left_slot, right_slot), expected="adjacent children")
    check_right_most(left[: len(left) - 1 - shared], spec)
    check_left_most(right[: len(right) - 1 - shared], spec)


def left_branches_are_empty(step: InnerOp, spec: InnerSpec) -> bool:
    """Whether every sibling before the child is the empty child."""
    slot = _slot(step, spec)
    if not slot or spec.empty_child == b"":
        return False
    return step.prefix.endswith(spec.empty_child * slot)


def right_branches_are_empty(step: InnerOp, spec: InnerSpec) -> bool:
    """Whether every sibling after the child is the empty child."""
    slot = _slot(step, spec)
    if slot is None or spec.empty_child == b"":
        return False
    branches = len(spec.child_order) - 1 - slot
    return branches > 0 and step.suffix == spec.empty_child * branches


def _slot(step: InnerOp, spec: InnerSpec) -> int | None:
    """Which child this step came from, told by how much lies before and after it."""
    return next((slot for slot in range(len(spec.child_order)) if _is_at(step, spec, slot)), None)


def _is_at(step: InnerOp, spec: InnerSpec, branch: int) -> bool:
    place = spec.child_order.index(branch)
    before = place * spec.child_size
    after = (len(spec.child_order) - 1 - place) * spec.child_size
    return (
        before + spec.min_prefix_length <= len(step.prefix) <= before + spec.max_prefix_length
        and len(step.suffix) == after
    )


def _read_zigzag(data: bytes, position: int, name: str) -> tuple[int, int]:
    """A signed varint as Go writes it: zig-zag, base 128, at most 64 bits."""
    raw = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise MalformedProof(f"iavl {name}", got="no varint", expected="a varint of 64 bits")
        byte = data[position]
        position += 1
        raw |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (raw >> 1) ^ -(raw & 1), position
