"""The tool on a family of five rules: three missed by name, one without a name, one by nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tests.mutants
from tests.mutants.excused import EXCUSED
from tests.mutants.find import find_mutants
from tests.mutants.trial import SECONDS_MAX

CHECKOUT = Path(tests.mutants.__file__).resolve().parents[2]

RULES = """
from proofs.errors import LimitExceeded, MalformedProof, ValueMismatch


def verify(number: int) -> None:
    check_small(number)
    check_even(number)
    check_positive(number)


def check_small(number: int) -> None:
    if number > 9:
        raise LimitExceeded("number", got=number, limit=9)


def check_even(number: int) -> None:
    if number % 2:
        raise ValueMismatch("number", got=number, expected="even")


def check_positive(number: int) -> None:
    if number == 0:
        raise MalformedProof("number", got=0, expected="above 0")
    if number < 0:
        raise ValueMismatch("number", got=number, expected="above 0")


def count(number: int) -> None:
    check_count(number)
    while number > 9:
        pass


def check_count(number: int) -> None:
    if number > 9:
        raise LimitExceeded("number", got=number, limit=9)


def check_known(number: int) -> int:
    if number == 7:
        raise MalformedProof("number", got=7, expected="known")
    return number
"""
TESTS = """
import pytest

from proofs.errors import InvalidProof, LimitExceeded, MalformedProof, ValueMismatch
from proofs.tiny.rules import check_known, count, verify


def test_large() -> None:
    with pytest.raises(LimitExceeded):
        verify(10)


def test_odd() -> None:
    with pytest.raises(InvalidProof):  # names no error
        verify(3)


def test_zero() -> None:
    with pytest.raises(MalformedProof) as refused:
        verify(0)
    assert refused.value.got == 0


def test_many() -> None:
    with pytest.raises(LimitExceeded):
        count(10)


def test_known() -> None:
    assert check_known(8) == 8


def test_that_fails_on_sound_code() -> None:
    with pytest.raises(MalformedProof):
        check_known(1)
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    for folder in ("proofs/tiny", "tests/proofs/tiny"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(CHECKOUT / "tests" / "mutants", root / "tests" / "mutants", ignore=shutil.ignore_patterns("test_*"))
    trial = root / "tests" / "mutants" / "trial.py"
    trial.write_text(trial.read_text().replace(f"SECONDS_MAX = {SECONDS_MAX}", "SECONDS_MAX = 2"))
    shutil.copy(CHECKOUT / "proofs" / "errors.py", root / "proofs")
    for package in ("proofs", "proofs/tiny", "tests", "tests/proofs", "tests/proofs/tiny"):
        (root / package / "__init__.py").touch()
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n')
    (root / "proofs" / "tiny" / "rules.py").write_text(RULES)
    (root / "tests" / "proofs" / "tiny" / "test_rules.py").write_text(TESTS)
    return root


def run(checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    command = [sys.executable, "-m", "tests.mutants.run", *options]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def rows(checkout: Path, *options: str) -> dict[str, dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(run(checkout, "--json", *options).stdout)
    return {each["predicate"].split(" ", 1)[1]: each for each in told}


@pytest.fixture(scope="module")
def told(checkout: Path) -> dict[str, dict[str, Any]]:
    return rows(checkout, "--each-refusal")


def test_a_kill_counts_only_by_a_test_that_names_the_error(told: dict[str, dict[str, Any]]) -> None:
    assert {name: each["outcome"] for name, each in told.items() if "refusal" not in name} == {
        "check_small": "killed",
        "check_even": "killed, but by no test that names its error",
        "check_positive": "killed",
        "check_count": "killed",
        "check_known": "survived",
    }
    test = "tests/proofs/tiny/test_rules.py::"
    assert (told["check_small"]["killed_by"], told["check_small"]["error"]) == (test + "test_large", "LimitExceeded")
    assert (told["check_even"]["killed_by"], told["check_even"]["noticed_by"]) == (None, test + "test_odd")
    assert (told["check_positive"]["killed_by"], told["check_positive"]["error"]) == (
        test + "test_zero",
        "MalformedProof",
    )
    assert (told["check_count"]["killed_by"], told["check_count"]["because"]) == (test + "test_many", "no end in 2 s")
    assert told["check_known"]["noticed_by"] is None


def test_each_refusal_is_missed_on_its_own(told: dict[str, dict[str, Any]]) -> None:
    assert told["check_positive refusal 1"]["outcome"] == "killed"
    assert told["check_positive refusal 2"]["outcome"] == "survived"
    assert told["check_positive refusal 2"]["errors"] == ["ValueMismatch"]


def test_the_report_names_survivors_and_tests_that_were_left_out(checkout: Path) -> None:
    told = run(checkout)
    assert told.returncode == 1
    assert "killed, but by no test that names its error proofs/tiny/rules.py:16 check_even" in told.stdout
    assert "survived proofs/tiny/rules.py:39 check_known" in told.stdout
    assert told.stdout.splitlines()[-2].split(maxsplit=1) == [
        "tiny",
        "killed by name 3/5, 1 killed, but by no test that names its error, 1 survived",
    ]
    assert "left out: tests/proofs/tiny/test_rules.py::test_that_fails_on_sound_code" in told.stderr


def test_no_survivor_is_success(checkout: Path) -> None:
    told = run(checkout, "--only", "check_small", "--verbose")
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "no survivor")
    assert "asking for LimitExceeded: Failed: DID NOT RAISE" in told.stdout


def test_whatever_is_excused_exists_and_has_a_reason() -> None:
    known = {(each.path, each.qualified_name) for each in find_mutants(CHECKOUT, families=None, each_refusal=False)}
    for (path, name, _), reason in EXCUSED.items():
        assert (path, name) in known
        assert reason
