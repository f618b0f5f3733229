"""Verification of blocks: the predicates in their order, each block from a configuration that is already trusted."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.encoding.protobuf import bytes_field, decode, string_field
from proofs.errors import InvalidProof, ValueMismatch
from proofs.fabric import predicates as rules
from proofs.fabric.block_messages import (
    ENVELOPE,
    IDENTIFIER_HEADER,
    ORDERER_METADATA,
    SIGNATURE_HEADER,
    SIGNED_METADATA,
    Block,
    Envelope,
    MetadataSignature,
    SignedMetadata,
)
from proofs.fabric.channel_config import ChannelConfig, check_bft_quorum, read_config
from proofs.fabric.config_messages import CONFIG_ENVELOPE
from proofs.fabric.config_update import verify_update
from proofs.fabric.hashing import header_bytes, header_hash
from proofs.fabric.identities import SignedBytes, signers
from proofs.fabric.msp import Member
from proofs.fabric.transaction_messages import CHANNEL_HEADER, PAYLOAD, ChannelHeader, Payload
from proofs.fabric.types import KnownBlock, Parameters


def verify_checkpoint(block: Block, *, trusted_hash: bytes, parameters: Parameters) -> tuple[KnownBlock, ChannelConfig]:
    """Return what a configuration block, whose header hash an operator pinned, lets us start from."""
    rules.check_header_shape(block.header)
    rules.check_checkpoint(block.header, trusted_hash)
    rules.check_data_hash(block.header, block.envelopes)
    config = read_config_block(block, parameters)
    return KnownBlock(block.header, header_hash(block.header)), config


def verify_block(
    block: Block, *, config: ChannelConfig, config_number: int, parameters: Parameters
) -> ChannelConfig | None:
    """Return the configuration that the block brings, or None for one that brings none.

    config, config_number: the trusted configuration and the number of its block. Whether the header extends a known
    one is the caller's question: a signed header stands alone.
    """
    rules.check_header_shape(block.header)
    rules.check_under_trusted_config(block.header.number, config_number)
    rules.check_slots(block)
    signed = decode(block.slots[0], SIGNED_METADATA, part="slot 0")
    metadata = decode(signed.value, ORDERER_METADATA, part="slot 0")
    last_config = rules.check_last_config_is_said(metadata.last_config)
    rules.check_last_config(last_config, number=block.header.number, trusted=config_number)
    verify_orderers(block, signed, config=config, parameters=parameters)
    if last_config != block.header.number:
        verify_data_if_present(block, parameters)
        return None
    rules.check_data_hash(block.header, block.envelopes)
    raw, update = config_and_update(block, parameters)
    new = read_config(raw)
    rules.check_config_sequence(new.sequence, config.sequence)
    verify_update(update, new=new, old=config, channel_id=parameters.channel_id)
    return new


def verify_orderers(block: Block, signed: SignedMetadata, *, config: ChannelConfig, parameters: Parameters) -> None:
    """The channel's block policy, the quorum of consenters on BFT channels, and the operator's own rule."""
    members = block_signers(block, signed, config)
    rules.check_block_policy(members, config.block_policy)
    check_bft_quorum(members, config.consenters)
    rules.check_orderer_organisations(members, parameters.orderer_organisations, config.orderers)


def block_signers(block: Block, signed: SignedMetadata, config: ChannelConfig) -> tuple[Member, ...]:
    header = header_bytes(block.header)
    claimed = (_signed_bytes(each, signed.value, header, config) for each in signed.signatures)
    return signers([each for each in claimed if each is not None], config.members)


def _signed_bytes(
    signature: MetadataSignature, value: bytes, header: bytes, config: ChannelConfig
) -> SignedBytes | None:
    """What one orderer claims to have signed, or None where it does not say who it is in a way that we know."""
    try:
        rules.check_signature_form(signature, bft=config.bft)
        identity = _identity(signature, config)
    except InvalidProof:
        return None
    message = value + (signature.signature_header or signature.identifier_header) + header
    return SignedBytes(message, identity, signature.signature)


def _identity(signature: MetadataSignature, config: ChannelConfig) -> bytes:
    if signature.signature_header:
        return decode(signature.signature_header, SIGNATURE_HEADER, part="signature header").creator
    number = decode(signature.identifier_header, IDENTIFIER_HEADER, part="identifier header").identifier
    for each in config.consenters:
        if each.id == number:
            return string_field(1, each.identity.msp_id) + bytes_field(2, each.identity.content)
    raise ValueMismatch("consenter", got=number, expected="one of the configuration")


def verify_data_if_present(block: Block, parameters: Parameters) -> None:
    """A full block must be what its header says; one that was asked for without its data has nothing to check."""
    if not block.envelopes:
        return
    rules.check_data_hash(block.header, block.envelopes)
    headers = [channel_header(envelope.payload)[1] for envelope in read_envelopes(block.envelopes)]
    rules.check_is_no_config([each.type for each in headers])
    for each in headers:
        rules.check_channel(each.channel_id, parameters.channel_id)


def read_envelopes(raw: Sequence[bytes]) -> tuple[Envelope, ...]:
    """The envelopes of a block whose data hash holds. Raises MalformedProof."""
    envelopes = tuple(decode(each, ENVELOPE, part="envelope") for each in raw)
    rules.check_envelopes(raw, envelopes)
    return envelopes


def channel_header(payload: bytes) -> tuple[Payload, ChannelHeader]:
    parsed = decode(payload, PAYLOAD, part="envelope")
    return parsed, decode(parsed.channel_header, CHANNEL_HEADER, part="envelope")


def read_config_block(block: Block, parameters: Parameters) -> ChannelConfig:
    """The configuration in a block whose data hash holds. Whether its members wanted it is the caller's question."""
    return read_config(config_and_update(block, parameters)[0])


def config_and_update(block: Block, parameters: Parameters) -> tuple[bytes, bytes]:
    """A configuration, and the signed update that it was made by. Raises InvalidProof."""
    rules.check_one_config_envelope(block.envelopes)
    envelope = decode(block.envelopes[0], ENVELOPE, part="configuration")
    payload, header = channel_header(envelope.payload)
    rules.check_is_config(header.type)
    rules.check_channel(header.channel_id, parameters.channel_id)
    return decode(payload.data, CONFIG_ENVELOPE, part="configuration")
