"""Policies: which sets of signatures are enough. Evaluated exactly as peers and orderers do, or two would disagree.

A signature counts once, for one rule; rules are served in order and greedily, without going back. That can refuse
a set that another assignment would satisfy, and is what the ledger itself decides.
Source: fabric common/cauthdsl/cauthdsl.go, common/policies/implicitmeta.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from proofs.encoding.protobuf import decode
from proofs.errors import MalformedProof, UnsupportedProof
from proofs.fabric.config_messages import (
    ANONYMITY,
    COMBINED,
    IMPLICIT_META,
    ROLE,
    SERIALIZED_IDENTITY,
    SIGNATURE_POLICY,
    UNIT,
    ConfigGroup,
    MetaRule,
    NOutOf,
    Policy,
    PolicyType,
    Principal,
    PrincipalKind,
    Role,
    SignedBy,
)
from proofs.fabric.identities import Members
from proofs.fabric.msp import Member

# Evaluations of one rule against one signature: more than this is no policy that anybody wrote.
_RULES_MAX: Final = 1024
_COMBINED_DEPTH_MAX: Final = 4
# How deep one policy may refer to others: channel, group, organisation.
_META_DEPTH_MAX: Final = 4

Matches: TypeAlias = Callable[[Member], bool]


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """SIGNATURE: a tree of rules over principals, each principal ready to be asked."""

    rule: SignedBy | NOutOf
    principals: tuple[Matches, ...]

    def is_satisfied(self, members: Sequence[Member]) -> bool:
        return _evaluate(self.rule, self.principals, members, frozenset()) is not None


@dataclass(frozen=True, slots=True)
class MetaPolicy:
    """IMPLICIT_META: so many of the groups below must be satisfied. A group without the policy never is."""

    threshold: int
    below: tuple[CompiledPolicy | None, ...]

    def is_satisfied(self, members: Sequence[Member]) -> bool:
        satisfied = sum(each is not None and each.is_satisfied(members) for each in self.below)
        return satisfied >= self.threshold


CompiledPolicy: TypeAlias = SignatureRule | MetaPolicy


def _evaluate(
    rule: SignedBy | NOutOf, principals: Sequence[Matches], members: Sequence[Member], used: frozenset[int]
) -> frozenset[int] | None:
    """Return which members are used up once the rule is served, or None where it is not."""
    if isinstance(rule, SignedBy):
        fits = principals[rule.index]
        first = next((i for i, member in enumerate(members) if i not in used and fits(member)), None)
        return None if first is None else used | {first}
    satisfied = 0
    for each in rule.rules:
        after = _evaluate(each, principals, members, used)
        if after is not None:
            satisfied += 1
            used = after
    return used if satisfied >= rule.n else None


def compile_policy(policy: Policy, group: ConfigGroup, organisations: Members, *, depth: int = 0) -> CompiledPolicy:
    """The policy of a group of the channel's configuration. Raises MalformedProof, UnsupportedProof."""
    if policy.type == PolicyType.SIGNATURE:
        return compile_signature_policy(policy.value, organisations)
    check_policy_type(policy.type)
    check_meta_depth(depth)
    meta = decode(policy.value, IMPLICIT_META, part="policy")
    below = tuple(
        compile_policy(each.policies[meta.sub_policy], each, organisations, depth=depth + 1)
        if meta.sub_policy in each.policies
        else None
        for each in group.groups.values()
    )
    return MetaPolicy(meta_threshold(meta.rule, len(below)), below)


def meta_threshold(rule: int, groups: int) -> int:
    """How many of the groups must be satisfied. More than half is counted in integers.

    >>> [meta_threshold(MetaRule.MAJORITY, groups) for groups in (1, 2, 3, 4)]
    [1, 2, 2, 3]
    """
    if groups == 0:
        # Nobody to ask: Fabric is satisfied then. A channel that says so proves nothing, and is refused.
        raise UnsupportedProof("policy", got="a rule over no groups", expected="at least one group")
    thresholds = {MetaRule.ANY: 1, MetaRule.ALL: groups, MetaRule.MAJORITY: groups // 2 + 1}
    if rule not in thresholds:
        raise UnsupportedProof("policy rule", got=rule, expected="ANY, ALL or MAJORITY")
    return thresholds[MetaRule(rule)]


def compile_signature_policy(value: bytes, organisations: Members) -> SignatureRule:
    policy = decode(value, SIGNATURE_POLICY, part="policy")
    check_policy_version(policy.version)
    check_rules(policy.rule, len(policy.principals))
    principals = tuple(_compile_principal(each, organisations, depth=0) for each in policy.principals)
    return SignatureRule(policy.rule, principals)


def check_policy_type(kind: int) -> None:
    if kind != PolicyType.IMPLICIT_META:
        raise UnsupportedProof("policy type", got=kind, expected="SIGNATURE or IMPLICIT_META")


def check_meta_depth(depth: int) -> None:
    if depth >= _META_DEPTH_MAX:
        raise UnsupportedProof("policy depth", got=depth, expected=f"below {_META_DEPTH_MAX}")


def check_policy_version(version: int) -> None:
    """cauthdsl/policy.go: only version 0 is defined."""
    if version != 0:
        raise UnsupportedProof("policy version", got=version, expected=0)


def check_rules(rule: SignedBy | NOutOf, principals: int) -> None:
    """Every rule names a principal that is there, and every choice needs somebody.

    Fabric takes a choice of none of its rules as satisfied: whoever pins such a policy trusts anybody.
    """
    pending: list[SignedBy | NOutOf] = [rule]
    seen = 0
    while pending:
        each = pending.pop()
        seen += 1
        check_rule_count(seen)
        if isinstance(each, SignedBy):
            check_principal_index(each.index, principals)
        else:
            check_choice(each)
            pending.extend(each.rules)


def check_rule_count(seen: int) -> None:
    if seen > _RULES_MAX:
        raise UnsupportedProof("policy", got=f"over {_RULES_MAX} rules", expected="fewer")


def check_principal_index(index: int, principals: int) -> None:
    if not 0 <= index < principals:
        raise MalformedProof("signed_by", got=index, expected=f"below {principals}")


def check_choice(choice: NOutOf) -> None:
    if choice.n < 1:
        raise UnsupportedProof("n_out_of", got=choice.n, expected="at least 1")


def _compile_principal(principal: Principal, organisations: Members, *, depth: int) -> Matches:
    content = principal.content
    if principal.kind == PrincipalKind.ROLE:
        wanted = decode(content, ROLE, part="principal")
        check_role(wanted.role)
        return _HasRole(wanted.msp_id, Role(wanted.role))
    if principal.kind == PrincipalKind.IDENTITY:
        identity = decode(content, SERIALIZED_IDENTITY, part="principal")
        member = organisations.find(identity)
        return _IsMember(identity.msp_id, b"" if member is None else member.der)
    if principal.kind == PrincipalKind.ORGANIZATION_UNIT:
        unit = decode(content, UNIT, part="principal")
        return _HasUnit(unit.msp_id, unit.unit, unit.certifiers)
    if principal.kind == PrincipalKind.ANONYMITY:
        # Only NOMINAL (0) is satisfied by X.509 identities.
        return _Always(satisfied=decode(content, ANONYMITY, part="principal") == 0)
    check_combined(principal.kind, depth)
    parts = decode(content, COMBINED, part="principal")
    check_combined_parts(parts)
    return _HasAll(tuple(_compile_principal(each, organisations, depth=depth + 1) for each in parts))


def check_role(role: int) -> None:
    if role not in set(Role):
        raise UnsupportedProof("role", got=role, expected="MEMBER, ADMIN, CLIENT, PEER or ORDERER")


def check_combined(kind: int, depth: int) -> None:
    if kind != PrincipalKind.COMBINED or depth >= _COMBINED_DEPTH_MAX:
        raise UnsupportedProof("principal", got=f"{kind} at depth {depth}", expected="a known one, not deeply nested")


def check_combined_parts(parts: Sequence[Principal]) -> None:
    """All of none would hold for anybody. Source: msp/mspimpl.go refuses it too."""
    if not parts:
        raise MalformedProof("combined principal", got=0, expected="at least 1")


@dataclass(frozen=True, slots=True)
class _HasRole:
    msp_id: str
    role: Role

    def __call__(self, member: Member) -> bool:
        return member.msp_id == self.msp_id and (self.role is Role.MEMBER or self.role in member.roles)


@dataclass(frozen=True, slots=True)
class _IsMember:
    """der: empty for an identity that is not valid here, which nobody has."""

    msp_id: str
    der: bytes

    def __call__(self, member: Member) -> bool:
        return member.msp_id == self.msp_id and member.der == self.der


@dataclass(frozen=True, slots=True)
class _HasUnit:
    msp_id: str
    unit: str
    certifiers: bytes

    def __call__(self, member: Member) -> bool:
        return member.msp_id == self.msp_id and self.unit in member.units and member.chain_identifier == self.certifiers


@dataclass(frozen=True, slots=True)
class _Always:
    satisfied: bool

    def __call__(self, member: Member) -> bool:  # noqa: ARG002 - asked like every other principal
        return self.satisfied


@dataclass(frozen=True, slots=True)
class _HasAll:
    parts: tuple[Matches, ...]

    def __call__(self, member: Member) -> bool:
        return all(part(member) for part in self.parts)
