"""How every loop of a ledger runs: step after step, waiting when there is nothing to do, and patient with endpoints.

Errors are sorted here once. An endpoint's trouble slows this loop and no other; what breaks a ledger's promises leaves,
and so does every mistake of ours: it ends the process and is seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from random import Random
from typing import Protocol

from prometheus_client import Counter

from adapters.contract.errors import EndpointTrouble, HostRefusal
from relay.pipeline.limits import PipelineLimits, retry_delay

log = logging.getLogger(__name__)

TROUBLES = Counter("causeway_endpoint_troubles_total", "Steps that an endpoint's trouble ended.", ["ledger", "loop"])


class Stepping(Protocol):
    """step: do what there is to do; return whether there may be more at once. wake: set by whoever brings work."""

    @property
    def wake(self) -> asyncio.Event: ...

    async def step(self) -> bool: ...


async def keep_stepping(
    loop: Stepping,
    *,
    ledger: str,
    name: str,
    limits: PipelineLimits,
    chance: Random,
    report: Callable[[str, str], None],
) -> None:
    """Run until cancelled. report: called with the loop's name and what troubles it, or "" when it is well again."""
    failures = 0
    while True:
        try:
            busy = await loop.step()
        except (EndpointTrouble, HostRefusal) as trouble:
            failures += 1
            TROUBLES.labels(ledger, name).inc()
            log.warning("ledger %s: %s is tried again: %s", ledger, name, trouble)
            report(name, str(trouble))
            delay = min(retry_delay(failures, limits, chance), limits.endpoint_retry_max_seconds)
            await wait_for(loop.wake, delay)
            continue
        if failures:
            failures = 0
            report(name, "")
        if not busy:
            await wait_for(loop.wake, limits.poll_seconds)


async def wait_for(wake: asyncio.Event, seconds: float) -> None:
    """Wait until woken, `seconds` at the most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
    wake.clear()
