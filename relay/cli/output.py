"""What commands print: JSON for programs, tables for people. What ledgers and users wrote is shown as plain text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

_PIPED_COLUMNS: Final = 200  # a file has no width; cells must not be cut for one


def print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()


def print_json_line(value: object) -> None:
    """For services: whoever reads lines has it whole."""
    print_line(msgspec.json.encode(value).decode())


def print_line(text: str) -> None:
    sys.stdout.write(plain(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Beside the result: to standard error, so that standard output can be piped on."""
    sys.stderr.write(plain(text) + "\n")
    sys.stderr.flush()


def write_file(content: bytes, path: Path | None) -> None:
    """Bytes for programs: a terminal is not given them. Raises OSError."""
    if path is not None:
        path.write_bytes(content)
        note(f"{path}: {len(content)} bytes")
    elif sys.stdout.isatty():
        note("this is no text for a terminal: say --out FILE, or send standard output elsewhere")
        raise SystemExit(2)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """empty: said where there is no row, with what to do about it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[Text(plain(str(cell)), overflow="fold") for cell in row] for row in rows]
    if not cells:
        print_line(empty)
        return
    table = Table(title=title, title_justify="left", header_style="bold", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*row)
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else _PIPED_COLUMNS, markup=False).print(table)


def plain(text: str) -> str:
    """Without what a terminal would obey: escape sequences in a payload or an error stay visible, and harmless."""
    return "".join(each if each.isprintable() or each in "\n\t" else f"\\x{ord(each):02x}" for each in text)


def show_time(seconds: object) -> str:
    """Unix seconds as people read them."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return "–"
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def show_numbers(numbers: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in numbers.items())
