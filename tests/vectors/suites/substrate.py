"""Trie proofs, GRANDPA votes, and what Snowbridge takes of BEEFY: signers, mountain ranges, authority sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from proofs.errors import RootMismatch, ValueMismatch, VerificationError
from proofs.merkle import binary_merkle, mmr, substrate_trie
from proofs.merkle.substrate_root import StateVersion, trie_root
from proofs.primitives.hashing import blake2b_256
from tests.vectors.case import Case, Expected, accept_if, value
from tests.vectors.files import DataFile, Files
from tests.vectors.substrate_votes import beefy_cases, grandpa_cases


def cases(files: Files) -> Iterator[Case]:
    yield from _trie_cases(files)
    for file in files.matching("beefy_snowbridge/*mmr*.json"):
        yield from _mountain_range(file)
    for file in files.matching("beefy_snowbridge/*merkle*.json"):
        for number, entry in enumerate(_listed(file.json())):
            yield from _binary_tree(file, str(entry.get("name", number)), entry)
    yield from grandpa_cases(files)
    yield from beefy_cases(files)


def _trie_cases(files: Files) -> Iterator[Case]:
    for file in files.named("trie_proofs/roots.json"):
        for entry in file.json():
            entries = {_bytes(key): _bytes(stored) for key, stored in entry["entries"].items()}
            for version in StateVersion:
                computed = partial(trie_root, entries, version=version)
                yield Case(file, f"{entry['name']} {version.name}", value(_bytes(entry["root"])), computed)
    for file in files.named("trie_proofs/read_proofs.json"):
        for entry in file.json():
            yield _read_proof(file, entry)
    for file in files.named("trie_proofs/prefix_scan.json"):
        for entry in _listed(file.json()):
            yield _prefix_scan(file, entry)


def _read_proof(file: DataFile, entry: Mapping[str, Any]) -> Case:
    """What is asked follows from the query; the verdict is compared afterwards."""
    query, encoded = entry["query"], _bytes(entry["proof"])
    root = _bytes(entry.get("root", ""))
    if query.startswith("decode"):
        verify = partial(_decode, encoded, root)
    elif "absent" in query or entry.get("value", "none told") is None:
        verify = partial(_look_up, substrate_trie.verify_exclusion, root, _bytes(entry["key"]), encoded)
    elif entry.get("value") is not None:
        verify = partial(_includes, root, _bytes(entry["key"]), _bytes(entry["value"]), encoded)
    else:
        verify = partial(_look_up, _some_value, root, _bytes(entry["key"]), encoded)
    return Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)


def _includes(root: bytes, key: bytes, stored: bytes, encoded: bytes) -> None:
    substrate_trie.verify_inclusion(root, key, stored, substrate_trie.decode_proof(encoded))


def _look_up(ask: Callable[[bytes, bytes, Sequence[bytes]], None], root: bytes, key: bytes, encoded: bytes) -> None:
    ask(root, key, substrate_trie.decode_proof(encoded))


def _some_value(root: bytes, key: bytes, nodes: Sequence[bytes]) -> None:
    """The case names no value: any that is shown would do."""
    if substrate_trie.value_at(root, key, nodes) is None:
        raise ValueMismatch("state trie value", got="nothing", expected="a value")


def _decode(encoded: bytes, root: bytes) -> None:
    """All nodes hang together below the root; where none is told, below one of them."""
    nodes = substrate_trie.decode_proof(encoded)
    if root:
        substrate_trie.shown_entries(root, nodes)
        return
    refusal: VerificationError = RootMismatch("state trie", computed=b"", expected=b"")
    for node in nodes:
        try:
            substrate_trie.shown_entries(blake2b_256(node), nodes)
        except VerificationError as other:
            refusal = other
        else:
            return
    raise refusal


def _prefix_scan(file: DataFile, entry: Mapping[str, Any]) -> Case:
    """Answers to several calls, which repeat nodes: taken as one set."""
    proofs = entry["proofs"] if "proofs" in entry else [entry["proof"]]
    nodes = chain.from_iterable(_nodes(each) for each in proofs)
    root, prefix = _bytes(_field(entry, "root", "state_root", "trie_root")), _bytes(entry["prefix"])
    listed = partial(substrate_trie.keys_under, root, prefix, tuple(dict.fromkeys(nodes)))
    return Case(file, entry.get("name", entry["prefix"]), _keys_expected(entry), listed)


def _keys_expected(entry: Mapping[str, Any]) -> Expected:
    keys = _field(entry, "keys", "expected_keys", "entries", "expected_entries", "expected")
    if entry.get("expect", "accept") != "accept" or not isinstance(keys, list | dict):
        return accept_if(entry.get("expect", "accept") == "accept")
    return value(tuple(sorted(_bytes(key if isinstance(key, str) else _key_of(key)) for key in keys)))


def _key_of(pair: Any) -> Any:
    return pair["key"] if isinstance(pair, dict) else pair[0]


def _mountain_range(file: DataFile) -> Iterator[Case]:
    """Hashes of leaves, each with the simplified proof; all of them together need no proof."""
    document = file.json()
    root = value(_bytes(document["rootHash"]))
    leaves = [_bytes(leaf) for leaf in document["leaves"]]
    for number, (leaf, proof) in enumerate(zip(leaves, document["proofs"], strict=True)):
        items = [_bytes(item) for item in proof["items"]]
        yield Case(file, f"leaf {number}", root, partial(mmr.root_by_order, leaf, items, int(proof["order"])))
    everything = mmr.LeafProof(tuple(range(len(leaves))), len(leaves), ())
    yield Case(file, "all leaves", root, partial(mmr.root_from, leaves, everything))


def _binary_tree(file: DataFile, name: str, entry: Mapping[str, Any]) -> Iterator[Case]:
    """All leaves and their root, or one leaf and its path. What is as long as a hash is the hash of a leaf."""
    root = _bytes(_field(entry, "root", "rootHash"))
    if "leaves" in entry:
        leaves = [_bytes(leaf) for leaf in entry["leaves"]]
        yield Case(file, f"{name} root", value(root), partial(binary_merkle.merkle_root, leaves))
    for proof in entry.get("proofs", [entry] if "leaf" in entry else []):
        leaf = _bytes(proof["leaf"])
        verify = partial(
            binary_merkle.verify_inclusion if len(leaf) != binary_merkle.HASH_BYTES else _includes_hash,
            root,
            leaf,
            index=int(_field(proof, "index", "leaf_index", "leafIndex", "position", "pos")),
            count=int(_field(proof, "count", "number_of_leaves", "numberOfLeaves", "width")),
            items=[_bytes(item) for item in _field(proof, "proof", "items")],
        )
        yield Case(file, name, accept_if(proof.get("expect", "accept") == "accept"), verify)


def _includes_hash(root: bytes, leaf_hash: bytes, *, index: int, count: int, items: Sequence[bytes]) -> None:
    computed = binary_merkle.root_from(leaf_hash, index=index, count=count, items=items)
    binary_merkle.check_root(computed, root)


def _nodes(proof: Any) -> Sequence[bytes]:
    return substrate_trie.decode_proof(_bytes(proof)) if isinstance(proof, str) else [_bytes(node) for node in proof]


def _listed(document: Any) -> list[Any]:
    return document if isinstance(document, list) else [document]


def _field(entry: Mapping[str, Any], *names: str) -> Any:
    return next((entry[name] for name in names if name in entry), None)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
