"""Peers of several organisations say which transactions of a block counted. No orderer ever signs that.

Validation codes are written by each peer for itself. What a peer does sign is an answer of its system chaincode
`qscc` to a proposal: asked for a block, it answers with the block and a code per transaction. Such answers need no
freshness, since a code never changes once it is written. They count as endorsements under a policy that the operator
pins, usually a majority of organisations.

Only answers about whole blocks count. An answer about a transaction id would also fit a copy of the envelope in a later
block, which peers there mark as a duplicate.
Source: fabric core/scc/qscc/query.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding.protobuf import decode
from proofs.errors import InsufficientVotingPower, LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch
from proofs.fabric.answers import Answer, SignedAnswer
from proofs.fabric.block_messages import BLOCK, Block, BlockHeader
from proofs.fabric.msp import Member
from proofs.fabric.policies import CompiledPolicy
from proofs.fabric.transaction_messages import ENDORSEMENTS_MAX

# Answers with other bytes, such as other orderers' signatures in slot 0, are answers of their own.
ANSWERS_MAX: Final = 32
VALID: Final = 0

_QUERIES: Final = "qscc"
_SYSTEM_VERSION: Final = "syscc"
_FUNCTION: Final = b"GetBlockByNumber"
_FLAGS_SLOT: Final = 2


@dataclass(frozen=True, slots=True)
class Vouched:
    """One answer about the block in question: a code per transaction, and who says so."""

    codes: bytes
    members: tuple[Member, ...]


def read_vouched(answer: Answer, header: BlockHeader, *, channel_id: str, count: int) -> Vouched:
    """header, count: the verified block that is spoken of, and how many transactions it has."""
    check_is_query(answer)
    check_arguments(answer.arguments, channel_id, header.number)
    block: Block = decode(answer.content, BLOCK, part="answer")
    check_same_header(block.header, header)
    codes = block.slots[_FLAGS_SLOT] if len(block.slots) > _FLAGS_SLOT else b""
    check_codes(codes, count)
    return Vouched(codes, answer.members)


def verify_counted(vouched: Sequence[Vouched], index: int, policy: CompiledPolicy) -> None:
    """Return only if enough organisations say that the transaction is valid, and none of them says otherwise."""
    vouching: dict[tuple[str, bytes], Member] = {}
    for each in vouched:
        if each.members:
            check_is_valid(each.codes[index])
        vouching.update({(member.msp_id, member.der): member for member in each.members})
    check_vouched(tuple(vouching.values()), policy)


def check_is_query(answer: Answer) -> None:
    """The system chaincode for queries answered: no other can bear its name and version."""
    if (answer.chaincode, answer.version) != (_QUERIES, _SYSTEM_VERSION):
        raise UnsupportedProof(
            "vouching chaincode", got=f"{answer.chaincode} {answer.version}", expected=f"{_QUERIES} {_SYSTEM_VERSION}"
        )


def check_arguments(arguments: Sequence[bytes], channel_id: str, number: int) -> None:
    """Asked for this block of this channel."""
    expected = (_FUNCTION, channel_id.encode(), str(number).encode())
    if tuple(arguments) != expected:
        raise ValueMismatch("vouching question", got=b" ".join(arguments), expected=b" ".join(expected))


def check_same_header(got: BlockHeader, expected: BlockHeader) -> None:
    """The peers speak of the very block that is verified here: the data hash commits to its transactions."""
    if got != expected:
        raise ValueMismatch("vouched block", got=got.data_hash, expected=expected.data_hash)


def check_codes(codes: bytes, count: int) -> None:
    """One per transaction. Orderers leave the slot empty: they do not judge."""
    if len(codes) != count:
        raise MalformedProof("validation codes", got=len(codes), expected=count)


def check_is_valid(code: int) -> None:
    if code != VALID:
        raise UnsupportedProof("validation code", got=code, expected=VALID)


def check_vouched(members: Sequence[Member], policy: CompiledPolicy) -> None:
    """The operator's policy over the distinct peers that answered."""
    if not policy.is_satisfied(members):
        raise InsufficientVotingPower(len(members), len(members), signers="vouching policy")


def check_answer_signatures(answers: Sequence[SignedAnswer]) -> None:
    """Before any signature is checked: as many as one answer could have, in all."""
    endorsements = sum(len(each.endorsements) for each in answers)
    if endorsements > ENDORSEMENTS_MAX:
        raise LimitExceeded("vouching signatures", got=endorsements, limit=ENDORSEMENTS_MAX)
