"""BLS12-381: Ethereum's own vectors, RFC 9380's hash to G2, and a thousand encodings of each group.

Signing, EIP-2537 arithmetic, the other hashes of RFC 9380 and its inner functions are never performed (tables.py): for
those files nothing is yielded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

import yaml
from py_arkworks_bls12381 import G2Point

from proofs.primitives import bls
from tests.vectors.case import REJECT, Case, accept_if, value
from tests.vectors.files import DataFile, Files


def cases(files: Files) -> Iterator[Case]:
    for file in files.matching("ethereum_bls12-381-tests_*.json"):
        operation = PurePosixPath(file.name).parent.name
        if operation in _ETHEREUM:
            yield _ethereum_case(file, operation, file.json())
    for file in files.matching("consensus_spec_tests_fast_aggregate_verify/*.yaml"):
        yield _ethereum_case(file, "fast_aggregate_verify", yaml.safe_load(file.text()))
    for file in files.named("rfc9380_hash_to_curve/BLS12381G2_XMD_SHA-256_SSWU_RO_.json"):
        suite = file.json()
        for vector in suite["vectors"]:
            expected = value((_pair(vector["P"]["x"]), _pair(vector["P"]["y"])))
            yield Case(file, vector["msg"][:20], expected, partial(_hash, vector["msg"], suite["dst"]))
    yield from _encodings(files, "g1", size=48, read=bls.decompress_g1)
    yield from _encodings(files, "g2", size=96, read=bls.decompress_g2)


def _ethereum_case(file: DataFile, operation: str, vector: dict[str, Any]) -> Case:
    verify, as_value = _ETHEREUM[operation]
    output = vector["output"]
    if output in (None, False):
        return Case(file, operation, REJECT, partial(verify, vector["input"]))
    expected = accept_if(True) if output is True else value(as_value(output))
    return Case(file, operation, expected, partial(verify, vector["input"]))


def _hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _keys(texts: list[str]) -> list[Any]:
    return [bls.decompress_key(_hex(text)) for text in texts]


def _verify(given: dict[str, Any]) -> None:
    bls.fast_aggregate_verify(_keys([given["pubkey"]]), _hex(given["message"]), _hex(given["signature"]))


def _fast_aggregate_verify(given: dict[str, Any]) -> None:
    bls.fast_aggregate_verify(_keys(given["pubkeys"]), _hex(given["message"]), _hex(given["signature"]))


def _aggregate_verify(given: dict[str, Any]) -> None:
    messages = [_hex(message) for message in given["messages"]]
    bls.aggregate_verify(_keys(given["pubkeys"]), messages, _hex(given["signature"]))


def _batch_verify(given: dict[str, Any]) -> None:
    for key, message, signature in zip(given["pubkeys"], given["messages"], given["signatures"], strict=True):
        bls.fast_aggregate_verify(_keys([key]), _hex(message), _hex(signature))


def _aggregate(given: list[str]) -> bytes:
    return bls.aggregate_signatures([_hex(signature) for signature in given])


def _read_g1(given: dict[str, str]) -> None:
    bls.decompress_g1(_hex(given["pubkey"]))


def _read_g2(given: dict[str, str]) -> None:
    bls.decompress_g2(_hex(given["signature"]))


def _hash_to_g2(given: dict[str, str]) -> object:
    return _coordinates(bls.hash_to_g2(given["msg"].encode(), tag=_HASH_TAG))


def _hash(message: str, tag: str) -> object:
    return _coordinates(bls.hash_to_g2(message.encode(), tag=tag.encode()))


_HASH_TAG: Final = b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"


def _coordinates(point: G2Point) -> tuple[tuple[int, int], tuple[int, int]]:
    """The real part of each coordinate, then the imaginary one."""
    raw = bytes(point.to_xy_bytes_be())
    x0, x1, y0, y1 = (int.from_bytes(raw[at : at + 48], "big") for at in range(0, 192, 48))
    return (x0, x1), (y0, y1)


def _pair(text: str) -> tuple[int, int]:
    real, imaginary = text.split(",")
    return int(real, 16), int(imaginary, 16)


def _point(output: dict[str, str]) -> object:
    return _pair(output["x"]), _pair(output["y"])


_ETHEREUM: Final[dict[str, tuple[Callable[[Any], object], Callable[[Any], object]]]] = {
    "verify": (_verify, bool),
    "fast_aggregate_verify": (_fast_aggregate_verify, bool),
    "aggregate_verify": (_aggregate_verify, bool),
    "batch_verify": (_batch_verify, bool),
    "aggregate": (_aggregate, _hex),
    "deserialization_G1": (_read_g1, bool),
    "deserialization_G2": (_read_g2, bool),
    "hash_to_G2": (_hash_to_g2, _point),
}


def _encodings(files: Files, group: str, *, size: int, read: Callable[[bytes], Any]) -> Iterator[Case]:
    for file in files.named(f"zkcrypto_serialization/{group}_compressed_valid_test_vectors.dat"):
        data = file.bytes()
        for at in range(0, len(data), size):
            record = data[at : at + size]
            yield Case(file, str(at // size), value(record), partial(_read_and_write, read, record))


def _read_and_write(read: Callable[[bytes], Any], record: bytes) -> bytes:
    return bytes(read(record).to_compressed_bytes())
