"""Channel configuration on the wire: a tree of groups with values and policies, each named once.

Groups nest three deep below the channel at most (consortium organisations), rules of a policy as deep as people
write them; both are built level by level, so that depth is bounded by the schema.
Source: fabric-protos common/{configtx,policies}.proto, msp/{msp_config,msp_principal,identities}.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from proofs.encoding.protobuf import BOOL, BYTES, ENUM, INT32, STRING, UINT32, UINT64, Field, Message
from proofs.errors import MalformedProof

T = TypeVar("T")

GROUP_DEPTH: Final = 4
# Deeper rules than a person can read; Fabric's own policy language rarely nests more than three times.
RULE_DEPTH: Final = 8
# Organisations of a channel, rules of a policy, certificates of an MSP: far more than are seen.
GROUPS_MAX: Final = 256
_RULES_MAX: Final = 256
_CERTIFICATES_MAX: Final = 64


class PolicyType(IntEnum):
    SIGNATURE = 1
    IMPLICIT_META = 3


class MetaRule(IntEnum):
    ANY = 0
    ALL = 1
    MAJORITY = 2


class PrincipalKind(IntEnum):
    ROLE = 0
    ORGANIZATION_UNIT = 1
    IDENTITY = 2
    ANONYMITY = 3
    COMBINED = 4


class Role(IntEnum):
    MEMBER = 0
    ADMIN = 1
    CLIENT = 2
    PEER = 3
    ORDERER = 4


@dataclass(frozen=True, slots=True)
class Policy:
    type: int
    value: bytes


@dataclass(frozen=True, slots=True)
class ConfigGroup:
    groups: Mapping[str, ConfigGroup]
    values: Mapping[str, bytes]
    policies: Mapping[str, Policy]


@dataclass(frozen=True, slots=True)
class Config:
    sequence: int
    channel_group: ConfigGroup


@dataclass(frozen=True, slots=True)
class ImplicitMeta:
    sub_policy: str
    rule: int


@dataclass(frozen=True, slots=True)
class SignedBy:
    """index: into the principals of the policy."""

    index: int


@dataclass(frozen=True, slots=True)
class NOutOf:
    n: int
    rules: tuple[SignedBy | NOutOf, ...]


@dataclass(frozen=True, slots=True)
class Principal:
    kind: int
    content: bytes


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    version: int
    rule: SignedBy | NOutOf
    principals: tuple[Principal, ...]


@dataclass(frozen=True, slots=True)
class RolePrincipal:
    msp_id: str
    role: int


@dataclass(frozen=True, slots=True)
class UnitPrincipal:
    msp_id: str
    unit: str
    certifiers: bytes


@dataclass(frozen=True, slots=True)
class SerializedIdentity:
    msp_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Consenter:
    id: int
    msp_id: str
    identity: bytes


@dataclass(frozen=True, slots=True)
class MspConfig:
    type: int
    content: bytes


@dataclass(frozen=True, slots=True)
class UnitIdentifier:
    certificate: bytes
    unit: str


@dataclass(frozen=True, slots=True)
class NodeUnits:
    enabled: bool
    client: UnitIdentifier | None
    peer: UnitIdentifier | None
    admin: UnitIdentifier | None
    orderer: UnitIdentifier | None


@dataclass(frozen=True, slots=True)
class CryptoConfig:
    signature_hash: str
    identifier_hash: str


@dataclass(frozen=True, slots=True)
class FabricMspConfig:
    name: str
    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    admins: tuple[bytes, ...]
    revocation_lists: tuple[bytes, ...]
    units: tuple[UnitIdentifier, ...]
    crypto: CryptoConfig | None
    node_units: NodeUnits | None


def dictionary(part: str, entries: tuple[tuple[str, T], ...]) -> Mapping[str, T]:
    """A map of protobuf is a list on the wire, in which the last of two would win: two are refused."""
    found = dict(entries)
    if len(found) != len(entries):
        raise MalformedProof(part, got="a name twice", expected="each name once")
    return MappingProxyType(found)


def map_entry(kind: Message[Any]) -> Message[tuple[str, Any]]:
    return Message("entry", _pair, [Field(1, "key", STRING), Field(2, "value", kind, required=True)])


def _pair(key: str, value: object) -> tuple[str, object]:
    return key, value


def _config_value(_version: int, value: bytes, _mod_policy: str) -> bytes:
    return value


def _config_policy(_version: int, policy: Policy | None, _mod_policy: str) -> Policy:
    return policy or Policy(0, b"")


_CONFIG_VALUE: Final = Message(
    "ConfigValue",
    _config_value,
    [Field(1, "version", UINT64), Field(2, "value", BYTES), Field(3, "mod_policy", STRING)],
)
POLICY: Final = Message("Policy", Policy, [Field(1, "type", INT32), Field(2, "value", BYTES)])
_CONFIG_POLICY: Final = Message(
    "ConfigPolicy",
    _config_policy,
    [Field(1, "version", UINT64), Field(2, "policy", POLICY), Field(3, "mod_policy", STRING)],
)


def _group(
    _version: int,
    groups: tuple[tuple[str, ConfigGroup], ...],
    values: tuple[tuple[str, bytes], ...],
    policies: tuple[tuple[str, Policy], ...],
    _mod_policy: str,
) -> ConfigGroup:
    return ConfigGroup(dictionary("groups", groups), dictionary("values", values), dictionary("policies", policies))


def _leaf_group(
    version: int, values: tuple[tuple[str, bytes], ...], policies: tuple[tuple[str, Policy], ...], mod_policy: str
) -> ConfigGroup:
    return _group(version, (), values, policies, mod_policy)


def _group_schema(depth: int) -> Message[ConfigGroup]:
    below: list[Field] = []
    if depth > 1:
        entry = map_entry(_group_schema(depth - 1))
        below = [Field(2, "groups", entry, repeated=True, limit=GROUPS_MAX)]
    fields = [
        Field(1, "version", UINT64),
        *below,
        Field(3, "values", map_entry(_CONFIG_VALUE), repeated=True, limit=GROUPS_MAX),
        Field(4, "policies", map_entry(_CONFIG_POLICY), repeated=True, limit=GROUPS_MAX),
        Field(5, "mod_policy", STRING),
    ]
    return Message("ConfigGroup", _group if below else _leaf_group, fields)


CONFIG: Final = Message(
    "Config",
    Config,
    [Field(1, "sequence", UINT64), Field(2, "channel_group", _group_schema(GROUP_DEPTH), required=True)],
)


def _config_and_update(config: bytes, last_update: bytes) -> tuple[bytes, bytes]:
    return config, last_update


CONFIG_ENVELOPE: Final = Message(
    "ConfigEnvelope", _config_and_update, [Field(1, "config", BYTES, required=True), Field(2, "last_update", BYTES)]
)
IMPLICIT_META: Final = Message(
    "ImplicitMetaPolicy", ImplicitMeta, [Field(1, "sub_policy", STRING), Field(2, "rule", ENUM)]
)


def _rule(signed_by: int | None, n_out_of: NOutOf | None) -> SignedBy | NOutOf:
    if (signed_by is None) == (n_out_of is None):
        raise MalformedProof("SignaturePolicy", got="none or both", expected="signed_by or n_out_of")
    return n_out_of if n_out_of is not None else SignedBy(signed_by or 0)


def _leaf_rule(signed_by: int | None) -> SignedBy | NOutOf:
    return _rule(signed_by, None)


def _rule_schema(depth: int) -> Message[SignedBy | NOutOf]:
    signed_by = Field(1, "signed_by", INT32, optional=True)
    if depth == 1:
        return Message("SignaturePolicy", _leaf_rule, [signed_by])
    inner = Message(
        "NOutOf",
        NOutOf,
        [Field(1, "n", INT32), Field(2, "rules", _rule_schema(depth - 1), repeated=True, limit=_RULES_MAX)],
    )
    return Message("SignaturePolicy", _rule, [signed_by, Field(2, "n_out_of", inner)])


PRINCIPAL: Final = Message("MSPPrincipal", Principal, [Field(1, "kind", ENUM), Field(2, "principal", BYTES)])
SIGNATURE_POLICY: Final = Message(
    "SignaturePolicyEnvelope",
    SignaturePolicy,
    [
        Field(1, "version", INT32),
        Field(2, "rule", _rule_schema(RULE_DEPTH), required=True),
        Field(3, "identities", PRINCIPAL, repeated=True, limit=_RULES_MAX),
    ],
)
ROLE: Final = Message("MSPRole", RolePrincipal, [Field(1, "msp_identifier", STRING), Field(2, "role", ENUM)])
UNIT: Final = Message(
    "OrganizationUnit",
    UnitPrincipal,
    [
        Field(1, "msp_identifier", STRING),
        Field(2, "organizational_unit_identifier", STRING),
        Field(3, "certifiers_identifier", BYTES),
    ],
)


def _principals(principals: tuple[Principal, ...]) -> tuple[Principal, ...]:
    return principals


COMBINED: Final = Message(
    "CombinedPrincipal", _principals, [Field(1, "principals", PRINCIPAL, repeated=True, limit=16)]
)
ANONYMITY: Final = Message("MSPIdentityAnonymity", int, [Field(1, "anonymity_type", ENUM)])
SERIALIZED_IDENTITY: Final = Message(
    "SerializedIdentity", SerializedIdentity, [Field(1, "mspid", STRING), Field(2, "id_bytes", BYTES)]
)


def _names(entries: tuple[tuple[str, None], ...]) -> frozenset[str]:
    return frozenset(dictionary("capabilities", entries))


def _nothing() -> None:
    return None


_CAPABILITY: Final = Message(
    "entry", _pair, [Field(1, "key", STRING), Field(2, "value", Message("Capability", _nothing, []))]
)
CAPABILITIES: Final = Message(
    "Capabilities", _names, [Field(1, "capabilities", _CAPABILITY, repeated=True, limit=GROUPS_MAX)]
)


def _first_text(text: str, *_rest: object) -> str:
    return text


HASHING_ALGORITHM: Final = Message("HashingAlgorithm", str, [Field(1, "name", STRING)])
CONSENSUS_TYPE: Final = Message(
    "ConsensusType", _first_text, [Field(1, "type", STRING), Field(2, "metadata", BYTES), Field(3, "state", ENUM)]
)
DATA_HASHING: Final = Message("BlockDataHashingStructure", int, [Field(1, "width", UINT32)])


def _consenter(
    number: int, _host: str, _port: int, msp_id: str, identity: bytes, _client_tls: bytes, _server_tls: bytes
) -> Consenter:
    return Consenter(number, msp_id, identity)


_CONSENTER: Final = Message(
    "Consenter",
    _consenter,
    [
        Field(1, "id", UINT32),
        Field(2, "host", STRING),
        Field(3, "port", UINT32),
        Field(4, "msp_id", STRING),
        Field(5, "identity", BYTES),
        Field(6, "client_tls_cert", BYTES),
        Field(7, "server_tls_cert", BYTES),
    ],
)


def _consenters(consenters: tuple[Consenter, ...]) -> tuple[Consenter, ...]:
    return consenters


ORDERERS: Final = Message(
    "Orderers", _consenters, [Field(1, "consenter_mapping", _CONSENTER, repeated=True, limit=GROUPS_MAX)]
)
MSP_CONFIG: Final = Message("MSPConfig", MspConfig, [Field(1, "type", INT32), Field(2, "config", BYTES)])
_UNIT_IDENTIFIER: Final = Message(
    "FabricOUIdentifier",
    UnitIdentifier,
    [Field(1, "certificate", BYTES), Field(2, "organizational_unit_identifier", STRING)],
)
_NODE_UNITS: Final = Message(
    "FabricNodeOUs",
    NodeUnits,
    [
        Field(1, "enable", BOOL),
        Field(2, "client_ou_identifier", _UNIT_IDENTIFIER),
        Field(3, "peer_ou_identifier", _UNIT_IDENTIFIER),
        Field(4, "admin_ou_identifier", _UNIT_IDENTIFIER),
        Field(5, "orderer_ou_identifier", _UNIT_IDENTIFIER),
    ],
)
_CRYPTO: Final = Message(
    "FabricCryptoConfig",
    CryptoConfig,
    [Field(1, "signature_hash_family", STRING), Field(2, "identity_identifier_hash_function", STRING)],
)


def _fabric_msp(
    name: str,
    roots: tuple[bytes, ...],
    intermediates: tuple[bytes, ...],
    admins: tuple[bytes, ...],
    revocation_lists: tuple[bytes, ...],
    _signing_identity: bytes,
    units: tuple[UnitIdentifier, ...],
    crypto: CryptoConfig | None,
    _tls_roots: tuple[bytes, ...],
    _tls_intermediates: tuple[bytes, ...],
    node_units: NodeUnits | None,
) -> FabricMspConfig:
    return FabricMspConfig(name, roots, intermediates, admins, revocation_lists, units, crypto, node_units)


FABRIC_MSP: Final = Message(
    "FabricMSPConfig",
    _fabric_msp,
    [
        Field(1, "name", STRING),
        Field(2, "root_certs", BYTES, repeated=True, limit=_CERTIFICATES_MAX),
        Field(3, "intermediate_certs", BYTES, repeated=True, limit=_CERTIFICATES_MAX),
        Field(4, "admins", BYTES, repeated=True, limit=_CERTIFICATES_MAX),
        Field(5, "revocation_list", BYTES, repeated=True, limit=_CERTIFICATES_MAX),
        Field(6, "signing_identity", BYTES),
        Field(7, "organizational_unit_identifiers", _UNIT_IDENTIFIER, repeated=True, limit=_CERTIFICATES_MAX),
        Field(8, "crypto_config", _CRYPTO),
        Field(9, "tls_root_certs", BYTES, repeated=True, limit=_CERTIFICATES_MAX),
        Field(10, "tls_intermediate_certs", BYTES, repeated=True, limit=_CERTIFICATES_MAX),
        Field(11, "fabric_node_ous", _NODE_UNITS),
    ],
)
