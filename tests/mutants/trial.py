"""One trial: a process forked for it switches a predicate off and runs the tests of its family until one fails."""

from __future__ import annotations

import contextlib
import io
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.find import Mutant
from tests.mutants.switch import switch_off

# A predicate that bounds work may be missed by work that does not end.
SECONDS_MAX = 240

_OPTIONS = ("-x", "-p", "no:cacheprovider", "--no-header", "--tb=no")


@dataclass(frozen=True, slots=True)
class Verdict:
    mutant: Mutant
    killed_by: str | None
    because: str
    seconds: float
    timed_out: bool = False


@dataclass(slots=True, eq=False)
class _FirstFailure:
    """A pytest plugin that remembers which test failed first, and why."""

    test: str | None = None
    because: str = ""
    ran: int = field(default=0)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.ran += report.when == "call"
        self._note(report)

    def pytest_collectreport(self, report: Any) -> None:
        self._note(report)

    def _note(self, report: Any) -> None:
        if report.failed and self.test is None:
            self.test = report.nodeid
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash else str(report.longrepr)
            self.because = " ".join(text.split())[:160]


def run_tests(paths: list[str]) -> _FirstFailure:
    """Run files one by one and stop at the first failure."""
    failure = _FirstFailure()
    for path in paths:
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            code = pytest.main([*_OPTIONS, path], plugins=[failure])
        if code == pytest.ExitCode.INTERRUPTED and failure.test is None:
            raise TimeoutError(path)
        if failure.test is None and code != pytest.ExitCode.OK:
            failure.test, failure.because = path, f"{code!r} {told.getvalue()[-300:]}"
        if failure.test is not None:
            break
    return failure


def try_mutant(mutant: Mutant, test_files: list[str]) -> Verdict:
    started = time.monotonic()
    checkout = Path.cwd()
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(SECONDS_MAX)
    switch_off(mutant, checkout)
    try:
        failure = run_tests(by_promise(mutant, test_files, checkout))
    except TimeoutError as slow:
        return Verdict(mutant, None, f"no end of {slow}", time.monotonic() - started, timed_out=True)
    finally:
        signal.alarm(0)
    return Verdict(mutant, failure.test, failure.because, time.monotonic() - started)


def by_promise(mutant: Mutant, test_files: list[str], checkout: Path) -> list[str]:
    """Files that speak of the predicate first, then those that expect its errors; shorter ones before longer ones."""

    def promise(path: str) -> tuple[bool, bool, bool, int]:
        text = (checkout / path).read_text()
        speaks = mutant.name.strip("_") in text
        expects = any(error in text for error in mutant.errors)
        return "vectors" in path, not speaks, not expects, len(text)

    return sorted(test_files, key=promise)
