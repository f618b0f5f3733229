"""A configuration as a set of elements that change one by one: groups, values and policies, each with a version.

A group's own content is who is in it: to add or remove something changes the group, to change a member does not.
Source: fabric common/configtx/configmap.go; fabric-protos common/configtx.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from proofs.encoding.protobuf import BYTES, STRING, UINT64, Field, Message, decode
from proofs.fabric.config_messages import GROUP_DEPTH, GROUPS_MAX, POLICY, Policy, dictionary, map_entry


class Kind(Enum):
    GROUP = "group"
    VALUE = "value"
    POLICY = "policy"


Key: TypeAlias = tuple[Kind, tuple[str, ...]]
"""Kind, and names from the channel down; the channel itself has none."""

ROOT: Final[Key] = (Kind.GROUP, ())


@dataclass(frozen=True, slots=True)
class Element:
    """rule: the policy that says who may change it. content: members of a group, or the value or policy itself."""

    version: int
    rule: str
    content: frozenset[tuple[Kind, str]] | bytes | Policy | None


@dataclass(frozen=True, slots=True)
class Group:
    version: int
    groups: Mapping[str, Group]
    values: Mapping[str, Element]
    policies: Mapping[str, Element]
    rule: str

    def content(self) -> frozenset[tuple[Kind, str]]:
        named = ((Kind.GROUP, self.groups), (Kind.VALUE, self.values), (Kind.POLICY, self.policies))
        return frozenset((kind, name) for kind, members in named for name in members)


def elements_of_config(raw: bytes) -> dict[Key, Element]:
    """Of a Config message. Raises MalformedProof, LimitExceeded."""
    return elements_of(decode(raw, _CONFIG, part="channel configuration"))


def elements_of(root: Group | None) -> dict[Key, Element]:
    found: dict[Key, Element] = {}
    pending: list[tuple[tuple[str, ...], Group]] = [] if root is None else [((), root)]
    while pending:
        path, group = pending.pop()
        found[Kind.GROUP, path] = Element(group.version, group.rule, group.content())
        found.update(((Kind.VALUE, (*path, name)), each) for name, each in group.values.items())
        found.update(((Kind.POLICY, (*path, name)), each) for name, each in group.policies.items())
        pending.extend(((*path, name), each) for name, each in group.groups.items())
    return found


def assembled(elements: Mapping[Key, Element]) -> dict[Key, Element]:
    """What hangs together from the channel down: an element that no group names is none.

    elements: with every group all that it names, as whatever was decoded has it.
    """
    found: dict[Key, Element] = {}
    pending = [ROOT]
    while pending:
        key = pending.pop()
        found[key] = element = elements[key]
        if isinstance(element.content, frozenset):
            pending.extend((kind, (*key[1], name)) for kind, name in element.content)
    return found


def written(key: Key) -> str:
    """As people write it: /Channel/Application/Admins."""
    return "/".join(("", "Channel", *key[1]))


def _value(version: int, content: bytes, rule: str) -> Element:
    return Element(version, rule, content)


def _policy(version: int, content: Policy | None, rule: str) -> Element:
    return Element(version, rule, content)


def _group(
    version: int,
    groups: tuple[tuple[str, Group], ...],
    values: tuple[tuple[str, Element], ...],
    policies: tuple[tuple[str, Element], ...],
    rule: str,
) -> Group:
    named = dictionary("values", values), dictionary("policies", policies)
    return Group(version, dictionary("groups", groups), *named, rule)


def _leaf_group(
    version: int, values: tuple[tuple[str, Element], ...], policies: tuple[tuple[str, Element], ...], rule: str
) -> Group:
    return _group(version, (), values, policies, rule)


_VALUE: Final = Message(
    "ConfigValue", _value, [Field(1, "version", UINT64), Field(2, "value", BYTES), Field(3, "mod_policy", STRING)]
)
_CONFIG_POLICY: Final = Message(
    "ConfigPolicy", _policy, [Field(1, "version", UINT64), Field(2, "policy", POLICY), Field(3, "mod_policy", STRING)]
)


def _schema(depth: int) -> Message[Group]:
    below: list[Field] = []
    if depth > 1:
        below = [Field(2, "groups", map_entry(_schema(depth - 1)), repeated=True, limit=GROUPS_MAX)]
    fields = [
        Field(1, "version", UINT64),
        *below,
        Field(3, "values", map_entry(_VALUE), repeated=True, limit=GROUPS_MAX),
        Field(4, "policies", map_entry(_CONFIG_POLICY), repeated=True, limit=GROUPS_MAX),
        Field(5, "mod_policy", STRING),
    ]
    return Message("ConfigGroup", _group if below else _leaf_group, fields)


GROUP: Final = _schema(GROUP_DEPTH)


def _root(_sequence: int, root: Group) -> Group:
    return root


_CONFIG: Final = Message(
    "Config", _root, [Field(1, "sequence", UINT64), Field(2, "channel_group", GROUP, required=True)]
)
