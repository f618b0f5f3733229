"""What a ledger plugin may raise, and nothing else. The branch says whose fault it is.

LedgerError
├── EndpointTrouble          the endpoint's fault: ask another, or later
│   ├── EndpointUnavailable  no answer, an overload, a broken connection
│   ├── EndpointWrong        an answer that cannot be true: blame it
│   └── HistoryPruned        it no longer has what was asked for
├── HostRefusal              the host's word about one message or account
│   ├── RefusedForEver       no later state of the host can accept it
│   ├── RefusedForNow        it may be accepted later
│   ├── NotPermitted         the account lacks a role
│   └── OutOfFunds           the account cannot pay
└── LedgerBroken             the ledger's fault: halt it and tell an operator
    ├── IdentityChanged      another chain, genesis, host address or host code than the stored one
    └── FinalityViolated     a block that was final is no longer part of the chain
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from proofs.errors import render


class LedgerError(Exception):
    """The root. Renders as `Name field=value …`."""

    def __str__(self) -> str:
        shown = (f"{f.name}={render(getattr(self, f.name))}" for f in fields(self))  # type: ignore[arg-type]
        return " ".join((type(self).__name__, *shown))


class EndpointTrouble(LedgerError):
    """An endpoint failed us; the ledger may be well."""


class HostRefusal(LedgerError):
    """The host said no. Returned as a value where a batch is screened, raised where one thing was asked."""


class LedgerBroken(LedgerError):
    """The ledger itself broke a promise. Nothing more is signed for it until an operator decides."""


@dataclass(eq=False)
class EndpointUnavailable(EndpointTrouble):
    endpoint: str
    reason: str
    retry_after: float | None = None


@dataclass(eq=False)
class EndpointWrong(EndpointTrouble):
    endpoint: str
    what: str
    got: object
    expected: object


@dataclass(eq=False)
class HistoryPruned(EndpointTrouble):
    endpoint: str
    height: int


@dataclass(eq=False)
class RefusedForEver(HostRefusal):
    rule: str
    detail: str


@dataclass(eq=False)
class RefusedForNow(HostRefusal):
    """`rule` is from a closed list (`Rule` in messages.py), so that the relay can act on it."""

    rule: str
    detail: str
    retry_after: float | None = None


@dataclass(eq=False)
class NotPermitted(HostRefusal):
    role: str
    account: str


@dataclass(eq=False)
class OutOfFunds(HostRefusal):
    account: str
    balance: int
    needed: int


@dataclass(eq=False)
class IdentityChanged(LedgerBroken):
    part: str
    got: str
    expected: str


@dataclass(eq=False)
class FinalityViolated(LedgerBroken):
    height: int
    got: str
    expected: str
