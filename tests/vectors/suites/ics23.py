"""ICS-23 proofs of IAVL, simple Merkle and sparse Merkle trees, of a real chain, forged ones, and unit tables.

The tables give objects as JSON (base64 and numbers, or hex and names). Here they are written as protobuf first, so
that the product decodes what it would meet on the wire.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from typing import Any

from proofs.encoding import protobuf
from proofs.errors import UnsupportedProof
from proofs.merkle import ics23, ics23_checks
from proofs.merkle.ics23_format import (
    EXISTENCE,
    INNER_OP,
    LEAF_OP,
    ExistenceProof,
    InnerOp,
    ProofSpec,
    decode_proof_spec,
)
from proofs.merkle.ics23_operations import compute_hash, compute_inner, compute_leaf
from tests.vectors.case import ACCEPT, REJECT, Case, Expected, accept_if, value
from tests.vectors.files import DataFile, Files

_SPECS = {"iavl": ics23.IAVL_SPEC, "tendermint": ics23.TENDERMINT_SPEC, "smt": ics23.SMT_SPEC}
_HASHES = ["NO_HASH", "SHA256", "SHA512", "KECCAK256", "RIPEMD160", "BITCOIN", "SHA512_256", "BLAKE2B_512"]
_HASHES += ["BLAKE2S_256", "BLAKE3"]
_LENGTHS = ["NO_PREFIX", "VAR_PROTO", "VAR_RLP", "FIXED32_BIG", "FIXED32_LITTLE", "FIXED64_BIG", "FIXED64_LITTLE"]
_LENGTHS += ["REQUIRE_32_BYTES", "REQUIRE_64_BYTES"]


def cases(files: Files) -> Iterator[Case]:
    for file in files.matching("single/*/*.json"):
        entry = file.json()
        yield Case(file, "", ACCEPT, partial(_verify, _spec_of(file), _hex(entry["root"]), entry["proof"], entry))
    for file in files.matching("batch/*/*.json"):
        batch = file.json()
        for item in batch["items"]:
            verify = partial(_verify, _spec_of(file), _hex(batch["root"]), batch["proof"], item)
            yield Case(file, item["key"], ACCEPT, verify)
    for file in files.named("cosmos_chain/ibc_membership.json"):
        for entry in file.json():
            verify = partial(
                ics23.verify_chained,
                _hex(entry["proof"]),
                root=_hex(entry["app_hash"]),
                path=[text.encode() for text in entry["path"]],
                value=_hex(entry["value"]) or None,
            )
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    yield from _forged(files)
    yield from _tables(files)


def _spec_of(file: DataFile) -> ProofSpec:
    return _SPECS[file.name.split("/")[1]]


def _verify(spec: ProofSpec, root: bytes, proof: str, item: dict[str, str]) -> None:
    key, held = _hex(item["key"]), _hex(item["value"])
    if held:
        ics23.verify_membership(_hex(proof), spec=spec, root=root, key=key, value=held)
    else:
        ics23.verify_non_membership(_hex(proof), spec=spec, root=root, key=key)


def _forged(files: Files) -> Iterator[Case]:
    for file in files.named("forged/forge_nonexistence_max_prefix.json"):
        for entry in file.json():
            verify = partial(_verify_under, entry["proof"], entry["spec"], entry)
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    for file in files.named("forged/wrong_spec_or_wrong_root_pairs.json"):
        for entry in file.json():
            reference = files.one(entry["reference_root_key_value_from"])
            proof = _proof_named(files, entry["proof_from"])
            if reference is not None and proof is not None:
                claim = reference.json()
                verify = partial(_verify, _SPECS[entry["spec"]], _hex(claim["root"]), proof.hex(), claim)
                yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    for file in files.named("malformed/fuzz_corpus.json"):
        for entry in file.json():
            expected = accept_if(entry["expect"] == "accept")
            yield Case(file, entry["name"], expected, partial(_verify_text, _hex(entry["input_hex"])))


def _proof_named(files: Files, source: str) -> bytes | None:
    """A single proof, or all single proofs of a tree as one batch, whose entries are encoded like them."""
    if source.startswith("combined:"):
        tree = source.removeprefix("combined:").partition("(")[0]
        proofs = [_hex(file.json()["proof"]) for file in files.matching(f"single/{tree}/*.json")]
        return protobuf.message_field(3, protobuf.repeated_bytes_field(1, proofs))
    file = files.one(source)
    return None if file is None else _hex(file.json()["proof"])


def _verify_under(proof: dict[str, Any], spec: dict[str, Any] | None, claim: dict[str, Any]) -> None:
    decoded_spec = decode_proof_spec(_spec_bytes(spec))
    root, key = _field(claim, "root"), _field(claim, "key")
    if held := _field(claim, "value"):
        encoded = protobuf.message_field(1, _existence_bytes(proof))
        ics23.verify_membership(encoded, spec=decoded_spec, root=root, key=key, value=held)
    else:
        encoded = protobuf.message_field(2, _absence_bytes(proof))
        ics23.verify_non_membership(encoded, spec=decoded_spec, root=root, key=key)


def _verify_text(text: bytes) -> None:
    """What a fuzzer of another library found, in its JSON. Where it is no JSON, the verifier gets the text as it is."""
    try:
        given = _lower(json.loads(text))
    except ValueError:
        ics23.verify_membership(text, spec=ics23.IAVL_SPEC, root=bytes(32), key=b"k", value=b"v")
        return
    spec = decode_proof_spec(_spec_bytes(given.get("spec")))
    _check_and_calculate(_existence_bytes(given.get("proof") or {}), spec)


def _lower(node: Any) -> Any:
    if isinstance(node, dict):
        return {key.lower(): _lower(each) for key, each in node.items()}
    return [_lower(each) for each in node] if isinstance(node, list) else node


def _tables(files: Files) -> Iterator[Case]:
    yield from _check_tables(files)
    yield from _hash_tables(files)


def _check_tables(files: Files) -> Iterator[Case]:
    for file in files.named("ops/TestCheckAgainstSpecData.json"):
        for entry in file.json():
            verify = partial(_check_against, _existence_bytes(entry["Proof"]), _spec_bytes(entry["Spec"]))
            yield Case(file, entry["name"], accept_if(not entry["Err"]), verify)
    for file in files.named("ops/TestCheckLeafData.json"):
        for entry in file.json():
            leaf, leaf_spec = (
                protobuf.decode(_leaf_bytes(entry[each]), LEAF_OP, part=each) for each in ("Leaf", "Spec")
            )
            verify = partial(ics23_checks.check_leaf, leaf, leaf_spec)
            yield Case(file, entry["name"], accept_if(not entry["IsErr"]), verify)
    for file in files.named("ops/inner_op_check_against_spec.json"):
        for entry in file.json():
            verify = partial(_check_inner, _step(entry["inner_op"]), _spec_bytes(entry["spec"]), entry["layer_num"])
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    yield from _format_tables(files)


def _format_tables(files: Files) -> Iterator[Case]:
    for name, spec in (("iavl", ics23.IAVL_SPEC), ("tendermint", ics23.TENDERMINT_SPEC)):
        for file in files.named(f"ops/validate_{name}_ops.json"):
            for entry in file.json():
                verify = partial(_check_format, _step(entry["inner_op"]), spec, entry.get("layer_num", 1))
                yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)
    for file in files.named("ops/TestEmptyBranchData.json"):
        for entry in file.json():
            step, inner = _step(entry["Op"]), decode_proof_spec(_spec_bytes(entry["Spec"])).inner_spec
            left = partial(ics23_checks.left_branches_are_empty, step, inner)
            right = partial(ics23_checks.right_branches_are_empty, step, inner)
            yield Case(file, f"{entry['name']} left", value(entry["IsLeft"]), left)
            yield Case(file, f"{entry['name']} right", value(entry["IsRight"]), right)


def _hash_tables(files: Files) -> Iterator[Case]:
    for file in files.named("ops/TestExistenceProofData.json"):
        for entry in file.json():
            yield Case(file, entry["name"], _outcome(entry), partial(_calculate, _existence_bytes(entry["Proof"])))
    for file in files.named("ops/TestInnerOpData.json"):
        for entry in file.json():
            child = b64decode(entry["Child"] or "")
            yield Case(file, entry["name"], _outcome(entry), partial(compute_inner, _step(entry["Op"]), child))
    for file in files.named("ops/TestLeafOpData.json"):
        for entry in file.json():
            leaf = protobuf.decode(_leaf_bytes(entry["Op"]), LEAF_OP, part="leaf")
            key, held = b64decode(entry["Key"] or ""), b64decode(entry["Value"] or "")
            yield Case(file, entry["name"], _outcome(entry), partial(compute_leaf, leaf, key, held))
    for file in files.named("ops/TestDoHashData.json"):
        for entry in file.json():
            preimage = (entry.get("PreImage") or entry.get("Preimage")).encode()
            hash_it = partial(compute_hash, entry["HashOp"], preimage)
            yield Case(file, entry["name"], value(_hex(entry["ExpectedHash"])), hash_it)


def _outcome(entry: dict[str, Any]) -> Expected:
    return REJECT if entry["IsErr"] else value(b64decode(entry["Expected"]))


def _check_against(proof: bytes, spec: bytes) -> None:
    _check_and_calculate(proof, decode_proof_spec(spec))


def _check_and_calculate(encoded: bytes, spec: ProofSpec) -> None:
    proof = _existence(encoded)
    ics23.root_of_existence(proof, spec=spec, key=proof.key, value=proof.value)


def _check_inner(step: InnerOp, spec: bytes, layer: int) -> None:
    decoded = decode_proof_spec(spec)
    ics23_checks.check_spec(decoded)
    ics23_checks.check_inner(step, decoded, layer=layer)


def _check_format(step: InnerOp, spec: ProofSpec, layer: int) -> None:
    ics23_checks.check_inner_hash(step, spec)
    ics23_checks.check_by_format(step, spec, layer=layer)


def _calculate(encoded: bytes) -> bytes:
    proof = _existence(encoded)
    node = compute_leaf(proof.leaf, proof.key, proof.value)
    for step in proof.path:
        node = compute_inner(step, node)
    return node


def _existence(encoded: bytes) -> ExistenceProof:
    return protobuf.decode(encoded, EXISTENCE, part="proof")


def _step(entry: dict[str, Any]) -> InnerOp:
    return protobuf.decode(_inner_bytes(entry), INNER_OP, part="step")


def _existence_bytes(entry: dict[str, Any]) -> bytes:
    encoded = protobuf.bytes_field(1, _field(entry, "key")) + protobuf.bytes_field(2, _field(entry, "value"))
    if entry.get("leaf") is not None:
        encoded += protobuf.message_field(3, _leaf_bytes(entry["leaf"]))
    return encoded + protobuf.repeated_bytes_field(4, map(_inner_bytes, entry.get("path") or ()))


def _absence_bytes(entry: dict[str, Any]) -> bytes:
    encoded = protobuf.bytes_field(1, _field(entry, "key"))
    for number, side in ((2, "left"), (3, "right")):
        if entry.get(side) is not None:
            encoded += protobuf.message_field(number, _existence_bytes(entry[side]))
    return encoded


def _leaf_bytes(entry: dict[str, Any]) -> bytes:
    numbers = [_number(entry, name, _HASHES) for name in ("hash", "prehash_key", "prehash_value")]
    numbers.append(_number(entry, "length", _LENGTHS))
    encoded = b"".join(protobuf.varint_field(place, number) for place, number in enumerate(numbers, 1))
    return encoded + protobuf.bytes_field(5, _field(entry, "prefix"))


def _inner_bytes(entry: dict[str, Any]) -> bytes:
    encoded = protobuf.varint_field(1, _number(entry, "hash", _HASHES))
    return encoded + protobuf.bytes_field(2, _field(entry, "prefix")) + protobuf.bytes_field(3, _field(entry, "suffix"))


def _spec_bytes(entry: dict[str, Any] | None) -> bytes:
    entry = entry or {}
    encoded = b""
    if entry.get("leaf_spec") is not None:
        encoded += protobuf.message_field(1, _leaf_bytes(entry["leaf_spec"]))
    if entry.get("inner_spec") is not None:
        encoded += protobuf.message_field(2, _inner_spec_bytes(entry["inner_spec"]))
    for number, name in ((3, "max_depth"), (4, "min_depth"), (5, "prehash_key_before_comparison")):
        encoded += protobuf.varint_field(number, entry.get(name) or 0)
    return encoded


def _inner_spec_bytes(entry: dict[str, Any]) -> bytes:
    encoded = protobuf.packed_field(1, entry.get("child_order") or ())
    for number, name in ((2, "child_size"), (3, "min_prefix_length"), (4, "max_prefix_length")):
        encoded += protobuf.varint_field(number, entry.get(name) or 0)
    return (
        encoded
        + protobuf.bytes_field(5, _field(entry, "empty_child"))
        + protobuf.varint_field(6, _number(entry, "hash", _HASHES))
    )


def _number(entry: dict[str, Any], name: str, names: list[str]) -> int:
    given = entry.get(name) or 0
    if isinstance(given, int):
        return given
    if given not in names:
        raise UnsupportedProof(name, got=given, expected=names)
    return names.index(given)


def _field(entry: dict[str, Any], name: str) -> bytes:
    if entry.get(f"{name}_hex") is not None:
        return _hex(entry[f"{name}_hex"])
    return b64decode(entry.get(name) or "")


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)
