"""What is wrong with a configuration: every fault at once, each by file, key, what stands there and what should."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# A URL's user and password must not reach a terminal or a log, not even in a complaint about it.
_CREDENTIALS: Final = re.compile(r"(://)[^/@\s]*@")
_SHOWN_MAX: Final = 120


@dataclass(frozen=True, slots=True)
class Problem:
    """key: dotted path, list items as links[0].a.ledger; "" for the whole file."""

    file: Path
    key: str
    got: str
    expected: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else str(self.file)
        return f"{where}: got {self.got}, expected {self.expected}"


@dataclass(eq=False)
class ConfigRefused(Exception):
    """A configuration is wrong. Nothing was started."""

    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class Problems:
    """Collects what one file gets wrong, so that an operator corrects it in one round."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._found: list[Problem] = []

    def add(self, key: str, *, got: object, expected: str) -> None:
        self._found.append(Problem(self.file, key, show(got), expected))

    def refuse_any(self) -> None:
        """Raises ConfigRefused."""
        if self._found:
            raise ConfigRefused(tuple(self._found))


class Words(str):
    """What was got in our own words, shown without quotation marks."""

    __slots__ = ()


def show(value: object) -> str:
    """As it would stand in the file, bounded, without credentials."""
    if isinstance(value, Words):
        text = str(value)
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, dict):
        text = "a table"
    else:
        text = repr(value)
    text = _CREDENTIALS.sub(r"\1…@", text)
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 1]}…"
