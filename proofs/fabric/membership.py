"""Membership on a ledger without a state tree: the transaction that wrote a value, in a block of the verified chain.

There is no short proof of inclusion: the data hash runs over all envelopes at once, so a proof carries all of them.
It is one per block, and serves every claim of that block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import Field, Message, decode, message_field, repeated_bytes_field
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch
from proofs.fabric import predicates as blocks
from proofs.fabric.answers import SIGNED_ANSWER, SignedAnswer, encode_answer, verify_answer
from proofs.fabric.block_messages import BLOCK_BYTES_MAX, BLOCK_DATA, BlockHeader
from proofs.fabric.channel_config import ChannelConfig
from proofs.fabric.host import HostLayout, check_is_written
from proofs.fabric.spec import read_envelopes
from proofs.fabric.transactions import EndorserTransaction, verify_transaction
from proofs.fabric.types import Parameters
from proofs.fabric.vouchers import ANSWERS_MAX, check_answer_signatures, read_vouched, verify_counted
from proofs.light_client import Claim, Height, Position

# A block, and answers that carry it again.
PROOF_BYTES_MAX: Final = 3 * BLOCK_BYTES_MAX
CLAIMS_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class MembershipProof:
    """envelopes: all of the block. answers: what peers say about its transactions."""

    envelopes: tuple[bytes, ...]
    answers: tuple[SignedAnswer, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a proof is checked against: a verified header, and the configuration that says who is who."""

    header: BlockHeader
    config: ChannelConfig
    parameters: Parameters
    host: HostLayout


def verify_claims(claims: Sequence[Claim], proof: bytes, ground: Ground) -> None:
    """Return only if `proof` shows that every claim was written in the block by a transaction that counted."""
    check_claim_count(claims)
    check_proof_size(proof)
    positions = [check_position(claim, ground.header.number) for claim in claims]
    parsed = decode(proof, _PROOF, part="proof")
    wanted = sorted({position.transaction for position in positions})
    transactions = verify_transactions(wanted, parsed, ground)
    written = {index: each.written_by(ground.host.chaincode).writes for index, each in transactions.items()}
    for claim, position in zip(claims, positions, strict=True):
        check_is_written(ground.host.written(claim), written[position.transaction])


def verify_transactions(
    wanted: Sequence[int], proof: MembershipProof, ground: Ground
) -> dict[int, EndorserTransaction]:
    """Return the transactions at these places of the block, each in it, endorsed, and vouched for."""
    members, channel_id = ground.config.members, ground.parameters.channel_id
    blocks.check_data_hash(ground.header, proof.envelopes)
    envelopes = read_envelopes(proof.envelopes)
    for index in wanted:
        check_index(index, len(envelopes))
    check_answer_signatures(proof.answers)
    answers = [verify_answer(each, channel_id=channel_id, members=members) for each in proof.answers]
    vouched = [read_vouched(each, ground.header, channel_id=channel_id, count=len(envelopes)) for each in answers]
    vouching = ground.host.vouching.compiled(ground.config)
    for index in wanted:
        verify_counted(vouched, index, vouching)
    endorsement = ground.host.endorsement.compiled(ground.config)
    return {
        index: verify_transaction(envelopes[index], channel_id=channel_id, members=members, policy=endorsement)
        for index in wanted
    }


def check_claim_count(claims: Sequence[Claim]) -> None:
    """Nothing claimed is nothing proved; more than a block's worth is refused before work grows."""
    if not claims:
        raise MalformedProof("claims", got=0, expected="at least 1")
    if len(claims) > CLAIMS_MAX:
        raise LimitExceeded("claims", got=len(claims), limit=CLAIMS_MAX)


def check_proof_size(proof: bytes) -> None:
    if len(proof) > PROOF_BYTES_MAX:
        raise LimitExceeded("proof", got=len(proof), limit=PROOF_BYTES_MAX)


def check_position(claim: Claim, number: int) -> Position:
    """A claim says which transaction wrote it, and it is proved at the height of that transaction only."""
    if claim.written is None:
        raise UnsupportedProof("claim", got="no position", expected="block and transaction that wrote it")
    if claim.written.height != Height(0, number):
        raise ValueMismatch("claim height", got=claim.written.height, expected=Height(0, number))
    return claim.written


def check_index(index: int, count: int) -> None:
    if not 0 <= index < count:
        raise MalformedProof("transaction index", got=index, expected=f"below {count}")


def encode_proof(proof: MembershipProof) -> bytes:
    data = repeated_bytes_field(1, proof.envelopes)
    return message_field(1, data) + repeated_bytes_field(2, (encode_answer(each) for each in proof.answers))


_PROOF: Final = Message(
    "FabricProof",
    MembershipProof,
    [
        Field(1, "data", BLOCK_DATA, required=True),
        Field(2, "answers", SIGNED_ANSWER, repeated=True, limit=ANSWERS_MAX),
    ],
)
