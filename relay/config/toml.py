"""Writing TOML: just what `causeway init` and the demo need, read back unchanged by tomllib."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias, Union

Value: TypeAlias = Union[str, bool, int, float, "list[Value]", "tuple[Value, ...]", Mapping[str, "Value"]]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def write_toml(content: Mapping[str, Value]) -> str:
    """Tables below tables get headers of their own; tables inside lists of values are written inline.

    >>> print(write_toml({"relay": {"data_dir": "data", "development": True}, "links": [{"a": {"ledger": "x"}}]}))
    [relay]
    data_dir = "data"
    development = true
    <BLANKLINE>
    [[links]]
    <BLANKLINE>
    [links.a]
    ledger = "x"
    <BLANKLINE>
    """
    return "\n".join(_blocks(content, ())).lstrip("\n")


def _blocks(table: Mapping[str, Value], path: tuple[str, ...], header: str = "") -> list[str]:
    plain = {key: value for key, value in table.items() if not _is_table(value) and not _is_list_of_tables(value)}
    lines = [header] if header else []
    lines.extend(f"{_key(key)} = {_value(value)}" for key, value in plain.items())
    blocks = ["\n".join(lines) + "\n"] if lines else []
    for key, value in table.items():
        below = (*path, key)
        name = ".".join(_key(part) for part in below)
        if isinstance(value, Mapping):
            blocks.extend(_blocks(value, below, f"[{name}]"))
        elif isinstance(value, list | tuple) and _is_list_of_tables(value):
            for each in value:
                assert isinstance(each, Mapping)
                blocks.extend(_blocks(each, below, f"[[{name}]]"))
    return blocks


def _is_table(value: Value) -> bool:
    return isinstance(value, Mapping)


def _is_list_of_tables(value: Value) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
    return "[" + ", ".join(_value(each) for each in value) + "]"


def _text(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(each) or _character(each) for each in text) + '"'


def _character(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x20 or code == 0x7F else character
