"""The proof of a batch of claims at one height: transactions of that block, and which of their events says what.

Protobuf: {1: repeated {1: transaction, 2: index, 3: repeated path node}, 2: repeated {1: place among them, 2: event}},
the second list in the order of the claims. A transaction that serves many claims is sent and hashed once, and so are
the nodes that its path shares with others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.chainmaker.evidence import PATH_MAX
from proofs.chainmaker.hashing import Hash
from proofs.chainmaker.host import HostLayout, verify_event
from proofs.chainmaker.messages import check_size, decode_transaction
from proofs.chainmaker.transactions import (
    check_invocation,
    check_succeeded,
    check_transaction_chain,
    verify_inclusion,
)
from proofs.chainmaker.tree import Memo
from proofs.chainmaker.types import ConsensusState, ContractEvent, Transaction
from proofs.encoding.protobuf import (
    BYTES,
    UINT32,
    Field,
    Message,
    bytes_field,
    decode,
    repeated_bytes_field,
    varint_field,
)
from proofs.errors import MalformedProof, ValueMismatch
from proofs.light_client import Claim, Height, Position

CLAIMS_MAX: Final = 4096
PROOF_BYTES_MAX: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class TransactionProof:
    """A transaction as the block has it, and its path."""

    transaction: bytes
    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Witness:
    """Where the event of one claim is: in which transaction of the proof, and which of its events."""

    transaction: int
    event: int


@dataclass(frozen=True, slots=True)
class BlockProof:
    transactions: tuple[TransactionProof, ...]
    witnesses: tuple[Witness, ...]


_TRANSACTION: Final = Message(
    "TransactionProof",
    TransactionProof,
    [
        Field(1, "transaction", BYTES, required=True),
        Field(2, "index", UINT32),
        Field(3, "path", BYTES, repeated=True, limit=PATH_MAX),
    ],
)
_WITNESS: Final = Message("Witness", Witness, [Field(1, "transaction", UINT32), Field(2, "event", UINT32)])
_PROOF: Final = Message(
    "BlockProof",
    BlockProof,
    [
        Field(1, "transactions", _TRANSACTION, repeated=True, limit=CLAIMS_MAX),
        Field(2, "witnesses", _WITNESS, repeated=True, limit=CLAIMS_MAX),
    ],
)


def encode_proof(proof: BlockProof) -> bytes:
    transactions = (
        bytes_field(1, each.transaction) + varint_field(2, each.index) + repeated_bytes_field(3, each.path)
        for each in proof.transactions
    )
    witnesses = (varint_field(1, each.transaction) + varint_field(2, each.event) for each in proof.witnesses)
    return repeated_bytes_field(1, transactions) + repeated_bytes_field(2, witnesses)


def verify_claims(
    claims: Sequence[Claim],
    encoded: bytes,
    *,
    state: ConsensusState,
    chain_id: str,
    layout: HostLayout,
    digest: Hash,
) -> None:
    """Return only if the block of `state` holds an event for every claim. Raises InvalidProof."""
    check_size(encoded, "proof", PROOF_BYTES_MAX)
    proof = decode(encoded, _PROOF, part="proof", canonical=True)
    check_one_witness_each(proof, len(claims))
    check_all_used(proof)
    included = _included(proof, state, chain_id, digest)
    for claim, witness in zip(claims, proof.witnesses, strict=True):
        transaction, events = included[witness.transaction]
        check_event_exists(witness.event, len(events))
        index = proof.transactions[witness.transaction].index
        check_written_there(claim, Position(Height(0, state.number), index, witness.event))
        verify_event(
            events[witness.event],
            claim,
            payload=transaction.payload,
            layout=layout,
            block_version=state.version,
            block_time=state.time,
        )


def _included(
    proof: BlockProof, state: ConsensusState, chain_id: str, digest: Hash
) -> list[tuple[Transaction, tuple[ContractEvent, ...]]]:
    memo: Memo = {}
    included = []
    for each in proof.transactions:
        transaction = decode_transaction(each.transaction)
        verify_inclusion(
            transaction,
            each.path,
            index=each.index,
            count=state.transaction_count,
            root=state.transaction_root,
            block_version=state.version,
            digest=digest,
            memo=memo,
        )
        check_transaction_chain(transaction, chain_id)
        check_invocation(transaction)
        included.append((transaction, check_succeeded(transaction).events))
    return included


def check_one_witness_each(proof: BlockProof, claims: int) -> None:
    """Every claim has its event, in the order of the claims, and there is no other."""
    if not claims or len(proof.witnesses) != claims:
        raise MalformedProof("witnesses", got=len(proof.witnesses), expected=claims or "at least one claim")


def check_all_used(proof: BlockProof) -> None:
    """A witness points at a transaction of the proof, and none is sent that no claim needs."""
    if {each.transaction for each in proof.witnesses} != set(range(len(proof.transactions))):
        raise MalformedProof("transactions of the proof", got=len(proof.transactions), expected="those of the claims")


def check_event_exists(event: int, count: int) -> None:
    """A witness points at an event of its transaction."""
    if event >= count:
        raise MalformedProof("event", got=event, expected=f"below {count}")


def check_written_there(claim: Claim, position: Position) -> None:
    """A claim that says where it was written is proved there or not at all."""
    if claim.written is not None and claim.written != position:
        raise ValueMismatch("position of the claim", got=position, expected=claim.written)
