"""Proofs of transactions and header chains as other light clients of Bitcoin (Summa's) took them.

Functions by name: those that our verifier performs are mapped to its own, the others stand in tables.py. Forms with
claims beside the bytes (a hash, a root, the parent's hash) are right if the bytes say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from proofs.bitcoin import predicates as rules
from proofs.bitcoin.compact import decode_compact
from proofs.bitcoin.headers import decode_header, decode_run, header_hash
from proofs.bitcoin.membership import check_is_no_transaction, check_root
from proofs.bitcoin.networks import MAINNET
from proofs.bitcoin.packets import op_return_data
from proofs.bitcoin.spec import retarget, verify_work
from proofs.bitcoin.transactions import (
    Input,
    Output,
    Transaction,
    check_has_inputs,
    decode_transaction,
    read_inputs,
    read_outputs,
    stripped,
    transaction_id,
)
from proofs.bitcoin.types import Header
from proofs.bitcoin.wire import Reader, compact_size
from proofs.errors import ValueMismatch
from proofs.merkle.bitcoin import hash256, path_from_branch
from tests.vectors.case import ACCEPT, REJECT, Case, Expected, accept_if, value
from tests.vectors.files import Files

_DIFFICULTY_1: Final = 0xFFFF << 208


def cases(files: Files) -> Iterator[Case]:
    for file in files.named("bitcoin_spv_functions.json"):
        for entry in file.json():
            verify = partial(_call, entry["function"], entry["input"])
            yield Case(file, entry["name"], _expected(entry), verify)
    for file in files.named("bitcoin_spv_proofs.json"):
        for entry in file.json():
            expected = accept_if(entry["expect"] == "accept")
            if entry["kind"] == "malformed_json":
                yield Case(file, entry["name"], expected, _no_such_operation)
            else:
                check = _verify_header if entry["kind"] == "header" else _verify_proof
                yield Case(file, entry["name"], expected, partial(check, entry["object"]))
    yield from _relay_vectors(files)
    yield from _relay_headers(files)


def _no_such_operation(*_: Any) -> None:
    raise AssertionError("tables.py says that the product never performs this")


def _call(function: str, given: Any) -> object:
    return _FUNCTIONS.get(function.removesuffix("Error"), _no_such_operation)(given)


def _expected(entry: dict[str, Any]) -> Expected:
    """Where an answer is a value of ours too, it is compared."""
    if entry["expect"] != "accept":
        return REJECT
    output = entry.get("output")
    if entry["function"] in _ANSWERS and not isinstance(output, bool):
        return value(output)
    return ACCEPT


# --- functions, each from the input of the suite to the answer in its form ---


def _compact_size(given: str) -> list[int]:
    """How many bytes follow the first one, and the number."""
    reader = Reader(_bytes(given), "number")
    number = reader.compact_size()
    return [reader.at - 1, number]


def _hash(given: str) -> str:
    return _hex(hash256(_bytes(given)))


def _pair_hash(given: Sequence[str]) -> str:
    return _hex(hash256(b"".join(_bytes(each) for each in given)))


def _inputs(given: str) -> tuple[Input, ...]:
    reader = Reader(_bytes(given), "inputs")
    inputs = read_inputs(reader)
    check_has_inputs(inputs)
    reader.end()
    return inputs


def _outputs(given: str) -> tuple[Output, ...]:
    reader = Reader(_bytes(given), "outputs")
    outputs = read_outputs(reader)
    reader.end()
    return outputs


def _input_at(given: dict[str, Any]) -> str:
    inputs = _inputs(given["vin"])
    _check_index(given["index"], len(inputs))
    each = inputs[given["index"]]
    outpoint = each.previous_id + each.previous_output.to_bytes(4, "little")
    return _hex(outpoint + compact_size(len(each.script)) + each.script + each.sequence.to_bytes(4, "little"))


def _output_at(given: dict[str, Any]) -> str:
    outputs = _outputs(given["vout"])
    _check_index(given["index"], len(outputs))
    each = outputs[given["index"]]
    return _hex(each.value.to_bytes(8, "little") + compact_size(len(each.script)) + each.script)


def _check_index(index: int, count: int) -> None:
    if not 0 <= index < count:
        raise ValueMismatch("index", got=index, expected=f"below {count}")


def _op_return(given: str) -> str:
    """From an output in bytes, as in a transaction."""
    outputs = _outputs("0x01" + given.removeprefix("0x"))
    return _hex(op_return_data(outputs[0].script))


def _verify_path(given: dict[str, Any]) -> None:
    """Leaf, branch and root in one string."""
    data = _bytes(given["proof"])
    pieces = [data[at : at + 32] for at in range(0, len(data), 32)]
    _check_branch(pieces[0], pieces[1:-1], pieces[-1], given["index"])


def _prove(given: dict[str, Any]) -> None:
    data = _bytes(given["proof"])
    branch = [data[at : at + 32] for at in range(0, len(data), 32)]
    _check_branch(_bytes(given["txIdLE"]), branch, _bytes(given["merkleRootLE"]), given["index"])


def _check_branch(leaf: bytes, branch: Sequence[bytes], root: bytes, index: int) -> None:
    path = path_from_branch(leaf, branch, index=index)
    check_root(path.root, root)
    for node in path.nodes:
        check_is_no_transaction(node)


def _id(given: dict[str, Any]) -> str:
    """Of the four parts of a transaction without witness."""
    parts = (given["version"], given["vin"], given["vout"], given["locktime"])
    encoded = b"".join(_bytes(each) for each in parts)
    transaction: Transaction = decode_transaction(encoded)
    check_root(hash256(stripped(transaction)), hash256(encoded))
    return _hex(transaction_id(transaction))


def _digest_meets(given: dict[str, str]) -> None:
    rules.check_proof_of_work(_bytes(given["digest"]), int(given["target"], 16))


def _header_meets(given: dict[str, str]) -> None:
    rules.check_proof_of_work(header_hash(_header(given["header"])), int(given["target"], 16))


def _follows(given: dict[str, str]) -> None:
    rules.check_parent(_header(given["header"]), _bytes(given["prevHash"]))


def _run(given: str) -> None:
    """Each header worked for, and on top of the one before."""
    parent = None
    for header, digest in decode_run(_bytes(given)):
        if parent is not None:
            rules.check_parent(header, parent)
        verify_work(header, digest, MAINNET)
        parent = digest


def _retarget(given: Sequence[dict[str, Any]]) -> int:
    """First and last header of a period, and the first of the next: return the difficulty of that."""
    first, last, following = (_header(each["hex"]) for each in given)
    bits = retarget(last.bits, seconds=last.time - first.time, network=MAINNET)
    rules.check_bits(following, bits)
    return _DIFFICULTY_1 // decode_compact(bits)


_FUNCTIONS: Final[dict[str, Callable[[Any], object]]] = {
    "parseVarInt": _compact_size,
    "hash256": _hash,
    "hash256MerkleStep": _pair_hash,
    "validateVin": _inputs,
    "validateVout": _outputs,
    "tryAsVin": _inputs,
    "tryAsVout": _outputs,
    "extractInputAtIndex": _input_at,
    "extractOutputAtIndex": _output_at,
    "extractOpReturnData": _op_return,
    "verifyHash256Merkle": _verify_path,
    "prove": _prove,
    "calculateTxId": _id,
    "validateHeaderWork": _digest_meets,
    "checkWork": _header_meets,
    "validateHeaderPrevHash": _follows,
    "validateHeaderChain": _run,
    "retargetAlgorithm": _retarget,
    "extractTarget": lambda given: f"{decode_compact(_header(given).bits):#066x}",
    "extractTimestamp": lambda given: _header(given).time,
    "extractPrevBlockLE": lambda given: _hex(_header(given).previous),
    "extractPrevBlockBE": lambda given: _hex(_header(given).previous[::-1]),
    "extractMerkleRootLE": lambda given: _hex(_header(given).merkle_root),
    "extractMerkleRootBE": lambda given: _hex(_header(given).merkle_root[::-1]),
    "workHash": lambda given: _hex(header_hash(_header(given))),
    "work": lambda given: str(int.from_bytes(header_hash(_header(given)), "little")),
}
# Functions whose output is an answer and not only a verdict. A chain's sum of difficulties is no number of ours.
_ANSWERS: Final = {
    "hash256",
    "hash256MerkleStep",
    "extractInputAtIndex",
    "extractOutputAtIndex",
    "extractOpReturnData",
    "calculateTxId",
    "retargetAlgorithm",
    "extractTarget",
    "extractTimestamp",
    "extractPrevBlockLE",
    "extractPrevBlockBE",
    "extractMerkleRootLE",
    "extractMerkleRootBE",
    "workHash",
    "work",
}


# --- headers and proofs with claims beside them ---


def _verify_header(given: dict[str, Any]) -> Header:
    header = _header(given["raw"])
    digest = header_hash(header)
    rules.check_checkpoint_hash(digest, _bytes(given["hash"]))
    rules.check_parent(header, _bytes(given["prevhash"]))
    check_root(header.merkle_root, _bytes(given["merkle_root"]))
    verify_work(header, digest, MAINNET)
    return header


def _verify_proof(given: dict[str, Any]) -> None:
    header = _verify_header(given["confirming_header"])
    _inputs(given["vin"])
    _outputs(given["vout"])
    digest = _bytes(_id(given))
    check_root(digest, _bytes(given["tx_id"]))
    _prove(
        {
            "txIdLE": given["tx_id"],
            "merkleRootLE": _hex(header.merkle_root),
            "proof": given["intermediate_nodes"],
            "index": given["index"],
        }
    )


# --- the relay contracts ---


def _relay_vectors(files: Files) -> Iterator[Case]:
    for file in files.named("relays/testVectors.json"):
        for category, functions in file.json().items():
            for function, entries in functions.items():
                yielded = entries if isinstance(entries, list) else [entries]
                for index, entry in enumerate(yielded):
                    name = f"{category}.{function}/{entry.get('comment', index)}"
                    is_good = not entry.get("error", entry.get("output"))
                    verify = partial(_RELAY_FUNCTIONS.get(function, _no_such_operation), entry)
                    yield Case(file, name, accept_if(is_good), verify)
    for file in files.named("relays/OnDemandSPVHelpers.json"):
        yield Case(file, "requests", ACCEPT, _no_such_operation)


def _difficulty_change(entry: dict[str, Any]) -> None:
    """The last header of a period, the first of it, and headers of the next one."""
    last, first = _header(entry["anchor"]["raw"]), _header(entry["prevEpochStart"]["raw"])
    rules.check_bits(first, last.bits)
    bits = retarget(last.bits, seconds=last.time - first.time, network=MAINNET)
    for each in entry["headers"]:
        rules.check_bits(_header(each["raw"]), bits)


def _header_chain(entry: dict[str, Any]) -> None:
    """Headers on top of an anchor; on mainnet, within a period, of its difficulty."""
    anchor = _verify_header(entry["anchor"])
    parent = anchor
    for each in entry["headers"]:
        header = _verify_header(each)
        rules.check_parent(header, header_hash(parent))
        if entry["isMainnet"] and not entry["internal"]:
            rules.check_bits(header, anchor.bits)
        parent = header


def _relay_proof(entry: dict[str, Any]) -> None:
    _verify_proof(entry["proof"])


_RELAY_FUNCTIONS: Final[dict[str, Callable[[Any], object]]] = {
    "validateDifficultyChange": _difficulty_change,
    "validateHeaderChain": _header_chain,
    "validateProof": _relay_proof,
}


# Headers with which a relay begins: nothing in the file is below them.
_FIRST: Final = {"genesis", "oldPeriodStart"}


def _relay_headers(files: Files) -> Iterator[Case]:
    """A chain on top of a first header, beside it an orphan: a header of another branch, with work of its own."""
    for name in ("relays/headers.json", "relays/headersReorgAndRetarget.json"):
        for file in files.named(name):
            groups: dict[str, Any] = file.json()
            listed = [each for group in groups.values() if isinstance(group, list) for each in group]
            single = {name: each for name, each in groups.items() if isinstance(each, dict)}
            known = {each["digest_le"]: each["hex"] for each in (*listed, *single.values())}
            for each in listed:
                yield Case(file, each["digest_le"], ACCEPT, partial(_verify_linked, each["hex"], known))
            for label, each in single.items():
                verify = (
                    partial(_verify_alone, each["hex"])
                    if label in _FIRST
                    else partial(_verify_linked, each["hex"], known)
                )
                # The author calls it bad in the name of its field: its difficulty is that of another period.
                yield Case(file, label, accept_if(label != "badHeader"), verify)


def _verify_alone(encoded: str) -> None:
    header = _header(encoded)
    verify_work(header, header_hash(header), MAINNET)


def _verify_linked(encoded: str, known: dict[str, str]) -> None:
    """Worked for, and on top of a header of the file."""
    _verify_alone(encoded)
    parent = known.get(_hex(_header(encoded).previous))
    if parent is None:
        raise ValueMismatch("previous block", got=_header(encoded).previous, expected="a header of this file")
    rules.check_parent(_header(encoded), header_hash(_header(parent)))


def _header(text: str) -> Header:
    return decode_header(_bytes(text))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
