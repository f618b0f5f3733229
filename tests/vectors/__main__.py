"""`python -m tests.vectors ROOT [ROOT…]`: one line per suite, exit 1 on any wrong verdict or unread data file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.vectors.runner import Report, known_suites, run_suite, suite_folders

_WRONG_SHOWN_MAX = 10


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.vectors", description=__doc__)
    parser.add_argument("roots", nargs="+", type=Path, metavar="ROOT", help="a folder with one folder per suite")
    parser.add_argument("--suite", action="append", help="run only this suite (may be given again)")
    parser.add_argument("--flip", action="store_true", help="turn every expectation around: nothing may be right then")
    parser.add_argument("--strict", action="store_true", help="also fail when a folder has no suite module yet")
    parser.add_argument("--all", action="store_true", help="show every wrong verdict and every reason")
    options = parser.parse_args(arguments)
    for root in options.roots:
        if not root.is_dir():
            parser.error(f"{root} is not a folder")

    known = set(known_suites())
    right_everywhere = True
    not_yet: list[str] = []
    for name in options.suite or suite_folders(options.roots):
        if name not in known:
            not_yet.append(name)
            continue
        report = run_suite(name, options.roots, flip=options.flip)
        _show(report, everything=options.all)
        right_everywhere &= report.is_right()
    for name in not_yet:
        print(f"{name:26} not yet verified")
    return 0 if right_everywhere and not (options.strict and not_yet) else 1


def _show(report: Report, *, everything: bool) -> None:
    print(report.line())
    shown = None if everything else _WRONG_SHOWN_MAX
    for line in [*report.wrong[:shown], *(f"not understood: {name}" for name in report.not_understood[:shown])]:
        print(f"    {line}")
    if everything:
        for reason, count in (report.never_performed + report.contradictions).items():
            print(f"    {count} apart: {reason}")


if __name__ == "__main__":
    sys.exit(main())
