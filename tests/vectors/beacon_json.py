"""Beacon-API JSON (and YAML, and CBOR) into SSZ, driven by the product's types. Nothing is checked here.

The verifier reads bytes; so what JSON says wrongly (a branch without nodes, a key too long) is written into the bytes
as wrongly, for the decoder to refuse.
"""

from __future__ import annotations

from typing import Any, Final

from proofs.encoding.ssz import Bitvector, ByteList, ByteVector, Container, List, PackedVector, SszType, Uint, Vector
from proofs.encoding.ssz_layout import join_parts
from proofs.ethereum.types import EMPTY_EXECUTION_BRANCH, ExecutionPayloadHeader

# Names in the API where ours are shorter.
_API_NAMES: Final = {"bits": "sync_committee_bits", "signature": "sync_committee_signature"}

# A final header of an older fork inside an update of a newer one may come without what its fork did not have.
_ABSENT_BEFORE_CAPELLA: Final = {"execution": ExecutionPayloadHeader(), "execution_branch": EMPTY_EXECUTION_BRANCH}


def ssz_of(kind: SszType[Any], given: Any) -> bytes:
    match kind:
        case Container():
            return join_parts([(each.size, _field_ssz(each, given, name)) for name, each in kind.fields.items()])
        case Vector() | List():
            return join_parts([(kind.item.size, ssz_of(kind.item, each)) for each in given])
        case PackedVector():
            return b"".join(raw(each) for each in given)
        case Uint():
            return number(given).to_bytes(kind.size, "little")
        case ByteVector() | ByteList() | Bitvector():
            return raw(given)
        case _:
            raise AssertionError(f"no JSON form of {kind}")


def _field_ssz(kind: SszType[Any], given: Any, name: str) -> bytes:
    if name in _ABSENT_BEFORE_CAPELLA and name not in given:
        return kind.encode(_ABSENT_BEFORE_CAPELLA[name])
    return ssz_of(kind, _field(given, name))


def _field(given: Any, name: str) -> Any:
    if name in given:
        return given[name]
    if name in _API_NAMES and _API_NAMES[name] in given:
        return given[_API_NAMES[name]]
    if name == "beacon":
        return given  # before capella a light-client header was the beacon header itself
    raise KeyError(name)


def raw(given: Any) -> bytes:
    if isinstance(given, str):
        return bytes.fromhex(given.removeprefix("0x"))
    return bytes(given)


def number(given: Any) -> int:
    if isinstance(given, str):
        return int(given, 16) if given.startswith("0x") else int(given)
    if isinstance(given, bytes | list):
        return int.from_bytes(bytes(given), "big")
    return int(given)
