from __future__ import annotations

import pytest

from proofs.primitives import hashing


@pytest.mark.parametrize("name", ("sha256", "keccak256", "blake2b_256", "sm3"))
def test_a_library_that_hashes_wrongly_stops_the_process(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its absence is only seen from outside: the check runs when the module is imported."""

    def wrong(data: bytes) -> bytes:
        return bytes(32)

    hashing._check_known_answers()
    monkeypatch.setattr(hashing, name, wrong)
    with pytest.raises(RuntimeError, match="refusing to verify anything"):
        hashing._check_known_answers()
