from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any as OracleAny

from proofs.attestation.spec import Tag, signing_digest
from proofs.attestation.types import PacketAttestation, StateAttestation, decode_abi, decode_protobuf, path_entry
from proofs.dialects import AttestationDialect, VerifyingDialect, dialect_of
from proofs.encoding.proof_batch import join_batch, split_batch
from proofs.errors import MalformedProof, UnsupportedProof
from proofs.light_client import Claim, Height
from tests.proofs.attestation.builders import client_of, sign

CLAIM = Claim(b"path", b"\x11" * 32)
AT = Height(0, 10)
STATE = sign(StateAttestation(11, 1_001).encode(), (0, 1), tag=Tag.STATE)
PATH = sign(PacketAttestation(10, (path_entry(CLAIM.path, CLAIM.value),)).encode(), (0, 1), tag=Tag.PACKET)


def verifying(host_kind: str) -> VerifyingDialect:
    dialect = dialect_of("cometbft", host_kind=host_kind, variant="")
    assert not dialect.needs_attestors
    return dialect


def attesting(host_kind: str, variant: str = "tagged") -> AttestationDialect:
    dialect = dialect_of("attestation", host_kind=host_kind, variant=variant)
    assert dialect.needs_attestors
    return dialect


@pytest.mark.parametrize(
    "wanted",
    (
        ("cometbft", "evm", ""),
        ("cometbft", "cosmos", "tagged"),
        ("attestation", "cosmos", "plain"),
        ("attestation", "evm", ""),
        ("", "", ""),
    ),
)
def test_a_dialect_nobody_wrote_is_refused(wanted: tuple[str, str, str]) -> None:
    family, host_kind, variant = wanted
    with pytest.raises(UnsupportedProof) as refusal:
        dialect_of(family, host_kind=host_kind, variant=variant)
    assert refusal.value.got == wanted


def test_cosmos_takes_headers_as_any_and_one_merkle_proof_per_claim() -> None:
    (update,) = verifying("cosmos").updates([b"header"])
    packed = OracleAny.FromString(update)
    assert (packed.type_url, packed.value) == ("/ibc.lightclients.tendermint.v1.Header", b"header")
    assert verifying("cosmos").proofs([CLAIM] * 2, at=AT, proof=join_batch([b"a", b"b"])) == (b"a", b"b")


def test_a_native_host_takes_evidence_and_batches_of_one() -> None:
    assert verifying("native").updates([b"one", b"two"]) == (b"one", b"two")
    proofs = verifying("native").proofs([CLAIM] * 2, at=AT, proof=join_batch([b"a", b"b"]))
    assert [split_batch(each, count=1) for each in proofs] == [(b"a",), (b"b",)]


@pytest.mark.parametrize("host_kind", ("cosmos", "native"))
def test_a_batch_of_another_size_is_refused(host_kind: str) -> None:
    with pytest.raises(MalformedProof) as refusal:
        verifying(host_kind).proofs([CLAIM], at=AT, proof=join_batch([b"a", b"b"]))
    assert (refusal.value.got, refusal.value.expected) == (2, 1)


@pytest.mark.parametrize("variant", ("tagged", "plain"))
def test_what_is_signed_depends_on_the_variant(variant: str) -> None:
    dialect = attesting("evm", variant)
    assert dialect.variant == variant
    assert dialect.state_digest(b"data") == signing_digest(b"data", tag=Tag.STATE, variant=variant)
    assert dialect.packet_digest(b"data") == signing_digest(b"data", tag=Tag.PACKET, variant=variant)
    assert (dialect.state_digest(b"data") == dialect.packet_digest(b"data")) is (variant == "plain")


def test_evm_takes_a_quorum_as_abi() -> None:
    assert decode_abi(attesting("evm").state_update(STATE)) == STATE
    assert decode_abi(attesting("evm").path_proof(PATH)) == PATH


def test_cosmos_takes_a_quorum_as_protobuf_its_updates_as_any() -> None:
    packed = OracleAny.FromString(attesting("cosmos").state_update(STATE))
    assert packed.type_url == "/ibc.lightclients.attestations.v1.AttestationProof"
    assert decode_protobuf(packed.value) == STATE
    assert decode_protobuf(attesting("cosmos").path_proof(PATH)) == PATH


def test_a_native_host_feeds_the_client_as_it_is() -> None:
    dialect = attesting("native")
    assert client_of().update(dialect.state_update(STATE), now=0).latest() == Height(0, 11)
    client_of().check([CLAIM], at=AT, proof=dialect.path_proof(PATH))
