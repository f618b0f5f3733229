"""Agreement of endpoints as belief: each rule has a corruption that only it refuses."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from adapters.evm.endpoint_quorum import (
    EndpointQuorumClient,
    Policy,
    begin,
    decode_client,
    encode_answers,
)
from proofs.encoding import rlp
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
    VerificationError,
)
from proofs.ethereum.execution import ExecutionHeader
from proofs.ethereum.storage_layout import RouterLayout
from proofs.light_client import ClientState, Height

NOW = 2_000_000
NAMES = ("a", "b", "c")
POLICY = Policy(NAMES, needed=2, drift=10)
LAYOUT = RouterLayout(b"\x01" * 20, b"\x02" * 32)


def header(number: int, *, parent: bytes = b"", time: int | None = None, extra: bytes = b"") -> ExecutionHeader:
    return ExecutionHeader(
        parent_hash=parent or bytes([number % 256]) * 32,
        ommers_hash=bytes(32),
        beneficiary=bytes(20),
        state_root=bytes([number % 256]) * 32,
        transactions_root=bytes(32),
        receipts_root=bytes(32),
        logs_bloom=bytes(256),
        difficulty=0,
        number=number,
        gas_limit=1,
        gas_used=0,
        timestamp=1_000_000 + number if time is None else time,
        extra_data=extra,
        mix_hash=bytes(32),
        nonce=bytes(8),
    )


def agreed(told: ExecutionHeader, names: tuple[str, ...] = NAMES) -> bytes:
    return encode_answers([(name, told.encode()) for name in names])


def client() -> EndpointQuorumClient:
    return begin(POLICY, LAYOUT, agreed(header(10)))


def test_a_header_that_enough_endpoints_gave_is_believed() -> None:
    after = client().update(agreed(header(12), ("b", "c")), now=NOW)
    assert after.latest() == Height(0, 12)
    assert after.timestamp_at(Height(0, 12)) == 1_000_012
    assert after.timestamp_at(Height(0, 10)) == 1_000_010
    assert after.status(NOW).state is ClientState.ACTIVE
    assert not after.portable


def test_the_same_header_again_changes_nothing_and_a_gap_is_filled() -> None:
    start = client()
    assert start.update(agreed(header(10)), now=NOW) is start
    later = start.update(agreed(header(14)), now=NOW).update(agreed(header(12)), now=NOW)
    assert sorted(later.headers) == [10, 12, 14]
    assert later.latest() == Height(0, 14)


def test_dissent_within_the_quorum_is_no_obstacle() -> None:
    told, other = header(12), header(12, extra=b"x")
    evidence = encode_answers([("a", other.encode()), ("b", told.encode()), ("c", told.encode())])
    assert client().update(evidence, now=NOW).headers[12].hash == told.hash()


WITH_11 = header(11, extra=b"eleven")
CORRUPTIONS: dict[str, tuple[bytes, type[VerificationError]]] = {
    "an endpoint nobody configured": (agreed(header(12), ("a", "b", "z")), UnknownSigner),
    "one endpoint with two voices": (agreed(header(12), ("a", "a")), DuplicateSigner),
    "too few": (agreed(header(12), ("a",)), InsufficientVotingPower),
    "too few that agree": (
        encode_answers([(name, header(12, extra=name.encode()).encode()) for name in NAMES]),
        InsufficientVotingPower,
    ),
    "ahead of the clock": (agreed(header(12, time=NOW + 11)), HeaderFromFuture),
    "another header of a known height": (agreed(header(10, extra=b"x")), ValueMismatch),
    "below what is kept": (agreed(header(9)), HeightNotIncreasing),
    "another parent than the one believed": (agreed(header(11)), ValueMismatch),
    "time below that of a lower header": (agreed(header(12, time=1_000_009)), TimeNotIncreasing),
    "no answers": (rlp.encode([]), MalformedProof),
    "an answer of three": (rlp.encode([[b"a", b"b", b"c"]]), MalformedProof),
    "no header": (encode_answers([("a", b""), ("b", b"")]), MalformedProof),
    "a header and one byte": (
        encode_answers([(name, header(12).encode() + b"\0") for name in NAMES]),
        MalformedProof,
    ),
    "nothing": (b"", MalformedProof),
    "too much": (bytes(100_000), LimitExceeded),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_invalid(name: str) -> None:
    evidence, error = CORRUPTIONS[name]
    with pytest.raises(error):
        client().update(evidence, now=NOW)


def test_the_fields_of_refusals_say_what_was_wrong() -> None:
    with pytest.raises(UnknownSigner) as unknown:
        client().update(agreed(header(12), ("a", "b", "z")), now=NOW)
    assert unknown.value.signer == b"z"
    with pytest.raises(InsufficientVotingPower) as few:
        client().update(agreed(header(12), ("a",)), now=NOW)
    assert (few.value.signed, few.value.total) == (1, 3)
    with pytest.raises(HeaderFromFuture) as future:
        client().update(agreed(header(12, time=NOW + 11)), now=NOW)
    assert (future.value.header_time, future.value.now, future.value.drift) == (NOW + 11, NOW, 10)


def test_a_gap_is_filled_only_by_the_parent_that_the_header_above_names() -> None:
    above = header(12, parent=WITH_11.hash())
    with_above = client().update(agreed(above), now=NOW)
    chained = replace(WITH_11, parent_hash=header(10).hash())
    with pytest.raises(ValueMismatch) as refusal:
        with_above.update(agreed(chained), now=NOW)
    assert refusal.value.part == "hash of the parent"
    right = client().update(agreed(header(12, parent=chained.hash())), now=NOW)
    assert sorted(right.update(agreed(chained), now=NOW).headers) == [10, 11, 12]


def test_a_header_below_one_of_lower_time_is_refused() -> None:
    later = client().update(agreed(header(14, time=1_000_020)), now=NOW)
    with pytest.raises(TimeNotIncreasing) as refusal:
        later.update(agreed(header(12, time=1_000_021)), now=NOW)
    assert (refusal.value.got, refusal.value.trusted) == (1_000_020, 1_000_021)
    assert 12 in later.update(agreed(header(12, time=1_000_020)), now=NOW).headers, "several in one second"


@pytest.mark.parametrize(("needed", "names"), ((1, ("a", "b")), (2, ("a", "b", "c", "d"))))
def test_half_of_the_endpoints_is_never_a_quorum(needed: int, names: tuple[str, ...]) -> None:
    with pytest.raises(InsufficientVotingPower):
        begin(Policy(names, needed, 10), LAYOUT, agreed(header(10), names))


def test_what_is_kept_is_bounded_and_the_newest_stays() -> None:
    grown = client()
    for number in range(12, 12 + 2 * 200, 2):
        grown = grown.update(agreed(header(number)), now=NOW)
    assert len(grown.headers) == 128
    assert grown.latest() == Height(0, 410)
    with pytest.raises(UnknownHeight):
        grown.timestamp_at(Height(0, 10))


def test_heights_of_another_revision_or_never_seen_are_unknown() -> None:
    for height in (Height(1, 10), Height(0, 11)):
        with pytest.raises(UnknownHeight) as refusal:
            client().check([], at=height, proof=b"")
        assert (refusal.value.revision, refusal.value.number) == (height.revision, height.number)


def test_encoding_comes_back_equal() -> None:
    there = client().update(agreed(header(12)), now=NOW)
    back = decode_client(there.encode())
    assert back == there
    assert back.encode() == there.encode()


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_encodings_that_are_cut_are_refused(cut: int) -> None:
    with pytest.raises(MalformedProof):
        decode_client(client().encode()[:cut])


def test_encodings_of_another_version_or_without_headers_are_refused() -> None:
    encoded = client().encode()
    with pytest.raises(MalformedProof) as refusal:
        decode_client(b"\x02" + encoded[1:])
    assert refusal.value.part == "client version"
    empty = replace(client(), headers={}).encode()
    with pytest.raises(MalformedProof) as refusal:
        decode_client(empty)
    assert refusal.value.part == "headers"
    names = b"\x01" + rlp.encode([[b"\xff"], b"\x01", b"", LAYOUT.encode(), []])
    with pytest.raises(MalformedProof) as refusal:
        decode_client(names)
    assert refusal.value.part == "endpoint name"


def test_two_quorums_for_one_height_are_misbehaviour() -> None:
    one, other = agreed(header(12)), agreed(header(12, extra=b"x"))
    client().misbehaviour(one, other, now=NOW)
    for same in (one, agreed(header(13))):
        with pytest.raises(NotMisbehaviour):
            client().misbehaviour(one, same, now=NOW)
    with pytest.raises(InsufficientVotingPower):
        client().misbehaviour(one, agreed(header(12, extra=b"x"), ("a",)), now=NOW)


@pytest.mark.parametrize("seed", range(300))
def test_hostile_evidence_raises_nothing_but_refusals(seed: int) -> None:

    chance = random.Random(seed)
    evidence = bytearray(agreed(header(12)))
    for _ in range(chance.randint(1, 4)):
        evidence[chance.randrange(len(evidence))] = chance.randrange(256)
    if chance.random() < 0.3:
        del evidence[chance.randrange(len(evidence)) :]
    try:
        client().update(bytes(evidence), now=NOW)
    except VerificationError:
        return
