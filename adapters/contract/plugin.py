"""How a ledger plugin is found, configured and opened. A new ledger is one folder and one entry-point line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from random import Random
from typing import Final, Protocol

from adapters.contract.ledger import Clock, Ledger

ENTRY_POINT_GROUP: Final = "causeway.ledgers"


@dataclass(eq=False)
class SettingRefused(Exception):
    """One key of a configuration table is wrong. `relay.config` adds the file it stands in.

    key: dotted path within the table, e.g. "endpoints[1]".
    """

    key: str
    got: object
    expected: str

    def __str__(self) -> str:
        return f"{self.key}: got {self.got!r}, expected {self.expected}"


@dataclass(frozen=True, slots=True)
class FundedKey:
    """A devnet account. secret: 32 bytes, of the scheme the ledger signs with."""

    scheme: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class RunningLedger:
    """A started devnet node. settings: a table that `Plugin.open` takes once a host is deployed."""

    settings: Mapping[str, object]
    funded: Sequence[FundedKey]
    pids: Sequence[int]


class Devnet(Protocol):
    """Starts a real local node of a ledger, on free loopback ports, in a folder of its own."""

    def start(
        self, folder: Path, *, name: str, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[RunningLedger]:
        """Everything it starts ends with the context, also when the process that entered it is killed."""
        ...


class Plugin(Protocol):
    """What the entry point names."""

    @property
    def name(self) -> str: ...

    @property
    def devnet(self) -> Devnet | None: ...

    def check_settings(self, settings: Mapping[str, object]) -> None:
        """Raises SettingRefused. Touches no network and no file."""
        ...

    def is_development_trust(self, settings: Mapping[str, object]) -> bool:
        """Whether these settings trust a single endpoint: refused unless `development = true`."""
        ...

    def open(
        self, settings: Mapping[str, object], *, clock: Clock, chance: Random
    ) -> AbstractAsyncContextManager[Ledger]:
        """Connections live as long as the context. A table without a host still gives Setup and Devnet roles."""
        ...


@dataclass(eq=False)
class UnknownPlugin(Exception):
    name: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"no ledger plugin is called {self.name!r}; installed are {', '.join(self.known) or 'none'}"


def load_plugin(name: str) -> Plugin:
    """Raises UnknownPlugin."""
    found = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in found:
        raise UnknownPlugin(name, tuple(sorted(found)))
    plugin: Plugin = found[name].load()
    return plugin
