"""Every suite with a module is right on every vector, and only because the verifier says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.vectors.runner import known_suites, run_suite

ROOTS = [
    Path(each)
    for each in os.environ.get(
        "CAUSEWAY_VECTORS", str(Path(__file__).resolve().parents[2].parent / "shared" / "vectors")
    ).split(os.pathsep)
]


@pytest.fixture(params=known_suites())
def suite(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if not any((root / name).is_dir() for root in ROOTS):
        pytest.skip(f"no vectors of {name} in {ROOTS[0]}: set CAUSEWAY_VECTORS")
    return name


def test_every_verdict_is_right(suite: str) -> None:
    report = run_suite(suite, ROOTS)
    assert report.wrong == []
    assert report.not_understood == []
    assert report.is_right()
    print(report.line())


def test_no_verdict_is_right_when_all_are_turned_around(suite: str) -> None:
    assert sum(run_suite(suite, ROOTS, flip=True).right.values()) == 0
