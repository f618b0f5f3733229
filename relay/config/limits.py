"""Every bound of the relay's work, with its unit, its range and its reason."""

from __future__ import annotations

from dataclasses import dataclass, fields

from relay.config.options import number, option, whole
from relay.pipeline.limits import PipelineLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds and paces. The defaults suit ledgers with blocks of a second or more."""

    poll_seconds: float = option(
        number(0.05, 3600, "seconds"),
        "How often a quiet ledger is asked for its head: faster costs calls, slower costs latency.",
        default=0.5,
        example="0.5",
    )
    scan_events: int = option(
        whole(1, 10_000, "events"),
        "Events read and stored in one transaction: bounds memory and the time the store is busy.",
        default=500,
        example="500",
    )
    round_claims: int = option(
        whole(1, 256, "claims"),
        "Paths proved together per lane and round: bounds one proof answer. Attestors take no more than 256.",
        default=200,
        example="200",
    )
    pool_per_lane: int = option(
        whole(1, 10_000, "deliveries"),
        "Verified and not yet submitted: a slow destination slows its own lanes only.",
        default=400,
        example="400",
    )
    outbox_per_lane: int = option(
        whole(1, 1_000_000, "messages"),
        "Users' messages stored and not yet sent, per lane: further ones are answered with 503, and nothing is stored.",
        default=10_000,
        example="10000",
    )
    verified_seconds_max: float = option(
        number(1, 86_400, "seconds"),
        "Older proofs may lean on heights that nodes no longer have: they are made again.",
        default=120.0,
        example="120.0",
    )
    guard_seconds: float = option(
        number(0.5, 3600, "seconds"),
        "How often the send counters are proved on an idle ledger: how long an omitted event can stay unnoticed.",
        default=10.0,
        example="10.0",
    )
    identity_seconds: float = option(
        number(1, 86_400, "seconds"),
        "How often a ledger is asked whether it is still the one we knew: chain, genesis, host, host code.",
        default=60.0,
        example="60.0",
    )
    health_seconds: float = option(
        number(0.5, 3600, "seconds"),
        "How long a look at the client on the host is good for.",
        default=5.0,
        example="5.0",
    )
    rebroadcast_seconds: float = option(
        number(1, 86_400, "seconds"),
        "An unfinished transaction is broadcast again (the same bytes): nodes forget.",
        default=10.0,
        example="10.0",
    )
    replace_seconds: float = option(
        number(1, 86_400, "seconds"),
        "An unfinished transaction is replaced by one with a higher fee, within the budget.",
        default=45.0,
        example="45.0",
    )
    attempts_max: int = option(
        whole(1, 100, "attempts"),
        "Transactions signed for one slot: each pays more than the last.",
        default=5,
        example="5",
    )
    failures_max: int = option(
        whole(1, 100, "failures"),
        "A delivery that fails so often, alone, rests until an operator looks at it: it would only burn fees.",
        default=8,
        example="8",
    )
    retry_first_seconds: float = option(
        number(0.05, 600, "seconds"),
        "First delay after a failure; it doubles with each further one, with jitter.",
        default=1.0,
        example="1.0",
    )
    retry_max_seconds: float = option(
        number(1, 86_400, "seconds"), "The longest delay between two tries.", default=60.0, example="60.0"
    )
    endpoint_retry_max_seconds: float = option(
        number(0.1, 3600, "seconds"),
        "The longest delay before a ledger whose endpoints failed is asked again.",
        default=PipelineLimits().endpoint_retry_max_seconds,
        example=f"{PipelineLimits().endpoint_retry_max_seconds}",
    )
    settle_seconds: float = option(
        number(0.5, 3600, "seconds"),
        "How soon a delivery that the host already has is looked at again.",
        default=5.0,
        example="5.0",
    )
    refresh_fraction: float = option(
        number(0.05, 0.95, "of a client's life"),
        "A client with less than this part of its life left is refreshed, on idle links too.",
        default=1 / 3,
        example="0.33",
    )
    refresh_patience: float = option(
        number(0.01, 0.9, "the rest of a client's life"),
        "How long a refresh may take to show before another is paid for: a part of what is left of the life.",
        default=1 / 4,
        example="0.25",
    )
    send_margin_seconds: int = option(
        whole(0, 86_400, "seconds"),
        "A message with less time left than this is not sent: it would arrive too late and be paid for.",
        default=2,
        example="2",
    )
    endpoint_timeout_seconds: float = option(
        number(0.1, 300, "seconds"),
        "How long `causeway config check --live` waits for one answer of a ledger.",
        default=15.0,
        example="15.0",
    )
    attestor_timeout_seconds: float = option(
        number(0.1, 300, "seconds"),
        "How long an attestor may take: it follows its own nodes, which may be a block behind ours.",
        default=10.0,
        example="10.0",
    )
    attestor_grace_seconds: float = option(
        number(0, 10, "seconds"),
        "How long slower attestors are still heard once a quorum stands: only to learn of one that lies.",
        default=0.1,
        example="0.1",
    )

    def pipeline(self) -> PipelineLimits:
        """The part that the pipeline takes, by the same names."""
        return PipelineLimits(**{each.name: getattr(self, each.name) for each in fields(PipelineLimits)})
