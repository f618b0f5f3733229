"""The life of a delivery: one table of steps, and the closed list of reasons to wait.

    found ─▶ WAITING ──PROVED──▶ VERIFIED ──PREPARED──▶ IN_FLIGHT ──INCLUDED──▶ INCLUDED
               ▲ │                  │                      │ ▲                      │
               │ └─ABSENT─▶ MOOT    └─STALE, REFUSED       │ └──────ORPHANED────────┤
               │ └─CONTRADICTED─▶ REFUTED                  │                        │
               ├────────────DROPPED, REVERTED──────────────┴────────────────────────┘
               └─RELEASE── QUARANTINED ◀──REFUSED── (alone, by a named rule)
                               └─DISCARD─▶ ABANDONED ──RELEASE─▶ WAITING

    SETTLED (a final event on the destination) leads from every open state to DONE;
    OVERTAKEN (the packet ended the other way) from every open state to MOOT.

VERIFIED and INCLUDED live in memory only: after a restart they are WAITING and IN_FLIGHT again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class DeliveryKind(StrEnum):
    RECEIVE = "receive"
    ACKNOWLEDGE = "acknowledge"
    TIMEOUT = "timeout"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    VERIFIED = "verified"
    IN_FLIGHT = "in_flight"
    INCLUDED = "included"
    QUARANTINED = "quarantined"
    DONE = "done"
    MOOT = "moot"
    REFUTED = "refuted"
    ABANDONED = "abandoned"


class DeliveryEvent(StrEnum):
    PROVED = "proved"
    ABSENT = "absent"
    CONTRADICTED = "contradicted"
    STALE = "stale"
    PREPARED = "prepared"
    REFUSED = "refused"
    INCLUDED = "included"
    ORPHANED = "orphaned"
    DROPPED = "dropped"
    REVERTED = "reverted"
    SETTLED = "settled"
    OVERTAKEN = "overtaken"
    RELEASE = "release"
    DISCARD = "discard"


class WaitReason(StrEnum):
    """Why an open delivery is not moving. The numbers that belong to each are kept beside it."""

    QUEUED = "queued"  # nothing stands in its way: the next round takes it
    PROOF_LAG = "proof_lag"  # height, needed
    NO_QUORUM = "no_quorum"  # answered, needed, reasons
    LEDGER_UNAVAILABLE = "ledger_unavailable"  # ledger, error
    LEDGER_HALTED = "ledger_halted"  # ledger, error
    PAUSED = "paused"
    FILTERED = "filtered"  # filter, value
    CLIENT_EXPIRED = "client_expired"  # client, expired_at
    CLIENT_FROZEN = "client_frozen"  # client
    CLIENT_MISMATCH = "client_mismatch"  # client, part, got, expected
    NOT_PERMITTED = "not_permitted"  # role, account
    NO_FUNDS = "no_funds"  # account, balance, needed
    OVER_BUDGET = "over_budget"  # scope, spent, needed, limit
    FEE_CAP = "fee_cap"  # needed, limit
    RECEIVE_EXPIRED = "receive_expired"  # timeout, time: its timeout will end it
    TIME_NOT_REACHED = "time_not_reached"  # time, timeout
    ON_HOST_UNFINAL = "on_host_unfinal"  # already done there: its final event is awaited
    REVERTED = "reverted"  # rule, detail
    REFUSED = "refused"  # rule, detail
    RETRY = "retry"  # error
    PENDING = "pending"  # transaction, since: broadcast, not included
    INCLUDED_UNFINAL = "included_unfinal"  # transaction, height


OPEN: Final = frozenset(
    {
        DeliveryState.WAITING,
        DeliveryState.VERIFIED,
        DeliveryState.IN_FLIGHT,
        DeliveryState.INCLUDED,
        DeliveryState.QUARANTINED,
    }
)
TERMINAL: Final = frozenset({DeliveryState.DONE, DeliveryState.MOOT, DeliveryState.REFUTED})

TRANSITIONS: Final[dict[tuple[DeliveryState, DeliveryEvent], DeliveryState]] = {
    (DeliveryState.WAITING, DeliveryEvent.PROVED): DeliveryState.VERIFIED,
    # Gone from the source although it was sent there: it ended elsewhere.
    (DeliveryState.WAITING, DeliveryEvent.ABSENT): DeliveryState.MOOT,
    # Refutes this sighting, not the packet: a later final event opens another row.
    (DeliveryState.WAITING, DeliveryEvent.CONTRADICTED): DeliveryState.REFUTED,
    (DeliveryState.WAITING, DeliveryEvent.REFUSED): DeliveryState.QUARANTINED,
    (DeliveryState.VERIFIED, DeliveryEvent.STALE): DeliveryState.WAITING,
    (DeliveryState.VERIFIED, DeliveryEvent.PREPARED): DeliveryState.IN_FLIGHT,
    (DeliveryState.VERIFIED, DeliveryEvent.REFUSED): DeliveryState.QUARANTINED,
    (DeliveryState.IN_FLIGHT, DeliveryEvent.INCLUDED): DeliveryState.INCLUDED,
    (DeliveryState.INCLUDED, DeliveryEvent.ORPHANED): DeliveryState.IN_FLIGHT,
    # The slot went to another transaction: what was proved is old by now.
    (DeliveryState.IN_FLIGHT, DeliveryEvent.DROPPED): DeliveryState.WAITING,
    (DeliveryState.INCLUDED, DeliveryEvent.DROPPED): DeliveryState.WAITING,
    (DeliveryState.IN_FLIGHT, DeliveryEvent.REVERTED): DeliveryState.WAITING,
    (DeliveryState.INCLUDED, DeliveryEvent.REVERTED): DeliveryState.WAITING,
    (DeliveryState.IN_FLIGHT, DeliveryEvent.REFUSED): DeliveryState.QUARANTINED,
    (DeliveryState.INCLUDED, DeliveryEvent.REFUSED): DeliveryState.QUARANTINED,
    (DeliveryState.QUARANTINED, DeliveryEvent.RELEASE): DeliveryState.WAITING,
    (DeliveryState.QUARANTINED, DeliveryEvent.DISCARD): DeliveryState.ABANDONED,
    (DeliveryState.ABANDONED, DeliveryEvent.RELEASE): DeliveryState.WAITING,
    # The final event on the host is what counts, not who paid for it.
    **{(state, DeliveryEvent.SETTLED): DeliveryState.DONE for state in OPEN},
    **{(state, DeliveryEvent.OVERTAKEN): DeliveryState.MOOT for state in OPEN},
    # An operator gave it up; the ledgers ended it all the same.
    (DeliveryState.ABANDONED, DeliveryEvent.SETTLED): DeliveryState.DONE,
    (DeliveryState.ABANDONED, DeliveryEvent.OVERTAKEN): DeliveryState.MOOT,
}

_PERSISTED_AS: Final = {
    DeliveryState.VERIFIED: DeliveryState.WAITING,
    DeliveryState.INCLUDED: DeliveryState.IN_FLIGHT,
}


class IllegalTransition(AssertionError):
    """A step that the table does not have: a mistake of ours, so it ends the process and is seen."""


def next_state(state: DeliveryState, event: DeliveryEvent) -> DeliveryState:
    """Raises IllegalTransition."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{event} does not lead out of {state}") from None


def persisted(state: DeliveryState) -> DeliveryState:
    """How a state is written to the store: what a crash must know, not what is cheap to find out again."""
    return _PERSISTED_AS.get(state, state)


class PacketLife(StrEnum):
    """A packet's life, derived from facts alone."""

    SENT = "sent"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    TIMED_OUT = "timed_out"


LIFE_ENDED: Final = frozenset({PacketLife.ACKNOWLEDGED, PacketLife.TIMED_OUT})


def packet_life(*, received: bool, acknowledged: bool, timed_out: bool) -> PacketLife:
    assert not (acknowledged and timed_out), "a packet ends once"
    if acknowledged:
        return PacketLife.ACKNOWLEDGED
    if timed_out:
        return PacketLife.TIMED_OUT
    return PacketLife.RECEIVED if received else PacketLife.SENT
