"""Files of the substrate suite that the nearest root may lack, made here: each is read, and judged by the verifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofs.merkle.binary_merkle import merkle_root
from proofs.merkle.substrate_trie import encode_proof
from proofs.primitives.hashing import keccak256
from proofs.substrate.justification import encode_justification
from tests.proofs.merkle.mountain_ranges import Range
from tests.proofs.merkle.substrate_tries import NaiveTrie
from tests.proofs.substrate.builders import SET_ID, START, chain_of, justification, keys, vote
from tests.vectors.runner import Report, run_suite

STATE = NaiveTrie({b"ab" + bytes((byte,)): b"v" * byte for byte in range(60)} | {b"b": b"w"}, hashes_values=True)
LEAVES = [b"leaf %d" % number for number in range(5)]


def judged(folder: Path, name: str, content: object, *, flip: bool = False) -> Report:
    file = folder / "substrate" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, default=lambda data: f"0x{data.hex()}"))
    return run_suite("substrate", [folder], flip=flip)


def scan(**changes: Any) -> list[dict[str, Any]]:
    """Two answers that share nodes and know more than they are asked; values need not be in them."""
    nodes = STATE.proof_under(b"ab", values=False)
    keys = [key for key in sorted(STATE.entries) if key.startswith(b"ab")]
    proofs = [encode_proof(nodes[:5]), encode_proof([*nodes[3:], b"of another call"])]
    return [{"name": "scan", "prefix": b"ab", "root": STATE.root, "proofs": proofs, "keys": keys} | changes]


def read(key: bytes, nodes: list[bytes], *, expect: str = "accept", **more: Any) -> list[dict[str, Any]]:
    case = {"name": "read", "query": "storage value", "root": STATE.root, "key": key, "expect": expect}
    return [case | {"proof": encode_proof(nodes)} | more]


def mountains(**changes: Any) -> dict[str, Any]:
    built = Range(LEAVES)
    hashes = [digest for levels in built.mountains for digest in levels[0]]
    proofs = [dict(zip(("items", "order"), built.ordered(index), strict=True)) for index in range(len(LEAVES))]
    return {"leaves": hashes, "rootHash": built.root, "proofs": proofs} | changes


def binary(**changes: Any) -> dict[str, Any]:
    path = [keccak256(LEAVES[1]), merkle_root(LEAVES[2:4]), keccak256(LEAVES[4])]
    proof = {"leaf": LEAVES[0], "index": 0, "number_of_leaves": 5, "proof": path}
    return {"root": merkle_root(LEAVES), "leaves": LEAVES} | proof | changes


def votes(**changes: Any) -> dict[str, Any]:
    target = chain_of(2).header(START + 1)
    encoded = encode_justification(justification(target, [vote(signer, target) for signer in keys()]))
    return {"encoded": encoded, "set_id": SET_ID, "target_number": START + 1} | changes


GOOD = {
    "prefix scan": ("trie_proofs/prefix_scan.other.json", scan()),
    "value": ("trie_proofs/read_proofs.other.json", read(b"ab\x30", STATE.proof(b"ab\x30"), value=b"v" * 0x30)),
    "absence": (
        "trie_proofs/read_proofs.json",
        read(b"c", STATE.proof(b"c"), query="storage value (proven absent)", value=None),
    ),
    "refusal": ("trie_proofs/read_proofs.json", read(b"b", STATE.proof(b"b"), expect="reject", root=bytes(32))),
    "nodes": (
        "trie_proofs/read_proofs.json",
        [{"name": "x", "query": "decode", "proof": encode_proof(STATE.proof(b"ab\x30")), "expect": "accept"}],
    ),
    "entries": (
        "trie_proofs/roots.json",
        [{"name": "x", "entries": {"0xaa": "0xbb"}, "root": NaiveTrie({b"\xaa": b"\xbb"}, hashes_values=True).root}],
    ),
    "mountain range": ("beefy_snowbridge/mmr-fixture-data-5-leaves.json", mountains()),
    "binary tree": ("beefy_snowbridge/binary-merkle.json", binary()),
    "justification": ("grandpa/justification.json", votes()),
}
# Not what its author says: a key too few, another value, a value that is there, one of two readings, and so on.
WRONG = {
    "prefix scan": scan(keys=[b"ab\x01"]),
    "value": read(b"ab\x30", STATE.proof(b"ab\x30"), value=b"x"),
    "absence": read(b"b", STATE.proof(b"b"), query="storage value (proven absent)", value=None),
    "refusal": read(b"b", STATE.proof(b"b"), expect="reject"),
    "nodes": [{"name": "x", "query": "decode", "proof": encode_proof([b"\x00", b"\x01"]), "expect": "accept"}],
    "entries": [{"name": "x", "entries": {"0xaa": "0xbc"}, "root": STATE.root}],
    "mountain range": mountains(rootHash=bytes(32)),
    "binary tree": binary(root=bytes(32)),
    "justification": votes(set_id=SET_ID + 1),
}


@pytest.mark.parametrize("name", GOOD)
def test_each_kind_of_file_is_read_and_found_right(name: str, tmp_path: Path) -> None:
    report = judged(tmp_path, *GOOD[name])
    assert report.is_right(), report.wrong
    assert sum(judged(tmp_path, *GOOD[name], flip=True).right.values()) == 0


@pytest.mark.parametrize("name", WRONG)
def test_no_verdict_is_taken_from_the_file(name: str, tmp_path: Path) -> None:
    assert judged(tmp_path, GOOD[name][0], WRONG[name]).wrong


def test_a_file_of_another_kind_is_not_passed_over(tmp_path: Path) -> None:
    report = judged(tmp_path, "beefy_snowbridge/something-else.json", {})
    assert report.not_understood == ["beefy_snowbridge/something-else.json"]
