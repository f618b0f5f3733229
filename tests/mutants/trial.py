"""One trial: a process forked for it switches a predicate off and runs the tests that could miss it by name.

A kill counts if the test had asked, on the sound code, for the very error that came out of this predicate, and fails
now that it asks for it again. If none does, the other tests are run too, to tell a predicate that nobody notices from
one that is noticed by tests that do not name its error. Third-party vectors name verdicts, not errors: none is run.
"""

from __future__ import annotations

import contextlib
import io
import signal
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants.find import Mutant
from tests.mutants.listen import Heard, Listener
from tests.mutants.switch import switch_off

# A predicate that bounds work is missed by work that does not end: a test that takes longer fails.
SECONDS_MAX = 120

_OPTIONS = ("-p", "no:cacheprovider", "--no-header", "--tb=no", "-x")


@dataclass(frozen=True, slots=True)
class Verdict:
    """error: the class that the killing test had asked for. noticed_by: a test that failed and names no such error."""

    mutant: Mutant
    seconds: float
    killed_by: str | None = None
    error: str | None = None
    because: str = ""
    noticed_by: str | None = None


class _Alarm:
    """A pytest plugin that ends a test, and with it the run, after some time."""

    def __init__(self) -> None:
        signal.signal(signal.SIGALRM, signal.default_int_handler)

    def pytest_runtest_logstart(self) -> None:
        signal.alarm(SECONDS_MAX)

    def pytest_runtest_logfinish(self) -> None:
        signal.alarm(0)


def run_tests(paths: Collection[str], only: list[str] | None = None, *, stop: bool = True) -> dict[str, Heard]:
    """What each test did. only: these and in this order. stop: at the first failure."""
    listener = Listener(only)
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told), listener.listening():
        code = pytest.main([*(_OPTIONS if stop else _OPTIONS[:-1]), *paths], plugins=[listener, _Alarm()])
    if code == pytest.ExitCode.INTERRUPTED:
        listener.current.failed, listener.current.because = True, f"no end in {SECONDS_MAX} s"
    elif code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        name = " ".join(paths)
        listener.tests[name] = Heard(name, failed=True, because=f"{code!r} {told.getvalue()[-300:]}")
    return listener.tests


def try_mutant(mutant: Mutant, tests: Sequence[Heard]) -> Verdict:
    """tests: of its family, as they ran on the sound code."""
    started = time.monotonic()
    switch_off(mutant, Path.cwd())
    named = {each.test: errors for each in tests if (errors := named_errors(mutant, each))}
    for failure in failures(sorted((each for each in tests if each.test in named), key=_shortest)):
        error = next(iter(named[failure.test].intersection(failure.asked[-1] if failure.asked else ())), None)
        if error is not None:
            return Verdict(mutant, time.monotonic() - started, failure.test, error, failure.because)
    for failure in failures(sorted((each for each in tests if each.test not in named), key=_shortest)):
        return Verdict(mutant, time.monotonic() - started, because=failure.because, noticed_by=failure.test)
    return Verdict(mutant, time.monotonic() - started)


def named_errors(mutant: Mutant, heard: Heard) -> set[str]:
    """The errors of this predicate that the test asked for and got."""
    first, last = mutant.lines
    return {
        each.error
        for each in heard.refusals
        if (each.path, each.qualified_name) == (mutant.path, mutant.qualified_name) and first <= each.line <= last
    }


def failures(tests: Sequence[Heard]) -> Iterable[Heard]:
    """The first failure, and then the first among those that remain, until none fails."""
    left = [each.test for each in tests]
    while left:
        files = dict.fromkeys(each.split("::")[0] for each in left)
        failed = next((each for each in run_tests(files, left).values() if each.failed), None)
        if failed is None:
            return
        yield failed
        left = left[left.index(failed.test) + 1 :] if failed.test in left else []


def _shortest(heard: Heard) -> float:
    return heard.seconds
