"""How a piece of work is timed next to its floor, on a machine where others work too.

Work and floor take turns within every round, so what slows one slows the other. Each round gives one ratio; printed is
the median of the rounds. One thread is timed by its own processor time; where threads are the subject, by the clock.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter, thread_time
from typing import Final

Work = Callable[[], object]

ROUNDS: Final = 15
# Long enough for the timer, short enough for the rounds to alternate often.
_SAMPLE_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Aim:
    """Reached by any that is given: a ratio not above, a ratio not below, milliseconds not above."""

    ratio_max: float | None = None
    ratio_min: float | None = None
    milliseconds_max: float | None = None

    def is_met(self, *, ratio: float | None, milliseconds: float) -> bool:
        return any(
            (
                ratio is not None and self.ratio_max is not None and ratio <= self.ratio_max,
                ratio is not None and self.ratio_min is not None and ratio >= self.ratio_min,
                self.milliseconds_max is not None and milliseconds <= self.milliseconds_max,
            )
        )

    def __str__(self) -> str:
        parts = []
        if self.ratio_max is not None:
            parts.append(f"≤ {self.ratio_max:g}×")
        if self.ratio_min is not None:
            parts.append(f"≥ {self.ratio_min:g}×")
        if self.milliseconds_max is not None:
            parts.append(f"≤ {self.milliseconds_max:g} ms")
        return " or ".join(parts)


@dataclass(frozen=True, slots=True)
class Subject:
    """floor: the part of the work that a cryptographic library does, on the same bytes. by_clock: threads take part."""

    name: str
    work: Work
    floor: Work | None = None
    floor_is: str = ""
    aim: Aim | None = None
    by_clock: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    subject: Subject
    milliseconds: float
    floor_milliseconds: float | None
    ratio: float | None

    @property
    def is_met(self) -> bool | None:
        """None: nobody aimed at anything."""
        aim = self.subject.aim
        return None if aim is None else aim.is_met(ratio=self.ratio, milliseconds=self.milliseconds)


def measure(subject: Subject, *, rounds: int = ROUNDS) -> Result:
    clock = perf_counter if subject.by_clock else thread_time
    work_times, floor_times, ratios = [], [], []
    # What a long life of the process has piled up is not searched anew in every sample.
    gc.collect()
    gc.freeze()
    work_repeats = _repeats(subject.work, clock)
    floor_repeats = _repeats(subject.floor, clock) if subject.floor else 1
    for _ in range(rounds):
        work_times.append(_time(subject.work, work_repeats, clock))
        if subject.floor is not None:
            floor_times.append(_time(subject.floor, floor_repeats, clock))
            ratios.append(work_times[-1] / floor_times[-1])
    gc.unfreeze()
    return Result(
        subject,
        median(work_times) * 1000,
        median(floor_times) * 1000 if floor_times else None,
        median(ratios) if ratios else None,
    )


def _repeats(work: Work, clock: Callable[[], float]) -> int:
    """How often to do the work in one sample. The first time only warms the caches up."""
    work()
    return max(1, int(_SAMPLE_SECONDS / max(_time(work, 1, clock), 1e-7)))


def _time(work: Work, repeats: int, clock: Callable[[], float]) -> float:
    """Seconds for doing the work once."""
    before = clock()
    for _ in range(repeats):
        work()
    return (clock() - before) / repeats
