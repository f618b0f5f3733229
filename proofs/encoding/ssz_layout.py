"""Where the parts of an SSZ value lie: fixed ones in place, the others behind them, in order, without gaps.

Source: consensus-specs, ssz/simple-serialize.md, "Serialization".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof

OFFSET_BYTES: Final = 4

# The largest value anyone sends us is a list of 128 updates of 27 kB; nothing larger is worth reading.
_ENCODED_BYTES_MAX: Final = 1 << 24
# Containers have few fields. Lists and long vectors are no layouts to remember.
_FIELDS_REMEMBERED: Final = 32


def check_within_limit(count: int, *, limit: int, part: str) -> None:
    """The limit is part of the type, and of its root."""
    if count > limit:
        raise LimitExceeded(part, got=count, limit=limit)


def check_items_are_there(covered: int, *, step: int, given: int) -> None:
    """Whole items, or offsets of items, and no more than there are bytes: the first offset alone tells their number."""
    if covered % step or not 0 < covered <= given:
        raise MalformedProof("items bytes", got=covered, expected=f"a multiple of {step}, at most {given}")


def split_items(data: bytes, *, item_size: int | None, limit: int | None = None) -> list[bytes]:
    """Cut a vector or list into its items. `limit` is checked before anything is cut."""
    check_within_limit(len(data), limit=_ENCODED_BYTES_MAX, part="encoded bytes")
    if not data:
        return []
    step = OFFSET_BYTES if item_size is None else item_size
    covered = _read_offset(data, 0) if item_size is None else len(data)
    check_items_are_there(covered, step=step, given=len(data))
    count = covered // step
    if limit is not None:
        check_within_limit(count, limit=limit, part="list")
    return split_fields(data, sizes=[item_size] * count)


def split_fields(data: bytes, *, sizes: Sequence[int | None]) -> list[bytes]:
    """Cut a sequence of parts: those of fixed size stand in place, the others at offsets, in order, without gaps."""
    if len(sizes) <= _FIELDS_REMEMBERED:
        fixed = _fixed_layout(tuple(sizes))
        if fixed is not None and fixed.size == len(data):
            return list(fixed.unpack(data))
    head_bytes = sum(OFFSET_BYTES if size is None else size for size in sizes)
    if len(data) < head_bytes:
        raise MalformedProof("container bytes", got=len(data), expected=f"at least {head_bytes}")
    parts: list[bytes] = []
    offsets: list[int] = []
    at = 0
    for size in sizes:
        if size is None:
            offsets.append(_read_offset(data, at))
        parts.append(b"" if size is None else data[at : at + size])
        at += OFFSET_BYTES if size is None else size
    ends = [*offsets, len(data)]
    check_offsets(ends, head_bytes=head_bytes)
    spans = itertools.pairwise(ends)
    return [data[slice(*next(spans))] if size is None else part for size, part in zip(sizes, parts, strict=True)]


@lru_cache(maxsize=256)
def _fixed_layout(sizes: tuple[int | None, ...]) -> Struct | None:
    """All parts of fixed size are cut in one step. None where some are not."""
    return None if None in sizes else Struct("".join(f"{size}s" for size in sizes))


def check_offsets(ends: Sequence[int], *, head_bytes: int) -> None:
    """The first part begins where the fixed ones end, and none before the one in front of it: no gap, no overlap."""
    if ends[0] != head_bytes:
        raise MalformedProof("first offset", got=ends[0], expected=head_bytes)
    for before, after in itertools.pairwise(ends):
        if after < before:
            raise MalformedProof("offset", got=after, expected=f"at least {before}")


def _read_offset(data: bytes, at: int) -> int:
    if len(data) < at + OFFSET_BYTES:
        raise MalformedProof("offset bytes", got=len(data) - at, expected=OFFSET_BYTES)
    return int.from_bytes(data[at : at + OFFSET_BYTES], "little")


def join_parts(parts: Sequence[tuple[int | None, bytes]]) -> bytes:
    """Fixed parts in place, the others behind them with an offset in place."""
    at = sum(OFFSET_BYTES if size is None else size for size, _ in parts)
    heads: list[bytes] = []
    tails: list[bytes] = []
    for size, encoded in parts:
        if size is None:
            heads.append(at.to_bytes(OFFSET_BYTES, "little"))
            tails.append(encoded)
            at += len(encoded)
        else:
            heads.append(encoded)
    return b"".join(heads + tails)
