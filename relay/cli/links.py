"""`causeway link`: join two ledgers by a client of each on the other, and write down the link."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.opening import ledger_table, open_ledger, setup_signer
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, examples
from relay.cli.outcome import CommandFailed, Exit
from relay.cli.output import note, print_json, print_line, print_table
from relay.config import Config, ConfigRefused, load_config
from relay.config.toml import write_toml
from relay.keys.durable import write_durably
from relay.linking import CannotLink, End, create_link

_PLACEHOLDER = ("placeholder-0", "placeholder-1")
_Ledger = Annotated[str, typer.Argument(help="A ledger, as the configuration names it.")]


def link_app() -> typer.Typer:
    app = typer.Typer(help="Join two ledgers, and list what is joined.", no_args_is_help=True)
    app.command(
        "create",
        epilog=examples(
            "causeway link create harbour meadow            prints the table to add",
            "causeway link create harbour meadow --append   adds it to the end of the configuration",
        ),
    )(create)
    app.command("list", epilog=examples("causeway link list"))(list_all)
    return app


def create(
    a: _Ledger,
    b: _Ledger,
    *,
    append: Annotated[bool, typer.Option("--append", help="Add the table to the end of the configuration.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also where the two are linked already.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Create a client of each ledger on the other, with the setup keys of both.

    Where a host can verify the other ledger by itself, its client does; otherwise it is a quorum of the attestors
    configured for that direction.
    """
    loaded = load_config(config)
    _check_wish(loaded, a, b, again=again)
    if append:
        _check_appendable(config, a, b)
    client_a, client_b = asyncio.run(_create(loaded, a, b))
    table = link_table(a, client_a, b, client_b)
    appended = append and _append(config, table)
    if as_json:
        ends = {"a": {"ledger": a, "client": client_a}, "b": {"ledger": b, "client": client_b}}
        print_json(ends | {"toml": table, "appended": appended})
    else:
        print_line(table.rstrip())
        note(f"added to {config}: start the relay again" if appended else f"add this to {config}")
    if append and not appended:
        raise CommandFailed(f"{config} was changed meanwhile, or cannot be written: add the table by hand")


def _check_wish(config: Config, a: str, b: str, *, again: bool) -> None:
    """Before anything is paid for."""
    if a == b:
        raise CommandFailed(f"{a} cannot be linked to itself", code=Exit.USAGE)
    ledger_table(config, a)
    ledger_table(config, b)
    linked = any({link.a.ledger, link.b.ledger} == {a, b} for link in config.links)
    if linked and not again:
        hint = "causeway link list shows the link; --again makes another pair of clients"
        raise CommandFailed(f"{a} and {b} are linked already", hint, Exit.USAGE)


async def _create(config: Config, a: str, b: str) -> tuple[str, str]:
    tables = ledger_table(config, a), ledger_table(config, b)
    async with open_ledger(tables[0]) as ledger_a, open_ledger(tables[1]) as ledger_b:
        for name, ledger in ((a, ledger_a), (b, ledger_b)):
            if ledger.setup is None or ledger.destination is None:
                hint = f"causeway ledger deploy {name} puts a host there"
                raise CommandFailed(f"ledger {name} has no host to create a client on", hint, Exit.USAGE)
        groups = {(group.source, group.destination): group for group in config.attestors}
        end_a = End(a, ledger_a, await setup_signer(config, tables[0]), groups.get((b, a)))
        end_b = End(b, ledger_b, await setup_signer(config, tables[1]), groups.get((a, b)))
        try:
            return await create_link(end_a, end_b)
        except CannotLink as why:
            hint = f"add [[attestors]] with source = {why.source!r} and destination = {why.destination!r}"
            raise CommandFailed(str(why), hint, Exit.USAGE) from None


def link_table(a: str, client_a: str, b: str, client_b: str) -> str:
    return write_toml({"links": [{"a": {"ledger": a, "client": client_a}, "b": {"ledger": b, "client": client_b}}]})


def _check_appendable(config: Path, a: str, b: str) -> None:
    """That the file takes such a table is found out before clients are paid for. Raises ConfigRefused."""
    _validated(config, link_table(a, _PLACEHOLDER[0], b, _PLACEHOLDER[1]))


def _append(config: Path, table: str) -> bool:
    """Every byte of the file stays; the table follows. Whether the file, read again, took it.

    The clients are paid for by now: whatever hinders the writing, the table has still to be printed.
    """
    try:
        content = _validated(config, table)
        # A file that is a link keeps being one.
        target = config.resolve()
        write_durably(target, content, mode=stat.S_IMODE(target.stat().st_mode))
    except (ConfigRefused, OSError):
        return False
    return True


def _validated(config: Path, table: str) -> bytes:
    """The content with the table, once it was read as a configuration: beside the file, for its relative paths."""
    before = config.read_bytes()
    content = before + (b"" if before.endswith(b"\n") else b"\n") + b"\n" + table.encode()
    draft = config.with_name(f".{config.name}.{secrets.token_hex(4)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        load_config(draft)
    finally:
        draft.unlink(missing_ok=True)
    return content


def list_all(*, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the links of the configuration with their clients and lanes."""
    loaded = load_config(config)
    links = [
        {
            "a": {"ledger": link.a.ledger, "client": link.a.client},
            "b": {"ledger": link.b.ledger, "client": link.b.client},
        }
        for link in loaded.links
    ]
    lanes = [str(lane.id) for lane in loaded.lanes()]
    if as_json:
        print_json({"links": [link | {"lanes": lanes[2 * i : 2 * i + 2]} for i, link in enumerate(links)]})
        return
    rows = [
        (link.a.ledger, link.a.client, link.b.ledger, link.b.client, "\n".join(lanes[2 * i : 2 * i + 2]))
        for i, link in enumerate(loaded.links)
    ]
    empty = "no links: causeway link create A B makes one"
    print_table("Links", ("ledger", "client there", "ledger", "client there", "lanes"), rows, empty=empty)
