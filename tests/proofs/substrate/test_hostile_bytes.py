"""Whatever bytes come: refusals of our own, nothing else; and never after much work."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import pytest

from proofs.encoding.scale import encode_compact, encode_u64
from proofs.errors import LimitExceeded, VerificationError
from proofs.light_client import Claim
from proofs.primitives import ed25519, hashing
from proofs.substrate import headers
from proofs.substrate.client import SubstrateClient, bootstrap, decode_client
from proofs.substrate.evidence import EVIDENCE_BYTES_MAX, Step, decode_step, encode_step
from proofs.substrate.headers import decode_header, encode_header, header_hash
from proofs.substrate.justification import decode_justification, encode_justification
from proofs.substrate.types import Header, Justification, Precommit
from tests.proofs.fuzzing import assert_only_refusals
from tests.proofs.substrate.builders import (
    CLAIMS,
    LAYOUT,
    NOW,
    PARAMETERS,
    START,
    Chain,
    at,
    authorities,
    chain_of,
    child,
    keys,
    scheduled,
    vote,
)

CASES = 600
CHAIN = chain_of(4)


def steps() -> list[bytes]:
    target = CHAIN.header(START + 2)
    above = child(target)
    votes = [*CHAIN.votes(START + 2, by=(0, 1)), vote(CHAIN.signers[2], above)]
    changing = chain_of(2)
    changing.change(keys(5, first=20), delay=1)
    return [
        CHAIN.step(START + 1, START + 1),
        encode_step(CHAIN.made(START + 1, START + 2, votes, [above])),
        changing.step(START + 1, START + 3, signers=keys(), set_id=7),
    ]


def waiting() -> SubstrateClient:
    """A client that knows of a change on its way."""
    chain = chain_of(2)
    chain.change(keys(5, first=20), delay=2)
    client = chain.client().update(chain.step(START + 1, START + 3, signers=keys(), set_id=7), now=NOW)
    assert client.belief.pending is not None
    return client


def justifications() -> list[bytes]:
    return [encode_justification(decode_step(each).justification) for each in steps()]


def test_evidence() -> None:
    client = CHAIN.client()
    # Every byte is a header's, a vote's or a trie node's: nothing may change.
    assert assert_only_refusals(lambda data: client.update(data, now=NOW), steps(), CASES) == 0


def test_checkpoints() -> None:
    given: dict[str, Any] = {"parameters": PARAMETERS, "layout": LAYOUT}
    digest = header_hash(CHAIN.header(START))
    parse: Callable[[bytes], object] = lambda data: bootstrap(data, checkpoint_hash=digest, **given)  # noqa: E731
    assert assert_only_refusals(parse, [CHAIN.checkpoint()], CASES) == 0


def test_proofs() -> None:
    client = CHAIN.client()
    proof = CHAIN.prove(START, CLAIMS)
    taken = assert_only_refusals(lambda data: client.check(CLAIMS, at=at(START), proof=data), [proof], CASES)
    assert taken == 0


def test_clients() -> None:
    honest = CHAIN.client()

    def use(data: bytes) -> None:
        client = decode_client(data)
        assert client.encode() == data

    assert_only_refusals(use, [honest.encode(), honest.frozen(2).encode(), waiting().encode()], CASES)


def test_headers_and_justifications() -> None:
    header = Header(bytes(32), 7, bytes(32), bytes(32), (scheduled(authorities(keys())),))
    assert_only_refusals(decode_header, [encode_header(header)], CASES)
    assert_only_refusals(decode_justification, justifications(), CASES)


@pytest.mark.parametrize("piece", (b"\x00", b"\xff", encode_compact(1 << 29), b"\x01\x00"))
def test_large_nonsense_is_refused_before_the_work_grows(piece: bytes) -> None:
    client = CHAIN.client()
    nonsense = piece * (EVIDENCE_BYTES_MAX // len(piece))
    started = process_time()
    for attempt in (
        lambda: client.update(nonsense, now=NOW),
        lambda: client.check(CLAIMS, at=client.latest(), proof=nonsense),
        lambda: decode_client(b"\x01" + nonsense),
    ):
        with pytest.raises(VerificationError):
            attempt()
    assert process_time() - started < 0.5


class Counted:
    """Counts what is asked of a function, and asks it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.calls = 0
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self._function(*arguments)


def test_each_header_is_hashed_once_however_many_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred votes for the top of a hundred blocks: a hundred hashes, not ten thousand."""
    voters = keys(100)
    chain = Chain(signers=voters)
    chain.grow()
    target = chain.header(START + 1)
    ancestry = [child(target)]
    for _ in range(99):
        ancestry.append(child(ancestry[-1]))
    top = ancestry[-1]
    votes = [vote(each, top) for each in voters]
    step = encode_step(chain.made(START + 1, START + 1, votes, ancestry))
    client = chain.client()
    hashes, signatures = Counted(hashing.blake2b_256), Counted(ed25519.verify)
    monkeypatch.setattr(headers, "blake2b_256", hashes)
    monkeypatch.setattr(ed25519, "verify", signatures)
    assert client.update(step, now=NOW).latest() == at(START + 1)
    assert (hashes.calls, signatures.calls) == (101, 100)


def test_strangers_and_crowds_cost_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    target = CHAIN.header(START + 1)
    signatures = Counted(ed25519.verify)
    monkeypatch.setattr(ed25519, "verify", signatures)
    crowd = [Precommit(header_hash(target), target.number, bytes(64), n.to_bytes(32, "big")) for n in range(4_096)]
    for votes in (crowd, crowd[:4], CHAIN.votes(START + 1, by=(0, 1)), CHAIN.votes(START + 1, by=(0, 1, 1))):
        with pytest.raises(VerificationError):
            CHAIN.client().update(encode_step(CHAIN.made(START + 1, START + 1, votes)), now=NOW)
    assert signatures.calls == 0


def test_the_first_wrong_signature_is_the_last_that_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    signatures = Counted(ed25519.verify)
    monkeypatch.setattr(ed25519, "verify", signatures)
    with pytest.raises(VerificationError):
        CHAIN.client().update(CHAIN.step(START + 1, START + 1, set_id=9), now=NOW)
    assert signatures.calls == 1


def test_more_votes_than_any_set_has_are_not_read() -> None:
    body = encode_u64(1) + bytes(36) + encode_compact(4_097) + bytes(4_097 * 132)
    with pytest.raises(LimitExceeded) as refused:
        decode_justification(body)
    assert (refused.value.got, refused.value.limit) == (4_097, 4_096)


def test_a_step_of_one_nested_nothing() -> None:
    empty = Step((), Justification(0, bytes(32), 0, ()), ())
    with pytest.raises(VerificationError):
        CHAIN.client().update(encode_step(empty), now=NOW)
    with pytest.raises(VerificationError):
        CHAIN.client().check([Claim(b"x", None)], at=at(START), proof=b"")
