"""The one thing the parts of this plugin need of a connection: to call a JSON-RPC method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Rpc(Protocol):
    async def call(self, method: str, params: Sequence[object]) -> object:
        """Return the decoded `result`. Raises LedgerError: what the node refused, or that it did not answer."""
        ...
