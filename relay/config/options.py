"""One option, declared once: its type, its bounds, what it is for, and how the example shows it.

Sections are frozen dataclasses whose fields are made by `option`. Reading, the example file and the test that compares
them all work from these declarations.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from proofs.commitment import ClientId

T = TypeVar("T")

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LEDGER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CLIENT: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]*-[0-9]+")
_AMOUNT_MAX: Final = (1 << 256) - 1  # what the widest ledger counts with
_PLAIN: Final = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """expected: what a value must be, for people. parse: from TOML to our type, ValueError when it is not."""

    expected: str
    parse: Callable[[object, Path], T]


@dataclass(frozen=True, slots=True)
class Option:
    """about: what it does and why it is bounded. example: its value in the example, as TOML text."""

    kind: Kind[Any]
    about: str
    example: str
    required: bool


class _Required:
    """No default: the operator must say it."""


REQUIRED: Final = _Required()


def option(kind: Kind[T], about: str, *, default: T | _Required = REQUIRED, example: str) -> T:
    declared = Option(kind, about, example, required=isinstance(default, _Required))
    # dataclasses.field is typed as the field's value; a required one has no default for real.
    if isinstance(default, _Required):
        made: T = field(metadata={"option": declared})
        return made
    return field(default=default, metadata={"option": declared})


def options_of(section: type[Any]) -> Mapping[str, Option]:
    return {each.name: each.metadata["option"] for each in fields(section) if "option" in each.metadata}


def _refuse_unless(condition: bool) -> None:  # noqa: FBT001  # reads as a sentence
    if not condition:
        raise ValueError


def _flag(value: object, _: Path) -> bool:
    _refuse_unless(isinstance(value, bool))
    return bool(value)


FLAG: Final = Kind("true or false", _flag)


def _text(value: object, _: Path) -> str:
    if not isinstance(value, str) or len(value) > 1024 or not _PLAIN.fullmatch(value):
        raise ValueError
    return value


TEXT: Final = Kind("a text of 1 to 1024 printable ASCII characters", _text)


def _name(value: object, _: Path) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError
    return value


NAME_SHAPE: Final = "a name of a–z, 0–9, '_' and '-', at most 64 characters"
KEY_NAME: Final = Kind("a name of a–z, 0–9, '.', '_' and '-', at most 64 characters", _name)


def _optional_name(value: object, folder: Path) -> str | None:
    return _name(value, folder)


OPTIONAL_KEY_NAME: Final = Kind(KEY_NAME.expected, _optional_name)


def _client(value: object, _: Path) -> ClientId:
    if not isinstance(value, str) or not 8 <= len(value) <= 64 or not _CLIENT.fullmatch(value):
        raise ValueError
    return ClientId(value)


CLIENT: Final = Kind('a client id such as "07-tendermint-0", 8 to 64 characters ending in a number', _client)


def _path(value: object, folder: Path) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError
    return folder / Path(value).expanduser()


PATH: Final = Kind("a path, relative to the folder of this file", _path)


def _optional_path(value: object, folder: Path) -> Path | None:
    return _path(value, folder)


OPTIONAL_PATH: Final = Kind(PATH.expected, _optional_path)


def choice(*permitted: str) -> Kind[str]:
    def parse(value: object, _: Path) -> str:
        if not isinstance(value, str) or value not in permitted:
            raise ValueError
        return value

    return Kind(" or ".join(f'"{each}"' for each in permitted), parse)


def whole(low: int, high: int, unit: str) -> Kind[int]:
    def parse(value: object, _: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return Kind(f"a whole number of {unit} from {low} to {high}", parse)


def number(low: float, high: float, unit: str) -> Kind[float]:
    def parse(value: object, _: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError  # noqa: TRY004  # every parser refuses with the same error
        _refuse_unless(math.isfinite(value) and low <= value <= high)
        return float(value)

    return Kind(f"a number of {unit} from {low:g} to {high:g}", parse)


def _amount(value: object, _: Path) -> int:
    if isinstance(value, str) and len(value) <= 78 and re.fullmatch(r"[0-9]+", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _AMOUNT_MAX:
        raise ValueError  # every parser refuses with the same error
    return value


AMOUNT: Final = Kind('a whole number, or one as text ("1000000000000000000"), in the ledger\'s smallest unit', _amount)


def _optional_amount(value: object, folder: Path) -> int | None:
    return _amount(value, folder)


OPTIONAL_AMOUNT: Final = Kind(AMOUNT.expected, _optional_amount)


def _address(value: object, _: Path) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", value, re.ASCII):
        raise ValueError
    return bytes.fromhex(value[2:])


ADDRESS: Final = Kind("20 bytes in hex after 0x", _address)


def _url(value: object, _: Path) -> str:
    if not isinstance(value, str) or len(value) > 1024 or not _PLAIN.fullmatch(value):
        raise ValueError
    parts = urlsplit(value)
    _refuse_unless(parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0)
    _refuse_unless(not (parts.query or parts.fragment or parts.username or parts.password))
    return value.rstrip("/")


URL: Final = Kind("an http or https address without user, query or fragment", _url)


def _texts(value: object, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 1000:
        raise ValueError  # every parser refuses with the same error
    return tuple(_text(each, folder) for each in value)


TEXTS: Final = Kind("a list of at most 1000 texts", _texts)


def _networks(value: object, folder: Path) -> tuple[str, ...]:
    networks = _texts(value, folder)
    for network in networks:
        ipaddress.ip_network(network)
    return networks


NETWORKS: Final = Kind('a list of networks such as "10.0.0.0/8"', _networks)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
