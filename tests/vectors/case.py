"""One judgement to make: where it comes from, what its author expects, and how the product is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tests.vectors.files import DataFile


@dataclass(frozen=True, slots=True)
class Expected:
    verdict: Literal["accept", "reject"]
    value: object = None
    has_value: bool = False

    def flipped(self) -> Expected:
        """The opposite of what the author said: nothing may be right then."""
        if self.verdict == "reject":
            return ACCEPT
        return Expected("accept", ("not", self.value), has_value=True) if self.has_value else REJECT


ACCEPT: Final = Expected("accept")
REJECT: Final = Expected("reject")


def value(expected: object) -> Expected:
    """Accepted, and `verify` returns something equal to `expected`."""
    return Expected("accept", expected, has_value=True)


def accept_if(says_accept: bool) -> Expected:  # the one place where a verdict of a file becomes ours
    return ACCEPT if says_accept else REJECT


@dataclass(frozen=True, slots=True)
class Case:
    file: DataFile
    name: str
    expected: Expected
    verify: Callable[[], object]
