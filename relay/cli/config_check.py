"""`causeway config check`: is the configuration sound, and, with --live, is everything it names there and well?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from relay.cli.api_client import read_token
from relay.cli.opening import check_keys
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, examples
from relay.cli.outcome import CommandFailed, Exit
from relay.cli.output import print_json, print_line, print_table, show_time
from relay.config import Config, load_attestor_config, load_config
from relay.config.table import read_file
from relay.keys.keystore import KeyRefused
from relay.keys.secret import SecretRefused

if TYPE_CHECKING:
    from relay.cli.live_check import Report

CHECK_EPILOG: Final = examples(
    "causeway config check                       touches no network",
    "causeway config check --live                also asks every ledger, account, client and attestor",
    "causeway config check --config attestor.toml",
)


def check(
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Also ask everything that it names. Nothing is changed.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Check a relay's or an attestor's configuration: every mistake at once, by file and key."""
    if "attestor" in read_file(config).content:
        _check_attestor(config, live=live, as_json=as_json)
        return
    loaded = load_config(config)
    not_ready = _not_ready(loaded)
    if not live:
        _tell_sound(loaded, not_ready, as_json=as_json)
        return
    from relay.cli.live_check import look  # it asks as the running relay does, and loads all of it

    report = asyncio.run(look(loaded))
    if as_json:
        print_json({"file": str(config), "not_ready": not_ready, **report.as_json()})
    else:
        _tell_live(report)
        for line in not_ready:
            print_line(f"not ready: {line}")
    if not report.ok:
        raise CommandFailed("not everything is well", "the errors stand in the tables", Exit.UNREACHABLE)


def _check_attestor(config: ConfigFile, *, live: bool, as_json: bool) -> None:
    loaded = load_attestor_config(config)
    if live:
        raise CommandFailed("--live is for a relay's file", "causeway attest finds out by itself", Exit.USAGE)
    if as_json:
        print_json({"ok": True, "file": str(config), "attests": [each.ledger for each in loaded.attests]})
    else:
        print_line(f"{config}: sound; attests {', '.join(each.ledger for each in loaded.attests)}")


def _not_ready(config: Config) -> list[str]:
    """What the file names and the disk lacks: no mistake of the file, yet the relay will not start without."""
    members = [member for group in config.attestors for member in group.members]
    files = dict.fromkeys([config.api.token_file, *(member.token_file for member in members)])
    not_ready = []
    looks: list[Callable[[], object]] = [partial(check_keys, config), *(partial(read_token, file) for file in files)]
    for look_at in looks:
        try:
            look_at()
        except (KeyRefused, SecretRefused) as refusal:
            not_ready.append(str(refusal))
    return not_ready


def _tell_sound(config: Config, not_ready: Sequence[str], *, as_json: bool) -> None:
    counts = {"ledgers": len(config.ledgers), "links": len(config.links), "attestor_groups": len(config.attestors)}
    if as_json:
        print_json({"ok": True, "file": str(config.file), **counts, "not_ready": list(not_ready)})
        return
    said = f"{counts['ledgers']} ledgers, {counts['links']} links, {counts['attestor_groups']} attestor groups"
    print_line(f"{config.file}: sound; {said}")
    for line in not_ready:
        print_line(f"not ready: {line}")


def _tell_live(report: Report) -> None:
    _table("Ledgers", report.ledgers, ("ledger", "chain", "latest", "final", "final time", "trust"), _ledger_cells)
    _table("Accounts", report.accounts, ("ledger", "role", "key", "account", "balance", "state"), _account_cells)
    columns = ("lane", "client there", "family", "state", "counterparty", "signers", "expires")
    _table("Clients", report.clients, columns, _client_cells)
    names = ("source", "destination", "attestor", "url", "address")
    _table("Attestors", report.attestors, names, lambda row: [row[name] for name in names])


def _table(title: str, rows: Sequence[dict[str, Any]], columns: Sequence[str], cells: Any) -> None:
    if rows:
        shown = [(*cells(row), "ok" if row["ok"] else row["error"] or "not enough") for row in rows]
        print_table(title, (*columns, "check"), shown, empty="")


def _ledger_cells(row: dict[str, Any]) -> Sequence[object]:
    chain = row["identity"]["chain_id"] if row["ok"] else "–"
    heights = row.get("latest", "–"), row.get("final", "–"), show_time(row.get("final_time"))
    return row["ledger"], chain, *heights, f"{row['trust']}: {row['trust_shown']}"


def _account_cells(row: dict[str, Any]) -> Sequence[object]:
    return row["ledger"], row["role"], row["key"], row["account"] or "–", row["balance"] or "–", row["state"]


def _client_cells(row: dict[str, Any]) -> Sequence[object]:
    signers = f"{row['threshold']} of {len(row['signers'])}" if row.get("signers") else "–"
    expires = show_time(row.get("expires_at"))
    family, counterparty = row.get("family", "–"), row.get("counterparty", "–")
    return row["lane"], row["client"], family, row["state"], counterparty, signers, expires
