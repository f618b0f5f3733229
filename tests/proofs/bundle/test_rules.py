"""What a bundle proves to whom, and each rule with the corruption that only it catches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs.bundle import format as bundle_format
from proofs.bundle import predicates as rules
from proofs.bundle.families import family_of
from proofs.bundle.format import (
    BUNDLE_BYTES_MAX,
    PAYLOADS_MAX,
    STEPS_MAX,
    checkpoint_digest,
    decode_bundle,
    decode_checkpoint,
    encode_bundle,
    encode_checkpoint,
)
from proofs.bundle.types import Bundle, Checkpoint, Kind
from proofs.bundle.verify import Proved, decode_checkpoint_client, verify_bundle
from proofs.commitment import ClientId
from proofs.encoding.protobuf import varint_field
from proofs.errors import (
    ClientFrozen,
    HeaderFromFuture,
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    TrustExpired,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.light_client import Height, Position
from proofs.primitives.hashing import sha256
from tests.proofs.attestation.builders import batch, client_of, state
from tests.proofs.bundle import samples
from tests.proofs.bundle.samples import FAMILIES, PACKET, Sample, attestation, cometbft
from tests.proofs.cometbft.builders import DAY, START
from tests.proofs.cometbft.test_client import started, with_store
from tests.proofs.fuzzing import assert_only_refusals

COMET = cometbft()
ATTESTED = attestation()
TWO_SIDED = ("attestation", "chainmaker", "clique", "cometbft", "fisco_bcos", "qbft", "substrate", "substrate_beefy")


def verified(sample: Sample, *, held: bytes | None = None) -> Proved:
    return verify_bundle(sample.encoded, held=held, now=sample.now)


def refused(error: type[VerificationError], bundle: Bundle, *, now: int = COMET.now) -> VerificationError:
    with pytest.raises(error) as refusal:
        verify_bundle(encode_bundle(bundle), held=None, now=now)
    return refusal.value


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_bundle_of_every_family_is_verified_by_who_holds_its_checkpoint(family: str) -> None:
    sample = FAMILIES[family]()
    proved = verified(sample, held=checkpoint_digest(sample.bundle.checkpoint))
    assert (proved.bundle, proved.held) == (sample.bundle, True)
    assert proved.trust
    assert proved.starts_at == sample.client.latest()
    # Attestors have signed no block yet; everybody else is named by the chain or its block.
    assert bool(proved.marks) == (family != "attestation")
    assert all(what and value for what, value in proved.marks)


@pytest.mark.parametrize("kind", (Kind.ACKNOWLEDGE, Kind.TIMEOUT))
@pytest.mark.parametrize("family", TWO_SIDED)
def test_acknowledgement_and_absence_are_verified(family: str, kind: Kind) -> None:
    proved = verified(getattr(samples, family)(kind))
    assert (proved.claim.value is None) == (kind is Kind.TIMEOUT)


def test_without_a_checkpoint_of_ones_own_the_verdict_says_so() -> None:
    proved = verified(COMET)
    assert not proved.held
    assert proved.checkpoint == checkpoint_digest(COMET.bundle.checkpoint)
    assert proved.checkpoint == encode_checkpoint(COMET.bundle.checkpoint)[-32:]


def test_check_checkpoint_is_held() -> None:
    """The maker of a bundle may start from any committee; the verifier's own checkpoint decides."""
    own = Checkpoint("attestation", client_of(3, 3).encode())
    with pytest.raises(ValueMismatch) as refusal:
        verified(ATTESTED, held=checkpoint_digest(own))
    assert (refusal.value.part, refusal.value.expected) == ("checkpoint", checkpoint_digest(own))
    assert refusal.value.got == checkpoint_digest(ATTESTED.bundle.checkpoint)


def test_a_checkpoint_of_another_family_has_another_digest() -> None:
    client = client_of().encode()
    assert checkpoint_digest(Checkpoint("attestation", client)) != checkpoint_digest(Checkpoint("cometbft", client))


def test_check_client_has_one_encoding() -> None:
    """Families decode strictly; should one of them take two forms, only one is a checkpoint."""
    encoded = client_of().encode()
    rules.check_client_has_one_encoding(encoded, client_of())
    with pytest.raises(ValueMismatch) as refusal:
        rules.check_client_has_one_encoding(encoded + b"\x00", client_of())
    assert refusal.value.part == "encoding of the checkpoint's client"
    with pytest.raises(VerificationError):
        decode_checkpoint_client(Checkpoint("attestation", encoded + bytes(32)))


def test_check_trust_has_not_expired() -> None:
    expired_at = START + 1 + 14 * DAY // 10**9
    late = refused(TrustExpired, replace(COMET.bundle, evidence=()), now=expired_at)
    assert (late.expired_at, late.now) == (expired_at, expired_at)  # type: ignore[attr-defined]  # of this refusal
    # Judged at a time when the checkpoint was fresh, the same bundle holds.
    assert verify_bundle(COMET.encoded, held=None, now=expired_at - 1).bundle == COMET.bundle


def test_a_header_of_the_future_is_refused_at_the_time_that_is_asked_for() -> None:
    refused(HeaderFromFuture, COMET.bundle, now=START - 1_000)


def test_a_frozen_checkpoint_is_refused() -> None:
    frozen = Checkpoint("cometbft", started().frozen(1).encode())
    refused(ClientFrozen, replace(COMET.bundle, checkpoint=frozen))
    known = with_store()
    frozen = Checkpoint("cometbft", known.frozen(5).encode())
    refused(ClientFrozen, replace(COMET.bundle, checkpoint=frozen, evidence=()))


def test_evidence_that_freezes_the_client_proves_nothing_else() -> None:
    bundle = ATTESTED.bundle
    refused(ClientFrozen, replace(bundle, evidence=(*bundle.evidence, state(11, 5))))


def test_check_step_teaches() -> None:
    twice = replace(COMET.bundle, evidence=(COMET.bundle.evidence[0], *COMET.bundle.evidence))
    error = refused(ValueMismatch, twice)
    assert error.part == "evidence step 1"  # type: ignore[attr-defined]  # of this refusal


def test_evidence_that_does_not_reach_the_proof_is_refused() -> None:
    refused(UnknownHeight, replace(COMET.bundle, evidence=COMET.bundle.evidence[:1]))
    refused(UnknownHeight, replace(COMET.bundle, at=Height(7, 6)))


PACKETS: dict[str, tuple[Callable[[], Bundle], str]] = {
    "sequence_0": (lambda: replace(COMET.bundle, packet=replace(PACKET, sequence=0)), "sequence"),
    "source_client": (
        lambda: replace(COMET.bundle, packet=replace(PACKET, source_client=ClientId("a\x01b/c"))),
        "source client",
    ),
    "destination_client": (
        lambda: replace(COMET.bundle, packet=replace(PACKET, dest_client=ClientId("abc"))),
        "destination client",
    ),
}


@pytest.mark.parametrize("case", PACKETS)
def test_check_packet_names(case: str) -> None:
    make, part = PACKETS[case]
    assert refused(MalformedProof, make()).part == part  # type: ignore[attr-defined]  # of this refusal


def test_check_payloads() -> None:
    none = refused(MalformedProof, replace(COMET.bundle, packet=replace(PACKET, payloads=())))
    assert none.part == "payloads"  # type: ignore[attr-defined]  # of this refusal
    needless = refused(MalformedProof, replace(COMET.bundle, acknowledgements=(b"\x01",)))
    assert needless.expected == "none for receive"  # type: ignore[attr-defined]  # of this refusal
    acknowledged = cometbft(Kind.ACKNOWLEDGE).bundle
    for wrong in ((), (b"\x01", b"\x01")):
        error = refused(MalformedProof, replace(acknowledged, acknowledgements=wrong))
        assert (error.part, error.got) == ("acknowledgements", len(wrong))  # type: ignore[attr-defined]


def test_check_position() -> None:
    error = refused(UnsupportedProof, replace(COMET.bundle, written=Position(Height(7, 4), 0, 0)))
    assert error.part == "position"  # type: ignore[attr-defined]  # of this refusal


def test_check_timeout_has_passed() -> None:
    """Absence alone is no timeout: the packet may still arrive."""
    absent = attestation(Kind.TIMEOUT).bundle
    late = replace(absent, packet=replace(PACKET, timeout=PACKET.timeout + 1))
    error = refused(ValueMismatch, late)
    assert (error.part, error.got) == ("time of the absence", PACKET.timeout)  # type: ignore[attr-defined]


def test_another_packet_under_the_same_proof_is_refused() -> None:
    for changed in (
        replace(PACKET, timeout=PACKET.timeout + 1),
        replace(PACKET, dest_client=ClientId("client-2")),
        replace(PACKET, payloads=(replace(samples.PAYLOAD, value=b"hullo"),)),
        replace(PACKET, sequence=8),
    ):
        refused(VerificationError, replace(COMET.bundle, packet=changed))


def test_other_acknowledgements_are_refused() -> None:
    refused(VerificationError, replace(cometbft(Kind.ACKNOWLEDGE).bundle, acknowledgements=(b"\x02",)))


def test_a_receive_is_no_acknowledgement() -> None:
    bundle = replace(COMET.bundle, kind=Kind.ACKNOWLEDGE, acknowledgements=(b"\x01",))
    refused(VerificationError, bundle)
    refused(VerificationError, replace(COMET.bundle, kind=Kind.TIMEOUT))


def test_endpoints_that_agree_prove_nothing_to_a_stranger() -> None:
    error = refused(UnsupportedProof, replace(COMET.bundle, checkpoint=Checkpoint("endpoint-quorum", b"\x01")))
    assert (error.part, error.got) == ("family", "endpoint-quorum")  # type: ignore[attr-defined]
    assert "convinces a stranger" in str(error.expected)  # type: ignore[attr-defined]  # of this refusal


def test_every_family_that_is_read_is_portable() -> None:
    for name in FAMILIES:
        assert FAMILIES[name]().client.portable
        assert family_of(name).trusted


def test_one_attestor_alone_is_called_what_it_is() -> None:
    alone = client_of(1, 1)
    made = samples.attestation()
    proof = batch(11, [samples.claim_in(made)], (0,))
    steps = (state(11, PACKET.timeout, (0,)),)
    bundle = replace(made.bundle, checkpoint=Checkpoint("attestation", alone.encode()), evidence=steps, proof=proof)
    proved = verify_bundle(encode_bundle(bundle), held=None, now=0)
    assert "1 of 1 attestors" in proved.trust
    assert "one party's word" in proved.trust


# The file


def test_bundles_and_checkpoints_are_read_as_they_were_written() -> None:
    for make in FAMILIES.values():
        bundle = make().bundle
        assert decode_bundle(encode_bundle(bundle)) == bundle
        assert decode_checkpoint(encode_checkpoint(bundle.checkpoint)) == bundle.checkpoint


def sealed(content: bytes) -> bytes:
    return content + sha256(content)


def test_check_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_format, "BUNDLE_BYTES_MAX", len(COMET.encoded) - 1)
    with pytest.raises(LimitExceeded) as refusal:
        decode_bundle(COMET.encoded)
    assert (refusal.value.part, refusal.value.limit) == ("bundle bytes", len(COMET.encoded) - 1)
    assert BUNDLE_BYTES_MAX == 64 << 20


def test_check_name() -> None:
    for read, other in (
        (decode_bundle, encode_checkpoint(COMET.bundle.checkpoint)),
        (decode_checkpoint, COMET.encoded),
    ):
        with pytest.raises(MalformedProof) as refusal:
            read(other)
        assert refusal.value.part == "name of the file's kind"


def test_check_version() -> None:
    body = COMET.encoded[len(bundle_format.BUNDLE_NAME) + 1 : -32]
    with pytest.raises(UnsupportedProof) as refusal:
        decode_bundle(sealed(bundle_format.BUNDLE_NAME + b"\x02" + body))
    assert (refusal.value.part, refusal.value.got) == ("format version", b"\x02")


def test_check_digest() -> None:
    with pytest.raises(RootMismatch) as refusal:
        decode_bundle(COMET.encoded[:-1] + bytes([COMET.encoded[-1] ^ 1]))
    assert refusal.value.part == "digest of the file"


@pytest.mark.parametrize("kind", (0, 4))
def test_check_kind(kind: int) -> None:
    content = COMET.encoded[:-32]
    honest = varint_field(3, Kind.RECEIVE) + b"\x22"
    assert content.count(honest) == 1
    with pytest.raises(UnsupportedProof) as refusal:
        decode_bundle(sealed(content.replace(honest, varint_field(3, kind) + b"\x22")))
    assert (refusal.value.part, refusal.value.got) == ("kind of the bundle", kind)


def test_only_one_encoding_is_read() -> None:
    content = COMET.encoded[:-32]
    for more in (b"\x48\x01", varint_field(3, 1), b"\x00"):
        with pytest.raises(MalformedProof):
            decode_bundle(sealed(content + more))
    swapped = encode_bundle(replace(COMET.bundle, proof=b""))[:-32]
    with pytest.raises(MalformedProof):
        decode_bundle(sealed(swapped))


def test_steps_and_payloads_are_counted_before_they_are_read() -> None:
    many = replace(COMET.bundle, evidence=(b"",) * (STEPS_MAX + 1))
    payloads = replace(PACKET, payloads=PACKET.payloads * (PAYLOADS_MAX + 1))
    for large in (many, replace(COMET.bundle, packet=payloads)):
        with pytest.raises(LimitExceeded):
            decode_bundle(encode_bundle(large))


@pytest.mark.parametrize("length", (0, 1, 23, 24, 25, 56, 57, 100))
def test_truncated_files_are_refused(length: int) -> None:
    for read, encoded in (
        (decode_bundle, COMET.encoded),
        (decode_checkpoint, encode_checkpoint(COMET.bundle.checkpoint)),
    ):
        with pytest.raises(VerificationError):
            read(encoded[:length])


def test_hostile_bytes_are_only_refused() -> None:
    """The digest is written again, so that the parsers behind it meet the bytes."""

    def parse(content: bytes) -> object:
        return verify_bundle(sealed(content), held=None, now=COMET.now)

    for sample in (COMET, ATTESTED):
        assert_only_refusals(parse, [sample.encoded[:-32]], 300)
