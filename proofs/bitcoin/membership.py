"""Claims about packets: the transaction that announces one, and its branch up to the root of a final header.

Two ways lead from a 64-byte string that is both transaction and inner node to a proof of something that is not there
(CVE-2017-12842), and both are closed:
- an inner node shown as a transaction: a transaction of 64 bytes proves nothing here;
- a transaction of 64 bytes shown as an inner node, above transactions that exist nowhere: no inner node of a branch
  may be readable as a transaction. For an honest node the chance of that is below 2⁻⁴⁰.
So no proof of the coinbase transaction is needed, whose depth would show the same.

The transaction comes without its witness, in the form that its id is the hash of: no byte of a proof is idle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.bitcoin.packets import PacketOutput, decode_script, position_of_path
from proofs.bitcoin.transactions import Transaction, check_values, read_transaction, transaction_id
from proofs.bitcoin.types import Route
from proofs.bitcoin.wire import Reader
from proofs.encoding import protobuf
from proofs.encoding.proof_batch import split_batch
from proofs.encoding.protobuf import BYTES, Field, Message
from proofs.errors import (
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
)
from proofs.light_client import Claim, Position
from proofs.merkle.bitcoin import DEPTH_MAX, path_from_branch

# More packets than anybody announces in one block, and less than a second of work.
CLAIMS_MAX: Final = 1_024
# What nodes relay (400,000 units of weight). A larger transaction would have to be handed to a miner.
TRANSACTION_BYTES_MAX: Final = 100_000
NODE_BYTES: Final = 64
# The transaction, its branch, and what frames them.
_PROOF_BYTES_MAX: Final = TRANSACTION_BYTES_MAX + DEPTH_MAX * (2 + 32) + 32


@dataclass(frozen=True, slots=True)
class TransactionProof:
    """transaction: without witness. branch: siblings from the transaction upwards."""

    transaction: bytes
    branch: tuple[bytes, ...]


_PROOF: Final = Message(
    "TransactionProof",
    TransactionProof,
    [Field(1, "transaction", BYTES), Field(2, "branch", BYTES, repeated=True, limit=DEPTH_MAX)],
)


def encode_proof(proof: TransactionProof) -> bytes:
    return protobuf.bytes_field(1, proof.transaction) + protobuf.repeated_bytes_field(2, proof.branch)


def verify_claims(claims: Sequence[Claim], proof: bytes, *, height: int, root: bytes, route: Route) -> None:
    """Return only if every claim was written in the block of `height` with the transactions' `root`.

    proof: a batch with one TransactionProof for each claim. Raises VerificationError.
    """
    check_claim_count(claims)
    check_batch_length(len(proof), len(claims))
    # Several packets may be announced by one transaction: it is hashed once.
    verified: dict[tuple[bytes, int], Transaction] = {}
    for claim, each in zip(claims, split_batch(proof, count=len(claims)), strict=True):
        check_is_presence(claim)
        position = position_of_path(claim.path, route)
        check_height(position, height)
        check_written(claim, position)
        key = (each, position.transaction)
        if key not in verified:
            decoded = protobuf.decode(each, _PROOF, part="transaction proof", canonical=True)
            verified[key] = verify_transaction(decoded, index=position.transaction, root=root)
        check_output_exists(verified[key], position.event)
        packet = decode_script(verified[key].outputs[position.event].script)
        check_destination(packet, route)
        check_commitment(packet, claim)


def verify_transaction(proof: TransactionProof, *, index: int, root: bytes) -> Transaction:
    """Return the transaction that stands at `index` of the block with this root. Raises VerificationError."""
    check_transaction_size(proof.transaction)
    check_is_no_node(proof.transaction)
    transaction = decode_stripped(proof.transaction)
    path = path_from_branch(transaction_id(transaction), proof.branch, index=index)
    check_root(path.root, root)
    for node in path.nodes:
        check_is_no_transaction(node)
    return transaction


def decode_stripped(encoded: bytes) -> Transaction:
    """Raises MalformedProof."""
    reader = Reader(encoded, "transaction")
    transaction = read_transaction(reader)
    reader.end()
    check_has_no_witness(transaction)
    check_values(transaction.outputs)
    return transaction


def check_claim_count(claims: Sequence[Claim]) -> None:
    if len(claims) > CLAIMS_MAX:
        raise LimitExceeded("claims", got=len(claims), limit=CLAIMS_MAX)


def check_batch_length(size: int, claims: int) -> None:
    """No honest proof is longer. Asked before anything is read: short ones come in any number."""
    limit = claims * _PROOF_BYTES_MAX
    if size > limit:
        raise LimitExceeded("proof batch", got=size, limit=limit)


def check_is_presence(claim: Claim) -> None:
    """A ledger without state has no place where nothing stands."""
    if claim.value is None:
        raise UnsupportedProof("claim", got="absence", expected="presence: this ledger proves no absence")


def check_height(position: Position, height: int) -> None:
    """A packet is proved by its own block, and by no other."""
    if position.height.number != height:
        raise ValueMismatch("height of the claim", got=position.height.number, expected=height)


def check_written(claim: Claim, position: Position) -> None:
    """The path says where it was written; who says it a second time must agree."""
    if claim.written not in (None, position):
        raise ValueMismatch("position of the claim", got=claim.written, expected=position)


def check_transaction_size(encoded: bytes) -> None:
    """Before anything is read."""
    if len(encoded) > TRANSACTION_BYTES_MAX:
        raise LimitExceeded("transaction", got=len(encoded), limit=TRANSACTION_BYTES_MAX)


def check_is_no_node(encoded: bytes) -> None:
    """CVE-2017-12842: what is as long as two hashes may be two hashes. BIP 54 forbids such transactions for good."""
    if len(encoded) == NODE_BYTES:
        raise UnsupportedProof("transaction", got=f"{NODE_BYTES} bytes", expected="another length than an inner node's")


def check_is_no_transaction(node: bytes) -> None:
    """CVE-2017-12842, from the other side: the subtree below such a node may have been made up."""
    try:
        decode_stripped(node)
    except VerificationError:
        return
    raise MalformedProof("inner node", got=node, expected="two hashes that are no transaction")


def check_has_no_witness(transaction: Transaction) -> None:
    """No id covers a witness, so anybody could change it."""
    if transaction.witness is not None:
        raise MalformedProof("transaction", got="with witness", expected="without witness")


def check_root(computed: bytes, expected: bytes) -> None:
    if computed != expected:
        raise RootMismatch("root of transactions", computed=computed, expected=expected)


def check_output_exists(transaction: Transaction, output: int) -> None:
    if output >= len(transaction.outputs):
        raise ValueMismatch("output", got=output, expected=f"below {len(transaction.outputs)}")


def check_destination(packet: PacketOutput, route: Route) -> None:
    """Packets for other clients share the ledger, and the magic."""
    if packet.dest_client != route.dest_client:
        raise ValueMismatch("destination client", got=packet.dest_client, expected=route.dest_client)


def check_commitment(packet: PacketOutput, claim: Claim) -> None:
    if packet.commitment != claim.value:
        raise ValueMismatch("commitment", got=packet.commitment, expected=claim.value)
