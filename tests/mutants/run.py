"""Try every mutant on this copy of the checkout, two at a time, and tell which ones no test misses by name."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import multiprocessing
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import proofs
from tests.mutants.excused import EXCUSED
from tests.mutants.find import Mutant, find_mutants
from tests.mutants.listen import Heard
from tests.mutants.trial import Verdict, run_tests, try_mutant

PROCESSES = 2


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    checkout = Path.cwd()
    assert Path(proofs.__file__).is_relative_to(checkout), "mutants live in a copy, never in a working tree"
    mutants = [
        each
        for each in find_mutants(checkout, families=options.family, each_refusal=options.each_refusal)
        if not options.only or options.only in str(each)
    ]
    preload(mutants, checkout)
    with multiprocessing.get_context("fork").Pool(PROCESSES, maxtasksperchild=1) as pool:
        tests = sound_tests(pool, mutants, checkout)
        work = [(each, tests[each.family]) for each in mutants]
        verdicts = []
        for verdict in pool.imap_unordered(_try, work, chunksize=1):
            verdicts.append(verdict)
            if not options.json and (options.verbose or not verdict.killed_by):
                print(line(verdict), flush=True)
    return report(verdicts, as_json=options.json)


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--family", action="append", help="only this folder of proofs; may be repeated")
    parser.add_argument("--only", help="only predicates whose path or name contains this")
    parser.add_argument("--each-refusal", action="store_true", help="also switch off single refusals of a predicate")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    parser.add_argument("--verbose", action="store_true", help="print killed mutants, too")
    return parser.parse_args(arguments)


def preload(mutants: list[Mutant], checkout: Path) -> None:
    """Import code and tests once: a trial is a fork, so it starts in no time."""
    for module in sorted({each.module for each in mutants}):
        importlib.import_module(module)
    files = {path for each in mutants for path in family_tests(each.family, checkout)}
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["--collect-only", "-p", "no:cacheprovider", *sorted(files)])


def sound_tests(pool: multiprocessing.pool.Pool, mutants: list[Mutant], checkout: Path) -> dict[str, list[Heard]]:
    """The tests of each family as the sound code passes them. One that fails could kill anything: left out, aloud."""
    files = {family: family_tests(family, checkout) for family in sorted({each.family for each in mutants})}
    heard = dict(pool.imap_unordered(_sound, sorted({path for paths in files.values() for path in paths})))
    for each in (test for tests in heard.values() for test in tests if test.failed):
        print(f"left out: {each.test} fails without any mutation: {each.because}", file=sys.stderr, flush=True)
    return {
        family: [each for path in paths for each in heard[path] if not each.failed] for family, paths in files.items()
    }


def family_tests(family: str, checkout: Path) -> list[str]:
    """Those in its folder, and those that speak of all families."""
    folder = checkout / "tests" / "proofs" / family
    files = folder.rglob("test_*.py") if folder.is_dir() else folder.parent.glob(f"test_{family}.py")
    shared = folder.parent / "test_confusion.py"
    return [str(file.relative_to(checkout)) for file in (*sorted(files), shared) if file.is_file()]


def _sound(path: str) -> tuple[str, list[Heard]]:
    return path, list(run_tests([path], stop=False).values())


def _try(work: tuple[Mutant, list[Heard]]) -> Verdict:
    return try_mutant(*work)


def outcome(verdict: Verdict) -> str:
    if verdict.killed_by:
        return "killed"
    return "killed, but by no test that names its error" if verdict.noticed_by else "survived"


def line(verdict: Verdict) -> str:
    by = f" by {verdict.killed_by or verdict.noticed_by}" if verdict.killed_by or verdict.noticed_by else ""
    named = f" asking for {verdict.error}" if verdict.error else ""
    because = f": {verdict.because}" if verdict.because else ""
    return f"{outcome(verdict)} {verdict.mutant} ({verdict.seconds:.1f} s){by}{named}{because}"


def report(verdicts: list[Verdict], *, as_json: bool) -> int:
    survivors = [each for each in verdicts if not each.killed_by and excuse(each) is None]
    if as_json:
        print(json.dumps([row(each) for each in sorted(verdicts, key=lambda each: str(each.mutant))], indent=1))
        return bool(survivors)
    families: dict[str, Counter[str]] = defaultdict(Counter)
    for each in verdicts:
        families[each.mutant.family]["excused" if excuse(each) is not None else outcome(each)] += 1
    for family, counts in sorted(families.items()):
        rest = "".join(f", {count} {name}" for name, count in sorted(counts.items()) if name != "killed")
        print(f"{family:<14} killed by name {counts['killed']}/{counts.total()}{rest}")
    print(f"{len(survivors)} survived" if survivors else "no survivor")
    return bool(survivors)


def excuse(verdict: Verdict) -> str | None:
    return EXCUSED.get((verdict.mutant.path, verdict.mutant.qualified_name, verdict.mutant.refusal))


def row(verdict: Verdict) -> dict[str, object]:
    return {
        "predicate": str(verdict.mutant),
        "family": verdict.mutant.family,
        "errors": verdict.mutant.errors,
        "outcome": outcome(verdict),
        "killed_by": verdict.killed_by,
        "error": verdict.error,
        "noticed_by": verdict.noticed_by,
        "because": verdict.because,
        "excuse": excuse(verdict),
        "seconds": round(verdict.seconds, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
