"""RLP of ethereum/tests and of Optimism's reader: decode what is given, and encode what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from proofs.encoding import rlp
from tests.vectors.case import REJECT, Case, accept_if, value
from tests.vectors.files import Files


def cases(files: Files) -> Iterator[Case]:
    for name in ("ethereum_tests/rlptest.json", "ethereum_tests/invalidRLPTest.json"):
        for file in files.named(name):
            for entry in file.json():
                encoded = _bytes(entry["out"])
                if entry["in"] == "INVALID":
                    yield Case(file, entry["name"], REJECT, partial(rlp.decode, encoded))
                else:
                    meant = _item(entry["in"])
                    yield Case(file, entry["name"], value((meant, encoded)), partial(_both_ways, encoded, meant))
    for file in files.named("optimism_rlp_reader.json"):
        for entry in file.json():
            verify = partial(_read_as, entry["function"], _bytes(entry["input"]))
            yield Case(file, entry["name"], accept_if(entry["expect"] == "accept"), verify)


def _both_ways(encoded: bytes, meant: Any) -> tuple[Any, bytes]:
    return rlp.decode(encoded), rlp.encode(meant)


def _read_as(kind: str, encoded: bytes) -> None:
    item = rlp.decode(encoded)
    if kind == "bytes":
        rlp.as_bytes(item, "item")
    else:
        rlp.as_list(item, "item")


def _item(meant: Any) -> Any:
    if isinstance(meant, list):
        return [_item(each) for each in meant]
    if isinstance(meant, int):
        return rlp.int_bytes(meant)
    return rlp.int_bytes(int(meant[1:])) if meant.startswith("#") else meant.encode()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
