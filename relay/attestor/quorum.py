"""A quorum out of several attestors, counted per path; whatever contradicts what we verified is dropped and counted.

The signed bytes are written here from our own light client's facts, never taken from an answer: a signature either fits
them or is nothing. So an attestor that lies about a value or a time is told apart, shown, and never handed on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter

from proofs.attestation.types import Attested
from proofs.errors import VerificationError
from proofs.light_client import Claim, Height
from proofs.primitives.secp256k1 import address_of, recover
from relay.attestor.client import AttestorClient, NoAnswer
from relay.attestor.statements import path_data, path_digest, state_data, state_digest
from relay.attestor.wire import Answer

ANSWERS = Counter(
    "causeway_attestor_answers_total",
    "Answers of attestors by outcome: agreed, unavailable, refused, malformed, lied_time, lied_value, bad_signature.",
    ["ledger", "attestor", "outcome"],
)


@dataclass(frozen=True, slots=True)
class Quorum:
    """state and each path carry exactly the needed signatures, or None where too few agreed.

    answered: attestors whose state signature fits ours. reasons: per attestor that did not agree with everything.
    """

    state: Attested | None
    paths: tuple[Attested | None, ...]
    answered: int
    needed: int
    reasons: dict[str, str]

    @property
    def missing(self) -> int:
        """Paths without a quorum."""
        return sum(path is None for path in self.paths)


@dataclass(slots=True)
class _Ballot:
    """One set of bytes and who signed it. data None: nothing that hosts could hold."""

    data: bytes | None
    digest: bytes
    signatures: list[bytes] = field(default_factory=list)

    def attested(self, needed: int) -> Attested | None:
        if self.data is None or len(self.signatures) < needed:
            return None
        # Exactly m: hosts verify each one again, in every message.
        return Attested(self.data, tuple(self.signatures[:needed]))


@dataclass(frozen=True, slots=True)
class AttestorGroup:
    """Attestors of one source ledger and host, for clients of one variant.

    ledger: the source's name, for metrics. chain_id and host: from the identity of the source.
    grace_seconds: how long the rest is heard once a quorum stands, only to learn of one that lies.
    """

    ledger: str
    chain_id: str
    host: str
    variant: str
    threshold: int
    members: tuple[AttestorClient, ...]
    grace_seconds: float = 0.1

    def __post_init__(self) -> None:
        addresses = {member.address for member in self.members}
        assert len(addresses) == len(self.members), "the configuration refuses a key twice in a group"
        assert len(self.members) < 2 * self.threshold <= 2 * len(self.members), "more than half, at most all"

    async def gather(self, *, height: Height, timestamp: int, claims: Sequence[Claim]) -> Quorum:
        """Timestamp and claims: as our own light client verified them at `height`."""
        count = _Count(self, height, timestamp, claims)
        tasks = {asyncio.create_task(self._ask(member, height, claims)): member for member in self.members}
        try:
            waiting = set(tasks)
            while waiting:
                patience = self.grace_seconds if count.complete() else None
                done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                for task in done:
                    count.take(tasks[task], task.result())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return count.quorum()

    async def _ask(self, member: AttestorClient, height: Height, claims: Sequence[Claim]) -> Answer | NoAnswer:
        try:
            return await member.ask(
                chain_id=self.chain_id, host=self.host, variant=self.variant, height=height, claims=claims
            )
        except NoAnswer as reason:
            return reason


class _Count:
    """Counts signatures over our own words."""

    def __init__(self, group: AttestorGroup, height: Height, timestamp: int, claims: Sequence[Claim]) -> None:
        self._group = group
        self._timestamp = timestamp
        data = state_data(height.number, timestamp)
        self._state = _Ballot(data, state_digest(data, group.variant))
        self._paths = [_ballot(height, claim, group.variant) for claim in claims]
        self._answered = 0
        self._reasons: dict[str, str] = {}

    def take(self, member: AttestorClient, answer: Answer | NoAnswer) -> None:
        if isinstance(answer, NoAnswer):
            outcome, reason = answer.kind, str(answer)
        else:
            outcome, reason = self._take_answer(member, answer)
        ANSWERS.labels(self._group.ledger, member.name, outcome).inc()
        if outcome != "agreed":
            self._reasons[member.name] = f"{outcome}: {reason}"

    def _take_answer(self, member: AttestorClient, answer: Answer) -> tuple[str, str]:
        """Outcome and reason. A signature counts only where it fits our bytes and the configured address."""
        if answer.timestamp != self._timestamp:
            # One that is wrong about time is not heard about paths either.
            return "lied_time", f"says {answer.timestamp}, verified is {self._timestamp}"
        if not _fits(answer.state, self._state.digest, member.address):
            return "bad_signature", "its signature on the state does not fit its address"
        refusals: list[str] = []
        fitting: list[tuple[_Ballot, bytes]] = []
        for ballot, path in zip(self._paths, answer.paths, strict=True):
            if path.signature is None:
                refusals.append(path.refusal or "no reason given")
            elif ballot.data is not None and not _fits(path.signature, ballot.digest, member.address):
                return "lied_value", "a signature on a path does not fit the verified value and its address"
            elif ballot.data is not None:
                fitting.append((ballot, bytes.fromhex(path.signature)))
        self._answered += 1
        self._state.signatures.append(bytes.fromhex(answer.state))
        for ballot, signature in fitting:
            ballot.signatures.append(signature)
        if refusals:
            return "refused", f"{len(refusals)} of {len(answer.paths)} paths: {', '.join(sorted(set(refusals)))[:100]}"
        return "agreed", ""

    def complete(self) -> bool:
        needed = self._group.threshold
        ballots = [self._state, *(each for each in self._paths if each.data is not None)]
        return all(len(each.signatures) >= needed for each in ballots)

    def quorum(self) -> Quorum:
        needed = self._group.threshold
        return Quorum(
            state=self._state.attested(needed),
            paths=tuple(each.attested(needed) for each in self._paths),
            answered=self._answered,
            needed=needed,
            reasons=self._reasons,
        )


def _ballot(height: Height, claim: Claim, variant: str) -> _Ballot:
    try:
        data = path_data(height.number, claim)
    except VerificationError:
        return _Ballot(None, b"")  # not 32 bytes: no host holds it, nobody can attest it
    return _Ballot(data, path_digest(data, variant))


def _fits(signature: str, digest: bytes, address: bytes) -> bool:
    try:
        return address_of(recover(digest, bytes.fromhex(signature), v_base=27)) == address
    except VerificationError:
        return False
