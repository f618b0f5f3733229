"""Hashes of execution headers, the roots of what stands in blocks, proofs of receipts, and rules between headers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from proofs.encoding import rlp
from proofs.errors import VerificationError
from proofs.ethereum.block_body import Body, decode_block, decode_body, verify_body
from proofs.ethereum.block_rules import (
    CANCUN,
    PRAGUE,
    check_child_number,
    check_child_parent_hash,
    verify_child,
    verify_staked_child,
)
from proofs.ethereum.execution import ExecutionHeader, decode_header
from proofs.ethereum.receipts import Receipt, encode_receipt, prove_receipt
from proofs.merkle.patricia_root import ordered_root
from proofs.primitives.hashing import keccak256
from tests.vectors.case import ACCEPT, REJECT, Case, value
from tests.vectors.execution_json import (
    bytes_of,
    header_of,
    legacy_transaction_of,
    number_of,
    receipt_of,
    short_receipts_of,
)
from tests.vectors.files import DataFile, Files


def cases(files: Files) -> Iterator[Case]:
    yield from _helios(files)
    yield from _mined(files)
    yield from _portal(files)
    yield from _axiom(files)
    yield from _transcripts(files)
    for file in files.matching("ethereum_tests/*.json"):
        yield from _block_tests(file)


def _hash_case(file: DataFile, name: str, block: Mapping[str, Any]) -> Case:
    return Case(file, f"{name} hash", value(bytes_of(block["hash"])), partial(_hash, header_of(block)))


def _hash(header: ExecutionHeader) -> bytes:
    """Through the strict decoder, as a header of a node would come in."""
    return decode_header(header.encode()).hash()


def _receipts_root(receipts: Sequence[Receipt]) -> bytes:
    return ordered_root(encode_receipt(each) for each in receipts)


def _helios(files: Files) -> Iterator[Case]:
    headers = {}
    for file in files.matching("mainnet_helios/*.json"):
        content = file.json()
        if isinstance(content, dict) and "stateRoot" in content:
            headers[content["hash"]] = header_of(content)
            yield _hash_case(file, "block", content)
    for file in files.matching("mainnet_helios/*.json"):
        content = file.json()
        if isinstance(content, list) and content and "cumulativeGasUsed" in content[0]:
            header = headers[content[0]["blockHash"]]
            receipts = [receipt_of(each) for each in content]
            yield Case(file, "receipts root", value(header.receipts_root), partial(_receipts_root, receipts))
        for number, entry in enumerate(_proved(content)):
            receipt = entry["receipt"]
            header = headers[receipt["blockHash"]]
            index, nodes = number_of(receipt["transactionIndex"]), [bytes_of(each) for each in entry["receiptProof"]]
            asked = partial(prove_receipt, header.receipts_root, index, nodes)
            yield Case(file, f"receipt {number}", value(receipt_of(receipt)), asked)


def _proved(content: Any) -> Iterator[Mapping[str, Any]]:
    """Whatever carries a receipt and its proof, however deep it stands."""
    if isinstance(content, dict):
        if "receiptProof" in content:
            yield content
        for each in content.values():
            yield from _proved(each)
    elif isinstance(content, list):
        for each in content:
            yield from _proved(each)


def _mined(files: Files) -> Iterator[Case]:
    for pattern in ("mainnet_pow_11090290_snowbridge/*.json", "mainnet_nimbus/*.json"):
        for file in files.matching(pattern):
            block = file.json()
            if "hash" in block:
                yield _hash_case(file, "block", block)
            else:
                yield Case(file, "difficulty of a mined block", REJECT, _never_performed)
    headers = {}
    for file in files.named("mainnet_pow_11408438_snowbridge/header11408438.json"):
        block = file.json()
        headers[block["hash"]] = header_of(block)
        yield _hash_case(file, "block", block)
    for file in files.named("mainnet_pow_11408438_snowbridge/receipts11408438.json"):
        content = file.json()
        root = value(headers[content[0]["blockHash"]].receipts_root)
        yield Case(file, "receipts root", root, partial(_receipts_root, [receipt_of(each) for each in content]))
    for file in files.named("mainnet_pow_11408438_snowbridge/transactions11408438.json"):
        content = file.json()
        root = value(headers[content[0]["blockHash"]].transactions_root)
        encoded = [legacy_transaction_of(each) for each in content]
        yield Case(file, "transactions root", root, partial(ordered_root, encoded))
        for number, transaction in enumerate(content):
            yield Case(file, f"id {number}", value(bytes_of(transaction["hash"])), partial(keccak256, encoded[number]))
    for file in files.matching("mainnet_pow_tibc/*.json"):
        chain = [header_of(block) for block in file.json()]
        for parent, child in pairwise(chain):
            yield Case(file, f"{child.number} links to its parent", ACCEPT, partial(verify_child, parent, child))


def _never_performed() -> None:
    raise AssertionError("the product follows no mined chain: see tables.NEVER_PERFORMED")


def _portal(files: Files) -> Iterator[Case]:
    for file in files.matching("portal_headers/*.json"):
        headers = []
        for name, entry in file.json().items():
            # An SSZ container of two parts: where the header starts, where it ends, then both.
            content = bytes_of(entry["content_value"])
            start, stop = (int.from_bytes(content[at : at + 4], "little") for at in (0, 4))
            headers.append(decode_header(content[start:stop]))
            # The key is a zero byte and the hash.
            yield Case(file, name, value(bytes_of(entry["content_key"])[1:]), headers[-1].hash)
        for parent, child in pairwise(headers):
            yield Case(file, f"{child.number} links", ACCEPT, partial(verify_child, parent, child))
    for file in files.matching("portal_block_data/*.yaml"):
        lines = (line.partition(":") for line in file.text().splitlines())
        parts = {name.strip(): bytes_of(text.strip().strip("'\"")) for name, _, text in lines if text.strip()}
        header = decode_header(parts["header"])
        yield Case(file, "body", ACCEPT, partial(_verify_body, header, parts["body"]))
        root = value(header.receipts_root)
        yield Case(file, "receipts root", root, partial(_receipts_root, list(short_receipts_of(parts["receipts"]))))


def _verify_body(header: ExecutionHeader, body: bytes) -> None:
    verify_body(header, decode_body(body))


def _axiom(files: Files) -> Iterator[Case]:
    """Blocks of Goerli: the hash before the first and that of the last, and the tops of a tree over their hashes."""
    for described in files.named("headers_rlp_axiom/default_hashes_goerli.json"):
        before, last, _, _, tops = described.json()
        file = files.one("headers_rlp_axiom/default_blocks_goerli.json")
        if file is None:
            continue
        encoded = [bytes.fromhex(each.removeprefix("0x")) for each in file.json()]
        headers = [decode_header(each) for each in encoded]
        yield Case(file, "first parent", value(bytes.fromhex(before)), partial(getattr, headers[0], "parent_hash"))
        yield Case(file, "last hash", value(bytes.fromhex(last)), headers[-1].hash)
        for parent, child in pairwise(headers):
            yield Case(file, f"{child.number} links to its parent", ACCEPT, partial(_links, parent, child))
        hashes = [header.hash() for header in headers]
        yield Case(
            described, "tops", value([bytes.fromhex(each) for each in tops if int(each, 16)]), partial(_tops, hashes)
        )


def _links(parent: ExecutionHeader, child: ExecutionHeader) -> None:
    check_child_parent_hash(child, parent)
    check_child_number(child, parent)


def _tops(hashes: list[bytes]) -> list[bytes]:
    """Perfect trees over 4, 2 and 1 of 7 hashes."""
    tops, size = [], 1 << (len(hashes).bit_length() - 1)
    while size:
        if len(hashes) >= size:
            layer, hashes = hashes[:size], hashes[size:]
            while len(layer) > 1:
                layer = [keccak256(a + b) for a, b in zip(layer[::2], layer[1::2], strict=True)]
            tops += layer
        size //= 2
    return tops


@dataclass(frozen=True, slots=True)
class Chain:
    blocks: dict[int, tuple[ExecutionHeader, Body]]

    def find(self, name: str) -> tuple[ExecutionHeader, Body]:
        if name.startswith("0x") and len(name) == 66:
            return next(each for each in self.blocks.values() if each[0].hash() == bytes_of(name))
        if name in ("latest", "safe", "finalized"):
            return self.blocks[max(self.blocks)]
        return self.blocks[0 if name == "earliest" else number_of(name)]


def _transcripts(files: Files) -> Iterator[Case]:
    for file in files.named("execution_apis_chain/chain.rlp"):
        chain = Chain({})
        encoded = list(_concatenated(file.bytes()))
        for number, each in enumerate(encoded):
            chain.blocks[decode_block(each)[0].number] = decode_block(each)
            parent = decode_block(encoded[number - 1])[0] if number else None
            yield Case(file, f"block {number}", ACCEPT, partial(_verify_block, parent, each))
        transcripts = [(each, list(_exchanges(each))) for each in files.matching("execution_apis_chain/*/*.io")]
        for _, exchanges in transcripts:
            for _, told in exchanges:
                # The file of blocks begins after the genesis block, which is found by its hash.
                if isinstance(told, dict) and told.get("hash") == _hex(chain.blocks[1][0].parent_hash):
                    chain.blocks[0] = header_of(told), Body((), (), None)
        for transcript, exchanges in transcripts:
            yield from _transcript(transcript, exchanges, chain)


def _concatenated(data: bytes) -> Iterator[bytes]:
    """RLP lists side by side, each of a length in its first bytes."""
    while data:
        size = data[0] - 0xF7
        stop = 1 + size + int.from_bytes(data[1 : 1 + size], "big") if size > 0 else 1 + data[0] - 0xC0
        yield data[:stop]
        data = data[stop:]


def _verify_block(parent: ExecutionHeader | None, encoded: bytes) -> None:
    header, body = decode_block(encoded)
    verify_body(header, body)
    if parent is not None:
        verify_child(parent, header, blobs=CANCUN if header.requests_hash is None else PRAGUE)


def _exchanges(file: DataFile) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Questions, and what was answered; None for an error."""
    lines = [line for line in file.text().splitlines() if line[:2] in (">>", "<<")]
    for question, answer in zip(lines[::2], lines[1::2], strict=True):
        yield json.loads(question[2:]), json.loads(answer[2:]).get("result")


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"


def _transcript(file: DataFile, exchanges: Sequence[tuple[Mapping[str, Any], Any]], chain: Chain) -> Iterator[Case]:
    for asked, told in exchanges:
        if told is None:
            continue  # an error, or nothing: it says nothing about any block
        method, wanted = asked["method"], asked["params"][0]
        if method == "debug_getRawHeader":
            yield Case(file, method, value(chain.find(wanted)[0]), partial(decode_header, bytes_of(told)))
        elif method == "debug_getRawBlock":
            yield Case(file, method, value(chain.find(wanted)), partial(decode_block, bytes_of(told)))
        elif method == "debug_getRawReceipts":
            root = value(chain.find(wanted)[0].receipts_root)
            yield Case(file, method, root, partial(ordered_root, [bytes_of(each) for each in told]))
        elif method in ("eth_getBlockByNumber", "eth_getBlockByHash"):
            yield Case(file, method, value(bytes_of(told["hash"])), partial(_hash, header_of(told)))
        elif method == "eth_getBlockReceipts":
            root = value(chain.find(wanted)[0].receipts_root)
            yield Case(file, method, root, partial(_receipts_root, [receipt_of(each) for each in told]))
        elif method == "eth_getTransactionReceipt":
            yield from _receipt(file, told, chain)


def _receipt(file: DataFile, told: Mapping[str, Any], chain: Chain) -> Iterator[Case]:
    header, body = chain.find(told["blockHash"])
    index = number_of(told["transactionIndex"])
    transaction = partial(keccak256, body.transactions[index])
    yield Case(file, "transaction", value(bytes_of(told["transactionHash"])), transaction)
    if len(body.transactions) == 1:
        # The only one of its block makes the root alone.
        yield Case(file, "receipt", value(header.receipts_root), partial(_receipts_root, [receipt_of(told)]))


def _block_tests(file: DataFile) -> Iterator[Case]:
    for name, test in file.json().items():
        genesis = header_of(test["genesisBlockHeader"])
        yield Case(file, f"{name} genesis", value(bytes_of(test["genesisBlockHeader"]["hash"])), genesis.hash)
        encoded = [bytes_of(block["rlp"]) for block in test["blocks"]]
        known = {genesis.hash(): genesis}
        for number, block in enumerate(test["blocks"]):
            reasons = [str(block[key]) for key in block if key.startswith("expectException")]
            title = f"{name} block {number}"
            parent = _parent(encoded[number], known, genesis)
            judged = partial(_verify_staked_block, parent, encoded[number])
            # The author's reason is part of the name, so that the table can set apart what only execution shows.
            yield Case(file, f"{title}: {reasons[0]}" if reasons else title, REJECT if reasons else ACCEPT, judged)
            if "blockHeader" in block and not reasons:
                yield Case(
                    file,
                    f"{title} hash",
                    value(bytes_of(block["blockHeader"]["hash"])),
                    partial(_first_hash, encoded[number]),
                )
            _learn(encoded[number], parent, known)


def _parent(encoded: bytes, known: Mapping[bytes, ExecutionHeader], genesis: ExecutionHeader) -> ExecutionHeader:
    """The block that this one names as its parent; the first of the chain where it names none that is known."""
    try:
        header, _ = decode_block(encoded)
    except VerificationError:
        return genesis
    return known.get(header.parent_hash, genesis)


def _learn(encoded: bytes, parent: ExecutionHeader, known: dict[bytes, ExecutionHeader]) -> None:
    try:
        _verify_staked_block(parent, encoded)
    except VerificationError:
        return
    header, _ = decode_block(encoded)
    known[header.hash()] = header


def _verify_staked_block(parent: ExecutionHeader, encoded: bytes) -> None:
    header, body = decode_block(encoded)
    verify_body(header, body)
    verify_staked_child(parent, header)


def _first_hash(encoded: bytes) -> bytes:
    """The hash of the header as it stands in the bytes."""
    return keccak256(rlp.encode(rlp.as_list(rlp.decode(encoded, item_limit=1 << 20), "block")[0]))
