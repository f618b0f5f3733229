"""`python -m tests.fuzz [--family F] [--cases N] [--first-seed S]`: N changed inputs per target; exit 1 on a crash."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.targets import targets
from tests.proofs.fuzzing import assert_only_refusals


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--family", action="append", help="only this family; may be repeated")
    parser.add_argument("--cases", type=int, default=1_000_000, help="for each target")
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    crashed = 0
    for target in targets():
        if options.family and target.family not in options.family:
            continue
        started = time.monotonic()
        try:
            taken = assert_only_refusals(target.parse, target.seeds, options.cases, first_seed=options.first_seed)
        except AssertionError as crash:
            crashed += 1
            print(f"{target!s:<34} CRASH {crash}", flush=True)
        else:
            rate = options.cases / (time.monotonic() - started)
            print(f"{target!s:<34} {options.cases} cases, {taken} taken, {rate:,.0f}/s", flush=True)
    return bool(crashed)


if __name__ == "__main__":
    sys.exit(main())
