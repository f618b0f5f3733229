"""What a transaction of a chaincode did, and that its endorsers say so. That it was *valid* is another question.

Orderers order transactions without judging them: an envelope in a verified block may be void (conflicting reads, a
missing endorsement). `verify_transaction` shows who endorsed what; vouchers.py shows that peers counted it.
Source: fabric core/common/validation/msgvalidation.go, core/handlers/validation/builtin, protoutil/proputils.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import decode
from proofs.errors import InsufficientVotingPower, MalformedProof, UnsupportedProof, ValueMismatch
from proofs.fabric import predicates as blocks
from proofs.fabric.block_messages import SIGNATURE_HEADER, Envelope, SignatureHeader
from proofs.fabric.config_messages import SERIALIZED_IDENTITY
from proofs.fabric.identities import Members, SignedBytes, signers, verify_signature
from proofs.fabric.msp import Member
from proofs.fabric.policies import CompiledPolicy
from proofs.fabric.transaction_messages import (
    ACTION_PAYLOAD,
    CHAINCODE_ACTION,
    CHANNEL_HEADER,
    EVENT,
    HEADER_EXTENSION,
    PAYLOAD,
    PROPOSAL_PAYLOAD,
    READ_WRITE_SET,
    RESPONSE_PAYLOAD,
    RESULTS,
    TRANSACTION,
    Action,
    ActionPayload,
    ChaincodeAction,
    ChaincodeEvent,
    ChannelHeader,
    Endorsement,
    NamespaceWrites,
    Payload,
    ProposalPayload,
    ReadWriteSet,
    Response,
)
from proofs.primitives.hashing import sha256

# Statuses of chaincode responses that endorsers sign a result for. Source: core/chaincode, shim.ERRORTHRESHOLD.
_OK: Final = range(200, 400)


@dataclass(frozen=True, slots=True)
class EndorserTransaction:
    """tx_id: as the client chose it, bound to its nonce. namespaces: raw read-write sets, each namespace once."""

    tx_id: str
    channel_id: str
    chaincode: str
    response: Response
    event: ChaincodeEvent | None
    namespaces: tuple[NamespaceWrites, ...]

    def written_by(self, namespace: str) -> ReadWriteSet:
        """What was written in one namespace. Raises MalformedProof, UnsupportedProof."""
        content = next((each.content for each in self.namespaces if each.namespace == namespace), None)
        if content is None:
            raise ValueMismatch("namespace", got="not touched", expected=namespace)
        found = decode(content, READ_WRITE_SET, part="read-write set")
        check_no_metadata_writes(found)
        check_keys_once(found)
        return found


def verify_transaction(
    envelope: Envelope, *, channel_id: str, members: Members, policy: CompiledPolicy
) -> EndorserTransaction:
    """Return what the endorsed transaction says. policy: of the namespace that the caller asks about."""
    payload = decode(envelope.payload, PAYLOAD, part="transaction")
    header = decode(payload.channel_header, CHANNEL_HEADER, part="transaction")
    check_is_endorser_transaction(header)
    blocks.check_channel(header.channel_id, channel_id)
    creator = decode(payload.signature_header, SIGNATURE_HEADER, part="transaction")
    check_tx_id(header, creator)
    action, proposal, endorsed = _read_action(payload)
    response_payload = decode(endorsed.action.response_payload, RESPONSE_PAYLOAD, part="transaction")
    check_proposal_hash(
        response_payload.proposal_hash, payload.channel_header, action.header, endorsed.proposal_payload
    )
    check_no_transient(proposal)
    result = decode(response_payload.extension, CHAINCODE_ACTION, part="transaction")
    transaction = read_result(result, header)
    verify_creator(envelope, creator, members)
    endorsers = endorsing_members(endorsed.action.response_payload, endorsed.action.endorsements, members)
    check_endorsement_policy(endorsers, policy)
    return transaction


def read_result(result: ChaincodeAction, header: ChannelHeader) -> EndorserTransaction:
    """What the endorsers signed, against what the client asked for."""
    named = decode(header.extension, HEADER_EXTENSION, part="transaction").name
    check_same_chaincode(result, named)
    response = check_response(result.response)
    event = decode(result.events, EVENT, part="transaction") if result.events else None
    if event is not None:
        check_event(event, chaincode=named, tx_id=header.tx_id)
    data_model, namespaces = decode(result.results, RESULTS, part="transaction")
    check_data_model(data_model)
    check_namespaces_once(namespaces)
    return EndorserTransaction(header.tx_id, header.channel_id, named, response, event, namespaces)


def endorsing_members(
    response_payload: bytes, endorsements: Sequence[Endorsement], members: Members
) -> tuple[Member, ...]:
    """The distinct members that signed this response."""
    signed = [SignedBytes(response_payload + each.endorser, each.endorser, each.signature) for each in endorsements]
    return signers(signed, members)


def _read_action(payload: Payload) -> tuple[Action, ProposalPayload, ActionPayload]:
    actions = decode(payload.data, TRANSACTION, part="transaction")
    check_one_action(actions)
    check_action_header(actions[0], payload)
    endorsed = decode(actions[0].payload, ACTION_PAYLOAD, part="transaction")
    return actions[0], decode(endorsed.proposal_payload, PROPOSAL_PAYLOAD, part="transaction"), endorsed


def check_is_endorser_transaction(header: ChannelHeader) -> None:
    """Of the one type that runs chaincode; an epoch other than 0 was never defined."""
    if header.type != blocks.ENDORSER_TRANSACTION:
        raise UnsupportedProof("transaction type", got=header.type, expected=blocks.ENDORSER_TRANSACTION)
    if header.epoch != 0:
        raise UnsupportedProof("epoch", got=header.epoch, expected=0)


def check_tx_id(header: ChannelHeader, creator: SignatureHeader) -> None:
    """protoutil/proputils.go, CheckTxID: the id is the hash of nonce and creator, so nobody picks another's."""
    if not creator.nonce or not creator.creator:
        raise MalformedProof("signature header", got="nonce or creator absent", expected="both")
    computed = sha256(creator.nonce + creator.creator).hex()
    if header.tx_id != computed:
        raise ValueMismatch("transaction id", got=header.tx_id, expected=computed)


def check_one_action(actions: Sequence[Action]) -> None:
    """msgvalidation.go: exactly one."""
    if len(actions) != 1:
        raise MalformedProof("actions", got=len(actions), expected=1)


def check_action_header(action: Action, payload: Payload) -> None:
    """msgvalidation.go: the creator of the action is the creator of the transaction."""
    if action.header != payload.signature_header:
        raise ValueMismatch("action header", got=action.header, expected=payload.signature_header)


def check_proposal_hash(got: bytes, channel_header: bytes, signature_header: bytes, proposal_payload: bytes) -> None:
    """protoutil/proputils.go, GetProposalHash2: endorsers answered this proposal and no other."""
    computed = sha256(channel_header + signature_header + proposal_payload)
    if got != computed:
        raise ValueMismatch("proposal hash", got=got, expected=computed)


def check_no_transient(proposal: ProposalPayload) -> None:
    """The transient map is never on the ledger, and the hash is of a payload without it."""
    if proposal.has_transient:
        raise MalformedProof("proposal payload", got="a transient map", expected="none")


def check_same_chaincode(result: ChaincodeAction, named: str) -> None:
    """The endorsed result is of the chaincode that the client named, in a version."""
    if not named or result.chaincode.name != named:
        raise ValueMismatch("chaincode", got=result.chaincode.name, expected=named)
    if not result.chaincode.version:
        raise MalformedProof("chaincode version", got="", expected="present")


def check_response(response: Response | None) -> Response:
    if response is None or response.status not in _OK:
        raise UnsupportedProof("chaincode response", got=response and response.status, expected="200 to 399")
    return response


def check_event(event: ChaincodeEvent, *, chaincode: str, tx_id: str) -> None:
    """msgvalidation.go: an event speaks for its own chaincode and transaction."""
    if event.chaincode != chaincode:
        raise ValueMismatch("event chaincode", got=event.chaincode, expected=chaincode)
    if event.tx_id != tx_id:
        raise ValueMismatch("event transaction", got=event.tx_id, expected=tx_id)


def check_data_model(data_model: int) -> None:
    """KV (0) is the only one."""
    if data_model != 0:
        raise UnsupportedProof("data model", got=data_model, expected=0)


def check_namespaces_once(namespaces: Sequence[NamespaceWrites]) -> None:
    """core/committer/txvalidator: two sets of one namespace would have two meanings."""
    if len({each.namespace for each in namespaces}) != len(namespaces):
        raise MalformedProof("read-write sets", got="a namespace twice", expected="each once")


def check_no_metadata_writes(found: ReadWriteSet) -> None:
    """Metadata of keys changes who must endorse them. Such chaincodes are not followed here."""
    if found.metadata_writes:
        raise UnsupportedProof("metadata writes", got=len(found.metadata_writes), expected=0)


def check_keys_once(found: ReadWriteSet) -> None:
    """A simulation ends with one value per key."""
    if len({each.key for each in found.writes}) != len(found.writes):
        raise MalformedProof("writes", got="a key twice", expected="each once")


def check_endorsement_policy(endorsers: Sequence[Member], policy: CompiledPolicy) -> None:
    if not policy.is_satisfied(endorsers):
        raise InsufficientVotingPower(len(endorsers), len(endorsers), signers="endorsement policy")


def verify_creator(envelope: Envelope, creator: SignatureHeader, members: Members) -> None:
    """The client signed the whole payload. Raises UnknownSigner, InvalidSignature."""
    member = members.member(decode(creator.creator, SERIALIZED_IDENTITY, part="creator"))
    verify_signature(envelope.payload, envelope.signature, member)
