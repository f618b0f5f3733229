"""Try every mutant on this copy of the checkout, two at a time, and tell which ones no test noticed."""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import sys
from collections import defaultdict
from pathlib import Path

import proofs
from tests.mutants.excused import EXCUSED
from tests.mutants.find import Mutant, find_mutants
from tests.mutants.trial import Verdict, run_tests, try_mutant

PROCESSES = 2


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    checkout = Path.cwd()
    assert Path(proofs.__file__).is_relative_to(checkout), "mutants live in a copy, never in a working tree"
    mutants = [
        each
        for each in find_mutants(checkout, each_refusal=options.each_refusal)
        if (not options.family or each.family in options.family) and (not options.only or options.only in str(each))
    ]
    preload(mutants)
    with multiprocessing.get_context("fork").Pool(PROCESSES, maxtasksperchild=1) as pool:
        tests = usable_tests(pool, mutants, checkout)
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


def preload(mutants: list[Mutant]) -> None:
    """Import once what the trials need: a trial is a fork, so it starts in no time."""
    for module in sorted({each.module for each in mutants}):
        importlib.import_module(module)


def usable_tests(pool: multiprocessing.pool.Pool, mutants: list[Mutant], checkout: Path) -> dict[str, list[str]]:
    """The test files of each family. One that fails on the sound code could kill anything: it is left out, aloud."""
    files = {family: family_tests(family, checkout) for family in sorted({each.family for each in mutants})}
    failures = dict(pool.imap_unordered(_sound, sorted({path for paths in files.values() for path in paths})))
    for path, failure in failures.items():
        if failure:
            print(f"left out: {path} fails without any mutation: {failure}", file=sys.stderr, flush=True)
    return {family: [path for path in paths if not failures[path]] for family, paths in files.items()}


def family_tests(family: str, checkout: Path) -> list[str]:
    folder = checkout / "tests" / "proofs" / family
    files = folder.rglob("test_*.py") if folder.is_dir() else folder.parent.glob(f"test_{family}.py")
    return [str(file.relative_to(checkout)) for file in sorted(files)]


def _sound(path: str) -> tuple[str, str]:
    failure = run_tests([path])
    if failure.test is not None:
        return path, f"{failure.test}: {failure.because}"
    return path, "" if failure.ran else "no test ran"


def _try(work: tuple[Mutant, list[str]]) -> Verdict:
    return try_mutant(*work)


def line(verdict: Verdict) -> str:
    outcome = "killed  " if verdict.killed_by else "no end  " if verdict.timed_out else "survived"
    told = f" by {verdict.killed_by}: {verdict.because}" if verdict.killed_by else ""
    return f"{outcome} {verdict.mutant} ({verdict.seconds:.1f} s){told}"


def report(verdicts: list[Verdict], *, as_json: bool) -> int:
    survivors = [each for each in verdicts if not each.killed_by and excuse(each) is None]
    if as_json:
        print(json.dumps([row(each) for each in sorted(verdicts, key=lambda each: str(each.mutant))], indent=1))
        return bool(survivors)
    families: dict[str, list[Verdict]] = defaultdict(list)
    for each in verdicts:
        families[each.mutant.family].append(each)
    for family, group in sorted(families.items()):
        killed = sum(1 for each in group if each.killed_by)
        excused = sum(1 for each in group if not each.killed_by and excuse(each) is not None)
        print(f"{family:<14} killed {killed}/{len(group)}" + (f", excused {excused}" if excused else ""))
    print(f"{len(survivors)} survived" if survivors else "no survivor")
    return bool(survivors)


def excuse(verdict: Verdict) -> str | None:
    return EXCUSED.get((verdict.mutant.path, verdict.mutant.qualified_name, verdict.mutant.refusal))


def row(verdict: Verdict) -> dict[str, object]:
    return {
        "predicate": str(verdict.mutant),
        "family": verdict.mutant.family,
        "errors": verdict.mutant.errors,
        "killed_by": verdict.killed_by,
        "because": verdict.because,
        "excuse": excuse(verdict),
        "seconds": round(verdict.seconds, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
