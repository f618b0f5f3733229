"""One proof per claim, told by its place."""

from __future__ import annotations

import pytest

from proofs.encoding.proof_batch import BATCH_BYTES_MAX, join_batch, split_batch
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
