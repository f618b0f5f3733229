"""Merkle blocks, branches and whole blocks of Bitcoin, with the two weaknesses of its tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from proofs.bitcoin.blocks import FullBlock, decode_block, read_block
from proofs.bitcoin.headers import header_hash
from proofs.bitcoin.membership import check_is_no_transaction, check_root
from proofs.bitcoin.merkleblock import verify_merkleblock
from proofs.bitcoin.predicates import check_parent
from proofs.bitcoin.transactions import decode_transaction, transaction_id
from proofs.bitcoin.wire import Reader
from proofs.merkle.bitcoin import path_from_branch, root_of
from tests.vectors.case import ACCEPT, REJECT, Case, Expected, accept_if, value
from tests.vectors.files import Files

_FRAME_BYTES = 4 + 4  # magic and length, as nodes store blocks


def cases(files: Files) -> Iterator[Case]:
    for file in files.named("merkleblocks.json"):
        for entry in file.json():
            verify = partial(_matches, bytes.fromhex(entry["merkleblock"]), with_hash="block_hash" in entry)
            yield Case(file, entry["name"], _expected_matches(entry), verify)
    for file in files.named("electrum_branches.json"):
        for entry in file.json():
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), partial(_verify_branch, entry))
    for file in files.matching("blocks/*.json"):
        entry = file.json()
        yield Case(file, "ids and root", value(entry["tx"]), partial(_ids, bytes.fromhex(entry["block"])))
    for file in files.matching("blocks/*.hex"):
        text = file.text()
        if "Block" in text:
            yield Case(file, "two branches", ACCEPT, partial(_verify_stream, _hex_of(text)))
        else:
            yield Case(file, "ids and root", ACCEPT, partial(_ids, bytes.fromhex(text)))


def _expected_matches(entry: dict[str, Any]) -> Expected:
    if entry["expect"] != "accept":
        return REJECT
    if "matches" not in entry:
        return ACCEPT
    matches = [(each["index"], each["txid"]) for each in entry["matches"]]
    return value((entry.get("block_hash"), matches))


def _matches(encoded: bytes, *, with_hash: bool) -> tuple[str | None, list[tuple[int, str]]]:
    found = verify_merkleblock(encoded)
    shown = found.block_hash[::-1].hex() if with_hash else None
    return shown, [(index, each[::-1].hex()) for index, each in found.transactions]


def _verify_branch(entry: dict[str, Any]) -> None:
    """A branch, or a transaction that only has to be one. Where no root is given, the shape alone decides."""
    if "raw_tx" in entry:
        given = transaction_id(decode_transaction(bytes.fromhex(entry["raw_tx"])))
        if "txid" in entry:
            check_root(given, _wire(entry["txid"]))
    if "branch" not in entry:
        return
    path = path_from_branch(_wire(entry["txid"]), [_wire(each) for each in entry["branch"]], index=entry["position"])
    if entry["merkle_root"] is not None:
        check_root(path.root, _wire(entry["merkle_root"]))
    for node in path.nodes:
        check_is_no_transaction(node)


def _ids(encoded: bytes) -> list[str]:
    block = decode_block(encoded)
    return [each[::-1].hex() for each in _verified_ids(block)]


def _verified_ids(block: FullBlock) -> list[bytes]:
    ids = [transaction_id(each) for each in block.transactions]
    check_root(root_of(ids), block.header.merkle_root)
    return ids


def _verify_stream(encoded: bytes) -> None:
    """Framed blocks, each on top of one that came before."""
    reader = Reader(encoded, "block file")
    known: list[bytes] = []
    while reader.left:
        reader.take(_FRAME_BYTES)
        block = read_block(reader)
        _verified_ids(block)
        if known:
            check_parent(block.header, block.header.previous if block.header.previous in known else known[-1])
        known.append(header_hash(block.header))


def _hex_of(text: str) -> bytes:
    """Lines of hex in groups, between lines that say which block follows."""
    lines: Sequence[str] = [line.strip() for line in text.splitlines()]
    return bytes.fromhex("".join(line for line in lines if re.fullmatch(r"[0-9a-fA-F ]+", line)))


def _wire(written: str) -> bytes:
    return bytes.fromhex(written)[::-1]
