"""Who is a member of an organisation, and each rule by which somebody is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import utils

from proofs.encoding.protobuf import message_field, string_field, varint_field
from proofs.errors import (
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.fabric import certificates, hashing, msp
from proofs.fabric.block_messages import BlockHeader
from proofs.fabric.certificates import Certificate, parse_der, parse_pem
from proofs.fabric.channel_config import CONFIG_BYTES_MAX, check_consenters, read_config
from proofs.fabric.config_messages import CryptoConfig, FabricMspConfig, Role, UnitIdentifier
from proofs.fabric.identities import check_key_type
from proofs.fabric.msp import Msp, build_msp, read_msp
from tests.proofs.fabric.builders import (
    ORDERERS,
    ORG1,
    STRANGERS,
    Channel,
    Holder,
    Organisation,
    bft_channel,
    group,
    issue,
    mapping,
    revocations,
)
from tests.proofs.fuzzing import assert_only_refusals

ROOT = issue("Org", 100, authority=True)
MIDDLE = issue("Org", 101, ROOT, authority=True)
LEAF = issue("Org", 102, ROOT, ("peer",))
BELOW = issue("Org", 103, MIDDLE, ("peer",))
CONFIG = FabricMspConfig("Org", (ROOT.pem,), (), (), (), (), None, None)
WITH_MIDDLE = replace(CONFIG, intermediates=(MIDDLE.pem,))


def member(holder: Holder, config: FabricMspConfig = CONFIG) -> Callable[[], object]:
    return lambda: build_msp(config).member(parse_pem(holder.pem))


def test_members_chain_to_a_root_directly_or_by_an_intermediate() -> None:
    assert build_msp(CONFIG).member(parse_pem(LEAF.pem)).roles == frozenset()
    found = build_msp(WITH_MIDDLE).member(parse_pem(BELOW.pem))
    chain = (parse_pem(MIDDLE.pem), parse_pem(ROOT.pem))
    assert found.chain_identifier == msp.chain_identifier(chain)


def test_roles_come_from_units_and_from_the_list_of_admins() -> None:
    organisation = read_msp(ORG1.msp())
    assert organisation is not None
    for role in (Role.CLIENT, Role.PEER, Role.ADMIN, Role.ORDERER):
        assert organisation.member(parse_pem(ORG1.member(role).pem)).roles == {role}
    listed = build_msp(replace(CONFIG, admins=(LEAF.pem,)))
    assert listed.member(parse_pem(LEAF.pem)).roles == {Role.ADMIN}


def test_expiry_plays_no_part_but_the_first_second_does() -> None:
    expired = issue("Org", 110, ROOT, days=(1, 2))
    member(expired)()
    before_its_root = issue("Org", 111, ROOT, days=(-10, 10))
    with pytest.raises(ValueMismatch) as refusal:
        member(before_its_root)()
    assert refusal.value.part == "certificate validity"


UNITED = replace(CONFIG, units=(UnitIdentifier(ROOT.pem, "peer"),))
OTHER_ROOT = issue("Org", 120, authority=True)
SHORT = issue("Org", 121, ROOT, authority=True, path_length=0)
BELOW_SHORT = issue("Org", 122, SHORT, authority=True)
MUTE = issue("Org", 123, ROOT, authority=True, signs_certificates=False)
REFUSED: dict[str, tuple[Callable[[], object], type[VerificationError], dict[str, object]]] = {
    "an_authority": (member(MIDDLE), UnsupportedProof, {"part": "identity"}),
    "a_stranger": (member(STRANGERS.member(Role.PEER)), UnknownSigner, {}),
    "name_of_the_root_but_not_its_key": (member(issue("Org", 131, replace(ROOT, number=120))), UnknownSigner, {}),
    "issued_above_an_intermediate": (member(LEAF, WITH_MIDDLE), UnsupportedProof, {"part": "issuer"}),
    "other_purposes": (
        member(issue("Org", 140, ROOT, purposes=("1.3.6.1.5.5.7.3.2",))),
        UnsupportedProof,
        {"part": "extended key usage"},
    ),
    "unknown_critical_extension": (
        member(issue("Org", 141, ROOT, critical="1.2.3.4")),
        UnsupportedProof,
        {"part": "certificate extension", "got": "1.2.3.4"},
    ),
    "revoked": (
        member(LEAF, replace(CONFIG, revocation_lists=(revocations(ROOT, [102]),))),
        UnsupportedProof,
        {"got": "serial 102 revoked"},
    ),
    "revoked_intermediate": (
        member(BELOW, replace(WITH_MIDDLE, revocation_lists=(revocations(ROOT, [101]),))),
        UnsupportedProof,
        {"got": "serial 101 revoked"},
    ),
    "path_too_long": (
        member(issue("Org", 124, BELOW_SHORT), replace(CONFIG, intermediates=(SHORT.pem, BELOW_SHORT.pem))),
        LimitExceeded,
        {"part": "certificate path", "got": 1, "limit": 0},
    ),
    "intermediate_that_may_not_sign": (
        member(LEAF, replace(CONFIG, intermediates=(MUTE.pem,))),
        UnsupportedProof,
        {"part": "issuer"},
    ),
    "unit_not_listed": (
        member(issue("Org", 142, ROOT, ("x",)), UNITED),
        ValueMismatch,
        {"part": "organisational unit"},
    ),
    "unit_of_another_authority": (
        member(BELOW, replace(WITH_MIDDLE, units=(UnitIdentifier(ROOT.pem, "peer"),))),
        ValueMismatch,
        {"part": "organisational unit"},
    ),
    "no_roots": (member(LEAF, replace(CONFIG, roots=())), MalformedProof, {"part": "root certificates"}),
    "root_that_is_a_leaf": (member(LEAF, replace(CONFIG, roots=(LEAF.pem,))), UnsupportedProof, {"part": "issuer"}),
    "root_that_did_not_sign_itself": (member(LEAF, replace(CONFIG, roots=(MIDDLE.pem,))), InvalidSignature, {}),
    "two_chains": (
        member(LEAF, replace(CONFIG, roots=(ROOT.pem, issue("Org", 100, authority=True, path_length=3).pem))),
        UnsupportedProof,
        {"part": "certificate chains", "got": 2},
    ),
    "other_hashes": (
        member(LEAF, replace(CONFIG, crypto=CryptoConfig("SHA3", "SHA256"))),
        UnsupportedProof,
        {"part": "MSP hashes"},
    ),
}


@pytest.mark.parametrize("corruption", REFUSED)
def test_somebody_who_is_no_member_is_refused_by_name(corruption: str) -> None:
    ask, error, fields = REFUSED[corruption]
    with pytest.raises(error) as refusal:
        ask()
    assert {name: getattr(refusal.value, name) for name in fields} == fields


def test_a_list_that_its_authority_did_not_sign_revokes_nothing() -> None:
    forged = revocations(ROOT, [102], signer=OTHER_ROOT)
    member(LEAF, replace(CONFIG, revocation_lists=(forged,)))()
    other = revocations(OTHER_ROOT, [102])
    member(LEAF, replace(CONFIG, revocation_lists=(other,)))()


def test_units_must_name_one_role_of_the_right_authority() -> None:
    organisation = read_msp(ORG1.msp())
    assert organisation is not None
    for units in ((), ("peer", "admin"), ("somebody",)):
        with pytest.raises(ValueMismatch):
            organisation.member(parse_pem(issue("Org1MSP", 4500 + len(units), ORG1.root, units).pem))
    elsewhere = tuple(replace(each, chain=bytes(32)) for each in organisation.role_units)
    with pytest.raises(ValueMismatch) as refusal:
        replace(organisation, role_units=elsewhere).member(parse_pem(ORG1.member(Role.PEER).pem))
    assert refusal.value.part == "authority of the role's unit"


def test_the_upper_twin_of_a_certificates_signature_is_the_same_certificate() -> None:
    leaf, root = parse_pem(LEAF.pem), parse_pem(ROOT.pem)
    r, s = utils.decode_dss_signature(leaf.signature)
    order = certificates._ORDERS["secp256r1"]
    twin = replace(leaf, signature=utils.encode_dss_signature(r, order - s))
    assert certificates.normalised_der(twin, root) == certificates.normalised_der(leaf, root)
    low = leaf if s <= order // 2 else twin
    assert certificates.normalised_der(low, root).endswith(low.signature)


def test_certificates_of_another_form_are_refused() -> None:
    leaf = parse_pem(LEAF.pem)
    for pem in (b"", LEAF.pem + b"x", b"x" + LEAF.pem, LEAF.pem * 2, LEAF.pem.replace(b"M", b"*", 1)):
        with pytest.raises(MalformedProof):
            parse_pem(pem)
    with pytest.raises(LimitExceeded):
        parse_pem(bytes(1 << 20))
    with pytest.raises(LimitExceeded):
        parse_der(bytes(1 << 15))
    with pytest.raises(MalformedProof):
        parse_der(leaf.der + b"\x00")
    with pytest.raises(MalformedProof):
        certificates.check_serial(0)
    with pytest.raises(LimitExceeded):
        certificates.parse_revocation_list(bytes((1 << 20) + 1))


def test_certificates_signed_in_another_way_are_refused() -> None:
    with pytest.raises(UnsupportedProof) as refusal:
        certificates.check_algorithm("1.2.156.10197.1.501")
    assert (refusal.value.part, refusal.value.got) == ("certificate signature", "1.2.156.10197.1.501")
    other = parse_pem(LEAF.pem).der.replace(
        bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040301")
    )
    with pytest.raises(UnsupportedProof):
        parse_der(other)


def test_members_sign_with_p256_only() -> None:
    found = build_msp(CONFIG).member(parse_pem(LEAF.pem))
    with pytest.raises(UnsupportedProof) as refusal:
        check_key_type(replace(found, point=bytes(97)))
    assert refusal.value.part == "signing key"


def test_idemix_organisations_have_no_members_here() -> None:
    assert read_msp(varint_field(1, 1)) is None


def test_configurations_that_cannot_be_followed_are_refused_by_name() -> None:
    other = Organisation(ORG1.msp_id, 7000)
    cases: dict[str, tuple[Channel, type[VerificationError]]] = {
        "channel capabilities": (Channel(capabilities=("V4_0", "V2_0")), UnsupportedProof),
        "hashing algorithm": (Channel(hashing="SHAKE256"), UnsupportedProof),
        "data hashing width": (Channel(width=16), UnsupportedProof),
        "consensus type": (Channel(consensus="kafka"), UnsupportedProof),
        "MSP": (Channel(organisations=(ORG1,), orderers=(other,)), ValueMismatch),
        "policy type": (Channel(block_policy=varint_field(1, 2)), UnsupportedProof),
    }
    for part, (channel, error) in cases.items():
        with pytest.raises(error) as refusal:
            read_config(channel.config())
        assert refusal.value.part == part  # type: ignore[attr-defined] # every error of the table has one
    with pytest.raises(UnsupportedProof):
        read_config(Channel(capabilities=("V1_3",)).config())
    with pytest.raises(LimitExceeded):
        read_config(bytes(CONFIG_BYTES_MAX + 1))
    capable = {"Capabilities": mapping(1, {"V2_0": b""})}
    with pytest.raises(MalformedProof) as absent:
        read_config(message_field(2, group(values=capable)))
    assert absent.value.got == "no value HashingAlgorithm"


def test_a_consenter_is_listed_once() -> None:
    consenters = read_config(bft_channel(4).config()).consenters
    with pytest.raises(MalformedProof):
        check_consenters([])
    with pytest.raises(ValueMismatch):
        check_consenters([*consenters, consenters[0]])
    with pytest.raises(ValueMismatch):
        check_consenters([*consenters, replace(consenters[0], id=9)])


def test_a_name_twice_in_a_map_is_refused() -> None:
    entry = message_field(3, string_field(1, "x") + message_field(2, b""))
    with pytest.raises(MalformedProof) as refusal:
        read_config(message_field(2, entry + entry))
    assert refusal.value.got == "a name twice"


def organisation() -> Msp:
    found = read_msp(ORDERERS.msp())
    assert found is not None
    return found


def test_hostile_certificates_and_configurations_meet_refusals_only() -> None:
    certificate = parse_pem(LEAF.pem)
    assert_only_refusals(parse_der, [certificate.der], 2000)
    assert_only_refusals(parse_pem, [LEAF.pem], 500)
    known = build_msp(CONFIG)
    assert_only_refusals(lambda der: known.member(parse_der(der)), [certificate.der], 1000)
    crl = certificates.read_pem(revocations(ROOT, [1, 2]), "X509 CRL", limit=1 << 16)
    assert_only_refusals(certificates.parse_revocation_list, [crl], 1000)
    assert_only_refusals(read_msp, [ORG1.msp()], 500)
    assert_only_refusals(read_config, [Channel().config(), bft_channel(4).config()], 400)


def test_header_bytes_are_minimal_up_to_the_largest_number() -> None:
    for number, integer in ((0, "020100"), (127, "02017f"), (128, "02020080"), ((1 << 64) - 1, "020900" + "ff" * 8)):
        assert hashing.header_bytes(BlockHeader(number, b"", b"")).hex()[4:].startswith(integer)


def test_a_certificate_is_a_plain_value() -> None:
    assert isinstance(parse_pem(LEAF.pem), Certificate)
    assert parse_pem(LEAF.pem).serial == 102
    assert organisation().msp_id == "OrdererMSP"
