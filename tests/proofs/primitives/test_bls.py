"""BLS12-381: what the curve library would let through, and must not pass here."""

from __future__ import annotations

import pytest
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from proofs.errors import InvalidSignature, LimitExceeded, MalformedProof
from proofs.primitives import bls
from tests.proofs.fuzzing import assert_only_refusals

G1_INFINITY = b"\xc0" + bytes(47)
G2_INFINITY = b"\xc0" + bytes(95)
MESSAGE = b"a message"
SECRETS = [Scalar(5), Scalar(6), Scalar(7)]
KEYS = [G1Point() * secret for secret in SECRETS]
COMPRESSED = [bytes(key.to_compressed_bytes()) for key in KEYS]


def signed(message: bytes = MESSAGE) -> list[bytes]:
    return [bytes((bls.hash_to_g2(message) * secret).to_compressed_bytes()) for secret in SECRETS]


def test_an_aggregate_of_one_message_verifies() -> None:
    bls.fast_aggregate_verify(KEYS, MESSAGE, bls.aggregate_signatures(signed()))


def test_an_aggregate_of_many_messages_verifies() -> None:
    messages = [b"one", b"two", b"three"]
    parts = [signed(message)[place] for place, message in enumerate(messages)]
    bls.aggregate_verify(KEYS, messages, bls.aggregate_signatures(parts))
    with pytest.raises(InvalidSignature):
        bls.aggregate_verify(KEYS, [b"one", b"two", b"four"], bls.aggregate_signatures(parts))


@pytest.mark.parametrize("keys", (KEYS[:2], [*KEYS, KEYS[0]]))
def test_a_signer_more_or_less_is_refused(keys: list[G1Point]) -> None:
    with pytest.raises(InvalidSignature) as refusal:
        bls.fast_aggregate_verify(keys, MESSAGE, bls.aggregate_signatures(signed()))
    assert refusal.value.scheme == bls.SCHEME


def test_nobody_signs_nothing() -> None:
    for attempt in (
        lambda: bls.fast_aggregate_verify([], MESSAGE, G2_INFINITY),
        lambda: bls.aggregate_verify([], [], G2_INFINITY),
        lambda: bls.aggregate_signatures([]),
    ):
        with pytest.raises(MalformedProof) as refusal:
            attempt()
        assert refusal.value.got == 0


def test_the_infinity_key_is_no_key() -> None:
    with pytest.raises(MalformedProof) as refusal:
        bls.decompress_key(G1_INFINITY)
    assert refusal.value.part == "public key"
    with pytest.raises(MalformedProof):
        bls.aggregate_verify([G1Point.identity()], [MESSAGE], G2_INFINITY)


def test_keys_that_cancel_out_are_no_signers() -> None:
    with pytest.raises(MalformedProof) as refusal:
        bls.fast_aggregate_verify([KEYS[0], -KEYS[0]], MESSAGE, G2_INFINITY)
    assert refusal.value.got == "infinity"


def test_more_pairings_than_any_committee_needs_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        bls.aggregate_verify(KEYS * 200, [MESSAGE] * 600, G2_INFINITY)


@pytest.mark.parametrize(
    ("data", "part"),
    (
        (G1_INFINITY[:-1], "G1 point bytes"),
        (COMPRESSED[0] + b"\0", "G1 point bytes"),
        (bytes([COMPRESSED[0][0] & 0x7F]) + COMPRESSED[0][1:], "G1 point form"),
        (b"\xe0" + bytes(47), "G1 point infinity"),
        (b"\xc0" + bytes(46) + b"\1", "G1 point infinity"),
        (b"\xc0" + COMPRESSED[0][1:], "G1 point infinity"),
        (b"\x9f" + b"\xff" * 47, "G1 point"),
        (b"\x80" + bytes(47), "G1 point"),  # (0, 2): on the curve, outside the subgroup
    ),
)
def test_every_other_encoding_of_a_point_is_refused(data: bytes, part: str) -> None:
    with pytest.raises(MalformedProof) as refusal:
        bls.decompress_g1(data)
    assert refusal.value.part == part


def test_infinity_has_one_encoding() -> None:
    assert bls.decompress_g1(G1_INFINITY) == G1Point.identity()
    assert bls.decompress_g2(G2_INFINITY) == G2Point.identity()


def test_hostile_points_are_refused_or_have_one_encoding() -> None:
    def read(data: bytes) -> None:
        assert bytes(bls.decompress_g1(data).to_compressed_bytes()) == data

    assert_only_refusals(read, [*COMPRESSED, G1_INFINITY], count=2000)
    assert_only_refusals(bls.decompress_g2, [*signed(), G2_INFINITY], count=500)
