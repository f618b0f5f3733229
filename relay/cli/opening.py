"""What commands open for themselves: passphrases, keys and ledgers, as the configuration names them."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import SystemRandom

from adapters.contract.ledger import Ledger, Signer
from adapters.contract.plugin import load_plugin
from relay.cli.outcome import CommandFailed, Exit
from relay.config import Config, LedgerConfig
from relay.keys.keystore import check_roles_apart, read_key
from relay.keys.secret import Secret, read_passphrase


def passphrase_for(file: Path, source: str, *, confirm: bool = False) -> Secret:
    """source: as configured in `file`; a path in it is relative to that file, like every other.

    confirm: ask twice, where a mistyped one would lock a new key away. Raises SecretRefused.
    """
    kind, _, rest = source.partition(":")
    if kind == "file" and rest:
        source = f"file:{file.parent / Path(rest).expanduser()}"
    return read_passphrase(source, prompt=_prompt(confirm=confirm) if _has_terminal() else None)


def _has_terminal() -> bool:
    try:
        with Path("/dev/tty").open("rb"):
            return True
    except OSError:
        return False


def _prompt(*, confirm: bool) -> Callable[[], str]:
    def ask() -> str:
        given = getpass.getpass("Passphrase of the keys: ")
        if confirm and getpass.getpass("The same again: ") != given:
            raise CommandFailed("the two passphrases differ: nothing was written", code=Exit.USAGE)
        return given

    return ask


def check_keys(config: Config) -> None:
    """Every key that an account names is there, and none serves two roles. Raises KeyRefused."""
    roles = {
        role: [
            read_key(config.keys.folder, name)
            for table in config.ledgers.values()
            if (name := getattr(table.accounts, role)) is not None
        ]
        for role in ("fee", "send", "setup")
    }
    check_roles_apart(roles)


def ledger_table(config: Config, name: str) -> LedgerConfig:
    """Raises CommandFailed."""
    if name not in config.ledgers:
        known = ", ".join(config.ledgers) or "none"
        raise CommandFailed(f"no ledger is called {name!r}", f"{config.file} has: {known}", Exit.USAGE)
    return config.ledgers[name]


@asynccontextmanager
async def open_ledger(table: LedgerConfig) -> AsyncIterator[Ledger]:
    opened = load_plugin(table.plugin).open(table.settings, clock=time.time, chance=SystemRandom())
    async with opened as ledger:
        yield ledger


async def setup_signer(config: Config, table: LedgerConfig) -> Signer:
    """The key that deploys hosts and creates clients. Raises CommandFailed, KeyRefused, SecretRefused."""
    name = table.accounts.setup
    if name is None:
        hint = f"causeway keys create NAME makes one; [ledgers.{table.name}.accounts] setup names it"
        raise CommandFailed(f"ledger {table.name} has no setup key", hint, Exit.USAGE)
    passphrase = passphrase_for(config.file, config.keys.passphrase)
    return await asyncio.to_thread(lambda: read_key(config.keys.folder, name).unlock(passphrase))
