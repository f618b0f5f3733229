"""docs/bundle.md says what the code does: the fields that nothing covers, the bounds, the names of the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.bundle.families import FAMILIES
from proofs.bundle.format import BUNDLE_BYTES_MAX, BUNDLE_NAME, CHECKPOINT_NAME, PAYLOADS_MAX, STEPS_MAX
from proofs.bundle.types import Kind
from proofs.bundle.uncovered import uncovered
from relay.store.bundles import STEP_BYTES_MAX
from relay.store.bundles import STEPS_MAX as STEPS_KEPT

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "bundle.md").read_text()
COVERED = PAGE.rpartition("every byte is covered")[0].rpartition("\n\nOf ")[2]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_stands_among_the_covered_or_has_a_row(family: str) -> None:
    has_row = f"\n| {family} |" in PAGE
    assert has_row == bool(uncovered(family, Kind.RECEIVE))
    assert (family in COVERED.replace(" and ", ", ").strip().split(", ")) != has_row


@pytest.mark.parametrize("kind", (Kind.ACKNOWLEDGE, Kind.TIMEOUT))
def test_fields_of_the_packet_that_nothing_covers_are_named(kind: Kind) -> None:
    assert all(f"`{each.field}`" in PAGE for each in uncovered("attestation", kind))


def test_the_bounds_and_names_are_those_of_the_code() -> None:
    for said in (
        f"At most {BUNDLE_BYTES_MAX >> 20} MiB, {STEPS_MAX:,} steps, {PAYLOADS_MAX} payloads",
        f'"{BUNDLE_NAME.decode()}"',
        f"{len(BUNDLE_NAME)} bytes",
        f'"{CHECKPOINT_NAME.decode()}"',
    ):
        assert said in PAGE
    decision = (DOCS / "decisions" / "0006-bundles-start-from-kept-checkpoints.md").read_text()
    assert f"after {STEPS_KEPT}\n  steps or {STEP_BYTES_MAX >> 20} MiB" in decision
