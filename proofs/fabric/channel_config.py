"""What a channel's configuration says about who may sign: organisations, policies, consenters.

Everything that a verifier relies on is read when the configuration is taken, so that a configuration which we cannot
follow stops us there and not at some later block. Values that play no part here (addresses, batch sizes) are not read.
Source: fabric common/channelconfig, common/capabilities, orderer/common/msgprocessor (BFT block policy).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from proofs.encoding.protobuf import decode
from proofs.errors import InsufficientVotingPower, LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch
from proofs.fabric.config_messages import (
    CAPABILITIES,
    CONFIG,
    CONSENSUS_TYPE,
    DATA_HASHING,
    HASHING_ALGORITHM,
    ORDERERS,
    ConfigGroup,
    Consenter,
    SerializedIdentity,
)
from proofs.fabric.identities import Members
from proofs.fabric.msp import Member, Msp, read_msp
from proofs.fabric.policies import CompiledPolicy, compile_policy

BFT: Final = "BFT"
# Certificates make the size: hundreds of organisations fit.
CONFIG_BYTES_MAX: Final = 2 << 20

_WHOLE_WIDTH: Final = (1 << 32) - 1
_CONSENSUS_TYPES: Final = ("etcdraft", "solo", BFT)
_BFT_CAPABILITY: Final = "V3_0"
# Capabilities whose rules for identities are those of msp.py. Older ones have other rules; newer ones may.
_KNOWN_CAPABILITIES: Final = frozenset({"V1_3", "V1_4_2", "V1_4_3", "V2_0", _BFT_CAPABILITY})
_RULES_OF_143: Final = frozenset({"V1_4_3", "V2_0", _BFT_CAPABILITY})
_BLOCK_POLICY: Final = "BlockValidation"
_OF_ORGANISATIONS: Final = ("Orderer", "Application")


@dataclass(frozen=True, slots=True)
class ConsenterIdentity:
    """A consenter of a BFT channel: the identity that its blocks are signed with."""

    id: int
    identity: SerializedIdentity
    member: Member | None


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """raw: the Config message, from which all else follows. bft: whether signatures name consenters by number.

    orderers: MSP ids of the organisations of the ordering service.
    """

    raw: bytes = field(repr=False)
    sequence: int = field(compare=False)
    bft: bool = field(compare=False)
    consenters: tuple[ConsenterIdentity, ...] = field(compare=False, repr=False)
    orderers: frozenset[str] = field(compare=False)
    members: Members = field(compare=False, repr=False)
    block_policy: CompiledPolicy = field(compare=False, repr=False)
    root: ConfigGroup = field(compare=False, repr=False)

    def policy(self, reference: str) -> CompiledPolicy:
        """The policy at an absolute path such as /Channel/Application/Endorsement. Raises UnsupportedProof."""
        parts = reference.split("/")
        check_reference(reference, parts)
        group = self.root
        for name in parts[2:-1]:
            if name not in group.groups:
                raise UnsupportedProof("policy reference", got=reference, expected="a group of the channel")
            group = group.groups[name]
        return _policy_of(group, parts[-1], self.members)


def read_config(raw: bytes) -> ChannelConfig:
    """Raises MalformedProof, UnsupportedProof, LimitExceeded."""
    check_config_size(raw)
    config = decode(raw, CONFIG, part="channel configuration")
    root = config.channel_group
    capabilities = _capabilities(root)
    check_capabilities(capabilities)
    check_hashing(root)
    check_data_hashing(root)
    for name in _OF_ORGANISATIONS:
        check_organisations_have_no_groups(root.groups.get(name))
    orderer = _subgroup(root, "Orderer")
    consensus = decode(_value(orderer, "ConsensusType"), CONSENSUS_TYPE, part="channel configuration")
    check_consensus_type(consensus)
    members = Members(_organisations(root))
    bft = _BFT_CAPABILITY in capabilities
    consenters = _consenters(orderer, members) if consensus == BFT else ()
    if consensus == BFT:
        check_consenters(consenters)
    block_policy = _policy_of(orderer, _BLOCK_POLICY, members)
    orderers = frozenset(_organisations(orderer))
    return ChannelConfig(raw, config.sequence, bft, consenters, orderers, members, block_policy, root)


def bft_quorum(consenters: int) -> int:
    """How many of the consenters must sign: ceil((N + f + 1) / 2) where f = (N - 1) // 3.

    >>> [bft_quorum(n) for n in (1, 3, 4, 7, 10)]
    [1, 2, 3, 5, 7]
    """
    faulty = (consenters - 1) // 3
    return (consenters + faulty + 2) // 2


def check_bft_quorum(signed: Sequence[Member], consenters: Sequence[ConsenterIdentity]) -> None:
    """Counted from the list of consenters itself, so that a policy which asks for fewer does not lower it.

    Source: orderer/consensus/smartbft/util.go, computeQuorum.
    """
    if not consenters:
        return
    present = sum(each.member is not None and each.member in signed for each in consenters)
    if present < bft_quorum(len(consenters)):
        raise InsufficientVotingPower(present, len(consenters), signers="consenters")


def check_config_size(raw: bytes) -> None:
    if len(raw) > CONFIG_BYTES_MAX:
        raise LimitExceeded("channel configuration", got=len(raw), limit=CONFIG_BYTES_MAX)


def check_capabilities(capabilities: frozenset[str]) -> None:
    """A capability changes rules: an unknown one changes them in a way we do not know."""
    unknown = capabilities - _KNOWN_CAPABILITIES
    if unknown or not capabilities & _RULES_OF_143:
        raise UnsupportedProof("channel capabilities", got=sorted(capabilities), expected=sorted(_RULES_OF_143))


def check_hashing(root: ConfigGroup) -> None:
    """common/channelconfig/channel.go: SHA256 is also the hash of headers and data here."""
    name = decode(_value(root, "HashingAlgorithm"), HASHING_ALGORITHM, part="channel configuration")
    if name != "SHA256":
        raise UnsupportedProof("hashing algorithm", got=name, expected="SHA256")


def check_data_hashing(root: ConfigGroup) -> None:
    """The data hash is one hash over everything: any other width would be a tree."""
    width = decode(_value(root, "BlockDataHashingStructure"), DATA_HASHING, part="channel configuration")
    if width != _WHOLE_WIDTH:
        raise UnsupportedProof("data hashing width", got=width, expected=_WHOLE_WIDTH)


def check_consensus_type(consensus: str) -> None:
    if consensus not in _CONSENSUS_TYPES:
        raise UnsupportedProof("consensus type", got=consensus, expected=_CONSENSUS_TYPES)


def check_consenters(consenters: Sequence[ConsenterIdentity]) -> None:
    """At least one, no number and no identity twice: one node must not count for two."""
    if not consenters:
        raise MalformedProof("consenters", got=0, expected="at least 1")
    numbers = {each.id for each in consenters}
    identities = {each.identity if each.member is None else each.member.der for each in consenters}
    if len(numbers) != len(consenters) or len(identities) != len(consenters):
        raise ValueMismatch("consenters", got="a number or identity twice", expected="each once")


def check_organisations_have_no_groups(group: ConfigGroup | None) -> None:
    """An organisation's administrators may change its group: groups below it would be organisations of their making.

    Source: common/channelconfig/organization.go, NewOrganizationConfig.
    """
    for each in () if group is None else group.groups.values():
        if each.groups:
            raise UnsupportedProof("organisation", got="groups below it", expected="none")


def check_reference(reference: str, parts: Sequence[str]) -> None:
    if len(parts) < 3 or parts[:2] != ["", "Channel"]:
        raise UnsupportedProof("policy reference", got=reference, expected="/Channel/…")


def check_same_organisation(data: bytes, known: bytes, msp_id: str) -> None:
    """One organisation in two groups must be configured alike, or a certificate would have two meanings."""
    if data != known:
        raise ValueMismatch("MSP", got=msp_id, expected="one configuration per MSP id")


def _capabilities(root: ConfigGroup) -> frozenset[str]:
    value = root.values.get("Capabilities", b"")
    return decode(value, CAPABILITIES, part="channel configuration")


def _subgroup(group: ConfigGroup, name: str) -> ConfigGroup:
    if name not in group.groups:
        raise MalformedProof("channel configuration", got=f"no group {name}", expected="present")
    return group.groups[name]


def _value(group: ConfigGroup, name: str) -> bytes:
    if name not in group.values:
        raise MalformedProof("channel configuration", got=f"no value {name}", expected="present")
    return group.values[name]


def _policy_of(group: ConfigGroup, name: str, members: Members) -> CompiledPolicy:
    if name not in group.policies:
        raise UnsupportedProof("policy", got=f"no {name}", expected="present")
    return compile_policy(group.policies[name], group, members)


def _organisations(root: ConfigGroup) -> Mapping[str, Msp | None]:
    """By the id that the MSP itself names; idemix organisations have none that we read, and nobody signs for them."""
    found: dict[str, Msp] = {}
    carried: dict[str, bytes] = {}
    for data in _msp_values(root):
        msp = read_msp(data)
        if msp is None:
            continue
        check_same_organisation(data, carried.setdefault(msp.msp_id, data), msp.msp_id)
        found[msp.msp_id] = msp
    return MappingProxyType(found)


def _msp_values(root: ConfigGroup) -> Iterator[bytes]:
    pending = [root]
    while pending:
        group = pending.pop()
        if "MSP" in group.values:
            yield group.values["MSP"]
        pending.extend(group.groups.values())


def _consenters(orderer: ConfigGroup, members: Members) -> tuple[ConsenterIdentity, ...]:
    listed: tuple[Consenter, ...] = decode(_value(orderer, "Orderers"), ORDERERS, part="channel configuration")
    identities = (SerializedIdentity(each.msp_id, each.identity) for each in listed)
    return tuple(
        ConsenterIdentity(each.id, identity, members.find(identity))
        for each, identity in zip(listed, identities, strict=True)
    )
