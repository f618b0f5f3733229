"""The benchmark says what it measured: ratios, medians and whether an aim was met; and its table has every subject."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

from tests.bench import subjects as folder
from tests.bench.measure import Aim, Subject, measure


def spin(times: int) -> int:
    return sum(range(times))


def test_the_ratio_is_that_of_work_and_floor() -> None:
    result = measure(Subject("a hundred times", lambda: spin(400_000), lambda: spin(4_000)), rounds=3)
    assert result.ratio is not None
    assert result.ratio > 10, "by far, so that a busy machine changes nothing"
    assert result.milliseconds > 0


def test_without_a_floor_there_is_a_time_and_no_ratio() -> None:
    result = measure(Subject("alone", lambda: spin(1_000), aim=Aim(milliseconds_max=10_000)), rounds=1)
    assert (result.ratio, result.floor_milliseconds, result.is_met) == (None, None, True)


@pytest.mark.parametrize(
    ("aim", "met"),
    (
        (Aim(ratio_max=1.15), False),
        (Aim(ratio_max=1.2), True),
        (Aim(ratio_min=1.3), False),
        (Aim(ratio_min=1.1), True),
        (Aim(milliseconds_max=4), False),
        (Aim(ratio_max=1.15, milliseconds_max=6), True),
    ),
)
def test_an_aim_is_met_by_any_of_its_parts(aim: Aim, met: bool) -> None:
    assert aim.is_met(ratio=1.2, milliseconds=5) is met


def test_every_module_of_subjects_says_what_it_measures() -> None:
    names = [each.name for each in pkgutil.iter_modules(folder.__path__)]
    assert names == sorted(path.stem for path in Path(folder.__path__[0]).glob("*.py") if path.stem != "__init__")
    for name in names:
        assert callable(importlib.import_module(f"{folder.__name__}.{name}").subjects)


@pytest.mark.parametrize("name", ("attestation", "ics23", "proof_of_authority", "receipts", "state"))
def test_subjects_verify_what_they_measure(name: str) -> None:
    """Work and floor are done once: an input that is refused would end the benchmark, not be timed."""
    for subject in importlib.import_module(f"{folder.__name__}.{name}").subjects():
        subject.work()
        if subject.floor is not None:
            subject.floor()
            assert subject.floor_is
