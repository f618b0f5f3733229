"""The committed artefacts are what the committed sources compile to, byte for byte."""

from __future__ import annotations

import pytest

from adapters.evm.artifacts import ARTIFACTS, compile_all
from adapters.evm.toolchain import ToolchainUnavailable, find_toolchain


@pytest.mark.nodes
@pytest.mark.slow
def test_compiling_again_gives_the_committed_artefacts() -> None:
    try:
        toolchain = find_toolchain()
    except ToolchainUnavailable as reason:
        pytest.skip(f"no Solidity compiler here: {reason}")
    compiled = compile_all(toolchain)
    assert set(compiled) == {path.name for path in ARTIFACTS.iterdir()}
    for name, text in compiled.items():
        assert (ARTIFACTS / name).read_text() == text, name
