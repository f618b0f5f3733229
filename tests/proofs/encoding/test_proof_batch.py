"""One proof per claim, told by its place."""

from __future__ import annotations

import pytest

from proofs.encoding import proof_batch
from proofs.encoding.proof_batch import BATCH_BYTES_MAX, join_batch, split_batch
from proofs.encoding.protobuf import decode
from proofs.errors import LimitExceeded, MalformedProof
from tests.proofs.fuzzing import assert_only_refusals


@pytest.mark.parametrize("proofs", ((b"a",), (b"", b"b", b""), (bytes(300),) * 3))
def test_what_was_joined_is_split(proofs: tuple[bytes, ...]) -> None:
    assert split_batch(join_batch(proofs), count=len(proofs)) == proofs


@pytest.mark.parametrize("count", (1, 3))
def test_a_proof_too_few_or_too_many_is_refused(count: int) -> None:
    with pytest.raises(MalformedProof) as refusal:
        split_batch(join_batch([b"a", b"b"]), count=count)
    assert (refusal.value.got, refusal.value.expected) == (2, count)


@pytest.mark.parametrize("sizes", ((127,), (128,), (128, 16_383), (16_384,), (300, 5, 300), (300,) * 9))
def test_batches_of_every_size_are_read_as_the_general_reader_reads_them(sizes: tuple[int, ...]) -> None:
    batch = join_batch([bytes([number]) * size for number, size in enumerate(sizes)])
    for count in (len(sizes) - 1, len(sizes), len(sizes) + 1):
        for changed in (batch, batch[:-1], batch + b"\x00", b"\x12" + batch[1:], batch[:2] + b"\x00" + batch[3:]):
            usual = proof_batch._split_usual(changed, count) if count else None
            if usual is not None:
                assert usual == decode(changed, proof_batch._batch_of(count), part="proof batch")
    assert (proof_batch._split_usual(batch, len(sizes)) is not None) == all(128 <= size < 16_384 for size in sizes)


def test_nothing_claimed_is_nothing_proved() -> None:
    for batch in (b"", join_batch([b"a"])):
        with pytest.raises(MalformedProof) as refusal:
            split_batch(batch, count=0)
        assert (refusal.value.part, refusal.value.got) == ("claims", 0)


def test_a_batch_over_the_limit_is_not_read() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        split_batch(bytes(BATCH_BYTES_MAX + 1), count=1)
    assert refusal.value.got == BATCH_BYTES_MAX + 1


def test_hostile_bytes_give_only_refusals() -> None:
    assert_only_refusals(lambda data: split_batch(data, count=2), [join_batch([b"a" * 200, b"b"])], 500)
