"""Official SSZ generic vectors: the type follows from the case's name, as the suite's README says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

from proofs.encoding.ssz import (
    UINT8,
    UINT64,
    Bitlist,
    Bitvector,
    Boolean,
    ByteList,
    Container,
    List,
    SszType,
    Uint,
    Vector,
)
from tests.vectors.case import Case, accept_if, value
from tests.vectors.files import Files

_KINDS: Final = ("basic_vector", "bitlist", "bitvector", "boolean", "containers", "uints")


def cases(files: Files) -> Iterator[Case]:
    for kind in _KINDS:
        for file in files.named(f"{kind}.json"):
            for entry in file.json():
                data = bytes.fromhex(entry["serialized_hex"])
                make = partial(_type, kind, entry["type_hint"])
                if entry["valid"] and "root" in entry:
                    expected = value((data, bytes.fromhex(entry["root"].removeprefix("0x"))))
                    yield Case(file, entry["name"], expected, partial(_again_and_root, make, data))
                else:
                    expected = accept_if(entry["valid"])
                    yield Case(file, entry["name"], expected, partial(_decode, make, data))


def _decode(make: Callable[[], SszType[Any]], data: bytes) -> bytes:
    kind = make()
    again = kind.encode(kind.decode(data))
    assert again == data, "what is accepted has one encoding"
    return again


def _again_and_root(make: Callable[[], SszType[Any]], data: bytes) -> tuple[bytes, bytes]:
    kind = make()
    decoded = kind.decode(data)
    return kind.encode(decoded), kind.root(decoded)


def _container(**fields: SszType[Any]) -> Container[SimpleNamespace]:
    return Container(SimpleNamespace, fields)


_U16: Final = Uint(2)
_VAR: Final = _container(A=_U16, B=List(_U16, 1024), C=UINT8)
_FIXED: Final = _container(A=UINT8, B=UINT64, C=Uint(4))
_CONTAINERS: Final = {
    "SingleFieldTestStruct": _container(A=UINT8),
    "SmallTestStruct": _container(A=_U16, B=_U16),
    "FixedTestStruct": _FIXED,
    "VarTestStruct": _VAR,
    "ComplexTestStruct": _container(
        A=_U16, B=List(_U16, 128), C=UINT8, D=ByteList(256), E=_VAR, F=Vector(_FIXED, 4), G=Vector(_VAR, 2)
    ),
    "BitsStruct": _container(A=Bitlist(5), B=Bitvector(2), C=Bitvector(1), D=Bitlist(6), E=Bitvector(8)),
}


def _type(kind: str, hint: str) -> SszType[Any]:
    """Called by the verifier's side: an illegal type (a vector of nothing) is refused like illegal bytes."""
    words = hint.split("_")
    match kind:
        case "boolean":
            return Boolean()
        case "uints":
            return Uint(int(words[1]) // 8)
        case "bitvector":
            return Bitvector(int(words[1]))
        case "bitlist":
            return Bitlist(8 if words[1] == "no" else int(words[1]))
        case "basic_vector":
            item: SszType[Any] = Boolean() if words[1] == "bool" else Uint(int(words[1].removeprefix("uint")) // 8)
            return Vector(item, int(words[2]))
        case _:
            return _CONTAINERS[words[0]]
