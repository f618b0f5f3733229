"""Mutants that no test can notice, each with the reason. (path, qualified name, refusal or None) → why."""

from __future__ import annotations

from typing import Final

EXCUSED: Final[dict[tuple[str, str, int | None], str]] = {}
