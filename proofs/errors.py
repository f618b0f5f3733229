"""Why a proof was not accepted. The branch says what the caller should do, the fields say why.

VerificationError
├── InvalidProof              this evidence is wrong: drop it, blame whoever served it, ask another
│   ├── MalformedProof        the bytes do not have the one shape they must have
│   ├── LimitExceeded         the shape would be right, but it is larger than we are willing to work on
│   ├── UnsupportedProof      well-formed, but of a kind this verifier never accepts
│   ├── RootMismatch          the hashes lead to another root than the trusted one
│   ├── ValueMismatch         two fields that must agree do not (hash links, header against validator set …)
│   ├── WrongLedger           evidence of another chain, revision, fork or host
│   ├── HeightNotIncreasing   a header that does not advance what is trusted
│   ├── TimeNotIncreasing     a header whose time does not advance with its height
│   ├── InvalidSignature      a signature that does not verify
│   ├── UnknownSigner         a signer that the trusted set does not contain
│   ├── DuplicateSigner       one signer counted twice
│   ├── InsufficientVotingPower  too little of the set that must sign has signed
│   └── NotMisbehaviour       two pieces of evidence that do not contradict each other
└── NotYetVerifiable          nothing is proved wrong: fetch what is missing, or wait, then retry
    ├── UnknownHeight         no consensus state at this height: update the client first
    ├── UnknownCommittee      signed by a committee that is not known yet: the update of the period before first
    ├── NotEnoughTrust        too little of the trusted set signed to skip this far: bisect
    ├── NotYetFinal           valid, but too little was built on it yet: wait for more blocks
    ├── HeaderFromFuture      the header's time is ahead of the caller's clock
    ├── TrustExpired          the trusted state is older than the trusting period: a new checkpoint is needed
    └── ClientFrozen          misbehaviour was seen: nothing is believed until an operator decides
"""

from __future__ import annotations

from dataclasses import dataclass, fields


class VerificationError(Exception):
    """The root of every refusal in `proofs`. Renders as `Name field=value …`, bytes as short hex."""

    def __str__(self) -> str:
        shown = (f"{f.name}={render(getattr(self, f.name))}" for f in fields(self))  # type: ignore[arg-type]
        return " ".join((type(self).__name__, *shown))


def render(value: object) -> str:
    """Show one field of a refusal in a bounded length: hostile input must not flood a log."""
    text = value.hex() if isinstance(value, bytes | bytearray) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


class InvalidProof(VerificationError):
    """This evidence is wrong. It condemns its messenger, not the packet it speaks of."""


class NotYetVerifiable(VerificationError):
    """Nothing is proved wrong. Fetch what is missing, or wait, then retry."""


@dataclass(eq=False)
class MalformedProof(InvalidProof):
    """`part` did not have its one permitted shape: `got` is what was seen, `expected` what is permitted."""

    part: str
    got: object
    expected: object


@dataclass(eq=False)
class LimitExceeded(InvalidProof):
    """`part` is larger than this verifier works on. Refused before work grows with it."""

    part: str
    got: int
    limit: int


@dataclass(eq=False)
class UnsupportedProof(InvalidProof):
    part: str
    got: object
    expected: object


@dataclass(eq=False)
class RootMismatch(InvalidProof):
    part: str
    computed: bytes
    expected: bytes


@dataclass(eq=False)
class ValueMismatch(InvalidProof):
    part: str
    got: object
    expected: object


@dataclass(eq=False)
class WrongLedger(InvalidProof):
    part: str
    got: object
    expected: object


@dataclass(eq=False)
class HeightNotIncreasing(InvalidProof):
    got: int
    trusted: int


@dataclass(eq=False)
class TimeNotIncreasing(InvalidProof):
    got: int
    trusted: int


@dataclass(eq=False)
class InvalidSignature(InvalidProof):
    signer: bytes
    scheme: str


@dataclass(eq=False)
class UnknownSigner(InvalidProof):
    signer: bytes
    signers: str


@dataclass(eq=False)
class DuplicateSigner(InvalidProof):
    signer: bytes


@dataclass(eq=False)
class InsufficientVotingPower(InvalidProof):
    signed: int
    total: int
    signers: str


@dataclass(eq=False)
class NotMisbehaviour(InvalidProof):
    reason: str


@dataclass(eq=False)
class UnknownHeight(NotYetVerifiable):
    revision: int
    number: int


@dataclass(eq=False)
class UnknownCommittee(NotYetVerifiable):
    """Signed in `period`; committees are known up to the period `newest`."""

    period: int
    newest: int


@dataclass(eq=False)
class NotEnoughTrust(NotYetVerifiable):
    signed: int
    total: int


@dataclass(eq=False)
class NotYetFinal(NotYetVerifiable):
    """`part` counts what makes a block final where finality is only a matter of depth."""

    part: str
    got: int
    needed: int


@dataclass(eq=False)
class HeaderFromFuture(NotYetVerifiable):
    header_time: int
    now: int
    drift: int


@dataclass(eq=False)
class TrustExpired(NotYetVerifiable):
    expired_at: int
    now: int


@dataclass(eq=False)
class ClientFrozen(NotYetVerifiable):
    frozen_at: int
