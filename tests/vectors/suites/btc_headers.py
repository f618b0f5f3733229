"""Header chains of Bitcoin's networks, and the rules of difficulty, work, time and size one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from proofs.bitcoin import predicates as rules
from proofs.bitcoin.blocks import decode_block, verify_block
from proofs.bitcoin.compact import decode_compact, encode_compact
from proofs.bitcoin.headers import decode_header, header_hash
from proofs.bitcoin.membership import check_is_no_node
from proofs.bitcoin.networks import MAINNET, REGTEST, TESTNET3, Network
from proofs.bitcoin.spec import retarget, verify_work
from proofs.bitcoin.transactions import decode_transaction, stripped
from proofs.bitcoin.types import Header
from proofs.errors import ValueMismatch
from tests.vectors.bitcoin_headers import (
    Run,
    Tree,
    sparse_records,
    split_headers,
    times_and_bits,
    verify_all,
    verify_bits,
    verify_sparse,
    wire,
)
from tests.vectors.case import ACCEPT, Case, Expected, accept_if, value
from tests.vectors.files import DataFile, Files

# What BIP 54 would add: it is active nowhere, but the rules are the product's.
_BIP54 = replace(MAINNET, timewarp_grace=2 * 60 * 60, ordered_periods=True)


def cases(files: Files) -> Iterator[Case]:
    yield from _chains(files)
    yield from _parts_of_chains(files)
    yield from _rules(files)
    yield from _bip54(files)


def _chains(files: Files) -> Iterator[Case]:
    for file in files.matching("mainnet_first_2017/*.raw"):
        yield from _one_by_one(file, split_headers(file.bytes()), MAINNET)
    for file in files.named("mainnet_first_eleven/firstEleven.txt"):
        yield from _one_by_one(file, [bytes.fromhex(line) for line in file.text().split()], MAINNET)
    for file in files.named("testnet3_fork/blockheader_testnet3.hex"):
        lines = [line.removeprefix("fork:") for line in file.text().split()]
        yield from _one_by_one(file, [bytes.fromhex(line) for line in lines], TESTNET3)
    for file in files.named("electrum/regtest_fork_tree.json"):
        headers: dict[str, str] = file.json()["headers"]
        yield from _one_by_one(file, [bytes.fromhex(each) for each in headers.values()], REGTEST)


def _one_by_one(file: DataFile, headers: Sequence[bytes], network: Network) -> Iterator[Case]:
    tree = Tree(network)
    for index, each in enumerate(headers):
        yield Case(file, f"header {index}", ACCEPT, partial(tree.add, each))


def _parts_of_chains(files: Files) -> Iterator[Case]:
    records: dict[int, bytes] = {}
    for file in files.matching("mainnet_retarget_sparse/*"):
        records.update(sparse_records(file.bytes()))
        for height, encoded in sparse_records(file.bytes()):
            yield Case(file, f"height {height}", ACCEPT, partial(verify_sparse, height, encoded, records))
    for file in files.matching("mainnet_300000/*.txt"):
        run = Run(300_000, {height: decode_header(each) for height, each in records.items()})
        for index, line in enumerate(file.text().split()):
            yield Case(file, f"height {300_000 + index}", ACCEPT, partial(run.add, bytes.fromhex(line)))
    for file in files.matching("mainnet_fork_20150704/*.bin"):
        run = Run(363_731, {})
        for index, each in enumerate(split_headers(file.bytes())):
            yield Case(file, f"height {363_731 + index}", ACCEPT, partial(run.add, each))
    for file in files.matching("mainnet_fork_20150704/*.json"):
        entry = json.loads(re.sub(r",(\s*[}\]])", r"\1", file.text()))
        yield Case(file, "hash and work", value(entry["hash"]), partial(_hash_of_fields, entry))
    for file in files.matching("testnet_52416/*"):
        height, blocks = times_and_bits(file.bytes())
        yield Case(file, "difficulty of every block", ACCEPT, partial(verify_bits, height, blocks, TESTNET3))
    for file in files.named("electrum/checkpoints_mainnet.json"):
        checkpoints = [(wire(digest), target) for digest, target in file.json()]
        yield Case(file, "hashes and targets", ACCEPT, partial(_verify_checkpoints, checkpoints))


def _hash_of_fields(entry: dict[str, Any]) -> str:
    previous, root = wire(entry["prev_block"]), wire(entry["mrkl_root"])
    header = Header(entry["ver"], previous, root, entry["time"], entry["bits"], entry["nonce"])
    digest = header_hash(header)
    verify_work(header, digest, MAINNET)
    return digest[::-1].hex()


def _verify_checkpoints(checkpoints: Sequence[tuple[bytes, int]]) -> None:
    """The last block of each period, and the target of the next one."""
    target = MAINNET.pow_limit
    for digest, following in checkpoints:
        rules.check_proof_of_work(digest, target)
        rules.check_target_is_hard_enough(following, MAINNET)
        # Within the clamp of one retarget; bits lose digits, so the bounds are asked for in bits as well.
        least, most = (retarget(encode_compact(target), seconds=seconds, network=MAINNET) for seconds in (0, 1 << 40))
        if not decode_compact(least) <= following <= max(decode_compact(most), target):
            raise ValueMismatch("target", got=following, expected="within a factor of four")
        target = following


def _rules(files: Files) -> Iterator[Case]:
    for file in files.named("core_pow/pow_tests.json"):
        groups = file.json()
        for entry in groups["next_work"]:
            yield Case(file, entry["name"], value(int(entry["expected_next_bits"], 16)), partial(_next_work, entry))
        for entry in groups["check_proof_of_work"]:
            yield Case(file, entry["name"], _verdict(entry), partial(_check_proof_of_work, entry))
    for file in files.named("electrum/compact_bits.json"):
        for entry in file.json():
            yield Case(file, entry["name"], _expected_compact(entry), partial(_compact, entry))
    for file in files.named("electrum/verify_header.json"):
        for index, entry in enumerate(file.json()):
            yield Case(file, entry.get("name", str(index)), _verdict(entry), partial(_verify_header, entry))
    for file in files.matching("check_block/*.json"):
        for entry in file.json():
            yield Case(file, entry["name"], _verdict(entry), partial(_check_block, entry))


def _verdict(entry: dict[str, Any]) -> Expected:
    return accept_if(entry["expect"] == "accept")


def _next_work(entry: dict[str, Any]) -> int:
    seconds = entry["last_block_time"] - entry["first_block_time"]
    return retarget(int(entry["last_bits"], 16), seconds=seconds, network=MAINNET)


def _check_proof_of_work(entry: dict[str, Any]) -> None:
    header = Header(4, b"", b"", 0, int(entry["bits"], 16), 0)
    verify_work(header, wire(entry["hash_uint256"]), replace(MAINNET, pow_limit=int(entry["pow_limit"], 16)))


def _expected_compact(entry: dict[str, Any]) -> Expected:
    if entry["expect"] != "accept":
        return accept_if(False)
    target = int(entry["target"], 16) if "bits" in entry else None
    return value((target, int(entry["canonical_bits"], 16)))


def _compact(entry: dict[str, Any]) -> tuple[int | None, int]:
    """Both ways where bits are given, else from the target alone."""
    if "bits" not in entry:
        return None, encode_compact(int(entry["target"], 16))
    target = decode_compact(int(entry["bits"], 16))
    return target, encode_compact(target)


def _verify_header(entry: dict[str, Any]) -> None:
    """A header beside the hash of its parent, its target and perhaps its own hash, as somebody else has them."""
    header = decode_header(bytes.fromhex(_first(entry, "header", "raw", "hex")))
    if (nonce := _first(entry, "nonce")) is not None:
        header = replace(header, nonce=int(nonce))
    digest = header_hash(header)
    if (parent := _first(entry, "prev_hash", "prev_block_hash", "previous")) is not None:
        rules.check_parent(header, _hash_or_bytes(parent))
    if (named := _first(entry, "expected_header_hash", "expected_hash", "header_hash", "hash")) is not None:
        rules.check_checkpoint_hash(digest, _hash_or_bytes(named))
    if (bits := _first(entry, "bits", "target_bits")) is not None:
        rules.check_bits(header, _number(bits))
    if (target := _first(entry, "target")) is not None:
        rules.check_bits(header, encode_compact(_number(target)))
    verify_work(header, digest, MAINNET)


def _first(entry: dict[str, Any], *names: str) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), None)


def _number(text: int | str) -> int:
    return text if isinstance(text, int) else int(text, 16)


def _hash_or_bytes(text: str) -> bytes:
    """Some cases give a word instead of a hash: no hash equals it."""
    return wire(text) if re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", text) else text.encode()


def _check_block(entry: dict[str, Any]) -> None:
    encoded = bytes.fromhex(entry["serialized"])
    header = decode_header(encoded[:80])
    rules.check_not_from_future(header, entry["current_time"] if entry["check_pow"] else header.time)
    if entry["check_pow"]:
        verify_work(header, header_hash(header), MAINNET)
    if not entry["header_only"]:
        verify_block(decode_block(encoded), now=header.time)


def _bip54(files: Files) -> Iterator[Case]:
    for file in files.named("bip54/timestamps.json"):
        for name, headers, is_valid in _leaves(file.json(), ()):
            yield Case(file, name, accept_if(is_valid), partial(verify_all, headers, _BIP54))
    for file in files.named("bip54/txsize.json"):
        for entry in file.json():
            yield Case(file, entry["comment"], accept_if(entry["valid"]), partial(_check_size, entry["tx"]))


def _leaves(tree: dict[str, Any], before: tuple[bytes, ...]) -> Iterator[tuple[str, tuple[bytes, ...], bool]]:
    headers = (*before, *(bytes.fromhex(each) for each in tree["block_headers"]))
    if "valid" in tree:
        yield tree["comment"], headers, tree["valid"]
    for extension in tree.get("extensions", ()):
        yield from _leaves(extension, headers)


def _check_size(encoded: str) -> None:
    check_is_no_node(stripped(decode_transaction(bytes.fromhex(encoded))))
