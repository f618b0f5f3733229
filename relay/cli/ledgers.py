"""`causeway ledgers` and `causeway ledger deploy`: what the relay follows, and putting a host on a ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from relay.cli.api_client import open_api
from relay.cli.opening import ledger_table, open_ledger, setup_signer
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, examples
from relay.cli.outcome import CommandFailed
from relay.cli.output import note, print_json, print_line, print_table, show_time
from relay.config import Config, load_config
from relay.config.toml import write_toml

LEDGERS_EPILOG: Final = examples("causeway ledgers", "causeway ledgers --json")
_DEPLOY_EPILOG: Final = examples(
    "causeway ledger deploy harbour       prints the settings to add to its table",
    "Ledgers that bring their host with them have nothing to deploy.",
)


def ledger_app() -> typer.Typer:
    app = typer.Typer(help="Set up a ledger.", no_args_is_help=True)
    # With one command only, typer would make it the group itself.
    app.callback()(_group)
    app.command("deploy", epilog=_DEPLOY_EPILOG)(deploy)
    return app


def _group() -> None:
    """Set up a ledger."""


def deploy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A ledger, as the configuration names it.")],
    *,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Deploy host and mailbox with the ledger's setup key, and print the settings that name them.

    The configuration is not edited: the settings say what you from then on rely on, so you put them there.
    """
    loaded = load_config(config)
    settings = asyncio.run(_deploy(loaded, name))
    if as_json:
        print_json({"ledger": name, "settings": settings})
    elif settings:
        note(f"add this to {config}; keys that are there already are replaced by it:")
        print_line(write_toml({"ledgers": {name: dict(settings)}}).rstrip())
    else:
        print_line(f"{name} brings its host with it: there is nothing to deploy, and nothing to add")


async def _deploy(config: Config, name: str) -> Mapping[str, Any]:
    table = ledger_table(config, name)
    async with open_ledger(table) as ledger:
        if ledger.setup is None:
            raise CommandFailed(f"ledger {name} cannot be set up by its plugin {table.plugin}")
        return await ledger.setup.deploy_host(await setup_signer(config, table))


def ledgers(*, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the ledgers of the running relay: how they are, how far they were read, and what is trusted."""
    answer = asyncio.run(_ledgers(load_config(config)))
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            each["name"],
            each["state"],
            "–" if each["latest"] is None else each["latest"],
            "–" if each["final"] is None else each["final"],
            show_time(each["final_time"] or None),
            f"{each['trust']}: {each['trust_shown']}",
            each["error"] or "–",
        )
        for each in answer["ledgers"]
    ]
    columns = ("ledger", "state", "latest", "final", "final time", "trust", "error")
    print_table("Ledgers", columns, rows, empty="the relay follows no ledger: add [ledgers.*] to its configuration")


async def _ledgers(config: Config) -> dict[str, Any]:
    async with open_api(config) as api:
        return await api.get("v1", "ledgers")
