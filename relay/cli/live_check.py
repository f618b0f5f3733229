"""Asking everything that a configuration names: ledgers, accounts, clients of links, attestors. Nothing is changed."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

from adapters.contract.errors import LedgerError
from adapters.contract.ledger import Destination, Head, Ledger, LedgerIdentity
from proofs.errors import VerificationError
from relay.app import expected_client
from relay.attestor.client import AttestorClient
from relay.attestor.quorum import AttestorGroup
from relay.cli.opening import open_ledger
from relay.config import Config, GroupConfig, LedgerConfig, MemberConfig
from relay.keys.keystore import KeyRefused, read_key
from relay.keys.secret import SecretRefused, secret_from_file
from relay.lanes import Lane
from relay.pipeline.lane_health import LaneHealth, Trouble

_ROLES = ("fee", "send", "setup")


@dataclass(frozen=True, slots=True)
class Seen:
    """A ledger that answered."""

    ledger: Ledger
    identity: LedgerIdentity
    head: Head


@dataclass(slots=True)
class Report:
    """Rows as they are shown and printed. ok: nothing stands in the way of work."""

    ledgers: list[dict[str, Any]] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    clients: list[dict[str, Any]] = field(default_factory=list)
    attestors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(row["ok"] for rows in (self.ledgers, self.accounts, self.clients, self.attestors) for row in rows)

    def as_json(self) -> dict[str, object]:
        return {"ok": self.ok, **asdict(self)}


async def look(config: Config) -> Report:
    """One ledger's trouble is its row's, and does not keep the others from being asked."""
    report = Report()
    seen: dict[str, Seen] = {}
    async with AsyncExitStack() as stack:
        for name, table in config.ledgers.items():
            ledger = await stack.enter_async_context(open_ledger(table))
            row, answered = await _ledger_row(config, name, ledger)
            report.ledgers.append(row)
            if answered is not None:
                seen[name] = answered
                report.accounts.extend(await _account_rows(config, table, answered))
        for lane in config.lanes():
            if lane.destination in seen:
                report.clients.append(await _client_row(config, lane, seen[lane.destination]))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for group in config.attestors:
            if group.source in seen:
                rows = (_attestor_row(config, group, member, seen[group.source], session) for member in group.members)
                report.attestors.extend(await asyncio.gather(*rows))
    return report


async def _ledger_row(config: Config, name: str, ledger: Ledger) -> tuple[dict[str, Any], Seen | None]:
    row: dict[str, Any] = {"ledger": name, "ok": False, "trust": ledger.trust, "trust_shown": ledger.trust_shown}
    if ledger.destination is None:
        return row | {"error": f"no host is configured: causeway ledger deploy {name}"}, None
    limit = config.limits.endpoint_timeout_seconds
    try:
        async with asyncio.timeout(2 * limit):
            identity, head = await ledger.source.identity(), await ledger.source.head()
            client = await ledger.bootstrap()
    except TimeoutError:
        return row | {"error": f"no answer within {2 * limit:g} s"}, None
    except (LedgerError, VerificationError) as trouble:
        return row | {"error": str(trouble)}, None
    row |= {
        "ok": True,
        "identity": asdict(identity),
        "latest": head.latest.number,
        "final": head.final.number,
        "final_time": head.final_time,
        "checkpoint": client.latest().number,
        "error": "",
    }
    return row, Seen(ledger, identity, head)


async def _account_rows(config: Config, table: LedgerConfig, seen: Seen) -> list[dict[str, Any]]:
    destination = seen.ledger.destination
    assert destination is not None, "a ledger that was seen has a host"
    names = {role: getattr(table.accounts, role) for role in _ROLES}
    return [
        await _account_row(config, table, destination, role=role, key=name)
        for role, name in names.items()
        if name is not None
    ]


async def _account_row(
    config: Config, table: LedgerConfig, destination: Destination, *, role: str, key: str
) -> dict[str, Any]:
    """Low: it could not pay for one transaction at the price that the budget permits."""
    row: dict[str, Any] = {"ledger": table.name, "role": role, "key": key, "ok": False}
    try:
        account = destination.account_of(read_key(config.keys.folder, key).public_key)
        balance = (await destination.account(account)).balance
    except (KeyRefused, LedgerError) as trouble:
        return row | {"account": None, "balance": None, "state": "unknown", "error": str(trouble)}
    enough = balance >= table.budget.fee_per_transaction
    state = "ok" if enough else "low" if balance else "empty"
    # As text: balances count beyond what other programs' numbers hold.
    needed = str(table.budget.fee_per_transaction)
    return row | {
        "ok": enough,
        "account": account,
        "balance": str(balance),
        "needed": needed,
        "state": state,
        "error": "",
    }


async def _client_row(config: Config, lane: Lane, seen: Seen) -> dict[str, Any]:
    """Judged as the running relay would: the same code says what it would wait for."""
    destination = seen.ledger.destination
    assert destination is not None, "a ledger that was seen has a host"
    row: dict[str, Any] = {"lane": lane.id, "ledger": lane.destination, "client": lane.dest_client, "ok": False}
    expected = expected_client(config.group(source=lane.source, destination=lane.destination))
    health = LaneHealth(lane, destination, expected, config.limits.pipeline(), time.time)
    try:
        (client,) = await destination.clients([lane.dest_client])
    except LedgerError as trouble:
        return row | {"state": "unknown", "error": str(trouble)}
    row |= {
        "family": client.family,
        "variant": client.variant,
        "state": client.state,
        "latest": client.latest.number,
        "expires_at": client.expires_at,
        "counterparty": client.counterparty,
        "signers": [f"0x{each.hex()}" for each in client.signers],
        "threshold": client.threshold,
    }
    judged = await health.look()
    if isinstance(judged, Trouble):
        numbers = ", ".join(f"{name} {value}" for name, value in judged.numbers.items())
        return row | {"error": f"{judged.reason}: {numbers}"}
    return row | {"ok": True, "error": ""}


async def _attestor_row(
    config: Config, group: GroupConfig, member: MemberConfig, seen: Seen, session: aiohttp.ClientSession
) -> dict[str, Any]:
    """It is asked for what it exists for, a signature, and that must be of the configured address."""
    row: dict[str, Any] = {
        "source": group.source,
        "destination": group.destination,
        "attestor": member.name,
        "url": member.url,
    }
    row |= {"address": f"0x{member.address.hex()}", "ok": False}
    try:
        token = secret_from_file(member.token_file)
    except SecretRefused as refusal:
        return row | {"error": str(refusal)}
    timeout = config.limits.attestor_timeout_seconds
    client = AttestorClient(member.name, member.url, member.address, token, session, timeout)
    alone = AttestorGroup(group.source, seen.identity.chain_id, seen.identity.host, group.variant, 1, (client,))
    quorum = await alone.gather(height=seen.head.final, timestamp=seen.head.final_time, claims=())
    return row | {"ok": not quorum.reasons, "error": quorum.reasons.get(member.name, "")}
