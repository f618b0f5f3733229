"""Answers of eth_getProof beside light-client updates: proved under the state root that an update calls final."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from proofs.errors import RootMismatch, ValueMismatch
from proofs.ethereum.evidence import decode_evidence
from proofs.ethereum.execution import prove_account, prove_slot
from proofs.ethereum.forks import Chain
from proofs.primitives.hashing import keccak256
from tests.vectors.beacon_json import number, raw
from tests.vectors.case import ACCEPT, Case
from tests.vectors.files import DataFile


def account_proof_cases(inside: Sequence[DataFile], evidence: Sequence[bytes], chain: Chain) -> Iterator[Case]:
    for file in inside:
        if file.path.suffix != ".json":
            continue
        answer = json.loads(file.path.read_bytes())
        if isinstance(answer, dict) and "accountProof" in answer.get("result", answer):
            file.bytes()
            yield Case(file, "account", ACCEPT, partial(_account, answer.get("result", answer), evidence, chain))


def _account(answer: dict[str, Any], evidence: Sequence[bytes], chain: Chain) -> None:
    nodes = [raw(node) for node in answer["accountProof"]]
    account = prove_account(_final_root(keccak256(nodes[0]), evidence, chain), raw(answer["address"]), nodes)
    assert account is not None, "an answer about an account that exists"
    told = (number(answer["nonce"]), number(answer["balance"]), raw(answer["storageHash"]), raw(answer["codeHash"]))
    proved = (account.nonce, account.balance, account.storage_root, account.code_hash)
    if told != proved:
        raise ValueMismatch("account", got=told, expected=proved)
    for each in answer["storageProof"]:
        key = number(each["key"]).to_bytes(32, "big")
        found = prove_slot(account.storage_root, key, [raw(node) for node in each["proof"]])
        if int.from_bytes(found, "big") != number(each["value"]):
            raise ValueMismatch("storage value", got=each["value"], expected=found)


def _final_root(root: bytes, evidence: Sequence[bytes], chain: Chain) -> bytes:
    """The files do not say which header a proof belongs to: one of those that the updates carry."""
    updates = [decode_evidence(each, chain) for each in evidence]
    headers = [header for update in updates for header in (update.finalized_header, update.attested_header)]
    roots = [header.execution.state_root for header in headers]
    if root not in roots:
        raise RootMismatch("state root", computed=root, expected=roots[0])
    return root
