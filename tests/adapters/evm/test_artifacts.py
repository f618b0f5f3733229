"""The committed artefacts are what the committed sources compile to, byte for byte."""

from __future__ import annotations

import pytest

from adapters.evm.artifacts import ARTIFACTS, compile_all
from adapters.evm.toolchain import find_toolchain
from tests.nodes.anvil import require_anvil


@pytest.mark.nodes
@pytest.mark.slow
def test_compiling_again_gives_the_committed_artefacts() -> None:
    require_anvil()  # The compiler is installed with it.
    compiled = compile_all(find_toolchain())
    assert set(compiled) == {path.name for path in ARTIFACTS.iterdir()}
    for name, text in compiled.items():
        assert (ARTIFACTS / name).read_text() == text, name
