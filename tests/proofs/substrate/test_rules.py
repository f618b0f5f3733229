"""One change to an honest step, checkpoint or client: each is refused by the one rule that forbids it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from proofs.encoding.scale import encode_compact
from proofs.errors import (
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    TimeNotIncreasing,
    TrustExpired,
    UnknownHeight,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.primitives import ed25519
from proofs.substrate import membership
from proofs.substrate.evidence import EVIDENCE_BYTES_MAX, Step, encode_step
from proofs.substrate.headers import header_hash
from proofs.substrate.types import Authorities, DigestItem, DigestKind, Header, Justification, Precommit
from tests.proofs.substrate.builders import (
    NOW,
    PLAIN,
    SET_ID,
    START,
    START_MS,
    Chain,
    at,
    authorities,
    chain_of,
    child,
    forced,
    keys,
    message,
    public,
    scheduled,
    vote,
)

CHAIN = chain_of(4)
FIRST, LAST = START + 1, START + 3
HONEST = CHAIN.made(FIRST, LAST, CHAIN.votes(LAST))
TARGET = HONEST.headers[-1]
FOUR = keys()
STRANGER = keys(1, first=99)[0]
FIVE_ADDED = authorities(keys(5, first=20))


def refused_by(evidence: bytes, error: type[VerificationError], chain: Chain = CHAIN, **fields: object) -> None:
    client = chain.client()
    with pytest.raises(error) as refused:
        client.update(evidence, now=NOW)
    assert {name: getattr(refused.value, name) for name in fields} == fields


def with_votes(votes: Sequence[Any], ancestry: Sequence[Header] = ()) -> bytes:
    return encode_step(CHAIN.made(FIRST, LAST, votes, ancestry))


def with_justification(**changed: Any) -> bytes:
    return encode_step(replace(HONEST, justification=replace(HONEST.justification, **changed)))


def resigned(headers: Sequence[Header], state: tuple[bytes, ...] = HONEST.state) -> bytes:
    """The last header is voted for by everybody, whatever it is."""
    votes = tuple(vote(each, headers[-1]) for each in FOUR)
    target = headers[-1]
    return encode_step(Step(tuple(headers), Justification(5, header_hash(target), target.number, votes), state))


def test_the_honest_step_is_taken() -> None:
    assert CHAIN.client().update(encode_step(HONEST), now=NOW).latest() == at(LAST)


# --- the chain of headers


def test_no_header() -> None:
    refused_by(encode_step(replace(HONEST, headers=())), MalformedProof, part="headers", got=0)


def test_too_many_headers() -> None:
    headers = (Header(bytes(32), START, bytes(32), bytes(32)),) * 513
    refused_by(encode_step(replace(HONEST, headers=headers)), LimitExceeded, got=513, limit=512)


def test_a_header_left_out_of_the_middle() -> None:
    first, _, last = HONEST.headers
    refused_by(resigned([first, last]), HeightNotIncreasing, got=LAST, trusted=FIRST)


def test_headers_that_do_not_build_on_one_another() -> None:
    first, second, last = HONEST.headers
    other = replace(second, extrinsics_root=b"\x09" * 32)
    refused_by(resigned([first, other, last]), ValueMismatch, part="parent hash", expected=header_hash(other))


def test_a_header_with_a_wrong_number() -> None:
    first, second, last = HONEST.headers
    wrong = replace(last, number=LAST + 1)
    refused_by(resigned([first, second, wrong]), HeightNotIncreasing, got=LAST + 1, trusted=LAST - 1)


def test_a_block_below_everything_that_is_known() -> None:
    refused_by(resigned([replace(TARGET, number=START - 1)]), UnknownHeight, number=START - 2)


# --- votes


def test_votes_for_another_block() -> None:
    other = child(CHAIN.header(LAST - 1))
    votes = tuple(vote(each, other) for each in FOUR)
    evidence = with_justification(target_hash=header_hash(other), precommits=votes)
    refused_by(evidence, ValueMismatch, part="commit target", got=header_hash(other), expected=header_hash(TARGET))


def test_a_commit_that_names_another_height() -> None:
    evidence = with_justification(target_number=LAST + 1)
    refused_by(evidence, ValueMismatch, part="commit target number", got=LAST + 1, expected=LAST)


def test_more_votes_than_authorities() -> None:
    votes = [vote(each, TARGET) for each in (*FOUR, STRANGER)]
    refused_by(with_votes(votes), LimitExceeded, part="precommits", got=5, limit=4)


def test_a_vote_of_a_stranger() -> None:
    votes = [*CHAIN.votes(LAST), vote(STRANGER, TARGET)]
    refused_by(with_votes(votes), UnknownSigner, signer=public(STRANGER), signers=f"GRANDPA set {SET_ID}")


def test_the_same_vote_again() -> None:
    votes = CHAIN.votes(LAST, by=(0, 1, 2, 2))
    refused_by(with_votes(votes), DuplicateSigner, signer=public(FOUR[2]))


def test_two_different_votes_of_one_authority() -> None:
    """An equivocation: nodes would count its weight, here it condemns the step. Both are for the target's branch."""
    above = child(TARGET)
    votes = [*CHAIN.votes(LAST), vote(FOUR[2], above)]
    refused_by(with_votes(votes, [above]), DuplicateSigner, signer=public(FOUR[2]))


def test_exactly_two_thirds_are_not_enough() -> None:
    chain = Chain(signers=keys(3))
    chain.grow()
    refused_by(
        chain.step(START + 1, START + 1, by=(0, 1)),
        InsufficientVotingPower,
        chain,
        signed=2,
        total=3,
        signers=f"GRANDPA set {SET_ID}",
    )


def test_no_votes() -> None:
    refused_by(with_votes([]), InsufficientVotingPower, signed=0, total=4)


@pytest.mark.parametrize(("count", "quorum"), ((1, 1), (2, 2), (3, 3), (4, 3), (6, 5), (7, 5), (10, 7), (13, 9)))
def test_threshold_of_equal_authorities(count: int, quorum: int) -> None:
    chain = Chain(signers=keys(count))
    chain.grow()
    last = START + 1
    assert chain.client().update(chain.step(last, last, by=range(quorum)), now=NOW).latest() == at(last)
    refused_by(chain.step(last, last, by=range(quorum - 1)), InsufficientVotingPower, chain, signed=quorum - 1)


def test_votes_count_by_weight() -> None:
    chain = Chain(weights=(1, 1, 1, 7))
    chain.grow()
    last = START + 1
    assert chain.client().update(chain.step(last, last, by=(3,)), now=NOW).latest() == at(last)
    refused_by(chain.step(last, last, by=(0, 1, 2)), InsufficientVotingPower, chain, signed=3, total=10)


@pytest.mark.parametrize("place", range(3))
def test_a_broken_signature_anywhere(place: int) -> None:
    votes = CHAIN.votes(LAST)
    broken = votes[place].signature[:-1] + bytes((votes[place].signature[-1] ^ 1,))
    votes[place] = replace(votes[place], signature=broken)
    refused_by(with_votes(votes), InvalidSignature, signer=public(FOUR[place]), scheme="ed25519 (ZIP-215)")


def test_a_broken_signature_that_is_not_needed() -> None:
    """All four voted and three would do: nodes verify every signature, and so does a client."""
    votes = CHAIN.votes(LAST, by=(0, 1, 2, 3))
    votes[3] = replace(votes[3], signature=bytes(64))
    refused_by(with_votes(votes), InvalidSignature, signer=public(FOUR[3]))


def test_signatures_count_by_zip_215() -> None:
    """The neutral point as key and as R, with S = 0: libsodium refuses it, nodes count it for whoever has that key."""
    neutral = b"\x01" + bytes(31)
    listed = Authorities((neutral,), (1,))
    chain = chain_of(1)
    chain.grow(digest=(scheduled(listed),))
    client = chain.client().update(chain.step(START + 1, START + 1), now=NOW)
    chain.grow()
    block = chain.header(START + 2)
    odd = Precommit(header_hash(block), block.number, neutral + bytes(32), neutral)
    assert not ed25519.verify(neutral, b"", odd.signature)
    assert client.update(encode_step(chain.made(START + 2, START + 2, [odd])), now=NOW).latest() == at(START + 2)


def test_votes_of_another_round() -> None:
    refused_by(with_justification(round=6), InvalidSignature, signer=public(FOUR[0]))


def test_votes_of_another_set_with_the_same_authorities() -> None:
    refused_by(with_votes(CHAIN.votes(LAST, set_id=SET_ID + 1)), InvalidSignature, signer=public(FOUR[0]))


# --- ancestry


def branches() -> tuple[Header, Header, Header]:
    """Two blocks on the target that compete, and one more on the second."""
    left, right = child(TARGET), child(TARGET, extrinsics_root=b"\x08" * 32)
    return left, right, child(right)


def test_votes_for_later_blocks_count_for_their_ancestor() -> None:
    left, right, top = branches()
    votes = [vote(FOUR[0], left), vote(FOUR[1], top), vote(FOUR[2], right)]
    for ancestry in ([left, right, top], [top, left, right]):
        assert CHAIN.client().update(with_votes(votes, ancestry), now=NOW).latest() == at(LAST)


def test_a_vote_whose_way_to_the_target_is_not_shown() -> None:
    left, right, top = branches()
    votes = [vote(FOUR[0], left), vote(FOUR[1], top), vote(FOUR[2], TARGET)]
    refused_by(with_votes(votes, [left, top]), ValueMismatch, part="precommit ancestry", got=header_hash(right))


def test_a_vote_for_an_ancestor_of_the_target() -> None:
    parent = CHAIN.header(LAST - 1)
    votes = [*CHAIN.votes(LAST), vote(FOUR[3], parent)]
    refused_by(with_votes(votes), ValueMismatch, part="precommit ancestry", got=header_hash(parent))


def test_a_vote_for_another_branch() -> None:
    rival = child(CHAIN.header(LAST - 1))
    votes = [*CHAIN.votes(LAST), vote(FOUR[3], rival)]
    refused_by(with_votes(votes, [rival]), ValueMismatch, part="precommit ancestry")


def test_an_ancestry_header_that_nobody_needs() -> None:
    left, _, _ = branches()
    refused_by(with_votes(CHAIN.votes(LAST), [left]), MalformedProof, part="votes ancestries", got=1, expected=0)


def test_an_ancestry_header_that_is_given_twice() -> None:
    left, _, _ = branches()
    votes = [*CHAIN.votes(LAST, by=(0, 1)), vote(FOUR[2], left)]
    refused_by(with_votes(votes, [left, left]), MalformedProof, part="votes ancestries", got=2, expected=1)


def test_an_ancestry_header_whose_number_does_not_follow() -> None:
    odd = replace(child(TARGET), number=LAST + 5)
    votes = [*CHAIN.votes(LAST, by=(0, 1)), vote(FOUR[2], odd)]
    refused_by(with_votes(votes, [odd]), HeightNotIncreasing, got=LAST + 5, trusted=LAST)


def test_a_vote_with_the_number_of_another_block() -> None:
    votes = CHAIN.votes(LAST)
    votes[1] = vote(FOUR[1], TARGET)
    signed = replace(TARGET, number=LAST + 1)
    wrong = replace(vote(FOUR[1], signed), target_hash=header_hash(TARGET))
    refused_by(
        with_votes([votes[0], wrong, votes[2]]), ValueMismatch, part="precommit target number", got=LAST + 1,
        expected=LAST,
    )  # fmt: skip


# --- changes of authorities


def announcing(*items: DigestItem) -> bytes:
    header = replace(TARGET, digest=(*PLAIN, *items))
    return resigned([*HONEST.headers[:-1], header])


def announced(listed: Authorities, delay: int = 0) -> bytes:
    return announcing(scheduled(listed, delay))


def test_a_forced_change() -> None:
    refused_by(announcing(forced(FIVE_ADDED)), UnsupportedProof, part="authority change", got=f"forced in block {LAST}")


def test_a_message_of_an_unknown_kind() -> None:
    refused_by(announcing(message(6, b"")), UnsupportedProof, part="GRANDPA message", got=6)


@pytest.mark.parametrize("kind", (3, 4, 5))
def test_messages_that_leave_the_authorities_alone(kind: int) -> None:
    evidence = announcing(message(kind, bytes(8)))
    assert CHAIN.client().update(evidence, now=NOW).belief.sets[-1].set_id == SET_ID


def test_messages_of_other_engines_are_not_read() -> None:
    items = (
        replace(scheduled(FIVE_ADDED), engine=b"BEEF"),
        replace(scheduled(FIVE_ADDED), kind=DigestKind.PRE_RUNTIME),
        replace(scheduled(FIVE_ADDED), kind=DigestKind.SEAL),
    )
    client = CHAIN.client().update(announcing(*items), now=NOW)
    assert (client.belief.sets[-1].set_id, client.belief.pending) == (SET_ID, None)


def test_two_changes_in_one_header() -> None:
    refused_by(announcing(scheduled(FIVE_ADDED), scheduled(FIVE_ADDED)), UnsupportedProof, part="authority changes")


def test_a_change_with_bytes_behind_it() -> None:
    item = scheduled(FIVE_ADDED)
    refused_by(announcing(replace(item, data=item.data + b"\x00")), MalformedProof, part="GRANDPA message")


def test_a_change_to_nobody() -> None:
    refused_by(announced(Authorities((), ())), MalformedProof, part="authorities", got=0)


def test_a_change_to_an_authority_without_weight() -> None:
    refused_by(announced(authorities(keys(2), (1, 0))), MalformedProof, part="authority weight", got=0)


def test_a_change_to_an_authority_in_two_places() -> None:
    refused_by(announced(authorities((*keys(2), *keys(1)))), DuplicateSigner, signer=public(FOUR[0]))


def test_a_change_to_more_weight_than_64_bits_hold() -> None:
    heavy = authorities(keys(2), (1 << 63, 1 << 63))
    refused_by(announced(heavy), LimitExceeded, part="total weight", got=1 << 64)


def test_a_change_to_more_authorities_than_anybody_has() -> None:
    data = b"\x01" + encode_compact(4_097) + bytes(4_097 * 40)
    refused_by(announcing(DigestItem(DigestKind.CONSENSUS, b"FRNK", data)), LimitExceeded, got=4_097, limit=4_096)


def test_a_change_after_the_last_block_of_all() -> None:
    refused_by(
        announced(FIVE_ADDED, delay=(1 << 32) - LAST), LimitExceeded, part="authority change", limit=(1 << 32) - 1
    )


def test_a_set_makes_nothing_final_after_the_block_that_ends_it() -> None:
    chain = chain_of(2)
    old = chain.signers
    chain.change(keys(4, first=20))
    ends = chain.last
    chain.grow()
    evidence = chain.step(ends, ends + 1, signers=old, set_id=SET_ID)
    refused_by(evidence, ValueMismatch, chain, part="final block of a set", got=ends + 1, expected=f"at most {ends}")


def test_a_pending_change_is_remembered_by_later_steps() -> None:
    chain = chain_of(2)
    old = chain.signers
    chain.change(keys(4, first=20), delay=2)
    ends = chain.last
    chain.grow()
    client = chain.client().update(chain.step(ends - 2, ends - 1, signers=old, set_id=SET_ID), now=NOW)
    with pytest.raises(ValueMismatch) as refused:
        client.update(chain.step(ends + 1, ends + 1, signers=old, set_id=SET_ID), now=NOW)
    assert (refused.value.part, refused.value.got) == ("final block of a set", ends + 1)


def test_a_second_change_while_one_is_on_its_way() -> None:
    chain = chain_of(2)
    chain.grow(digest=(scheduled(FIVE_ADDED, 5),))
    chain.grow(digest=(scheduled(FIVE_ADDED, 5),))
    first = chain.last - 1
    refused_by(
        chain.step(first, first + 1), UnsupportedProof, chain, part="authority change", got=first + 1,
        expected=f"none before {first + 5}",
    )  # fmt: skip


def test_the_next_set_does_not_vote_on_the_block_that_brings_it() -> None:
    chain = chain_of(2)
    chain.change(keys(4, first=20))
    evidence = chain.step(chain.last, chain.last)
    refused_by(evidence, UnknownSigner, chain, signer=public(keys(4, first=20)[0]))


def test_a_change_that_was_left_out_can_be_told_later() -> None:
    """A step to the end of a set without the announcement would leave a client with nobody to believe."""
    chain = chain_of(2)
    old = chain.signers
    chain.change(keys(4, first=20), delay=2)
    ends = chain.last
    chain.grow()
    late = chain.step(ends + 1, ends + 1)
    client = chain.client().update(chain.step(ends, ends, signers=old, set_id=SET_ID), now=NOW)
    with pytest.raises(UnknownSigner):
        client.update(late, now=NOW)
    client = client.update(chain.step(ends - 2, ends, signers=old, set_id=SET_ID), now=NOW)
    assert client.update(late, now=NOW).latest() == at(ends + 1)


# --- time


def with_time(time_ms: int, **entries: Any) -> tuple[Chain, bytes]:
    chain = chain_of(1)
    chain.grow(time_ms=time_ms, **entries)
    return chain, chain.step(START + 1, START + 1)


def test_time_may_stand_still() -> None:
    chain, evidence = with_time(START_MS)
    assert chain.client().update(evidence, now=NOW).latest() == at(START + 1)


def test_time_that_runs_backwards() -> None:
    chain, evidence = with_time(START_MS - 1)
    refused_by(evidence, TimeNotIncreasing, chain, got=START_MS - 1, trusted=START_MS)


def test_time_ahead_of_the_clock() -> None:
    chain, evidence = with_time((NOW + 11) * 1_000 - 1)
    assert chain.client().update(evidence, now=NOW).latest() == at(START + 1)
    chain, evidence = with_time((NOW + 11) * 1_000)
    refused_by(evidence, HeaderFromFuture, chain, header_time=NOW + 11, now=NOW, drift=10)


def test_time_in_another_unit() -> None:
    chain, evidence = with_time(START_MS * 1_000_000)
    refused_by(evidence, MalformedProof, chain, part="time", got=START_MS * 1_000_000)


def test_a_state_without_time() -> None:
    chain, evidence = with_time(START_MS, entries={membership.TIMESTAMP_NOW: None})
    refused_by(evidence, MalformedProof, chain, part="Timestamp.Now", got="nothing")


@pytest.mark.parametrize("stored", (bytes(7), bytes(9), b""))
def test_a_time_of_another_length(stored: bytes) -> None:
    chain, evidence = with_time(START_MS, entries={membership.TIMESTAMP_NOW: stored})
    refused_by(evidence, MalformedProof, chain, part="Timestamp.Now")


def test_the_time_of_another_block() -> None:
    refused_by(encode_step(replace(HONEST, state=CHAIN.state(FIRST).nodes(membership.STEP_KEYS))), RootMismatch)


def test_old_trust_expires() -> None:
    expiry = START_MS // 1_000 + 86_400
    CHAIN.client().update(encode_step(HONEST), now=expiry - 1)
    with pytest.raises(TrustExpired) as refused:
        CHAIN.client().update(encode_step(HONEST), now=expiry)
    assert (refused.value.expired_at, refused.value.now) == (expiry, expiry)


# --- shape


SHAPES: dict[str, tuple[Callable[[], bytes], type[VerificationError], str]] = {
    "too long": (lambda: bytes(EVIDENCE_BYTES_MAX + 1), LimitExceeded, "evidence"),
    "bytes behind it": (lambda: encode_step(HONEST) + b"\x00", MalformedProof, "evidence"),
    "cut": (lambda: encode_step(HONEST)[:-1], MalformedProof, "evidence"),
    "unknown digest item": (
        lambda: encode_step(HONEST).replace(b"\x14\x06BABE", b"\x14\x07BABE", 1),
        UnsupportedProof,
        "digest item",
    ),
    "many digest items": (lambda: resigned([replace(TARGET, digest=PLAIN * 7)]), LimitExceeded, "evidence items"),
    "many nodes": (lambda: encode_step(replace(HONEST, state=(b"",) * 257)), LimitExceeded, "evidence items"),
    "many ancestors": (lambda: with_votes([], [TARGET] * 1_025), LimitExceeded, "evidence items"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_invalid_shape(name: str) -> None:
    make, error, part = SHAPES[name]
    refused_by(make(), error, part=part)


def test_numbers_of_32_bits() -> None:
    """The next longer form of a compact number does not fit a chain that counts in u32."""
    encoded = encode_step(HONEST)
    number = encode_compact(FIRST)
    assert encoded.count(number) >= 1
    longer = encoded.replace(number, encode_compact(1 << 32), 1)
    refused_by(longer, MalformedProof, part="evidence compact", got=1 << 32)
