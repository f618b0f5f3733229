"""A command loads what it runs when it runs: help, mistakes and questions to the relay are answered at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SHOW_LOADED = """
import sys
from relay.cli.main import main
code = main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""
# The store, the relay itself and the verifier of every family, each a good part of a second.
_HEAVY = {"sqlalchemy", "sqlmodel", "relay.app", "relay.attestor.service", "relay.demo.run", "proofs.bundle.verify"}


def loaded_by(*arguments: str) -> tuple[int, set[str]]:
    command = [sys.executable, "-c", _SHOW_LOADED, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", (("--help",), ("demo", "--help"), ("packets", "list", "--help")))
def test_help_loads_neither_store_nor_relay_nor_http(arguments: tuple[str, ...]) -> None:
    code, loaded = loaded_by(*arguments)
    assert code == 0
    assert "relay.cli.packets" in loaded, "the names of modules were read"
    assert not loaded & (_HEAVY | {"aiohttp"})


def test_a_mistake_in_the_configuration_is_told_without_loading_the_store() -> None:
    code, loaded = loaded_by("lanes", "list", "--config", "there-is-none.toml")
    assert code == 2
    assert "relay.config.load" in loaded, "the names of modules were read"
    assert not loaded & _HEAVY
