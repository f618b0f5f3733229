"""How the host says no: a code that is a `Rule`, or one of the few words beside it, and a detail for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.contract.errors import HostRefusal, NotPermitted, OutOfFunds, RefusedForEver, RefusedForNow
from adapters.contract.messages import Rule

NOT_PERMITTED: Final = "not_permitted"
OUT_OF_FUNDS: Final = "out_of_funds"

# No later state of the host accepts these: what they name is part of the message itself.
_FOR_EVER: Final = frozenset({Rule.EXPIRED, Rule.WRONG_COUNTERPARTY, Rule.OTHER_PACKET, Rule.PAYLOADS})


@dataclass(eq=False)
class Refused(Exception):
    """Raised while a message is executed; it takes the whole transaction with it."""

    code: str
    detail: str

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def to_refusal(code: str, detail: str, account: str) -> HostRefusal:
    """The host's word in the contract's errors."""
    if code == NOT_PERMITTED:
        return NotPermitted(role=detail, account=account)
    if code == OUT_OF_FUNDS:
        return OutOfFunds(account=account, balance=0, needed=0)
    rule = Rule.FEE_CAP if code == "underpriced" else to_rule(code)
    return RefusedForEver(rule, detail) if rule in _FOR_EVER else RefusedForNow(rule, detail)


def to_rule(code: str) -> Rule:
    return Rule(code) if code in set(Rule) else Rule.UNKNOWN
