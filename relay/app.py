"""The composition root: the one place that knows every part. From a configuration to a running relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp

from adapters.contract.ledger import Clock, Ledger, Signer
from adapters.contract.plugin import load_plugin
from proofs.light_client import Claim, Height
from relay.api.server import build_app, serve
from relay.attestor.client import AttestorClient
from relay.attestor.quorum import AttestorGroup, Quorum
from relay.config import Config, GroupConfig, LedgerConfig
from relay.keys.keystore import read_key
from relay.keys.secret import Secret, secret_from_file
from relay.lanes import Lane, LaneId, Lanes
from relay.pipeline.lane_health import Expected
from relay.pipeline.relay import Relay, assemble
from relay.pipeline.runtime import Accounts, LedgerRuntime, Shared
from relay.store.database import open_sqlite


async def run_relay(
    config: Config, *, clock: Clock, chance: Random, passphrase: Secret, started: Callable[[str], None]
) -> None:
    """Run until cancelled. started: told the address once the API answers.

    Raises StoreInUse, KeyRefused, SecretRefused before anything is signed.
    """
    token = secret_from_file(config.api.token_file)
    async with open_relay(config, clock=clock, chance=chance, passphrase=passphrase) as relay:
        app = build_app(relay, token=token.reveal().decode())
        async with serve(app, host=config.api.host, port=config.api.port) as address:
            started(address)
            await relay.run()


@asynccontextmanager
async def open_relay(config: Config, *, clock: Clock, chance: Random, passphrase: Secret) -> AsyncIterator[Relay]:
    """Everything a relay holds open, closed in reverse order. Nothing runs yet."""
    async with AsyncExitStack() as stack:
        database = stack.enter_context(await asyncio.to_thread(open_sqlite, config.relay.data_dir / "relay.db"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        lanes = Lanes(config.lanes())
        shared = Shared(database, lanes, config.limits.pipeline(), clock, chance, in_thread, config.bundles.keeping())
        runtimes = {}
        for name, table in config.ledgers.items():
            opened = load_plugin(table.plugin).open(table.settings, clock=clock, chance=chance)
            ledger = await stack.enter_async_context(opened)
            accounts = await unlock_accounts(config, table, lanes, passphrase)
            runtimes[name] = LedgerRuntime(name, ledger, accounts, shared)
        found = {lane.id: config.group(source=lane.source, destination=lane.destination) for lane in lanes}
        groups = {lane_id: group for lane_id, group in found.items() if group is not None}
        yield await assemble(
            runtimes,
            shared,
            expected={lane.id: expected_client(groups.get(lane.id)) for lane in lanes},
            attestors={
                lane_id: attestors_of(config, group, runtimes[group.source].ledger, session)
                for lane_id, group in groups.items()
            },
            paused=config.paused_lanes(),
        )


async def in_thread(call: Callable[[], object]) -> object:
    """Checks full of signatures leave the event loop: their libraries release the interpreter's lock."""
    return await asyncio.to_thread(call)


def expected_client(group: GroupConfig | None) -> Expected:
    """What the client on a lane's destination must be: this quorum, or one that verifies by itself."""
    if group is None:
        return Expected()
    return Expected("attestation", frozenset(member.address for member in group.members), group.threshold)


@dataclass(slots=True)
class LedgersAttestors:
    """A group of attestors, once its source ledger has said who it is: it may be out of reach when we start."""

    ledger: Ledger
    build: Callable[[str, str], AttestorGroup]
    _group: AttestorGroup | None = None

    async def gather(self, *, height: Height, timestamp: int, claims: Sequence[Claim]) -> Quorum:
        if self._group is None:
            identity = await self.ledger.source.identity()
            self._group = self.build(identity.chain_id, identity.host)
        return await self._group.gather(height=height, timestamp=timestamp, claims=claims)


def attestors_of(
    config: Config, group: GroupConfig, ledger: Ledger, session: aiohttp.ClientSession
) -> LedgersAttestors:
    members = tuple(
        AttestorClient(
            member.name,
            member.url,
            member.address,
            secret_from_file(member.token_file),
            session,
            config.limits.attestor_timeout_seconds,
        )
        for member in group.members
    )

    def build(chain_id: str, host: str) -> AttestorGroup:
        grace = config.limits.attestor_grace_seconds
        return AttestorGroup(group.source, chain_id, host, group.variant, group.threshold, members, grace)

    return LedgersAttestors(ledger, build)


async def unlock_accounts(config: Config, table: LedgerConfig, lanes: Lanes, passphrase: Secret) -> Accounts:
    """The fee and send keys of one ledger. The setup key is none of the relay's."""
    folder, names = config.keys.folder, table.accounts
    return Accounts(
        fee=await unlock(folder, names.fee, passphrase),
        send=await unlock(folder, names.send, passphrase),
        fee_per_transaction=table.budget.fee_per_transaction,
        fee_per_day=table.budget.fee_per_day,
        lane_per_day=_lane_budgets(lanes.entering(table.name)),
    )


def _lane_budgets(lanes: Sequence[Lane]) -> dict[LaneId, int]:
    return {lane.id: lane.policy.fee_per_day for lane in lanes if lane.policy.fee_per_day is not None}


async def unlock(folder: Path, name: str | None, passphrase: Secret) -> Signer | None:
    """A key by its name; opening it costs memory and time on purpose, so it leaves the event loop."""
    if name is None:
        return None
    return await asyncio.to_thread(lambda: read_key(folder, name).unlock(passphrase))
