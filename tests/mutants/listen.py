"""Listen to tests: which refusal each of them asks for by name, and which functions of `proofs` made it.

A test asks with `pytest.raises`. It names the error of a predicate if it asked for exactly that class, and the refusal
that it got came out of that predicate: both are seen while the sound code runs, so no text is guessed at.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of exactly this class that came through `line` of a function, and that a test had asked for."""

    error: str
    path: str
    qualified_name: str
    line: int


@dataclass(slots=True)
class Heard:
    """What one test did. asked: the classes that it asked for, in order; several names where one of them will do."""

    test: str
    failed: bool = False
    because: str = ""
    seconds: float = 0.0
    asked: list[tuple[str, ...]] = field(default_factory=list)
    refusals: set[Refusal] = field(default_factory=set)


class Listener:
    """A pytest plugin. only: the tests to run, in this order; all of them if None."""

    def __init__(self, only: list[str] | None = None) -> None:
        self.tests: dict[str, Heard] = {}
        self._only = None if only is None else {test: place for place, test in enumerate(only)}
        self.current = Heard("")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._only is not None:
            places = self._only
            items[:] = sorted((each for each in items if each.nodeid in places), key=lambda each: places[each.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.current = self.tests[nodeid] = Heard(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        heard = self.tests[report.nodeid]
        heard.seconds += report.duration
        self._note(heard, report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._note(self.tests.setdefault(report.nodeid, Heard(report.nodeid)), report)

    def _note(self, heard: Heard, report: Any) -> None:
        if report.failed and not heard.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            told = crash.message if crash else str(report.longrepr)
            heard.failed, heard.because = True, " ".join(told.split())[:160]

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """While it lasts, `pytest.raises` tells what is asked for, and what came."""
        honest: Any = pytest.raises

        def raises(*arguments: Any, **options: Any) -> Any:
            wanted = arguments[0] if arguments else options.get("expected_exception", ())
            asked = tuple(each.__name__ for each in (wanted if isinstance(wanted, tuple) else (wanted,)))
            if len(arguments) > 1:
                self.current.asked.append(asked)
                return honest(*arguments, **options)
            return _Asked(honest(*arguments, **options), self.current, asked)

        pytest.raises = raises
        try:
            yield
        finally:
            pytest.raises = honest


class _Asked:
    """Stands around what `pytest.raises` returned."""

    def __init__(self, inner: Any, heard: Heard, asked: tuple[str, ...]) -> None:
        self._inner, self._heard, self._asked = inner, heard, asked

    def __enter__(self) -> Any:
        self._heard.asked.append(self._asked)
        return self._inner.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if kind is not None and kind.__name__ in self._asked:
            self._heard.refusals.update(refusals(kind.__name__, trace))
        return bool(self._inner.__exit__(kind, error, trace))


def refusals(error: str, trace: TracebackType | None) -> Iterator[Refusal]:
    """One for each function of `proofs` that the error came through."""
    checkout = Path.cwd()
    while trace is not None:
        code = trace.tb_frame.f_code
        file = Path(code.co_filename)
        if file.is_relative_to(checkout / "proofs"):
            yield Refusal(error, str(file.relative_to(checkout)), code.co_qualname, trace.tb_lineno)
        trace = trace.tb_next
