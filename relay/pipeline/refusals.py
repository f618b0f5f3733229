"""What a host's refusal of a delivery means: it waits, its lane waits, or it is poison. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.contract.errors import HostRefusal, NotPermitted, OutOfFunds, RefusedForEver, RefusedForNow
from adapters.contract.messages import Rule
from relay.lifecycle import WaitReason


@dataclass(frozen=True, slots=True)
class Verdict:
    """reason and numbers are shown to people. poison: alone and refused again, it goes to quarantine.

    failed: counts against the delivery; what its lane or its account lacks does not.
    """

    reason: WaitReason
    numbers: dict[str, object]
    poison: bool = False
    failed: bool = False
    retry_after: float | None = None


_LANE_WAITS: Final = {
    Rule.CLIENT_FROZEN: WaitReason.CLIENT_FROZEN,
    Rule.CLIENT_EXPIRED: WaitReason.CLIENT_EXPIRED,
    Rule.QUORUM: WaitReason.CLIENT_MISMATCH,
    Rule.UNKNOWN_CLIENT: WaitReason.CLIENT_MISMATCH,
    Rule.EXPIRED: WaitReason.RECEIVE_EXPIRED,
    Rule.NOT_YET_EXPIRED: WaitReason.TIME_NOT_REACHED,
    Rule.FEE_CAP: WaitReason.FEE_CAP,
    Rule.PAUSED: WaitReason.REFUSED,
}
_POISON: Final = frozenset(
    {Rule.UNKNOWN_PORT, Rule.WRONG_COUNTERPARTY, Rule.OTHER_PACKET, Rule.PAYLOADS, Rule.APP_REFUSES}
)


def judge(refusal: HostRefusal) -> Verdict:
    match refusal:
        case NotPermitted(role, account):
            return Verdict(WaitReason.NOT_PERMITTED, {"role": role, "account": account})
        case OutOfFunds(account, balance, needed):
            return Verdict(WaitReason.NO_FUNDS, {"account": account, "balance": balance, "needed": needed})
        case RefusedForEver(Rule.EXPIRED, detail):
            # For ever, but no fault of the packet: its timeout ends it.
            return _for_now(Rule.EXPIRED, detail, None)
        case RefusedForEver(rule, detail):
            return Verdict(WaitReason.REFUSED, {"rule": rule, "detail": detail}, poison=True, failed=True)
        case RefusedForNow(rule, detail, retry_after):
            return _for_now(rule, detail, retry_after)
        case _:
            raise AssertionError(f"the contract's tree of refusals is closed, yet here is {refusal!r}")


def _for_now(rule: str, detail: str, retry_after: float | None) -> Verdict:
    numbers: dict[str, object] = {"rule": rule, "detail": detail}
    if rule in _LANE_WAITS:
        return Verdict(_LANE_WAITS[Rule(rule)], numbers, retry_after=retry_after)
    poison = rule in _POISON
    return Verdict(WaitReason.REFUSED, numbers, poison=poison, failed=True, retry_after=retry_after)
