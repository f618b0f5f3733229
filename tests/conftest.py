"""Fixtures that all tests may ask for by name."""

from __future__ import annotations

from tests.nodes.anvil import anvil as anvil  # noqa: PLC0414 - a fixture, exported on purpose
