"""Why a store cannot be opened: apart from the store, which takes long to load, for those who only report it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class StoreInUse(Exception):
    path: str

    def __str__(self) -> str:
        return f"{self.path} is owned by a running relay: stop it first, or speak to it through its API"


@dataclass(eq=False)
class StoreTooNew(Exception):
    found: int
    known: int

    def __str__(self) -> str:
        return f"the store has schema version {self.found}, this program knows {self.known}: install a newer one"
