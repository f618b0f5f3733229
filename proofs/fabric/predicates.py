"""The rules for blocks of a Fabric channel, one function each. None returns anything: it passes, or refuses by name.

Sources: fabric protoutil/{blockutils,signeddata}.go, orderer/common/cluster/util.go, internal/pkg/peer/blocksprovider
(what peers and orderers ask of a block they are sent), common/configtx/validator.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from proofs.encoding.protobuf import bytes_field
from proofs.errors import (
    ClientFrozen,
    HeightNotIncreasing,
    InsufficientVotingPower,
    LimitExceeded,
    MalformedProof,
    NotMisbehaviour,
    RootMismatch,
    UnknownCommittee,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.fabric.block_messages import Block, BlockHeader, Envelope, MetadataSignature
from proofs.fabric.hashing import data_hash, header_hash
from proofs.fabric.msp import Member
from proofs.fabric.policies import CompiledPolicy
from proofs.fabric.types import KnownBlock
from proofs.light_client import Height

HASH_BYTES: Final = 32
CONFIG_TRANSACTION: Final = 1
ENDORSER_TRANSACTION: Final = 3
# Orderers of 2.x and 3.x write five slots; blocks of 1.x have four, and their signatures other rules.
_SLOTS_MIN: Final = 5


def check_header_shape(header: BlockHeader) -> None:
    """Hashes are SHA-256; only number 0 has nothing before it."""
    if len(header.data_hash) != HASH_BYTES:
        raise MalformedProof("data hash", got=len(header.data_hash), expected=HASH_BYTES)
    expected = HASH_BYTES if header.number else 0
    if len(header.previous_hash) != expected:
        raise MalformedProof("previous hash", got=len(header.previous_hash), expected=expected)


def check_slots(block: Block) -> None:
    """protoutil/blockutils.go: signatures are in slot 0 of at least five."""
    if len(block.slots) < _SLOTS_MIN:
        raise MalformedProof("metadata slots", got=len(block.slots), expected=f"at least {_SLOTS_MIN}")


def check_data_hash(block_header: BlockHeader, envelopes: Sequence[bytes]) -> None:
    computed = data_hash(envelopes)
    if computed != block_header.data_hash:
        raise RootMismatch("data hash", computed=computed, expected=block_header.data_hash)


def check_envelopes(raw: Sequence[bytes], envelopes: Sequence[Envelope]) -> None:
    """Each envelope is payload and signature, both there, in their one encoding, and there is at least one.

    Without this, bytes could move across the border of two envelopes under the same data hash.
    Source: protoutil/blockutils.go, VerifyTransactionsAreWellFormed.
    """
    if not envelopes:
        raise MalformedProof("envelopes", got=0, expected="at least 1")
    for carried, envelope in zip(raw, envelopes, strict=True):
        if not envelope.payload or not envelope.signature:
            raise MalformedProof("envelope", got="a part absent", expected="payload and signature")
        if bytes_field(1, envelope.payload) + bytes_field(2, envelope.signature) != carried:
            raise MalformedProof("envelope", got="another encoding", expected="payload, then signature")


def check_one_config_envelope(envelopes: Sequence[bytes]) -> None:
    """A configuration stands alone in its block. Source: protoutil/blockutils.go, IsConfigBlock."""
    if len(envelopes) != 1:
        raise MalformedProof("envelopes of a configuration block", got=len(envelopes), expected=1)


def check_is_config(kind: int) -> None:
    if kind != CONFIG_TRANSACTION:
        raise MalformedProof("configuration block", got=f"transaction type {kind}", expected=CONFIG_TRANSACTION)


def check_is_no_config(kinds: Sequence[int]) -> None:
    """A block that carries a configuration says so in what orderers sign."""
    if CONFIG_TRANSACTION in kinds:
        raise ValueMismatch("last_config", got="an earlier block", expected="this block, which is a configuration")


def check_data_is_shown(envelopes: Sequence[bytes]) -> None:
    """A block that counts by its signatures comes whole: no header names its channel, only transactions do.

    One ordering service signs headers of all its channels with the same keys. Bare ones of another channel would be
    believed, and contradict those of this one.
    """
    if not envelopes:
        raise MalformedProof("block data", got=0, expected="all envelopes, which name the channel")


def check_channel(got: str, channel_id: str) -> None:
    """Every transaction names the channel that it is for."""
    if got != channel_id:
        raise WrongLedger("channel id", got=got, expected=channel_id)


def check_links(header: BlockHeader, before: KnownBlock) -> None:
    """The hash chain: a header names the hash of the one before it."""
    if header.previous_hash != before.header_hash:
        raise ValueMismatch("previous hash", got=header.previous_hash, expected=before.header_hash)


def check_is_linked_from(header: BlockHeader, after: KnownBlock) -> None:
    """The hash chain, backwards: a header that a known one names needs no signature."""
    computed = header_hash(header)
    if computed != after.header.previous_hash:
        raise RootMismatch("header hash", computed=computed, expected=after.header.previous_hash)


def check_last_config_is_said(last_config: int | None) -> int:
    """The signed part of the metadata names the configuration in force; before 1.4.1 it did not."""
    if last_config is None:
        raise MalformedProof("last_config", got="absent", expected="present")
    return last_config


def check_last_config(last_config: int, *, number: int, trusted: int) -> None:
    """The block says which configuration it was signed under: the trusted one, or itself if it is the next one.

    Source: fabric orderer/common/multichannel/blockwriter.go (addLastConfig). A later one must be fetched first.
    """
    if last_config > number or last_config < trusted:
        raise ValueMismatch("last_config", got=last_config, expected=f"{trusted}, or {number} for a configuration")
    if last_config not in (trusted, number):
        raise UnknownCommittee(period=last_config, newest=trusted)


def check_under_trusted_config(number: int, trusted: int) -> None:
    """A block at or before the configuration was signed under another one: it can only be linked to."""
    if number <= trusted:
        raise HeightNotIncreasing(got=number, trusted=trusted)


def check_config_sequence(sequence: int, trusted: int) -> None:
    """Configurations count up by one: none was left out. Source: common/configtx/validator.go."""
    if sequence != trusted + 1:
        raise ValueMismatch("configuration sequence", got=sequence, expected=trusted + 1)


def check_signature_form(signature: MetadataSignature, *, bft: bool) -> None:
    """One of the two headers, and the consenter's number only on channels that know it (capability V3_0)."""
    creator, identifier = bool(signature.signature_header), bool(signature.identifier_header)
    if creator == identifier:
        raise MalformedProof("metadata signature", got="no or two headers", expected="one")
    if identifier and not bft:
        raise UnsupportedProof("metadata signature", got="a consenter's number", expected="a creator")


def check_block_policy(signed: Sequence[Member], policy: CompiledPolicy) -> None:
    """/Channel/Orderer/BlockValidation, as the configuration in force says it."""
    if not policy.is_satisfied(signed):
        raise InsufficientVotingPower(len(signed), len(signed), signers="block policy")


def check_orderer_organisations(signed: Sequence[Member], needed: int, orderers: AbstractSet[str]) -> None:
    """The operator's own rule, beside the channel's. Clients of other organisations can sign, too: they order nothing.

    orderers: the MSP ids of the organisations that run the ordering service.
    """
    present = len({member.msp_id for member in signed if member.msp_id in orderers})
    if present < needed:
        raise InsufficientVotingPower(present, needed, signers="orderer organisations")


def check_checkpoint(header: BlockHeader, trusted_hash: bytes) -> None:
    """The one thing that is believed without evidence: the hash that an operator configured."""
    computed = header_hash(header)
    if computed != trusted_hash:
        raise RootMismatch("checkpoint", computed=computed, expected=trusted_hash)


def check_revision(at: Height) -> None:
    """A channel has no revisions."""
    if at.revision != 0:
        raise WrongLedger("revision", got=at.revision, expected=0)


def check_not_frozen(frozen_at: int | None) -> None:
    if frozen_at is not None:
        raise ClientFrozen(frozen_at)


def check_headers_conflict(a: BlockHeader, b: BlockHeader) -> None:
    """Two blocks of one number: orderers never sign a second one."""
    if a.number != b.number:
        raise NotMisbehaviour(f"numbers {a.number} and {b.number}")
    if a == b:
        raise NotMisbehaviour("the same header")


def check_room(number: int, count: int, *, oldest: int, limit: int) -> None:
    """The oldest blocks make room for newer ones: one older than all would be forgotten at once."""
    if count >= limit and number < oldest:
        raise LimitExceeded("known blocks", got=count + 1, limit=limit)
