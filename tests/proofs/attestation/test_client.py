from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proofs.attestation import client as client_module
from proofs.attestation.client import AttestationClient, bootstrap, decode_client
from proofs.attestation.spec import PLAIN, TAGGED, Tag
from proofs.attestation.types import (
    Attested,
    AttestorSet,
    PacketAttestation,
    PathEntry,
    SetRotation,
    StateAttestation,
    decode_abi,
    decode_protobuf,
    path_entry,
)
from proofs.encoding.proof_batch import join_batch
from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    TimeNotIncreasing,
    UnknownHeight,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.light_client import Claim, ClientState, Height
from tests.proofs.attestation.builders import ADDRESSES, batch, client_of, high_s, packets, sign, state
from tests.proofs.fuzzing import assert_only_refusals

AT = Height(0, 10)
HELD = Claim(b"client-0\x01" + bytes(7) + b"\x01", b"\x11" * 32)
GONE = Claim(b"client-0\x02" + bytes(7) + b"\x01", None)


def expect(error: type[VerificationError], **fields: object) -> pytest.RaisesExc[VerificationError]:
    return pytest.raises(error, check=lambda refusal: all(getattr(refusal, k) == v for k, v in fields.items()))


@pytest.mark.parametrize("variant", (TAGGED, PLAIN))
def test_a_quorum_moves_the_client_and_proves_presence_and_absence(variant: str) -> None:
    client = client_of(variant=variant).update(state(12, 1_005, variant=variant), now=0)
    assert (client.latest(), client.timestamp_at(Height(0, 12))) == (Height(0, 12), 1_005)
    claims = [HELD, GONE]
    client.check(claims, at=Height(0, 12), proof=batch(12, claims, (2, 0), variant=variant))
    client.check(claims, at=AT, proof=join_batch([packets(10, claims, variant=variant)] * 2))


def test_a_lower_height_may_be_added_and_latest_stays() -> None:
    client = client_of().update(state(9, 999), now=0)
    assert (client.latest(), client.timestamp_at(Height(0, 9))) == (AT, 999)


def test_a_repeated_state_changes_nothing() -> None:
    assert client_of().update(state(10, 1_000), now=0) == client_of()


def test_another_time_for_a_known_height_freezes_for_ever() -> None:
    frozen = client_of().update(state(10, 1_001), now=0)
    assert frozen.status(0).state is ClientState.FROZEN
    with expect(ClientFrozen, frozen_at=10):
        frozen.update(state(11, 1_002), now=0)
    with expect(ClientFrozen, frozen_at=10):
        frozen.check([HELD], at=AT, proof=batch(10, [HELD]))
    assert decode_client(frozen.encode()) == frozen


TAMPERED_SIGNATURES: dict[str, tuple[Any, type[VerificationError], dict[str, Any]]] = {
    "one_short_of_the_threshold": (lambda s: s[:1], InsufficientVotingPower, {"signed": 1, "total": 3}),
    "none": (lambda _: (), InsufficientVotingPower, {"signed": 0}),
    "one_twice": (lambda s: (s[0], s[0]), DuplicateSigner, {"signer": ADDRESSES[0]}),
    "high_s": (lambda s: (high_s(s[0]), s[1]), InvalidSignature, {"scheme": "secp256k1: s in the upper half"}),
    "v_without_27": (lambda s: (s[0][:64] + bytes((s[0][64] - 27,)), s[1]), InvalidSignature, {}),
    "cut_short": (lambda s: (s[0][:64], s[1]), InvalidSignature, {"scheme": "secp256k1: 64 bytes, not 65"}),
    "more_than_there_are_attestors": (lambda s: s * 2, LimitExceeded, {"got": 4, "limit": 3}),
}


@pytest.mark.parametrize("name", TAMPERED_SIGNATURES)
def test_signatures_that_are_no_quorum(name: str) -> None:
    change, error, fields = TAMPERED_SIGNATURES[name]
    for data, tag in ((StateAttestation(11, 1_001).encode(), Tag.STATE), (_packet_data(), Tag.PACKET)):
        good = sign(data, (0, 1), tag=tag)
        bad = replace(good, signatures=change(good.signatures)).encode_protobuf()
        with expect(error, **fields):
            _submit(client_of(), bad, tag)
        _submit(client_of(), good.encode_protobuf(), tag)


def _packet_data() -> bytes:
    return PacketAttestation(10, (path_entry(HELD.path, HELD.value),)).encode()


def _submit(client: AttestationClient, proof: bytes, tag: Tag) -> None:
    if tag is Tag.STATE:
        client.update(proof, now=0)
    else:
        client.check([HELD], at=AT, proof=join_batch([proof]))


def test_a_foreign_signature_beside_a_full_quorum_is_refused() -> None:
    with expect(UnknownSigner, signer=ADDRESSES[5]):
        client_of().update(state(11, 1_001, (0, 1, 5)), now=0)


@pytest.mark.parametrize(("signed", "read"), ((TAGGED, PLAIN), (PLAIN, TAGGED)))
def test_the_other_variant_recovers_strangers(signed: str, read: str) -> None:
    with expect(UnknownSigner):
        client_of(variant=read).update(state(11, 1_001, variant=signed), now=0)


def test_a_packet_signature_is_no_state_signature() -> None:
    data = StateAttestation(11, 1_001).encode()
    with expect(UnknownSigner):
        client_of().update(sign(data, (0, 1), tag=Tag.PACKET).encode_protobuf(), now=0)


def test_proofs_count_only_at_known_heights() -> None:
    for at in (Height(0, 11), Height(1, 10)):
        with expect(UnknownHeight, revision=at.revision, number=at.number):
            client_of().check([HELD], at=at, proof=batch(at.number, [HELD]))
        with expect(UnknownHeight):
            client_of().timestamp_at(at)


def test_an_attestation_of_another_height_is_refused() -> None:
    client = client_of().update(state(11, 1_001), now=0)
    with expect(ValueMismatch, part="attested height", got=10, expected=11):
        client.check([HELD], at=Height(0, 11), proof=batch(10, [HELD]))


WRONG_CLAIMS: dict[str, tuple[Claim, type[VerificationError], dict[str, Any]]] = {
    "another_value": (replace(HELD, value=b"\x12" * 32), ValueMismatch, {"got": HELD.value}),
    "absence_of_what_is_there": (replace(HELD, value=None), ValueMismatch, {"expected": "absence"}),
    "another_path": (replace(HELD, path=b"client-1"), MalformedProof, {"part": "entries for the path", "got": 0}),
    "zero_posing_as_a_value": (replace(HELD, value=bytes(32)), MalformedProof, {"part": "attested value"}),
    "short_value": (replace(HELD, value=b"\x02"), MalformedProof, {"part": "attested value", "got": b"\x02"}),
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
def test_claims_that_the_attestation_does_not_make(name: str) -> None:
    claim, error, fields = WRONG_CLAIMS[name]
    with expect(error, **fields):
        client_of().check([claim], at=AT, proof=batch(10, [HELD]))


def test_presence_of_what_is_absent_is_refused() -> None:
    with expect(ValueMismatch, got=bytes(32)):
        client_of().check([replace(GONE, value=b"\x11" * 32)], at=AT, proof=batch(10, [GONE]))


@pytest.mark.parametrize("second", (b"\x11" * 32, bytes(32)))
def test_a_path_attested_twice_is_refused(second: bytes) -> None:
    entry = path_entry(HELD.path, HELD.value)
    data = PacketAttestation(10, (entry, PathEntry(entry.path, second))).encode()
    with expect(MalformedProof, part="entries for the path", got=2):
        client_of().check([HELD], at=AT, proof=join_batch([sign(data, (0, 1), tag=Tag.PACKET).encode_protobuf()]))


def test_every_claim_has_its_own_proof() -> None:
    with expect(MalformedProof, part="proof batch", got=1, expected=2):
        client_of().check([HELD, GONE], at=AT, proof=batch(10, [HELD]))


def test_too_many_claims_are_refused_before_any_signature() -> None:
    with expect(LimitExceeded, part="claims", limit=client_module.CLAIMS_MAX):
        client_of().check([HELD] * (client_module.CLAIMS_MAX + 1), at=AT, proof=b"")


@pytest.mark.parametrize(("height", "timestamp"), ((0, 5), (11, 0)))
def test_zero_means_unknown_on_hosts_so_it_is_refused(height: int, timestamp: int) -> None:
    with expect(MalformedProof, part="state attestation"):
        client_of().update(state(height, timestamp), now=0)


@pytest.mark.parametrize(("height", "timestamp"), ((11, 999), (9, 1_001)))
def test_time_never_runs_backwards(height: int, timestamp: int) -> None:
    with expect(TimeNotIncreasing, got=timestamp, trusted=1_000):
        client_of().update(state(height, timestamp), now=0)


def test_memory_is_bounded_and_what_was_forgotten_stays_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "HEIGHTS_MAX", 3)
    client = client_of()
    for height in (11, 12, 13):
        client = client.update(state(height, 1_000 + height), now=0)
    assert sorted(client.heights) == [11, 12, 13]
    with expect(HeightNotIncreasing, got=10, trusted=11):
        client.update(state(10, 1_001), now=0)


def test_misbehaviour_is_one_height_with_two_times_both_with_quorum() -> None:
    client = client_of()
    client.misbehaviour(state(20, 1), state(20, 2, (1, 2)), now=0)
    with expect(NotMisbehaviour, reason="the heights differ"):
        client.misbehaviour(state(20, 1), state(21, 2), now=0)
    with expect(NotMisbehaviour, reason="the times agree"):
        client.misbehaviour(state(20, 1), state(20, 1, (1, 2)), now=0)
    with expect(InsufficientVotingPower):
        client.misbehaviour(state(20, 1), state(20, 2, (1,)), now=0)


SETS: dict[str, tuple[tuple[bytes, ...], int, type[VerificationError], dict[str, Any]]] = {
    "half_of_an_even_set": (ADDRESSES[:4], 2, MalformedProof, {"part": "attestor threshold"}),
    "more_than_all": (ADDRESSES[:3], 4, MalformedProof, {"part": "attestor threshold"}),
    "nobody": ((), 0, MalformedProof, {"part": "attestor threshold"}),
    "one_twice": ((ADDRESSES[0], ADDRESSES[0], ADDRESSES[1]), 2, DuplicateSigner, {"signer": ADDRESSES[0]}),
    "short_address": ((b"\x01" * 19,), 1, MalformedProof, {"part": "attestor address"}),
    "zero_address": ((bytes(20),), 1, MalformedProof, {"part": "attestor address"}),
    "too_many": (tuple(n.to_bytes(20, "big") for n in range(1, 257)), 200, LimitExceeded, {"got": 256}),
}


@pytest.mark.parametrize("name", SETS)
def test_attestor_sets_that_are_refused(name: str) -> None:
    attestors, threshold, error, fields = SETS[name]
    with expect(error, **fields):
        bootstrap(attestors, threshold=threshold, height=1, timestamp=1)


def test_an_unknown_variant_is_refused() -> None:
    with expect(UnsupportedProof, got="other"):
        client_of(variant="other")


def rotation(client: AttestationClient, *, version: int = 1, following: AttestorSet | None = None) -> Attested:
    change = SetRotation(version, client.attestors.digest(), following or AttestorSet(ADDRESSES[3:6], 2))
    return sign(change.encode(), (0, 1), tag=Tag.ROTATION)


def test_the_quorum_of_the_old_set_names_the_next() -> None:
    client = client_of()
    rotated = client.update(rotation(client).encode_protobuf(), now=0)
    assert rotated.update(state(11, 1_001, (3, 5)), now=0).latest() == Height(0, 11)
    with expect(UnknownSigner):
        rotated.update(state(11, 1_001, (0, 1)), now=0)
    with expect(HeightNotIncreasing, got=1, trusted=1):
        rotated.update(rotation(client).encode_protobuf(), now=0)
    assert decode_client(rotated.encode()) == rotated


def test_rotations_that_are_refused() -> None:
    client = client_of()
    with expect(HeightNotIncreasing, got=2, trusted=0):
        client.update(rotation(client, version=2).encode_protobuf(), now=0)
    with expect(ValueMismatch, part="set before the rotation"):
        client.update(rotation(client_of(threshold=3)).encode_protobuf(), now=0)
    with expect(MalformedProof, part="attestor threshold"):
        client.update(rotation(client, following=AttestorSet(ADDRESSES[3:5], 1)).encode_protobuf(), now=0)
    with expect(UnsupportedProof):
        client_of(variant=PLAIN).update(rotation(client).encode_protobuf(), now=0)
    data = rotation(client).data
    with expect(InsufficientVotingPower):
        client.update(sign(data, (0,), tag=Tag.ROTATION).encode_protobuf(), now=0)
    with expect(UnknownSigner):
        client.update(sign(data, (0, 1), tag=Tag.STATE).encode_protobuf(), now=0)


def test_a_client_survives_encoding_and_other_versions_are_refused() -> None:
    client = client_of().update(state(12, 1_005), now=0)
    assert decode_client(client.encode()) == client
    with expect(UnsupportedProof, got=b"\x02"):
        decode_client(b"\x02" + client.encode()[1:])
    with expect(MalformedProof, part="attestation client heights"):
        decode_client(replace(client, heights={}).encode())
    with expect(LimitExceeded):
        decode_client(client.encode() + bytes(1 << 20))


def test_both_carriers_hold_the_same() -> None:
    attested = sign(_packet_data(), (0, 1), tag=Tag.PACKET)
    assert decode_protobuf(attested.encode_protobuf()) == decode_abi(attested.encode_abi()) == attested
    assert attested.encode_abi()[:32] == attested.data[:32] == bytes(31) + b"\x20"
    with expect(LimitExceeded, part="attestation signatures"):
        decode_abi(Attested(b"", (b"",) * 256).encode_abi())


@pytest.mark.parametrize("size", (10_000, 1_000_000))
def test_large_packet_attestations_are_refused_unread(size: int) -> None:
    entries = tuple(PathEntry(n.to_bytes(32, "big"), bytes(32)) for n in range(size // 32))
    data = b"" if size > 10_000 else PacketAttestation(10, entries).encode()
    proof = Attested(data or bytes(size), ()).encode_protobuf()
    with expect(LimitExceeded, part="packet attestation"):
        client_of().check([HELD], at=AT, proof=join_batch([proof]))


def test_hostile_bytes_meet_refusals_only() -> None:
    client = client_of()
    rotate = rotation(client).encode_protobuf()
    assert_only_refusals(lambda data: client.update(data, now=0), [state(11, 1_001), rotate], 1_500)
    proofs = [batch(10, [HELD, GONE]), join_batch([packets(10, [HELD, GONE])] * 2)]
    assert_only_refusals(lambda data: client.check([HELD, GONE], at=AT, proof=data), proofs, 1_500)
    assert_only_refusals(decode_client, [client.encode(), client.update(rotate, now=0).encode()], 1_500)
    assert_only_refusals(decode_abi, [sign(b"x" * 64, (0, 1), tag=Tag.STATE).encode_abi()], 1_500)
