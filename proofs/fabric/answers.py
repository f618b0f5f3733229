"""What peers sign when they are asked: the endorsed answer of a chaincode to a proposal that is carried along.

The proposal shows what was asked (chaincode, function, arguments); its hash is in what the peers signed.
Source: fabric core/endorser/endorser.go, protoutil/proputils.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import BYTES, Field, Message, bytes_field, decode, repeated_bytes_field
from proofs.errors import ValueMismatch
from proofs.fabric import predicates as blocks
from proofs.fabric.block_messages import SIGNATURE_HEADER
from proofs.fabric.identities import Members
from proofs.fabric.msp import Member
from proofs.fabric.transaction_messages import (
    CHAINCODE_ACTION,
    CHANNEL_HEADER,
    ENDORSEMENT,
    ENDORSEMENTS_MAX,
    HEADER,
    HEADER_EXTENSION,
    INVOCATION,
    PROPOSAL,
    PROPOSAL_PAYLOAD,
    RESPONSE_PAYLOAD,
    Endorsement,
)
from proofs.fabric.transactions import (
    check_is_endorser_transaction,
    check_no_transient,
    check_proposal_hash,
    check_response,
    check_same_chaincode,
    check_tx_id,
    endorsing_members,
)


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """Untrusted. proposal: what was asked. response_payload: what the endorsers signed."""

    proposal: bytes
    response_payload: bytes
    endorsements: tuple[Endorsement, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """chaincode, version: who answered. arguments: what was asked, the function first. members: who signed it."""

    chaincode: str
    version: str
    arguments: tuple[bytes, ...]
    content: bytes
    members: tuple[Member, ...]


def verify_answer(signed: SignedAnswer, *, channel_id: str, members: Members) -> Answer:
    """Return what the peers said to what question. Whether there are enough of them is the caller's policy."""
    proposal = decode(signed.proposal, PROPOSAL, part="proposal")
    channel_header, signature_header = decode(proposal.header, HEADER, part="proposal")
    header = decode(channel_header, CHANNEL_HEADER, part="proposal")
    check_is_endorser_transaction(header)
    blocks.check_channel(header.channel_id, channel_id)
    check_tx_id(header, decode(signature_header, SIGNATURE_HEADER, part="proposal"))
    payload = decode(proposal.payload, PROPOSAL_PAYLOAD, part="proposal")
    check_no_transient(payload)
    answered = decode(signed.response_payload, RESPONSE_PAYLOAD, part="answer")
    check_proposal_hash(answered.proposal_hash, channel_header, signature_header, proposal.payload)
    result = decode(answered.extension, CHAINCODE_ACTION, part="answer")
    named = decode(header.extension, HEADER_EXTENSION, part="proposal").name
    check_same_chaincode(result, named)
    invoked, arguments = decode(payload.input, INVOCATION, part="proposal")
    check_invoked(invoked, named)
    content = check_response(result.response).payload
    signers = endorsing_members(signed.response_payload, signed.endorsements, members)
    return Answer(named, result.chaincode.version, arguments, content, signers)


def check_invoked(invoked: str, named: str) -> None:
    """core/endorser/msgvalidation.go: header and input name one chaincode."""
    if invoked != named:
        raise ValueMismatch("invoked chaincode", got=invoked, expected=named)


def encode_answer(answer: SignedAnswer) -> bytes:
    endorsements = (bytes_field(1, each.endorser) + bytes_field(2, each.signature) for each in answer.endorsements)
    return (
        bytes_field(1, answer.proposal)
        + bytes_field(2, answer.response_payload)
        + repeated_bytes_field(3, endorsements)
    )


SIGNED_ANSWER: Final = Message(
    "SignedAnswer",
    SignedAnswer,
    [
        Field(1, "proposal", BYTES),
        Field(2, "response_payload", BYTES),
        Field(3, "endorsements", ENDORSEMENT, repeated=True, limit=ENDORSEMENTS_MAX),
    ],
)
