"""The demo's ledgers: real nodes, hosts deployed on them, and keys for every role in encrypted files."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from adapters.contract.ledger import Clock, Ledger, Signer
from adapters.contract.plugin import FundedKey, Plugin, load_plugin
from relay.demo.processes import Workshop
from relay.keys.keystore import CHEAPEST, create_key
from relay.keys.secret import Secret
from relay.keys.signer import signer_for

ROLES: Final = ("setup", "fee", "send", "user")


@dataclass(frozen=True, slots=True)
class Node:
    """A node to be started. options: for the devnet of its plugin."""

    plugin: str
    options: Mapping[str, object]


# Two real EVM chains and one embedded ledger: every kind of client is needed between them.
NODES: Final[Mapping[str, Node]] = {
    "harbour": Node("evm", {"block_seconds": 1}),
    "meadow": Node("evm", {"block_seconds": 1}),
    "clinic": Node("embedded", {"block_seconds": 1.0}),
}


@dataclass(frozen=True, slots=True)
class DemoLedger:
    """settings: for the plugin, with the deployed host in them. user: a key of somebody who needs no service."""

    name: str
    plugin: str
    settings: Mapping[str, Any]
    ledger: Ledger
    keys: Mapping[str, FundedKey]

    def signer(self, role: str) -> Signer:
        key = self.keys[role]
        return signer_for(key.scheme, key.secret)


async def start_ledger(
    stack: AsyncExitStack, workshop: Workshop, name: str, node: Node, *, clock: Clock, chance: Random
) -> DemoLedger:
    """Start a node and deploy what a host needs. All of it ends with the stack."""
    plugin = load_plugin(node.plugin)
    assert plugin.devnet is not None, "the demo's ledgers bring a devnet"
    running = await stack.enter_async_context(
        plugin.devnet.start(workshop.folder / "nodes" / name, name=name, options=node.options)
    )
    for number, pid in enumerate(running.pids):
        workshop.watch(f"node {name}" if number == 0 else f"node {name} {number}", pid)
    keys = dict(zip(ROLES, running.funded, strict=False))
    settings = {key: value for key, value in running.settings.items() if key != "plugin"}
    setup_signer = signer_for(keys["setup"].scheme, keys["setup"].secret)
    settings |= await _deployed(plugin, settings, setup_signer, clock=clock, chance=chance)
    ledger = await stack.enter_async_context(plugin.open(settings, clock=clock, chance=chance))
    return DemoLedger(name, node.plugin, settings, ledger, keys)


async def _deployed(
    plugin: Plugin, settings: Mapping[str, object], signer: Signer, *, clock: Clock, chance: Random
) -> Mapping[str, object]:
    async with plugin.open(settings, clock=clock, chance=chance) as bare:
        assert bare.setup is not None, "a devnet can be set up"
        return await bare.setup.deploy_host(signer)


def store_keys(ledger: DemoLedger, folder: Path, passphrase: Secret) -> None:
    """The relay's keys: the user's stays with the user, the setup key with the demo."""
    for role in ("fee", "send"):
        key = ledger.keys[role]
        name = f"{ledger.name}-{role}"
        create_key(folder, name, scheme=key.scheme, passphrase=passphrase, secret=Secret(key.secret), cost=CHEAPEST)


async def write_secret(path: Path) -> Secret:
    """A random text in a file that only its owner may read."""
    text = secrets.token_urlsafe(24)

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)

    await asyncio.to_thread(write)
    return Secret(text.encode())
