"""Reading one TOML table strictly: what is not declared is refused, with the nearest name that is."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from relay.config.options import LEDGER_NAME, NAME_SHAPE, options_of
from relay.config.problems import Problems, Words

T = TypeVar("T")

_FILE_BYTES_MAX: Final = 1 << 20  # a configuration is written by people
_ITEMS_MAX: Final = 1000  # links, groups, members: each costs a task or a row


@dataclass(frozen=True, slots=True)
class Table:
    """A table, where it stands, and where its problems go."""

    content: dict[str, Any]
    key: str
    problems: Problems

    def at(self, name: str) -> str:
        """The dotted path of one of its keys."""
        return f"{self.key}.{name}" if self.key else name

    def refuse(self, name: str, *, got: object, expected: str) -> None:
        self.problems.add(self.at(name) if name else self.key, got=got, expected=expected)

    def read(self, section: type[T], *, tables: Iterable[str] = (), **given: Any) -> T | None:
        """Build `section` from this table; None when a problem was found.

        tables: names in the table that are read apart.
        given:  fields that do not come from the table.
        """
        options = options_of(section)
        self.refuse_unknown((*options, *tables))
        values: dict[str, Any] = {}
        sound = True
        for name, each in options.items():
            if name not in self.content:
                if each.required:
                    self.refuse(name, got=Words("nothing"), expected=each.kind.expected)
                    sound = False
                continue
            try:
                values[name] = each.kind.parse(self.content[name], self.problems.file.parent)
            except ValueError:
                self.refuse(name, got=self.content[name], expected=each.kind.expected)
                sound = False
        return section(**values, **given) if sound else None

    def refuse_unknown(self, known: Iterable[str]) -> None:
        known = tuple(known)
        for name in self.content:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                meant = f"{near[0]!r}: did you mean that?" if near else f"one of {', '.join(known) or 'no key at all'}"
                self.refuse(name, got=Words("an unknown key"), expected=meant)

    def table(self, name: str) -> Table:
        """A table below; empty where it is missing, so that its required options are named one by one."""
        value = self.content.get(name, {})
        if not isinstance(value, dict):
            self.refuse(name, got=value, expected="a table")
            value = {}
        return Table(value, self.at(name), self.problems)

    def named_tables(self, name: str) -> Iterator[tuple[str, Table]]:
        """The tables [name.*]."""
        below = self.table(name)
        if len(below.content) > _ITEMS_MAX:
            self.refuse(name, got=Words(f"{len(below.content)} tables"), expected=f"at most {_ITEMS_MAX}")
            return
        for key in below.content:
            if not LEDGER_NAME.fullmatch(key):
                below.refuse(key, got=Words("this name"), expected=NAME_SHAPE)
            yield key, below.table(key)

    def list_of_tables(self, name: str) -> Iterator[Table]:
        """The tables [[name]]."""
        value = self.content.get(name, [])
        if not isinstance(value, list) or len(value) > _ITEMS_MAX:
            self.refuse(name, got=value, expected=f"at most {_ITEMS_MAX} tables, each under [[{self.at(name)}]]")
            return
        for index, each in enumerate(value):
            if isinstance(each, dict):
                yield Table(each, f"{self.at(name)}[{index}]", self.problems)
            else:
                self.refuse(f"{name}[{index}]", got=each, expected="a table")


def read_file(path: Path) -> Table:
    """Raises ConfigRefused when there is no TOML to read."""
    problems = Problems(path)
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
        if len(content) > _FILE_BYTES_MAX:
            problems.add("", got=Words("a longer file"), expected=f"at most {_FILE_BYTES_MAX} bytes")
            problems.refuse_any()
        return Table(tomllib.loads(content.decode()), "", problems)
    except OSError as trouble:
        problems.add("", got=Words(trouble.strerror or "no file"), expected="a readable file")
    except UnicodeDecodeError as trouble:
        problems.add("", got=Words(f"byte {trouble.start} that is no UTF-8"), expected="a TOML file in UTF-8")
    except tomllib.TOMLDecodeError as trouble:
        problems.add("", got=Words(str(trouble)), expected="TOML")
    except RecursionError:
        problems.add("", got=Words("tables or lists nested without end"), expected="TOML")
    problems.refuse_any()
    raise AssertionError("a file that was not read is a problem")
