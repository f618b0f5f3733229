"""The files of one suite in all roots. Remembers what was read, so that nothing is passed over in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

_DESCRIPTIONS: Final = {"README.md", "MANIFEST.json"}


@dataclass(frozen=True, slots=True)
class DataFile:
    """`name`: its path below the folder of the suite, with forward slashes."""

    path: Path
    name: str
    files: Files = field(repr=False, compare=False)

    def bytes(self) -> bytes:
        self.files.mark_read(self)
        return self.path.read_bytes()

    def text(self) -> str:
        return self.bytes().decode()

    def json(self) -> Any:
        return json.loads(self.bytes())


class Files:
    def __init__(self, suite: str, roots: Sequence[Path]) -> None:
        self.suite = suite
        self.all: list[DataFile] = [
            DataFile(path, path.relative_to(root / suite).as_posix(), self)
            for root in roots
            for path in sorted((root / suite).rglob("*"))
            if path.is_file() and path.name not in _DESCRIPTIONS
        ]
        self._read: set[Path] = set()

    def named(self, name: str) -> Iterator[DataFile]:
        """Every file of this name in every root, with any middle word: for x.json also x.dev.json."""
        stem, dot, suffix = name.rpartition(".")
        for each in self.all:
            if each.name == name or fnmatchcase(each.name, f"{stem}.*{dot}{suffix}"):
                yield each

    def matching(self, pattern: str) -> Iterator[DataFile]:
        """Every file whose name matches; a star also matches slashes."""
        return (each for each in self.all if fnmatchcase(each.name, pattern))

    def one(self, name: str) -> DataFile | None:
        """A file that another one refers to, from whichever root has it."""
        return next(self.named(name), None)

    def mark_read(self, file: DataFile) -> None:
        self._read.add(file.path)

    def unread(self) -> list[DataFile]:
        return [each for each in self.all if each.path not in self._read]
