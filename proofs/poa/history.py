"""The heights that a client believes in: bounded, ascending, and each with one block.

A block that contradicts a believed one is not an error of its own. It tells that somebody broke the protocol, which
the client answers by freezing: `with_state` returns None then.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import Final, Generic, Protocol, TypeVar

from proofs.errors import HeightNotIncreasing, MalformedProof, TimeNotIncreasing, UnknownHeight
from proofs.light_client import Height
from proofs.poa.rules import check_revision

# A relay proves at the newest heights only; the rest serves as start for evidence and against equivocation.
STATES_MAX: Final = 64


class State(Protocol):
    """What every flavour keeps of a block. time: unix seconds."""

    @property
    def number(self) -> int: ...
    @property
    def hash(self) -> bytes: ...
    @property
    def parent_hash(self) -> bytes: ...
    @property
    def state_root(self) -> bytes: ...
    @property
    def time(self) -> int: ...


StateT = TypeVar("StateT", bound=State)


@dataclass(frozen=True, slots=True)
class History(Generic[StateT]):
    """states: at least one, at most STATES_MAX, ascending."""

    states: tuple[StateT, ...]

    def latest(self) -> StateT:
        return self.states[-1]

    def find(self, number: int) -> StateT | None:
        index = self._index(number)
        return self.states[index] if index < len(self.states) and self.states[index].number == number else None

    def at(self, height: Height) -> StateT:
        """Raises UnknownHeight, and WrongLedger for a revision."""
        check_revision(height)
        state = self.find(height.number)
        if state is None:
            raise UnknownHeight(0, height.number)
        return state

    def below(self, number: int) -> StateT:
        """The newest state below `number`. Raises UnknownHeight."""
        index = self._index(number)
        if index == 0:
            raise UnknownHeight(0, number - 1)
        return self.states[index - 1]

    def with_state(self, new: StateT) -> History[StateT] | None:
        """The history that also believes `new`; None if that contradicts it."""
        index = self._index(new.number)
        before, after = self.states[:index], self.states[index:]
        if after and after[0].number == new.number:
            return self if after[0].hash == new.hash else None
        if after and after[0].number == new.number + 1 and after[0].parent_hash != new.hash:
            return None
        if (before and before[-1].time > new.time) or (after and after[0].time < new.time):
            return None
        return History((*before, new, *after)[-STATES_MAX:])

    def _index(self, number: int) -> int:
        return bisect_left(self.states, number, key=attrgetter("number"))


def check_states(states: tuple[StateT, ...]) -> None:
    """Look-up is by bisection, so heights ascend; time never runs backwards. A client believes at least one height."""
    if not 1 <= len(states) <= STATES_MAX:
        raise MalformedProof("consensus states", got=len(states), expected=f"1 to {STATES_MAX}")
    for earlier, later in pairwise(states):
        if later.number <= earlier.number:
            raise HeightNotIncreasing(got=later.number, trusted=earlier.number)
        if later.time < earlier.time:
            raise TimeNotIncreasing(got=later.time, trusted=earlier.time)
