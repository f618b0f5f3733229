"""Every bound of the pipeline, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Keeping:
    """Of evidence. enabled: whether any is kept. days and bytes_max: what is older, or too much, is deleted."""

    enabled: bool = True
    days: int = 30
    bytes_max: int = 256 << 20


@dataclass(frozen=True, slots=True)
class PipelineLimits:
    """Defaults suit ledgers with blocks of a second; `relay.config` sets them from the file."""

    poll_seconds: float = 0.5  # how often a quiet ledger is asked for its head
    scan_events: int = 500  # per scan: bounds one transaction of the store
    round_claims: int = 200  # per lane and round: bounds one proof answer
    pool_per_lane: int = 400  # verified and not yet submitted: a slow destination slows its lanes only
    outbox_per_lane: int = 10_000  # users' messages stored and not yet sent: more are refused with 503
    verified_seconds_max: float = 120.0  # older proofs may lean on pruned heights: prove again
    guard_seconds: float = 10.0  # how often the send counters are proved on an idle ledger
    identity_seconds: float = 60.0  # how often a ledger is asked whether it is still the one we knew
    health_seconds: float = 5.0  # how long a look at the client on the host is good for
    rebroadcast_seconds: float = 10.0  # the same bytes again, in case a node forgot them
    replace_seconds: float = 45.0  # a transaction that still waits then gets a higher fee
    attempts_max: int = 5  # per slot
    failures_max: int = 8  # of one delivery alone, before it is quarantined
    retry_first_seconds: float = 1.0
    retry_max_seconds: float = 60.0
    endpoint_retry_max_seconds: float = 10.0  # a ledger that is back is noticed soon
    settle_seconds: float = 5.0  # how soon a delivery that the host already has is looked at again
    refresh_fraction: float = 1 / 3  # of a client's life: below it, it is refreshed without a packet
    refresh_patience: float = 1 / 4  # of what is left then: so long is waited for a refresh to show before another
    send_margin_seconds: int = 2  # a message with less time left than this is not sent


def retry_delay(failures: int, limits: PipelineLimits, chance: Random) -> float:
    """Seconds until the next try: doubling, bounded, and spread so that equal troubles do not come back together."""
    assert failures >= 1, "a delay follows a failure"
    doublings = min(failures - 1, 32)  # Bounded: 2.0**1024 overflows.
    delay = min(limits.retry_first_seconds * 2.0**doublings, limits.retry_max_seconds)
    return delay * (0.5 + chance.random() / 2)
