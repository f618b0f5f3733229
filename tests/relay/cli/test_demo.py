"""Mistakes in a call of the demo are told before anything is started."""

from __future__ import annotations

import pytest

from relay.cli.main import main


@pytest.mark.parametrize("arguments", (["--packets", "3"], ["--report", "r.json"], ["--exit"]))
def test_an_option_that_would_have_no_effect_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *arguments]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert "--exit" in shown.err
