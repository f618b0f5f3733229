"""Put the demo's world together: ledgers, links in a triangle, three attestors of which two must sign, one relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Final

from adapters.contract.ledger import Clock
from proofs.primitives.secp256k1 import address_of
from relay.config import Config, GroupConfig, MemberConfig, load_config
from relay.config.toml import Value, write_toml
from relay.demo.ledgers import NODES, DemoLedger, Node, start_ledger, store_keys, write_secret
from relay.demo.processes import Workshop, run_causeway
from relay.keys.keystore import CHEAPEST, create_key
from relay.keys.secret import Secret
from relay.linking import End, create_link

ATTESTORS: Final = ("ada", "ben", "cyd")
THRESHOLD: Final = 2


@dataclass(frozen=True, slots=True)
class Attestor:
    """keys: the 20-byte address that signs for each source ledger; one key per ledger, host and variant."""

    name: str
    file: Path
    url: str
    process: asyncio.subprocess.Process
    keys: Mapping[str, bytes]

    @property
    def folder(self) -> Path:
        return self.file.parent


@dataclass(frozen=True, slots=True)
class World:
    """Everything but the relay. config: the relay's own, from config_file. token: to write to its API."""

    workshop: Workshop
    ledgers: Mapping[str, DemoLedger]
    attestors: Sequence[Attestor]
    config: Config
    config_file: Path
    token: Secret


async def build_world(
    stack: AsyncExitStack,
    workshop: Workshop,
    *,
    clock: Clock,
    chance: Random,
    say: Callable[[str], None],
    nodes: Mapping[str, Node] = NODES,
) -> World:
    """Ends with the stack. say: told each step, for people who wait."""
    say(f"starting {len(nodes)} ledgers: {', '.join(nodes)}")
    async with asyncio.TaskGroup() as tasks:
        starting = [
            tasks.create_task(start_ledger(stack, workshop, name, node, clock=clock, chance=chance))
            for name, node in nodes.items()
        ]
    ledgers = {(ledger := task.result()).name: ledger for task in starting}
    say(f"starting {len(ATTESTORS)} attestors, {THRESHOLD} of which must sign")
    async with asyncio.TaskGroup() as tasks:
        opening = [tasks.create_task(_start_attestor(stack, workshop, name, ledgers)) for name in ATTESTORS]
    attestors = [task.result() for task in opening]
    say("joining the ledgers: a client of each on every other")
    links = await _link_all(ledgers, attestors)
    file, token = await _write_config(workshop.folder / "relay", ledgers, attestors, links)
    return World(workshop, ledgers, attestors, load_config(file), file, token)


@asynccontextmanager
async def running_relay(world: World) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The relay of a world, from where its data folder says it was. Yields the address of its API and status page."""
    arguments = ["run", "--config", str(world.config_file)]
    log = world.workshop.folder / "relay.log"
    async with run_causeway(world.workshop, "relay", arguments, log=log) as running:
        yield running


async def _start_attestor(
    stack: AsyncExitStack, workshop: Workshop, name: str, ledgers: Mapping[str, DemoLedger]
) -> Attestor:
    """A process with keys, checkpoints and a log of its own; it shares nothing with the relay."""
    folder = workshop.folder / name
    passphrase = await write_secret(folder / "passphrase")
    await write_secret(folder / "api.token")
    keys = {each: await _new_key(folder / "keys", f"attest-{each}", passphrase) for each in ledgers}
    content: dict[str, Value] = {
        "attestor": {
            "port": 0,
            "token_file": "api.token",
            "data_dir": "data",
            "signed_log": "data/signed.db",
            "development": True,
        },
        "keys": {"folder": "keys", "passphrase": "file:passphrase"},
        "ledgers": {each.name: _table(each) for each in ledgers.values()},
        "attests": [{"ledger": each, "key": f"attest-{each}"} for each in ledgers],
    }
    file = folder / "attestor.toml"
    await asyncio.to_thread(file.write_text, write_toml(content))
    running = run_causeway(workshop, f"attestor {name}", ["attest", "--config", str(file)], log=folder / "log")
    address, process = await stack.enter_async_context(running)
    return Attestor(name, file, address, process, keys)


async def _new_key(folder: Path, name: str, passphrase: Secret) -> bytes:
    """Returns its address."""
    key = await asyncio.to_thread(
        lambda: create_key(folder, name, scheme="secp256k1", passphrase=passphrase, cost=CHEAPEST)
    )
    return address_of(key.public_key)


def _table(ledger: DemoLedger) -> dict[str, Value]:
    return {"plugin": ledger.plugin, **ledger.settings}


async def _link_all(ledgers: Mapping[str, DemoLedger], attestors: Sequence[Attestor]) -> list[dict[str, Value]]:
    links: list[dict[str, Value]] = []
    for a, b in combinations(ledgers, 2):
        ends = [
            End(here, ledgers[here].ledger, ledgers[here].signer("setup"), _group(there, here, attestors))
            for here, there in ((a, b), (b, a))
        ]
        on_a, on_b = await create_link(ends[0], ends[1])
        links.append({"a": {"ledger": a, "client": on_a}, "b": {"ledger": b, "client": on_b}})
    return links


def _group(source: str, destination: str, attestors: Sequence[Attestor]) -> GroupConfig:
    members = tuple(
        MemberConfig(name=each.name, url=each.url, address=each.keys[source], token_file=each.folder / "api.token")
        for each in attestors
    )
    return GroupConfig(source=source, destination=destination, threshold=THRESHOLD, variant="tagged", members=members)


async def _write_config(
    folder: Path, ledgers: Mapping[str, DemoLedger], attestors: Sequence[Attestor], links: list[dict[str, Value]]
) -> tuple[Path, Secret]:
    passphrase = await write_secret(folder / "passphrase")
    token = await write_secret(folder / "api.token")
    for ledger in ledgers.values():
        await asyncio.to_thread(store_keys, ledger, folder / "keys", passphrase)
    content: dict[str, Value] = {
        "relay": {"data_dir": "data", "development": True},
        "keys": {"folder": "keys", "passphrase": "file:passphrase"},
        "api": {"port": 0, "token_file": "api.token"},
        "ledgers": {
            each.name: _table(each) | {"accounts": {"fee": f"{each.name}-fee", "send": f"{each.name}-send"}}
            for each in ledgers.values()
        },
        "links": list(links),
        "attestors": [_group_table(_group(*pair, attestors)) for pair in _attested_pairs(ledgers)],
    }
    file = folder / "causeway.toml"
    await asyncio.to_thread(file.write_text, write_toml(content))
    return file, token


def _attested_pairs(ledgers: Mapping[str, DemoLedger]) -> list[tuple[str, str]]:
    """Source and destination of every client that is a quorum: where the destination cannot verify the source."""
    pairs = [(a, b) for a in ledgers for b in ledgers if a != b]
    return [(a, b) for a, b in pairs if not _verifies(ledgers[a], ledgers[b])]


def _verifies(source: DemoLedger, destination: DemoLedger) -> bool:
    return source.plugin == destination.plugin == "embedded"


def _group_table(group: GroupConfig) -> dict[str, Value]:
    members: list[Value] = [
        {"name": each.name, "url": each.url, "address": "0x" + each.address.hex(), "token_file": str(each.token_file)}
        for each in group.members
    ]
    return {"source": group.source, "destination": group.destination, "threshold": group.threshold, "members": members}
