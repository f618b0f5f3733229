"""Evidence of a step: a header, and where a contract names the validators, the proof of who seals the next block.

    validators in headers, or fixed   RLP list of headers
    validators in a contract          RLP list of [header, account nodes, [nodes of slot, …]]

The slots are that of the length first, then one per validator in order. Which of the two forms it is follows from what
the operator configured, never from the bytes.

Source: Solidity documentation, "Layout of State Variables in Storage", dynamic arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proofs.encoding import rlp
from proofs.encoding.rlp import Item
from proofs.errors import LimitExceeded, MalformedProof, WrongLedger
from proofs.ethereum.execution import Account, ExecutionHeader, decode_header, prove_account, prove_slot
from proofs.merkle.patricia import Memo
from proofs.poa.headers import EVIDENCE_BYTES_MAX, decode_evidence
from proofs.poa.qbft.types import Parameters, ValidatorContract, ValidatorSource
from proofs.poa.votes import ADDRESS_BYTES, check_member_count
from proofs.primitives.hashing import keccak256

# Each header has up to 256 seals of 40 µs. A gap is bridged by few headers: the set has to change by a third first.
STEPS_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class StorageProof:
    """Nodes from the root on: of the account, and of each slot."""

    account: tuple[bytes, ...]
    slots: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True, slots=True)
class Step:
    header: ExecutionHeader
    proof: StorageProof | None = None


def decode_steps(evidence: bytes, parameters: Parameters) -> tuple[Step, ...]:
    """At least one. Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    if parameters.source is not ValidatorSource.CONTRACT:
        # One too many is read, so that the refusal below can say how many there are.
        headers = decode_evidence(evidence, limit=STEPS_MAX + 1)
        check_step_count(len(headers))
        return tuple(Step(header) for header in headers)
    if len(evidence) > EVIDENCE_BYTES_MAX:
        raise LimitExceeded("evidence", got=len(evidence), limit=EVIDENCE_BYTES_MAX)
    items = rlp.as_list(rlp.decode(evidence, depth_limit=4), "steps of the evidence")
    check_step_count(len(items))
    return tuple(_read_step(item) for item in items)


def check_step_count(count: int) -> None:
    """Evidence has at least one header, and no more than is checked in a moment."""
    if count < 1:
        raise MalformedProof("steps of the evidence", got=count, expected="at least 1")
    if count > STEPS_MAX:
        raise LimitExceeded("steps of the evidence", got=count, limit=STEPS_MAX)


def encode_steps(steps: Sequence[Step]) -> bytes:
    return rlp.encode_list_of([_encode_step(step) for step in steps])


def _encode_step(step: Step) -> bytes:
    if step.proof is None:
        return step.header.encode()
    return rlp.encode_list_of([step.header.encode(), rlp.encode(step.proof.account), rlp.encode(step.proof.slots)])


def _read_step(item: Item) -> Step:
    header, account, slots = rlp.as_list(item, "step", count=3)
    slots = rlp.as_list(slots, "slots of the validator contract")
    proof = StorageProof(_nodes(account), tuple(_nodes(each) for each in slots))
    return Step(decode_header(rlp.encode(rlp.as_list(header, "header of a step"))), proof)


def _nodes(item: Item) -> tuple[bytes, ...]:
    return tuple(rlp.as_bytes(node, "trie node") for node in rlp.as_list(item, "trie proof"))


def validators_in_contract(state_root: bytes, contract: ValidatorContract, proof: StorageProof) -> tuple[bytes, ...]:
    """The validators in the order of the array. Raises InvalidProof."""
    memo: Memo = {}
    account = prove_account(state_root, contract.address, proof.account, memo=memo)
    storage_root = check_contract_account(account, contract)
    keys = validator_slots(contract, max(len(proof.slots) - 1, 0))
    words = [prove_slot(storage_root, key, nodes, memo=memo) for key, nodes in zip(keys, proof.slots, strict=False)]
    check_array_is_whole(words)
    return tuple(_address(word) for word in words[1:])


def validator_slots(contract: ValidatorContract, count: int) -> list[bytes]:
    """Storage keys of the length and of `count` validators. Raises LimitExceeded."""
    check_member_count(count)
    base = contract.slot.to_bytes(32, "big")
    first = int.from_bytes(keccak256(base), "big")
    return [base, *(((first + index) % (1 << 256)).to_bytes(32, "big") for index in range(count))]


def check_contract_account(account: Account | None, contract: ValidatorContract) -> bytes:
    """The contract is there and runs the code whose layout was configured. Returns its storage root."""
    if account is None:
        raise WrongLedger("validator contract", got="nothing there", expected=contract.address)
    if account.code_hash != contract.code_hash:
        raise WrongLedger("validator contract code", got=account.code_hash, expected=contract.code_hash)
    return account.storage_root


def check_array_is_whole(words: Sequence[bytes]) -> None:
    """All validators are shown: the length in storage is how many slots follow. words: the length first."""
    length = int.from_bytes(words[0], "big") if words else 0
    if not words or length != len(words) - 1:
        raise MalformedProof("validators in the contract", got=len(words) - 1, expected=length)


def _address(word: bytes) -> bytes:
    check_is_address(word)
    return word.rjust(ADDRESS_BYTES, b"\x00")


def check_is_address(word: bytes) -> None:
    """An address is 20 bytes of a word and not zero: whatever else stands there, the layout is not what was said."""
    if not 0 < len(word) <= ADDRESS_BYTES:
        raise MalformedProof("validator in the contract", got=word, expected="an address")
