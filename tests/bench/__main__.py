"""Measure how long verification takes, and how much longer than the hashing or signatures it cannot do without.

Every line is one operation of proofs/ on inputs that the tests' own builders made. FLOOR is the cryptographic library
alone on the same bytes, measured in turns with the operation in the same run, so RATIO holds on any machine; the
milliseconds hold for this one. AIM is what we promise; the last column says whether this run kept it.

examples:
  make bench-proofs                                everything, about a minute
  python -m tests.bench --list                     the names
  python -m tests.bench --only commit              every operation whose name contains "commit"
  python -m tests.bench --only ics23 --rounds 5    all of tests/bench/subjects/ics23.py, a quick look
  python -m tests.bench --json > before.json       for comparing two states of the code
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator

from tests.bench import subjects as folder
from tests.bench.measure import ROUNDS, Result, Subject, measure

_MARKS = {True: "met", False: "MISSED", None: ""}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME", default="", help="only operations with NAME in name or module")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns of work and floor (default {ROUNDS})")
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of the table")
    parser.add_argument("--list", action="store_true", help="print the names and measure nothing")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds has to be at least 1")

    chosen = list(_chosen(options.only))
    if not chosen:
        parser.error(f"no operation is named like {options.only!r}: --list prints the names")
    if options.list:
        print("\n".join(each.name for each in chosen))
        return 0
    if not options.json:
        print(f"{'OPERATION':46} {'TIME ms':>9} {'FLOOR ms':>9} {'RATIO':>6}  {'AIM':16} {'':6}  FLOOR IS")
    missed = 0
    for subject in chosen:
        result = measure(subject, rounds=options.rounds)
        missed += result.is_met is False
        print(_as_json(result) if options.json else _as_line(result), flush=True)
    if not options.json:
        print(f"{len(chosen)} operations, {missed} missed their aim")
    return 0


def _chosen(wanted: str) -> Iterator[Subject]:
    """In the order of the modules' names. Where one of these is wanted, the inputs of the others are not built."""
    names = sorted(each.name for each in pkgutil.iter_modules(folder.__path__))
    is_module = any(wanted in name for name in names)
    for name in names:
        if not is_module or wanted in name:
            built = importlib.import_module(f"{folder.__name__}.{name}").subjects()
            yield from (subject for subject in built if is_module or wanted in subject.name)


def _as_line(result: Result) -> str:
    subject = result.subject
    floor = "" if result.floor_milliseconds is None else f"{result.floor_milliseconds:.4f}"
    ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
    return (
        f"{subject.name:46} {result.milliseconds:9.4f} {floor:>9} {ratio:>6}  {subject.aim or ''!s:16} "
        f"{_MARKS[result.is_met]:6}  {subject.floor_is}"
    )


def _as_json(result: Result) -> str:
    subject = result.subject
    return json.dumps(
        {
            "operation": subject.name,
            "milliseconds": round(result.milliseconds, 5),
            "floor_milliseconds": None if result.floor_milliseconds is None else round(result.floor_milliseconds, 5),
            "ratio": None if result.ratio is None else round(result.ratio, 3),
            "floor": subject.floor_is or None,
            "aim": None if subject.aim is None else str(subject.aim),
            "met": result.is_met,
        }
    )


if __name__ == "__main__":
    sys.exit(main())
