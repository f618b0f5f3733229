"""Members: certificates and their chains, keys, node ids, and the encodings they come in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from proofs.chainmaker import der
from proofs.chainmaker.addresses import contract_address
from proofs.chainmaker.certificates import Certificate, parse_certificate, verify_chain
from proofs.chainmaker.identities import Identity, by_hash, identify
from proofs.chainmaker.keys import base58, node_id, parse_key, verify_signature
from proofs.chainmaker.messages import decode_config
from proofs.chainmaker.pem import read_pem, read_pem_blocks
from proofs.chainmaker.types import Member
from proofs.errors import (
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.primitives.hashing import keccak256, sha256, sm3
from tests.proofs.chainmaker import sm2_signing
from tests.proofs.chainmaker.builders import (
    START,
    Network,
    Signer,
    authority,
    authority_name,
    certificate,
    certified,
    keyed,
    pem,
    private_key,
    spki,
    with_certificates,
    with_keys,
)
from tests.proofs.fuzzing import assert_only_refusals

CERTS = with_certificates()
KEYS = with_keys(4, auth_type="permissionedWithKey")
ORG = "org1.test"


def who(
    signer: Signer, network: Network = CERTS, *, at: int = START, certificates: tuple[bytes, ...] = (), **changes: Any
) -> Identity:
    plain = signer.member | changes
    member = Member(plain["org_id"], plain.get("member_type", 0), plain["member_info"])
    return identify(member, decode_config(network.encoded()), at=at, certificates=by_hash(certificates, sha256))


def der_of(signer: Signer) -> bytes:
    return read_pem(bytes(signer.member["member_info"]), "CERTIFICATE")


def test_a_certificate_says_organisation_and_role() -> None:
    found = who(CERTS.signers[0])
    assert (found.org_id, found.role, found.node_id, found.hash_name) == (ORG, "CONSENSUS", "", "SHA256")


def test_a_certificate_may_be_named_by_its_hash() -> None:
    encoded = der_of(CERTS.signers[0])
    named: dict[str, Any] = {"member_type": 1, "member_info": sha256(encoded)}
    assert who(CERTS.signers[0], certificates=(encoded,), **named) == who(CERTS.signers[0])
    with pytest.raises(UnknownSigner) as refused:
        who(CERTS.signers[0], certificates=(der_of(CERTS.signers[1]),), **named)
    assert refused.value.signer == sha256(encoded)


@pytest.mark.parametrize("kind", (2, 3, 4, 5, 6, -1))
def test_with_certificates_nobody_is_known_otherwise(kind: int) -> None:
    with pytest.raises(UnsupportedProof) as refused:
        who(CERTS.signers[0], member_type=kind)
    assert (refused.value.part, refused.value.got) == ("member type", kind)


@pytest.mark.parametrize("kind", (0, 1, 3, 4, 5))
def test_with_keys_nobody_is_known_otherwise(kind: int) -> None:
    with pytest.raises(UnsupportedProof):
        who(KEYS.signers[0], KEYS, member_type=kind)


def test_a_key_is_the_node_that_it_makes() -> None:
    found = who(KEYS.signers[1], KEYS)
    assert (found.node_id, found.org_id, found.role) == (KEYS.signers[1].node_id, "org1.test", "CONSENSUS")
    with pytest.raises(UnknownSigner) as refused:
        who(keyed(9, "SM3", org="org1.test"), KEYS)
    assert refused.value.signer == keyed(9, "SM3").node_id.encode()
    with pytest.raises(ValueMismatch):
        who(KEYS.signers[1], KEYS, org_id="org2.test")


def test_a_member_speaks_for_its_own_organisation() -> None:
    with pytest.raises(ValueMismatch) as refused:
        who(CERTS.signers[0], org_id="org2.test")
    assert (refused.value.part, refused.value.got, refused.value.expected) == (
        "organisation of a member",
        "org2.test",
        ORG,
    )


def test_a_certificate_of_two_roles_is_refused() -> None:
    two = certified(60, ORG, authority_secret=100, units=["client"])
    with pytest.raises(MalformedProof) as refused:
        who(two)
    assert (refused.value.part, refused.value.got) == ("certificate unit", 2)


def test_a_trusted_member_needs_no_chain_and_is_bound_to_its_node() -> None:
    stranger = certified(70, "far.test", authority_secret=170)
    text = stranger.member["member_info"].decode()
    entry = {"member_info": text, "org_id": "far.test", "role": "consensus", "node_id": "QmFar"}
    network = CERTS.changed(trust_members=[entry])
    found = who(stranger, network)
    assert (found.org_id, found.role, found.node_id) == ("far.test", "CONSENSUS", "QmFar")
    with pytest.raises(ValueMismatch):
        who(stranger, network, org_id=ORG)
    # One line break more is another text.
    with pytest.raises(UnknownSigner):
        who(stranger, network, member_info=stranger.member["member_info"] + b"\n")


def test_the_roots_of_another_organisation_do_not_vouch() -> None:
    forged = certified(80, ORG, authority_secret=101)  # named by org1's authority, signed by org2's
    with pytest.raises(InvalidSignature):
        who(forged)
    foreign = certificate(
        {"O": ORG, "OU": "consensus", "CN": "x"},
        secret=81,
        issuer=authority_name("org2.test"),
        issuer_secret=101,
    )
    with pytest.raises(UnknownSigner):
        who(CERTS.signers[0], member_info=pem("CERTIFICATE", foreign))


def test_certificates_count_while_they_are_valid() -> None:
    first, last = START - 1_000, START + 1_000_000
    young = certified(82, ORG, authority_secret=100, valid=(START, START + 10))
    for at in (START, START + 10):
        who(young, at=at)
    for at in (START - 1, START + 11):
        with pytest.raises(ValueMismatch) as refused:
            who(young, at=at)
        assert (refused.value.part, refused.value.got) == ("certificate validity", at)
    outlives = certified(83, ORG, authority_secret=100, valid=(first, last + 10))
    with pytest.raises(ValueMismatch):
        who(outlives, at=last + 5)


# --- chains


def chain_of(length: int, *, are_authorities: bool = True) -> list[Certificate]:
    """A root, then each signed by the one before."""
    root = certificate({"CN": "0"}, secret=300, is_authority=True)
    below = (
        certificate(
            {"CN": str(number)},
            secret=300 + number,
            issuer={"CN": str(number - 1)},
            issuer_secret=299 + number,
            is_authority=are_authorities,
        )
        for number in range(1, length)
    )
    return [parse_certificate(each) for each in (root, *below)]


def test_a_chain_goes_over_authorities_to_a_root() -> None:
    root, *between, member = chain_of(4)
    verify_chain(member, roots=[root], pool=between, at=START)
    with pytest.raises(UnknownSigner):
        verify_chain(member, roots=[root], pool=between[1:], at=START)
    with pytest.raises(UnknownSigner):
        verify_chain(member, roots=[], pool=[root, *between], at=START)


def test_a_chain_is_bounded() -> None:
    root, *between, member = chain_of(5)
    with pytest.raises(UnknownSigner):
        verify_chain(member, roots=[root], pool=between, at=START)


def test_a_member_signs_no_members() -> None:
    root, between, member = chain_of(3, are_authorities=False)
    with pytest.raises(UnknownSigner):
        verify_chain(member, roots=[root], pool=[between], at=START)


def test_a_renewed_root_of_the_same_name_is_found_by_its_key() -> None:
    old = parse_certificate(certificate({"CN": "0"}, secret=400, is_authority=True))
    root, member = chain_of(2)
    verify_chain(member, roots=[old, root], pool=[], at=START)
    with pytest.raises(InvalidSignature):
        verify_chain(member, roots=[old], pool=[], at=START)


def test_too_many_roots_are_refused() -> None:
    network = with_certificates(1)
    text = network.config["trust_roots"][0]["root"][0]
    crowded = network.changed(trust_roots=[{"org_id": ORG, "root": [text * 20] * 4}])
    with pytest.raises(LimitExceeded) as refused:
        who(network.signers[0], crowded)
    assert (refused.value.part, refused.value.limit) == ("trust roots", 64)


# --- the encoding of certificates and keys


def rebuilt(encoded: bytes, change: Any) -> bytes:
    """A certificate with its parts changed; its signature no longer counts."""
    body, algorithm, signature = der.read_sequence(der.read_only(encoded, der.SEQUENCE, ""), "", limit=3)
    fields = [each.raw for each in der.read_sequence(body, "", limit=10)]
    outer: list[Any] = [fields, algorithm.raw, signature.raw]
    change(outer)
    joined = b"".join(outer[0])
    return sequence(sequence(joined), *outer[1:])


def sequence(*parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes((size,)) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return b"\x30" + length + content


ROOT = authority(ORG, 100)
SHA384 = bytes.fromhex("300a06082a8648ce3d040303")


def put(place: int, value: bytes) -> Any:
    return lambda outer: outer.__setitem__(place, value)


def put_field(place: int, value: bytes) -> Any:
    return lambda outer: outer[0].__setitem__(place, value)


CERTIFICATES: dict[str, tuple[Any, type[VerificationError]]] = {
    "algorithm outside": (put(1, SHA384), ValueMismatch),
    "unknown algorithm": (lambda outer: (put(1, SHA384)(outer), put_field(2, SHA384)(outer)), UnsupportedProof),
    "signature of odd bits": (put(2, b"\x03\x02\x01\x00"), MalformedProof),
    "signature of another kind": (put(2, b"\x04\x02\x00\x00"), MalformedProof),
    "no version": (put_field(0, b"\x02\x01\x02"), MalformedProof),
    "one time": (put_field(4, sequence(b"\x17\x0d231201084314Z")), MalformedProof),
    "time of no date": (put_field(4, sequence(b"\x17\x0d231301084314Z", b"\x17\x0d331201084314Z")), MalformedProof),
    "time without zone": (put_field(4, sequence(b"\x17\x0c231201084314", b"\x17\x0d331201084314Z")), MalformedProof),
    "subject of numbers": (
        put_field(5, sequence(b"\x31\x09" + sequence(b"\x06\x03\x55\x04\x0a", b"\x02\x00"))),
        MalformedProof,
    ),
    "key on another curve": (
        put_field(6, spki(ec.derive_private_key(5, ec.SECP384R1()).public_key())),
        UnsupportedProof,
    ),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_have_one_form(name: str) -> None:
    change, error = CERTIFICATES[name]
    assert parse_certificate(rebuilt(ROOT, lambda _outer: None)).subject == parse_certificate(ROOT).subject
    with pytest.raises(error):
        parse_certificate(rebuilt(ROOT, change))


def test_certificates_are_bounded() -> None:
    with pytest.raises(LimitExceeded):
        parse_certificate(bytes((1 << 16) + 1))


DER: dict[str, bytes] = {
    "truncated": b"\x30",
    "long length of a short one": b"\x30\x81\x01\x00",
    "leading zero": b"\x30\x82\x00\x81" + bytes(129),
    "indefinite": b"\x30\x80\x00\x00",
    "length of four bytes": b"\x30\x84\x01\x00\x00\x00",
    "beyond the end": b"\x30\x05\x00",
    "tag of two bytes": b"\x3f\x30\x00",
    "another tag": b"\x31\x00",
    "trailing": b"\x30\x00\x00",
}


@pytest.mark.parametrize("name", DER)
def test_der_has_one_form(name: str) -> None:
    with pytest.raises(MalformedProof):
        der.read_only(DER[name], der.SEQUENCE, "test")


def test_a_long_tag_is_refused_among_others_too() -> None:
    with pytest.raises(MalformedProof):
        der.read_all(b"\x1f\x00", "test", limit=2)


def test_der_lists_are_bounded_and_long_lengths_are_read() -> None:
    with pytest.raises(MalformedProof):
        der.read_all(b"\x05\x00" * 3, "test", limit=2)
    assert len(der.read_only(b"\x30\x81\x80" + bytes(128), der.SEQUENCE, "test").content) == 128


@pytest.mark.parametrize("content", (b"", b"\x80", b"\x2a\x80\x01", b"\x01" * 65))
def test_object_identifiers_have_one_form(content: bytes) -> None:
    with pytest.raises(MalformedProof):
        der.read_object(der.Element(der.OBJECT, content, b""), "test")


def test_times_of_two_centuries() -> None:
    for tag, text, year in ((der.UTC_TIME, b"490101000000Z", 2049), (der.UTC_TIME, b"500101000000Z", 1950)):
        seconds = der.read_time(der.Element(tag, text, b""), "test")
        assert abs(seconds - (year - 1970) * 31_556_952) < 86_400 * 2
    assert der.read_time(der.Element(der.GENERALIZED_TIME, b"20500101000000Z", b""), "test") == 2_524_608_000


def test_pem_has_nothing_around_it() -> None:
    good = pem("CERTIFICATE", b"abc")
    assert read_pem(good, "CERTIFICATE") == b"abc"
    assert read_pem(good.replace(b"\n", b"\r\n"), "CERTIFICATE") == b"abc"
    assert read_pem_blocks(good * 2, "CERTIFICATE") == (b"abc", b"abc")
    for bad in (b"x" + good, good + b"x", good * 2, b"", pem("PUBLIC KEY", b"abc"), good.replace(b"YWJj", b"YW*j")):
        with pytest.raises(MalformedProof):
            read_pem(bad, "CERTIFICATE")
    with pytest.raises(LimitExceeded):
        read_pem(bytes(1 << 17), "CERTIFICATE")


# --- keys and signatures


def test_keys_of_both_curves_sign_with_the_hash_of_their_kind() -> None:
    p256 = parse_key(spki(private_key(7).public_key()))
    signer = replace(keyed(0, "SM3"), secret=7)
    for name in ("SHA256", "SM3", "SHA3_256"):
        signature = replace(signer, hash_name=name).sign(b"message")
        verify_signature(b"message", signature, key=p256, hash_name=name)
        with pytest.raises(InvalidSignature):
            verify_signature(b"massage", signature, key=p256, hash_name=name)
    sm2 = keyed(1, "SM3", is_sm2=True)
    key = parse_key(sm2_signing.public_key(sm2.secret))
    verify_signature(b"message", sm2.sign(b"message"), key=key, hash_name="SM3")
    with pytest.raises(InvalidSignature):
        verify_signature(b"massage", sm2.sign(b"message"), key=key, hash_name="SM3")


def test_schemes_that_nobody_documents_are_refused() -> None:
    sm2 = parse_key(sm2_signing.public_key(5))
    numbers = rsa.RSAPublicNumbers(65_537, (1 << 2047) | 1).public_key()
    encoded = numbers.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for key, name in ((sm2, "SHA256"), (parse_key(encoded), "SHA256")):
        with pytest.raises(UnsupportedProof) as refused:
            verify_signature(b"m", b"", key=key, hash_name=name)
        assert refused.value.part == "signature scheme"


def test_a_key_that_is_no_point_is_refused() -> None:
    broken = bytearray(spki(private_key(7).public_key()))
    broken[-1] ^= 1
    signature = replace(keyed(0, "SM3"), secret=7).sign(b"m")
    with pytest.raises(MalformedProof):
        verify_signature(b"m", signature, key=parse_key(bytes(broken)), hash_name="SM3")


@pytest.mark.parametrize(
    "encoded",
    (b"\x30\x00", sequence(sequence(), b"\x03\x02\x00\x04"), sequence(b"\x30\x00"), bytes(5_000)),
)
def test_keys_have_one_form(encoded: bytes) -> None:
    with pytest.raises(MalformedProof):
        parse_key(encoded)


def test_base58_keeps_leading_zeros() -> None:
    assert base58(b"\0\0\x01") == "112"
    assert node_id(parse_key(spki(private_key(7).public_key()))).startswith("Qm")


def test_contract_addresses_changed_with_2300() -> None:
    assert contract_address("x", block_version=2201) == keccak256(b"x")[12:]
    assert contract_address("x", block_version=2300) == keccak256(keccak256(b"x"))[12:]
    assert sm3(b"") != sha256(b"")


def test_hostile_certificates_keys_and_texts_are_refused_by_name() -> None:
    certificates = [der_of(each) for each in CERTS.signers] + [ROOT]
    assert_only_refusals(parse_certificate, certificates, 3_000)
    assert_only_refusals(parse_key, [spki(private_key(7).public_key()), sm2_signing.public_key(5)], 1_500)
    assert_only_refusals(lambda data: read_pem(data, "CERTIFICATE"), [pem("CERTIFICATE", ROOT)], 1_500)
    assert_only_refusals(decode_config, [CERTS.encoded(), KEYS.encoded()], 1_500)
