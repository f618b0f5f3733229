"""Merkle-Patricia proofs of accounts, storage and receipts, and the trie roots of ethereum/tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from proofs.encoding import rlp
from proofs.errors import ValueMismatch
from proofs.ethereum.execution import Account, prove_account, prove_slot
from proofs.merkle import patricia
from proofs.merkle.patricia_root import ordered_root, trie_root
from proofs.primitives.hashing import keccak256
from tests.vectors.case import ACCEPT, Case, accept_if, value
from tests.vectors.execution_json import header_of
from tests.vectors.files import DataFile, Files


def cases(files: Files) -> Iterator[Case]:
    for file in files.named("proofs.json"):
        for entry in file.json():
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), partial(_verify, _query(entry)))
    for file in files.matching("official_trie_tests/*.json"):
        for name, entry in file.json().items():
            if "root" in entry:
                items = _final_items(entry["in"], is_secure="secure" in file.name)
                yield Case(file, name, value(_bytes(entry["root"])), partial(trie_root, items))
            else:
                yield from _neighbours(file, name, entry)
    for file in files.matching("lodestar_verified_requests/*.json"):
        yield from _verified_requests(file)


def _query(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the verifier is asked: neither the name of the case nor what its author expects of it."""
    return {
        "root": _bytes(entry["root"]),
        "key": _bytes(entry["key"]),
        "value": None if entry["value"] is None else _bytes(entry["value"]),
        "proof": [_bytes(node) for node in entry["proof"]],
        "is_inclusion": entry["query"] == "inclusion",
        "inline_repeated": "repeated" in (entry.get("style") or ""),
    }


def _verify(query: Mapping[str, Any]) -> None:
    if not query["is_inclusion"]:
        patricia.verify_exclusion(query["root"], query["key"], query["proof"])
        return
    inline_repeated = query["inline_repeated"]
    if query["value"] is not None:
        patricia.verify_inclusion(
            query["root"], query["key"], query["value"], query["proof"], inline_repeated=inline_repeated
        )
        return
    # The case names no value: any that is shown is an inclusion.
    found = patricia.value_at(query["root"], query["key"], query["proof"], inline_repeated=inline_repeated)
    if found is None:
        raise ValueMismatch("trie value", got="nothing", expected="a value")


def _final_items(operations: Any, *, is_secure: bool) -> dict[bytes, bytes]:
    """A list is a history in which null deletes; a map is what is there in the end."""
    pairs = operations.items() if isinstance(operations, dict) else operations
    items: dict[bytes, bytes] = {}
    for key, stored in pairs:
        path = keccak256(_text(key)) if is_secure else _text(key)
        items[path] = b"" if stored is None else _text(stored)
    return items


def _neighbours(file: DataFile, name: str, entry: Mapping[str, Any]) -> Iterator[Case]:
    """Next and previous keys: named, so that the table of what is never performed can count them."""
    for before, _, _ in entry["tests"]:
        yield Case(file, f"{name}/neighbours of {before!r}", ACCEPT, _never_performed)


def _never_performed() -> None:
    raise AssertionError("the product never asks a trie for neighbours: see tables.NEVER_PERFORMED")


def _verified_requests(file: DataFile) -> Iterator[Case]:
    """A node's answer, made believable: block hash → header → state root → account."""
    document = file.json()
    block = document["execution"]["block"]
    header = header_of(block)
    yield Case(file, "block hash", value(_bytes(document["beacon"]["executionPayload"]["block_hash"])), header.hash)
    transactions = [_bytes(each) for each in document["beacon"]["executionPayload"]["transactions"]]
    yield Case(file, "transactions root", value(header.transactions_root), partial(ordered_root, transactions))
    for number, dependent in enumerate(document["dependentRequests"]):
        if dependent["payload"]["method"] != "eth_getProof":
            continue
        answer = dependent["response"]["result"]
        account = Account(
            _int(answer["nonce"]), _int(answer["balance"]), _bytes(answer["storageHash"]), _bytes(answer["codeHash"])
        )
        nodes = [_bytes(node) for node in answer["accountProof"]]
        address = _bytes(dependent["payload"]["params"][0])
        asked = partial(prove_account, header.state_root, address, nodes)
        yield Case(file, f"account {number}", value(account), asked)
        if document["request"]["method"] == "eth_getBalance":
            yield Case(file, f"balance {number}", value(_int(document["response"]["result"])), partial(_balance, asked))
        for slot in answer["storageProof"]:
            asked_slot = partial(
                prove_slot, account.storage_root, _word(slot["key"]), [_bytes(node) for node in slot["proof"]]
            )
            yield Case(file, f"slot {slot['key']} of {number}", value(rlp.int_bytes(_int(slot["value"]))), asked_slot)


def _balance(asked: Callable[[], Account | None]) -> int | None:
    account = asked()
    return None if account is None else account.balance


def _text(text: str) -> bytes:
    return _bytes(text) if text.startswith("0x") else text.encode()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _word(text: str) -> bytes:
    return _int(text).to_bytes(32, "big")


def _int(text: str) -> int:
    return int(text, 16)
