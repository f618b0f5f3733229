"""Run one suite and count. The verifier is asked first; only then is the answer compared with the expectation."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from proofs.errors import VerificationError
from tests.vectors import suites, tables
from tests.vectors.case import Case, Expected
from tests.vectors.files import Files

Suite = Callable[[Files], Iterator[Case]]


@dataclass(slots=True)
class Report:
    suite: str
    right: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    never_performed: Counter[str] = field(default_factory=Counter)
    contradictions: Counter[str] = field(default_factory=Counter)
    not_understood: list[str] = field(default_factory=list)

    def line(self) -> str:
        counts = "  ".join(f"{verdict} {self.right[verdict]}/{self.total[verdict]}" for verdict in ("accept", "reject"))
        apart = sum(self.never_performed.values())
        more = f"  never performed {apart}" if apart else ""
        more += f"  contradicting {sum(self.contradictions.values())}" if self.contradictions else ""
        return f"{self.suite:26} {counts}  files not understood {len(self.not_understood)}{more}"

    def is_right(self) -> bool:
        return not self.wrong and not self.not_understood and bool(self.total or self.never_performed)


def known_suites() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(suites.__path__))


def suite_folders(roots: Sequence[Path]) -> list[str]:
    return sorted({path.name for root in roots for path in root.iterdir() if path.is_dir()})


def run_suite(name: str, roots: Sequence[Path], *, flip: bool = False) -> Report:
    """Run every case of one suite over all roots. `flip` turns every expectation around."""
    module = importlib.import_module(f"{suites.__name__}.{name}")
    files = Files(name, roots)
    report = Report(name)
    for case in cast("Suite", module.cases)(files):
        _judge(case, report, flip=flip)
    for file in files.unread():
        if (row := tables.find(tables.NEVER_PERFORMED, name, file.name)) is not None:
            report.never_performed[row.reason] += 1
        elif tables.find(tables.WITHOUT_VERDICT, name, file.name) is None:
            report.not_understood.append(file.name)
    return report


def _judge(case: Case, report: Report, *, flip: bool) -> None:
    row = tables.find(tables.NEVER_PERFORMED, report.suite, case.file.name, case.name)
    if row is not None:
        report.never_performed[row.reason] += 1
        return
    expected = case.expected
    row = tables.find(tables.CONTRADICT_THE_SPECIFICATION, report.suite, case.file.name, case.name)
    if row is not None:
        report.contradictions[row.reason] += 1
        expected = expected.flipped()
    if flip:
        expected = expected.flipped()
    outcome, is_right = _ask(case.verify, expected)
    report.total[expected.verdict] += 1
    if is_right:
        report.right[expected.verdict] += 1
    else:
        report.wrong.append(f"{case.file.name} {case.name}: expected {expected.verdict}, {outcome}")


def _ask(verify: Callable[[], object], expected: Expected) -> tuple[str, bool]:
    """Return what the verifier did, and whether that was expected."""
    try:
        answer = verify()
    except VerificationError as refusal:
        return f"refused: {refusal}", expected.verdict == "reject"
    except Exception as crash:  # noqa: BLE001 - a crash of any kind is a wrong verdict, and the run goes on
        return f"crashed: {type(crash).__name__}: {crash}", False
    if expected.verdict == "reject":
        return f"accepted: {answer!r}"[:200], False
    return f"got {answer!r}"[:200], not expected.has_value or answer == expected.value
