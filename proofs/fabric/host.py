"""Where a host on a Fabric channel keeps what IBC v2 speaks of: keys of one chaincode, and who answers for them.

Keys of the state are text, paths are bytes: a key is a prefix and the path in hex. A path that holds nothing for ever
is a *tombstone*: the host writes it once, on request, where nothing was received, and its receive reads it, so that
received and timed out exclude each other. Fabric keeps no time, so absence cannot be had from a height alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import BYTES, STRING, Field, Message, bytes_field, string_field
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch
from proofs.fabric.channel_config import ChannelConfig
from proofs.fabric.policies import CompiledPolicy, compile_signature_policy
from proofs.fabric.transaction_messages import KeyWrite
from proofs.light_client import Claim

DEFAULT_POLICY: Final = "/Channel/Application/Endorsement"
# What the host writes under a tombstone: any other byte has no meaning yet.
TOMBSTONE: Final = b"\x01"

_TEXT_BYTES_MAX: Final = 128
_POLICY_BYTES_MAX: Final = 16 << 10


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """peer.ApplicationPolicy: a policy of its own (a SignaturePolicyEnvelope), or the path of one of the channel's."""

    signature_policy: bytes = b""
    reference: str = ""

    def compiled(self, config: ChannelConfig) -> CompiledPolicy:
        if self.signature_policy:
            return compile_signature_policy(self.signature_policy, config.members)
        return config.policy(self.reference)


@dataclass(frozen=True, slots=True)
class HostLayout:
    """chaincode: the host's name, which is its namespace. endorsement: who must endorse what it writes.

    vouching: whose peers must say that a transaction counted. Both are pinned: a chaincode whose definition changes
    is another host until its operator says otherwise.
    """

    chaincode: str
    values: str = "ibc/"
    tombstones: str = "absent/"
    endorsement: PolicyChoice = PolicyChoice(reference=DEFAULT_POLICY)
    vouching: PolicyChoice = PolicyChoice(reference=DEFAULT_POLICY)

    def written(self, claim: Claim) -> KeyWrite:
        """The one write that shows the claim: its value at its key, or its tombstone where it claims absence."""
        if claim.value is None:
            return KeyWrite(self.tombstones + claim.path.hex(), TOMBSTONE)
        return KeyWrite(self.values + claim.path.hex(), claim.value)


def check_is_written(claimed: KeyWrite, writes: Sequence[KeyWrite]) -> None:
    """The transaction set this key to this value."""
    found = next((each for each in writes if each.key == claimed.key), None)
    if found is None:
        raise ValueMismatch("write", got="none of this key", expected=claimed.key)
    if found.value is None:
        raise ValueMismatch("write", got="a deletion", expected=claimed.value)
    if found.value != claimed.value:
        raise ValueMismatch("written value", got=found.value, expected=claimed.value)


def check_layout(layout: HostLayout) -> None:
    """A chaincode has a name, and no value can pose as a tombstone, nor the other way round."""
    texts = (layout.chaincode, layout.values, layout.tombstones)
    longest = max(len(each.encode(errors="replace")) for each in texts)
    if longest > _TEXT_BYTES_MAX:
        raise LimitExceeded("host layout", got=longest, limit=_TEXT_BYTES_MAX)
    if not layout.chaincode:
        raise MalformedProof("chaincode name", got="", expected="at least 1 character")
    if layout.values.startswith(layout.tombstones) or layout.tombstones.startswith(layout.values):
        raise MalformedProof("key prefixes", got=layout.tombstones, expected=f"apart from {layout.values}")
    for choice in (layout.endorsement, layout.vouching):
        check_policy_choice(choice)


def check_policy_choice(choice: PolicyChoice) -> None:
    """Exactly one of the two."""
    if bool(choice.signature_policy) == bool(choice.reference):
        raise UnsupportedProof("policy", got="none or both", expected="a signature policy or a reference")
    size = len(choice.signature_policy) + len(choice.reference)
    if size > _POLICY_BYTES_MAX:
        raise LimitExceeded("policy", got=size, limit=_POLICY_BYTES_MAX)


APPLICATION_POLICY: Final = Message(
    "ApplicationPolicy",
    PolicyChoice,
    [Field(1, "signature_policy", BYTES), Field(2, "channel_config_policy_reference", STRING)],
)
HOST_LAYOUT: Final = Message(
    "HostLayout",
    HostLayout,
    [
        Field(1, "chaincode", STRING),
        Field(2, "values", STRING),
        Field(3, "tombstones", STRING),
        Field(4, "endorsement", APPLICATION_POLICY, required=True),
        Field(5, "vouching", APPLICATION_POLICY, required=True),
    ],
)


def encode_policy_choice(choice: PolicyChoice) -> bytes:
    return bytes_field(1, choice.signature_policy) + string_field(2, choice.reference)
