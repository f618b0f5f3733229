"""A mebibyte of hostile evidence and a mebibyte of hostile proof for each family: the worst of all that we know."""

from __future__ import annotations

from collections.abc import Sequence
from time import thread_time

from tests.bench.measure import Aim, Subject
from tests.proofs.hostile import Attack, attacks


def subjects() -> Sequence[Subject]:
    worst: dict[str, tuple[float, Attack]] = {}
    for attack in attacks():
        kind = attack.name.partition(":")[0]
        taken = _seconds(attack)
        if kind not in worst or taken > worst[kind][0]:
            worst[kind] = taken, attack
    return [
        Subject(f"hostile {kind}", attack.refused, None, attack.name.partition(": ")[2], Aim(milliseconds_max=50))
        for kind, (_, attack) in worst.items()
    ]


def _seconds(attack: Attack) -> float:
    """The better of two, so that warming up condemns nobody."""
    times = []
    for _ in range(2):
        before = thread_time()
        attack.refused()
        times.append(thread_time() - before)
    return min(times)
