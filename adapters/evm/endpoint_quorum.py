"""Belief by agreement of endpoints: a policy, not a light client, for chains that give no consensus evidence.

k of n configured endpoints gave the same header at a height; what it commits to is then proved like anywhere else.
It convinces nobody else (`portable` is False): whoever wants to believe asks endpoints of his own.

Evidence of one step is RLP: [[name, header], …], one entry per endpoint that answered, dissent included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Final, Self

from proofs.encoding.rlp import Item, as_bytes, as_int, as_list, decode, encode, int_bytes
from proofs.errors import (
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    TimeNotIncreasing,
    UnknownHeight,
    UnknownSigner,
    ValueMismatch,
)
from proofs.ethereum.execution import decode_header
from proofs.ethereum.storage_layout import RouterLayout, check_claims, decode_layout
from proofs.light_client import Claim, ClientState, ClientStatus, Height
from proofs.primitives.hashing import keccak256

_VERSION: Final = b"\x01"
_ENDPOINTS_MOST: Final = 16  # as the settings allow
_EVIDENCE_BYTES_MOST: Final = _ENDPOINTS_MOST * 4_096  # a header is below 1 KiB
# Proofs are made at the newest height and used at once; a hundred heights outlast any submission.
_HEIGHTS_KEPT: Final = 128


@dataclass(frozen=True, slots=True)
class Policy:
    """endpoints: their names, all configured. needed: how many must agree, more than half. drift: seconds."""

    endpoints: tuple[str, ...]
    needed: int
    drift: int


@dataclass(frozen=True, slots=True)
class BelievedHeader:
    """time: unix seconds."""

    number: int
    time: int
    hash: bytes
    parent: bytes
    state_root: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One endpoint's word, unverified. header: RLP."""

    endpoint: bytes
    header: bytes


@dataclass(frozen=True, slots=True)
class EndpointQuorumClient:
    """Implements proofs.light_client.LightClient."""

    family: ClassVar[str] = "endpoint-quorum"
    portable: ClassVar[bool] = False

    policy: Policy
    layout: RouterLayout
    headers: Mapping[int, BelievedHeader]

    def status(self, now: int) -> ClientStatus:  # noqa: ARG002 - a policy does not age
        return ClientStatus(ClientState.ACTIVE)

    def latest(self) -> Height:
        return Height(0, max(self.headers))

    def timestamp_at(self, at: Height) -> int:
        return self._believed(at).time

    def update(self, evidence: bytes, *, now: int) -> Self:
        header = verify_answers(evidence, self.policy)
        check_not_from_future(header, self.policy, now=now)
        known = self.headers.get(header.number)
        if known is not None:
            check_same_header(header, known)
            return self
        check_above_lowest_kept(header, self.headers)
        check_links(header, self.headers)
        check_time_in_order(header, self.headers)
        kept = sorted({*self.headers, header.number})[-_HEIGHTS_KEPT:]
        headers = {**self.headers, header.number: header}
        return replace(self, headers=MappingProxyType({number: headers[number] for number in kept}))

    def check(self, claims: Sequence[Claim], *, at: Height, proof: bytes) -> None:
        check_claims(claims, state_root=self._believed(at).state_root, layout=self.layout, proof=proof)

    def misbehaviour(self, a: bytes, b: bytes, *, now: int) -> None:  # noqa: ARG002 - agreement does not age
        """Two quorums for two headers of one height."""
        one, other = verify_answers(a, self.policy), verify_answers(b, self.policy)
        if one.number != other.number:
            raise NotMisbehaviour("headers of different heights")
        if one.hash == other.hash:
            raise NotMisbehaviour("the same header")

    def encode(self) -> bytes:
        headers = [
            [int_bytes(each.number), int_bytes(each.time), each.hash, each.parent, each.state_root]
            for each in self.headers.values()
        ]
        policy = self.policy
        names = [name.encode() for name in policy.endpoints]
        return _VERSION + encode(
            [names, int_bytes(policy.needed), int_bytes(policy.drift), self.layout.encode(), headers]
        )

    def _believed(self, at: Height) -> BelievedHeader:
        believed = self.headers.get(at.number) if at.revision == 0 else None
        if believed is None:
            raise UnknownHeight(at.revision, at.number)
        return believed


def begin(policy: Policy, layout: RouterLayout, evidence: bytes) -> EndpointQuorumClient:
    """Believe the header of a checkpoint, as the quorum gives it. The caller checks that it is the configured one."""
    header = verify_answers(evidence, policy)
    return EndpointQuorumClient(policy, layout, MappingProxyType({header.number: header}))


def decode_client(encoded: bytes) -> EndpointQuorumClient:
    """Raises MalformedProof."""
    if encoded[:1] != _VERSION:
        raise MalformedProof("client version", got=encoded[:1], expected=_VERSION)
    names, needed, drift, layout, headers = as_list(decode(encoded[1:]), "client", count=5)
    policy = Policy(
        endpoints=tuple(_name(each) for each in as_list(names, "endpoint names")),
        needed=as_int(needed, "needed", bits=32),
        drift=as_int(drift, "drift", bits=32),
    )
    believed = [_decode_believed(as_list(each, "header", count=5)) for each in as_list(headers, "headers")]
    if not believed:
        raise MalformedProof("headers", got=0, expected="at least 1")
    return EndpointQuorumClient(
        policy, decode_layout(as_bytes(layout, "layout")), MappingProxyType({each.number: each for each in believed})
    )


def encode_answers(answers: Sequence[tuple[str, bytes]]) -> bytes:
    """Evidence from what endpoints said: (name, header RLP) each."""
    return encode([[name.encode(), header] for name, header in answers])


def verify_answers(evidence: bytes, policy: Policy) -> BelievedHeader:
    """The header that enough endpoints gave. Raises InvalidProof."""
    answers = decode_answers(evidence)
    check_endpoints_known(answers, policy)
    check_endpoints_distinct(answers)
    chosen = most_given(answers)
    check_enough_agree(answers, chosen, policy)
    header = decode_header(chosen)
    return BelievedHeader(header.number, header.timestamp, keccak256(chosen), header.parent_hash, header.state_root)


def decode_answers(evidence: bytes) -> tuple[Answer, ...]:
    if len(evidence) > _EVIDENCE_BYTES_MOST:
        raise LimitExceeded("evidence bytes", got=len(evidence), limit=_EVIDENCE_BYTES_MOST)
    answers = []
    for each in as_list(decode(evidence), "answers"):
        name, header = as_list(each, "answer", count=2)
        answers.append(Answer(as_bytes(name, "endpoint name"), as_bytes(header, "header")))
    if not answers:
        raise MalformedProof("answers", got=0, expected="at least 1")
    return tuple(answers)


def most_given(answers: Sequence[Answer]) -> bytes:
    """The header that most endpoints gave; the first of them where equally many gave several."""
    counts: dict[bytes, int] = {}
    for answer in answers:
        counts[answer.header] = counts.get(answer.header, 0) + 1
    return max(counts, key=lambda header: counts[header])


def check_endpoints_known(answers: Sequence[Answer], policy: Policy) -> None:
    """[architecture 5] Only endpoints that an operator configured have a voice."""
    known = {name.encode() for name in policy.endpoints}
    for answer in answers:
        if answer.endpoint not in known:
            raise UnknownSigner(answer.endpoint, signers="configured endpoints")


def check_endpoints_distinct(answers: Sequence[Answer]) -> None:
    """[architecture 5] One endpoint has one voice."""
    seen = set()
    for answer in answers:
        if answer.endpoint in seen:
            raise DuplicateSigner(answer.endpoint)
        seen.add(answer.endpoint)


def check_enough_agree(answers: Sequence[Answer], chosen: bytes, policy: Policy) -> None:
    """[architecture 5] k of n endpoints agree, byte for byte, and k > n/2: two headers cannot both have enough."""
    agreeing = sum(answer.header == chosen for answer in answers)
    if agreeing < policy.needed or policy.needed * 2 <= len(policy.endpoints):
        raise InsufficientVotingPower(agreeing, len(policy.endpoints), signers="endpoints")


def check_not_from_future(header: BelievedHeader, policy: Policy, *, now: int) -> None:
    """A header may be ahead of our clock by no more than the clocks may differ."""
    if header.time > now + policy.drift:
        raise HeaderFromFuture(header.time, now, policy.drift)


def check_same_header(header: BelievedHeader, known: BelievedHeader) -> None:
    """A final block has one hash for ever."""
    if header.hash != known.hash:
        raise ValueMismatch(f"hash of header {header.number}", got=header.hash, expected=known.hash)


def check_above_lowest_kept(header: BelievedHeader, headers: Mapping[int, BelievedHeader]) -> None:
    """Gaps are filled, but nothing below the lowest height kept: what was given up does not come back."""
    lowest = min(headers)
    if header.number < lowest:
        raise HeightNotIncreasing(header.number, lowest)


def check_links(header: BelievedHeader, headers: Mapping[int, BelievedHeader]) -> None:
    """[yellow paper 4.4] A header names its parent's hash: neighbours we believe must agree."""
    below, above = headers.get(header.number - 1), headers.get(header.number + 1)
    if below is not None and header.parent != below.hash:
        raise ValueMismatch("parent hash", got=header.parent, expected=below.hash)
    if above is not None and above.parent != header.hash:
        raise ValueMismatch("hash of the parent", got=header.hash, expected=above.parent)


def check_time_in_order(header: BelievedHeader, headers: Mapping[int, BelievedHeader]) -> None:
    """[yellow paper 4.4.4] A header's time is not below that of a lower one. Rollups put several into one second."""
    for other in headers.values():
        if other.number < header.number and other.time > header.time:
            raise TimeNotIncreasing(header.time, other.time)
        if other.number > header.number and other.time < header.time:
            raise TimeNotIncreasing(other.time, header.time)


def _name(item: Item) -> str:
    raw = as_bytes(item, "endpoint name")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedProof("endpoint name", got=raw, expected="UTF-8") from None


def _decode_believed(items: Sequence[Item]) -> BelievedHeader:
    number, time, digest, parent, root = items
    return BelievedHeader(
        as_int(number, "number", bits=64),
        as_int(time, "time", bits=64),
        as_bytes(digest, "hash", length=32),
        as_bytes(parent, "parent", length=32),
        as_bytes(root, "state root", length=32),
    )
