"""A secret text that can be handed on without being shown: no repr, str, format or pickle gives it away."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

_FILE_BYTES_MAX: Final = 4096  # a passphrase or token, not a document
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(eq=False)
class SecretRefused(Exception):
    """A file or variable that should hold a secret cannot be used. Never carries what it holds.

    where: the file or the environment variable.
    """

    where: str
    got: str
    expected: str

    def __str__(self) -> str:
        return f"{self.where}: got {self.got}, expected {self.expected}"


class Secret:
    """Bytes known only to whoever calls `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is never pickled or copied")


def secret_from_file(path: Path) -> Secret:
    """Read a file that only its owner may read, without one trailing line end. Raises SecretRefused."""
    try:
        with path.open("rb") as file:
            check_private(path, os.fstat(file.fileno()).st_mode)
            content = file.read(_FILE_BYTES_MAX + 1)
    except OSError as trouble:
        raise SecretRefused(str(path), got=trouble.strerror or "no file", expected="a readable file") from None
    if len(content) > _FILE_BYTES_MAX:
        raise SecretRefused(str(path), got="a longer file", expected=f"at most {_FILE_BYTES_MAX} bytes")
    return _not_empty(content.removesuffix(b"\n").removesuffix(b"\r"), str(path))


def secret_from_environment(name: str) -> Secret:
    """Raises SecretRefused."""
    value = os.environ.get(name)
    if value is None:
        raise SecretRefused(f"environment variable {name}", got="nothing", expected="a value")
    return _not_empty(value.encode(), f"environment variable {name}")


def read_passphrase(source: str, *, prompt: Callable[[], str] | None = None) -> Secret:
    """source: "file:PATH", "env:NAME" or "prompt", as configured. Raises SecretRefused."""
    kind, _, rest = source.partition(":")
    if kind == "file" and rest:
        return secret_from_file(Path(rest))
    if kind == "env" and rest:
        return secret_from_environment(rest)
    if source == "prompt" and prompt is not None:
        return _not_empty(prompt().encode(), "prompt")
    expected = "file:PATH, env:NAME or, at a terminal, prompt"
    raise SecretRefused("passphrase source", got=kind if rest else source, expected=expected)


def check_private(path: Path, mode: int) -> None:
    """A secret that others may read is no secret. Raises SecretRefused."""
    if mode & _OTHERS:
        raise SecretRefused(
            str(path), got=f"mode {stat.S_IMODE(mode):04o}", expected="mode 0600: only the owner reads it"
        )


def _not_empty(value: bytes, where: str) -> Secret:
    if not value:
        raise SecretRefused(where, got="nothing", expected="a non-empty secret")
    return Secret(value)
