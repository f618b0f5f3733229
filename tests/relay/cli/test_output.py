"""What a terminal or a log is shown stays text, whatever an endpoint or a user wrote."""

from __future__ import annotations

import json
import logging

import pytest

from relay.cli.logs import JsonFormatter, TextFormatter
from relay.cli.output import plain, print_table, show_time


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("relay.watch", logging.WARNING, "watch.py", 1, "said: %s", (message,), None)


def test_a_terminal_is_not_commanded_by_what_it_shows() -> None:
    assert plain("a\x1b[2Jb\rc\u202ed") == "a\\x1b[2Jb\\x0dc\\x202ed"
    assert plain("two\nlines\tand ü") == "two\nlines\tand ü"


def test_a_cell_is_shown_as_it_is_and_not_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Packets", ("id",), [("[bold]x[/bold] \x1b[31m",)], empty="none")
    assert "[bold]x[/bold] \\x1b[31m" in capsys.readouterr().out


def test_a_long_cell_is_folded_and_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Packets", ("id",), [("x" * 450,)], empty="none")
    assert capsys.readouterr().out.count("x") == 450


def test_an_empty_table_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Packets", ("id",), [], empty="no such packets")
    assert capsys.readouterr().out == "no such packets\n"


@pytest.mark.parametrize(
    ("seconds", "shown"), ((0, "1970-01-01 00:00:00Z"), (None, "–"), (1 << 63, str(1 << 63)), (True, "–"))
)
def test_times_are_shown_as_people_read_them(seconds: object, shown: str) -> None:
    assert show_time(seconds) == shown


def test_a_logged_message_cannot_begin_a_line_of_its_own() -> None:
    line = TextFormatter().format(record("x\n2026-01-01 critical relay: all is lost"))
    assert "\n" not in line
    assert line.endswith("warning  relay.watch: said: x\\n2026-01-01 critical relay: all is lost")


def test_a_json_log_has_one_object_per_line() -> None:
    line = JsonFormatter().format(record("x\ny"))
    assert "\n" not in line
    logged = json.loads(line)
    assert logged.pop("time").endswith("+00:00")
    assert logged == {"level": "warning", "logger": "relay.watch", "message": "said: x\ny"}
