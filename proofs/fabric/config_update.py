"""That a configuration is what its members agreed on: the update it was made by, against the configuration before it.

Orderers sign a configuration block as they sign any other. Peers do not leave it at that: the block carries the update
with the signatures of those who wanted it, and every element that it changes asks for its own policy. Without this,
whoever may sign blocks, on many channels any single orderer, could also say who the members are.
Source: fabric common/configtx/{validator,update}.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import BYTES, STRING, Field, Message, decode
from proofs.errors import InsufficientVotingPower, LimitExceeded, MalformedProof, ValueMismatch
from proofs.fabric import predicates as rules
from proofs.fabric.block_messages import ENVELOPE, SIGNATURE_HEADER
from proofs.fabric.channel_config import CONFIG_BYTES_MAX, ChannelConfig
from proofs.fabric.config_elements import GROUP, Element, Group, Key, Kind, assembled, elements_of, written
from proofs.fabric.config_elements import elements_of_config as elements_in
from proofs.fabric.config_messages import GROUPS_MAX
from proofs.fabric.identities import SignedBytes, signers
from proofs.fabric.msp import Member
from proofs.fabric.policies import CompiledPolicy
from proofs.fabric.transaction_messages import CHANNEL_HEADER, PAYLOAD

CONFIG_UPDATE: Final = 2


@dataclass(frozen=True, slots=True)
class _Signature:
    header: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class _SignedUpdate:
    """content: what is signed, after the header of each signature."""

    content: bytes
    signatures: tuple[_Signature, ...]


@dataclass(frozen=True, slots=True)
class _Update:
    """read: what the authors saw. written: what they want; of both only versions count where they agree."""

    channel_id: str
    read: Group | None
    written: Group | None


def verify_update(envelope: bytes, *, new: ChannelConfig, old: ChannelConfig, channel_id: str) -> None:
    """Return only if `new` is `old` with the changes that the update makes, each allowed by its own policy.

    envelope: the `last_update` of the configuration block. Raises InvalidProof.
    """
    signed = _read_envelope(envelope)
    update = decode(signed.content, _CONFIG_UPDATE, part="configuration update")
    rules.check_channel(update.channel_id, channel_id)
    existing = elements_in(old.raw)
    read = elements_of(update.read)
    check_read_set(read, existing)
    changed = {key: each for key, each in elements_of(update.written).items() if not _is_only_read(key, each, read)}
    check_changes_something(changed)
    _verify_changes(changed, existing, old, _authors(signed, old))
    check_outcome(assembled({**existing, **changed}), elements_in(new.raw))


def _verify_changes(
    changed: Mapping[Key, Element], existing: Mapping[Key, Element], old: ChannelConfig, authors: Sequence[Member]
) -> None:
    policies: dict[str, CompiledPolicy] = {}
    for key, element in changed.items():
        before = existing.get(key)
        check_version_follows(key, element, before)
        if before is None:
            continue  # the group that it is added to changes, too
        reference = reference_of(key, before.rule)
        policy = policies.get(reference)
        if policy is None:
            policy = policies[reference] = old.policy(reference)
        check_modification_policy(authors, policy, reference)


def reference_of(key: Key, rule: str) -> str:
    """The absolute path of the policy for an element: one without a slash in front belongs to the nearest group.

    >>> reference_of((Kind.VALUE, ("Orderer", "BatchSize")), "Admins")
    '/Channel/Orderer/Admins'
    """
    if rule.startswith("/"):
        return rule
    kind, path = key
    return "/".join((written((Kind.GROUP, path if kind is Kind.GROUP else path[:-1])), rule))


def _is_only_read(key: Key, element: Element, read: Mapping[Key, Element]) -> bool:
    return key in read and read[key].version == element.version


def _authors(signed: _SignedUpdate, old: ChannelConfig) -> tuple[Member, ...]:
    """The distinct members of the organisations so far that signed the update."""
    claimed = (
        SignedBytes(
            each.header + signed.content,
            decode(each.header, SIGNATURE_HEADER, part="configuration update").creator,
            each.signature,
        )
        for each in signed.signatures
    )
    return signers(list(claimed), old.members)


def _read_envelope(envelope: bytes) -> _SignedUpdate:
    check_update_size(envelope)
    payload = decode(decode(envelope, ENVELOPE, part="configuration update").payload, PAYLOAD, part="last update")
    check_is_update(decode(payload.channel_header, CHANNEL_HEADER, part="configuration update").type)
    return decode(payload.data, _UPDATE_ENVELOPE, part="configuration update")


def check_update_size(envelope: bytes) -> None:
    """It holds two parts of a configuration, and signatures."""
    if len(envelope) > 3 * CONFIG_BYTES_MAX:
        raise LimitExceeded("configuration update", got=len(envelope), limit=3 * CONFIG_BYTES_MAX)


def check_is_update(kind: int) -> None:
    """protoutil, EnvelopeToConfigUpdate: nothing else is one."""
    if kind != CONFIG_UPDATE:
        raise MalformedProof("configuration update", got=f"transaction type {kind}", expected=CONFIG_UPDATE)


def check_read_set(read: Mapping[Key, Element], existing: Mapping[Key, Element]) -> None:
    """update.go, verifyReadSet: the authors saw the configuration that they changed, so nothing old is given again."""
    for key, each in read.items():
        before = existing.get(key)
        if before is None or before.version != each.version:
            got = f"{written(key)} version {each.version}"
            raise ValueMismatch("read set", got=got, expected=None if before is None else before.version)


def check_changes_something(changed: Mapping[Key, Element]) -> None:
    """update.go, verifyDeltaSet: a change of nothing would ask nobody."""
    if not changed:
        raise MalformedProof("configuration update", got="no change", expected="at least 1")


def check_version_follows(key: Key, element: Element, before: Element | None) -> None:
    """update.go, verifyDeltaSet: versions count changes, from 0 for what is new."""
    expected = 0 if before is None else before.version + 1
    if element.version != expected:
        raise ValueMismatch(f"version of {written(key)}", got=element.version, expected=expected)


def check_modification_policy(authors: Sequence[Member], policy: CompiledPolicy, reference: str) -> None:
    """update.go, verifyDeltaSet: whom the element asks, as it stood before, has signed."""
    if not policy.is_satisfied(authors):
        raise InsufficientVotingPower(len(authors), len(authors), signers=f"policy {reference}")


def check_outcome(computed: Mapping[Key, Element], claimed: Mapping[Key, Element]) -> None:
    """validator.go, Validate: the block brings what the update makes of the configuration before it, no more."""
    if computed != claimed:
        differing = next(key for key in (*computed, *claimed) if computed.get(key) != claimed.get(key))
        raise ValueMismatch("updated configuration", got=written(differing), expected="as the update leaves it")


_SIGNATURE: Final = Message(
    "ConfigSignature", _Signature, [Field(1, "signature_header", BYTES), Field(2, "signature", BYTES)]
)
_UPDATE_ENVELOPE: Final = Message(
    "ConfigUpdateEnvelope",
    _SignedUpdate,
    [Field(1, "config_update", BYTES), Field(2, "signatures", _SIGNATURE, repeated=True, limit=GROUPS_MAX)],
)
_CONFIG_UPDATE: Final = Message(
    "ConfigUpdate", _Update, [Field(1, "channel_id", STRING), Field(2, "read_set", GROUP), Field(3, "write_set", GROUP)]
)
