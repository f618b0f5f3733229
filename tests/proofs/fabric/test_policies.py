"""Policies against a naive reference, and each rule about their form."""

from __future__ import annotations

import random

import pytest

from proofs.encoding.protobuf import bytes_field, message_field, repeated_bytes_field, string_field, varint_field
from proofs.errors import InvalidSignature, MalformedProof, UnsupportedProof, VerificationError
from proofs.fabric import identities
from proofs.fabric.config_messages import ConfigGroup, MetaRule, NOutOf, Policy, PrincipalKind, Role, SignedBy
from proofs.fabric.identities import Members, SignedBytes, signers
from proofs.fabric.msp import Member, read_msp
from proofs.fabric.policies import SignatureRule, check_rules, compile_policy, compile_signature_policy
from tests.proofs.fabric.builders import (
    ORG1,
    ORG2,
    ORG3,
    STRANGERS,
    identity,
    meta,
    n_out_of,
    role,
    signature_policy,
    signed_by,
)
from tests.proofs.fuzzing import assert_only_refusals

MEMBERS = Members({each.msp_id: read_msp(each.msp()) for each in (ORG1, ORG2, ORG3)})
PEERS = [MEMBERS.decoded(each.member(Role.PEER).identity) for each in (ORG1, ORG2, ORG3)]
ADMIN = MEMBERS.decoded(ORG1.member(Role.ADMIN).identity)


def naive(rule: SignedBy | NOutOf, fits: list[set[int]], used: list[bool], count: int) -> bool:
    """The rules of cauthdsl read literally: lists that are copied, and kept where a rule holds."""
    if isinstance(rule, SignedBy):
        for member in range(count):
            if not used[member] and member in fits[rule.index]:
                used[member] = True
                return True
        return False
    held = 0
    for each in rule.rules:
        copy = list(used)
        if naive(each, fits, copy, count):
            held += 1
            used[:] = copy
    return held >= rule.n


def random_rule(chance: random.Random, principals: int, depth: int) -> SignedBy | NOutOf:
    if depth == 0 or chance.random() < 0.3:
        return SignedBy(chance.randrange(principals))
    rules = tuple(random_rule(chance, principals, depth - 1) for _ in range(chance.randrange(1, 5)))
    return NOutOf(chance.randrange(1, len(rules) + 1), rules)


@pytest.mark.parametrize("seed", range(200))
def test_every_rule_is_decided_as_the_naive_reference_decides(seed: int) -> None:
    chance = random.Random(seed)
    everyone = [*PEERS, ADMIN]
    members = chance.sample(everyone, chance.randrange(len(everyone) + 1))
    fits = [{i for i in range(len(members)) if chance.random() < 0.5} for _ in range(4)]
    rule = random_rule(chance, 4, 3)
    principals = tuple(lambda member, of=each: members.index(member) in of for each in fits)
    expected = naive(rule, fits, [False] * len(members), len(members))
    assert SignatureRule(rule, principals).is_satisfied(members) == expected


def satisfied(rule: bytes, principals: list[bytes], members: list[Member]) -> bool:
    return compile_signature_policy(signature_policy(rule, principals), MEMBERS).is_satisfied(members)


def test_a_member_serves_one_rule_only() -> None:
    both = n_out_of(2, [signed_by(0), signed_by(0)])
    anybody = [role("Org1MSP", Role.MEMBER)]
    assert not satisfied(both, anybody, PEERS[:1])
    assert satisfied(both, anybody, [PEERS[0], ADMIN])


def test_principals_say_who_fits() -> None:
    peer, other = PEERS[0], PEERS[1]
    unit = varint_field(1, PrincipalKind.ORGANIZATION_UNIT) + bytes_field(
        2, string_field(1, "Org1MSP") + string_field(2, "peer") + bytes_field(3, peer.chain_identifier)
    )
    foreign = varint_field(1, PrincipalKind.ORGANIZATION_UNIT) + bytes_field(
        2, string_field(1, "Org1MSP") + string_field(2, "peer") + bytes_field(3, bytes(32))
    )
    nominal = varint_field(1, PrincipalKind.ANONYMITY)
    anonymous = varint_field(1, PrincipalKind.ANONYMITY) + bytes_field(2, varint_field(1, 1))
    member, admin = role("Org1MSP", Role.MEMBER), role("Org1MSP", Role.ADMIN)
    combined = varint_field(1, PrincipalKind.COMBINED) + bytes_field(2, repeated_bytes_field(1, [member, admin]))
    named = identity(ORG1.member(Role.PEER))
    stranger = identity(STRANGERS.member(Role.PEER))
    expected = [
        (member, True, True, False),
        (admin, False, True, False),
        (role("Org1MSP", Role.PEER), True, False, False),
        (role("Org1MSP", Role.ORDERER), False, False, False),
        (unit, True, False, False),
        (foreign, False, False, False),
        (nominal, True, True, True),
        (anonymous, False, False, False),
        (combined, False, True, False),
        (named, True, False, False),
        (stranger, False, False, False),
    ]
    for principal, *answers in expected:
        assert [satisfied(signed_by(0), [principal], [each]) for each in (peer, ADMIN, other)] == answers


def deep(depth: int) -> bytes:
    return signed_by(0) if depth == 0 else n_out_of(1, [deep(depth - 1)])


def combined_of(principal: bytes, depth: int) -> bytes:
    for _ in range(depth):
        principal = varint_field(1, PrincipalKind.COMBINED) + bytes_field(2, repeated_bytes_field(1, [principal]))
    return principal


ANYBODY = role("Org1MSP", Role.MEMBER)
FORMS: dict[str, tuple[bytes, type[VerificationError], str]] = {
    "version": (signature_policy(signed_by(0), [ANYBODY], version=1), UnsupportedProof, "policy version"),
    "principal_that_is_not_there": (signature_policy(signed_by(1), [ANYBODY]), MalformedProof, "signed_by"),
    "none_out_of": (signature_policy(n_out_of(0, [signed_by(0)]), [ANYBODY]), UnsupportedProof, "n_out_of"),
    "no_rule": (signature_policy(b"", [ANYBODY]), MalformedProof, "SignaturePolicy"),
    "two_rules": (
        signature_policy(signed_by(0) + n_out_of(1, [signed_by(0)]), [ANYBODY]),
        MalformedProof,
        "SignaturePolicy",
    ),
    "unknown_role": (
        signature_policy(signed_by(0), [bytes_field(2, string_field(1, "Org1MSP") + varint_field(2, 9))]),
        UnsupportedProof,
        "role",
    ),
    "unknown_principal": (signature_policy(signed_by(0), [varint_field(1, 9)]), UnsupportedProof, "principal"),
    "combined_of_nothing": (
        signature_policy(signed_by(0), [varint_field(1, PrincipalKind.COMBINED)]),
        MalformedProof,
        "combined principal",
    ),
    "combined_too_deep": (signature_policy(signed_by(0), [combined_of(ANYBODY, 5)]), UnsupportedProof, "principal"),
    "too_deep": (signature_policy(deep(8), [ANYBODY]), MalformedProof, "policy SignaturePolicy"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_policy_of_another_form_is_refused_by_name(form: str) -> None:
    policy, error, part = FORMS[form]
    with pytest.raises(error) as refusal:
        compile_signature_policy(policy, MEMBERS)
    assert refusal.value.part == part  # type: ignore[attr-defined] # every error of the table has one


def test_a_policy_with_too_many_rules_is_refused() -> None:
    wide = NOutOf(1, tuple(NOutOf(1, (SignedBy(0),) * 100) for _ in range(11)))
    with pytest.raises(UnsupportedProof):
        check_rules(wide, 1)


def configured(policies: dict[str, Policy], below: dict[str, ConfigGroup]) -> ConfigGroup:
    return ConfigGroup(below, {}, policies)


def org_groups(count: int) -> dict[str, ConfigGroup]:
    rule = signature_policy(signed_by(0), [role("Org1MSP", Role.PEER)])
    groups = {f"org{n}": configured({"P": Policy(1, rule)}, {}) for n in range(count)}
    return groups | {"without": configured({}, {})}


@pytest.mark.parametrize(
    ("rule", "groups", "expected"),
    (
        (MetaRule.ANY, 1, True),
        (MetaRule.ALL, 1, False),
        (MetaRule.MAJORITY, 1, False),
        (MetaRule.MAJORITY, 2, True),
        (MetaRule.ANY, 0, False),
    ),
)
def test_a_group_without_the_policy_counts_and_is_never_satisfied(rule: MetaRule, groups: int, expected: bool) -> None:
    group = org_groups(groups)
    value = string_field(1, "P") + varint_field(2, rule)
    compiled = compile_policy(Policy(3, value), configured({}, group), MEMBERS)
    assert compiled.is_satisfied(PEERS) is expected


def test_rules_over_groups_of_another_form_are_refused() -> None:
    group = configured({}, org_groups(1))
    chain = configured({"P": Policy(3, string_field(1, "P"))}, {"x": group})
    for _ in range(5):
        chain = configured({"P": Policy(3, string_field(1, "P"))}, {"x": chain})
    cases = [
        (Policy(2, b""), group, "policy type"),
        (Policy(3, string_field(1, "P") + varint_field(2, 7)), group, "policy rule"),
        (Policy(3, string_field(1, "P")), configured({}, {}), "policy"),
        (Policy(3, string_field(1, "P")), chain, "policy depth"),
    ]
    for policy, where, part in cases:
        with pytest.raises(UnsupportedProof) as refusal:
            compile_policy(policy, where, MEMBERS)
        assert refusal.value.part == part


def test_only_the_first_signature_of_a_member_counts_and_bad_ones_are_left_out() -> None:
    peer, other = ORG1.member(Role.PEER), ORG2.member(Role.PEER)
    good = [SignedBytes(b"m", each.identity, each.sign(b"m")) for each in (peer, other)]
    wrong = SignedBytes(b"other", peer.identity, peer.sign(b"m"))
    noise = SignedBytes(b"m", b"\xff", b"")
    stranger = SignedBytes(b"m", STRANGERS.member(Role.PEER).identity, STRANGERS.member(Role.PEER).sign(b"m"))
    assert [each.msp_id for each in signers([noise, *good, good[0], stranger], MEMBERS)] == ["Org1MSP", "Org2MSP"]
    assert [each.msp_id for each in signers([wrong, *good], MEMBERS)] == ["Org2MSP"]


def test_a_signature_has_one_form() -> None:
    peer = ORG1.member(Role.PEER)
    identities.verify_signature(b"m", peer.sign(b"m"), PEERS[0])
    with pytest.raises(InvalidSignature):
        identities.verify_signature(b"m", peer.sign(b"m", high=True), PEERS[0])
    with pytest.raises(MalformedProof):
        identities.verify_signature(b"m", peer.sign(b"m") + b"\x00", PEERS[0])


def test_hostile_policies_meet_refusals_only() -> None:
    seeds = [
        signature_policy(
            n_out_of(2, [signed_by(0), n_out_of(1, [signed_by(1)])]), [ANYBODY, identity(ORG2.member(Role.PEER))]
        ),
        signature_policy(signed_by(0), [combined_of(ANYBODY, 2)]),
    ]
    assert_only_refusals(lambda data: compile_signature_policy(data, MEMBERS).is_satisfied(PEERS), seeds, 1500)
    group = configured({}, org_groups(2))
    content = meta("P", 1)
    assert message_field(2, content)
    assert_only_refusals(lambda data: compile_policy(Policy(3, data), group, MEMBERS), [string_field(1, "P")], 500)
