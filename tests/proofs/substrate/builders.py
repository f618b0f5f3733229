"""A Substrate chain with authorities of our own: headers, states, justifications, changes of authorities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from nacl.signing import SigningKey

from proofs.commitment import ClientId, acknowledgement_path, commitment_path, receipt_path, send_counter_path
from proofs.encoding.scale import encode_u8, encode_u32, encode_u64
from proofs.light_client import Claim, Height
from proofs.substrate import membership
from proofs.substrate.authorities import GRANDPA_ENGINE, encode_authorities
from proofs.substrate.client import SubstrateClient, bootstrap
from proofs.substrate.evidence import Checkpoint, Step, encode_checkpoint, encode_step
from proofs.substrate.headers import header_hash
from proofs.substrate.host import HostLayout
from proofs.substrate.justification import signed_payload
from proofs.substrate.types import (
    Authorities,
    DigestItem,
    DigestKind,
    Header,
    Justification,
    Parameters,
    Precommit,
)
from tests.proofs.substrate.states import State

START = 100
SET_ID = 7
START_MS = 1_700_000_000_500
NOW = 1_700_000_100
PREFIX = bytes(range(32))
LAYOUT = HostLayout(PREFIX)
GENESIS = b"\x0a" * 32
PARAMETERS = Parameters(GENESIS, trusting_period=86_400, clock_drift=10)
ROUND = 5

CLIENT = ClientId("attestations-0")
SENT = Claim(commitment_path(CLIENT, 7), b"\x11" * 32)
COUNTER = Claim(send_counter_path(CLIENT), (7).to_bytes(8, "big"))
ACKNOWLEDGED = Claim(acknowledgement_path(CLIENT, 3), b"\x22" * 32)
MISSING = Claim(receipt_path(CLIENT, 9), None)
CLAIMS = (SENT, COUNTER, ACKNOWLEDGED, MISSING)
HOST_ENTRIES = {LAYOUT.key(each.path): each.value for each in CLAIMS if each.value is not None}


@lru_cache
def key(secret: int) -> SigningKey:
    return SigningKey(secret.to_bytes(32, "big"))


def keys(count: int = 4, first: int = 1) -> tuple[SigningKey, ...]:
    return tuple(key(first + each) for each in range(count))


def public(signer: SigningKey) -> bytes:
    return bytes(signer.verify_key)


def authorities(signers: Sequence[SigningKey], weights: Sequence[int] = ()) -> Authorities:
    return Authorities(tuple(public(each) for each in signers), tuple(weights) or (1,) * len(signers))


def message(kind: int, body: bytes) -> DigestItem:
    return DigestItem(DigestKind.CONSENSUS, GRANDPA_ENGINE, encode_u8(kind) + body)


def scheduled(listed: Authorities, delay: int = 0) -> DigestItem:
    return message(1, encode_authorities(listed) + encode_u32(delay))


def forced(listed: Authorities, delay: int = 0) -> DigestItem:
    return message(2, encode_u32(START) + encode_authorities(listed) + encode_u32(delay))


PLAIN = (
    DigestItem(DigestKind.PRE_RUNTIME, b"BABE", b"\x01\x02"),
    DigestItem(DigestKind.CONSENSUS, b"BABE", b"\x01" * 70),
    DigestItem(DigestKind.OTHER, data=b"other"),
    DigestItem(DigestKind.RUNTIME_UPDATED),
    DigestItem(DigestKind.SEAL, b"BABE", b"\x05" * 64),
)


def vote(signer: SigningKey, header: Header, *, set_id: int = SET_ID, round_number: int = ROUND) -> Precommit:
    unsigned = Precommit(header_hash(header), header.number, b"", public(signer))
    payload = signed_payload(unsigned, round_number=round_number, set_id=set_id)
    return replace(unsigned, signature=signer.sign(payload).signature)


def justification(target: Header, votes: Sequence[Precommit], ancestry: Sequence[Header] = ()) -> Justification:
    return Justification(ROUND, header_hash(target), target.number, tuple(votes), tuple(ancestry))


def child(parent: Header, *, extrinsics_root: bytes = b"\x03" * 32) -> Header:
    """A later block that is voted for, but whose state nobody asks for."""
    return Header(header_hash(parent), parent.number + 1, b"\x02" * 32, extrinsics_root)


@dataclass
class Chain:
    """Blocks from START on, each built on the one before; a change is announced by `grow(change=…)`."""

    signers: tuple[SigningKey, ...] = field(default_factory=keys)
    weights: tuple[int, ...] = ()
    set_id: int = SET_ID
    host: Mapping[bytes, bytes] = field(default_factory=lambda: HOST_ENTRIES)
    genesis: bytes = GENESIS
    headers: list[Header] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.grow()

    @property
    def last(self) -> int:
        return START + len(self.headers) - 1

    def header(self, number: int) -> Header:
        return self.headers[number - START]

    def state(self, number: int) -> State:
        return self.states[number - START]

    def grow(
        self,
        count: int = 1,
        *,
        digest: tuple[DigestItem, ...] = PLAIN,
        time_ms: int | None = None,
        entries: Mapping[bytes, bytes | None] | None = None,
        extrinsics_root: bytes = b"\x03" * 32,
    ) -> None:
        for _ in range(count):
            number = self.last + 1
            at = START_MS + 1_000 * (number - START) if time_ms is None else time_ms
            stored: dict[bytes, bytes | None] = {
                **self.host,
                membership.TIMESTAMP_NOW: encode_u64(at),
                membership.GENESIS_HASH: self.genesis,
                membership.GRANDPA_AUTHORITIES: encode_authorities(authorities(self.signers, self.weights)),
                membership.GRANDPA_SET_ID: encode_u64(self.set_id),
                **(entries or {}),
            }
            state = State({name: value for name, value in stored.items() if value is not None})
            parent = header_hash(self.headers[-1]) if self.headers else self.genesis
            self.headers.append(Header(parent, number, state.root, extrinsics_root, digest))
            self.states.append(state)

    def change(self, signers: Sequence[SigningKey], weights: Sequence[int] = (), *, delay: int = 0) -> None:
        """Announce and, after the delay, let others vote on what follows."""
        self.grow(digest=(*PLAIN, scheduled(authorities(signers, weights), delay)))
        self.grow(delay)
        self.signers, self.weights, self.set_id = tuple(signers), tuple(weights), self.set_id + 1

    def made(self, first: int, last: int, votes: Sequence[Precommit], ancestry: Sequence[Header] = ()) -> Step:
        headers = tuple(self.headers[first - START : last - START + 1])
        state = self.state(last).nodes(membership.STEP_KEYS)
        return Step(headers, justification(headers[-1], votes, ancestry), state)

    def votes(
        self, number: int, by: Sequence[int] = (0, 1, 2), *, signers: Sequence[SigningKey] = (), set_id: int = -1
    ) -> list[Precommit]:
        voters = signers or self.signers
        chosen = self.set_id if set_id < 0 else set_id
        return [vote(voters[each], self.header(number), set_id=chosen) for each in by]

    def step(
        self,
        first: int,
        last: int,
        by: Sequence[int] = (0, 1, 2),
        *,
        signers: Sequence[SigningKey] = (),
        set_id: int = -1,
    ) -> bytes:
        return encode_step(self.made(first, last, self.votes(last, by, signers=signers, set_id=set_id)))

    def checkpoint(self, number: int = START) -> bytes:
        state = self.state(number).nodes(membership.CHECKPOINT_KEYS)
        return encode_checkpoint(Checkpoint(self.header(number), state))

    def client(self, number: int = START, layout: HostLayout = LAYOUT) -> SubstrateClient:
        return bootstrap(
            self.checkpoint(number),
            checkpoint_hash=header_hash(self.header(number)),
            parameters=PARAMETERS,
            layout=layout,
        )

    def prove(self, number: int, claims: Sequence[Claim], layout: HostLayout = LAYOUT) -> bytes:
        return self.state(number).prove([layout.key(each.path) for each in claims])


def chain_of(length: int = 4) -> Chain:
    chain = Chain()
    chain.grow(length - 1)
    return chain


def at(number: int) -> Height:
    return Height(0, number)
