"""Seeded mutation: hostile bytes must produce refusals of `proofs.errors`, and nothing else, ever.

    assert_only_refusals(lambda data: verify_membership(data, ...), [real_proof], count=2_000)

The seed of a failing case is in the assertion, so one number reproduces it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from proofs.errors import VerificationError

_INTERESTING = (b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff" * 8, b"\x80" * 10, b"\xff" * 9 + b"\x01")


def assert_only_refusals(
    parse: Callable[[bytes], object], seeds: Sequence[bytes], count: int, *, first_seed: int = 0
) -> int:
    """Call `parse` with `count` mutations of `seeds`; return how many it took. Anything but a refusal fails."""
    taken = 0
    for seed in range(first_seed, first_seed + count):
        data = mutate(random.Random(seed), seeds)
        if data in seeds:
            continue  # the changes cancelled out
        try:
            parse(data)
        except VerificationError:
            continue
        except Exception as crash:
            raise AssertionError(f"seed {seed}: {type(crash).__name__}: {crash} on {data[:200].hex()}") from crash
        taken += 1
    return taken


def mutate(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One to four small changes of one seed; rarely plain noise."""
    if chance.random() < 0.02:
        return chance.randbytes(chance.randrange(200))
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        chance.choice(_MUTATIONS)(chance, data, seeds)
    return bytes(data)


def _flip_bit(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _truncate(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _overwrite(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    piece = chance.choice(_INTERESTING)
    data[at : at + len(piece)] = piece


def _insert(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.choice(_INTERESTING)


def _delete(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    del data[at : at + chance.randrange(1, 9)]


def _repeat(chance: random.Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    piece = data[at : at + chance.randrange(1, 64)]
    data[at:at] = piece


def _splice(chance: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = chance.choice(seeds)
    at, start = chance.randrange(len(data) + 1), chance.randrange(len(other) + 1)
    data[at:] = other[start:]


_MUTATIONS = (_flip_bit, _flip_bit, _truncate, _overwrite, _insert, _delete, _repeat, _splice)
