from __future__ import annotations

import pytest

from tests.fuzz.target import Target
from tests.fuzz.targets import targets
from tests.proofs.fuzzing import assert_only_refusals


@pytest.mark.parametrize("target", targets(), ids=str)
def test_hostile_bytes_are_only_ever_refused(target: Target) -> None:
    """Other seeds than those of each family's own tests."""
    assert_only_refusals(target.parse, target.seeds, 100, first_seed=1_000_000)
