"""Every plugin counts its calls to nodes here, so that one metric tells what a ledger costs its providers."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

# error: the node refused. wrong: its answer made no sense. unavailable: there was none.
OUTCOMES: Final = ("ok", "error", "unavailable", "wrong")

RPC_CALLS: Final = Counter("causeway_rpc_calls_total", "Calls to ledger nodes.", ["ledger", "method", "outcome"])
