"""`causeway checkpoints`: where this relay's evidence bundles start from, to be published and compared."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from relay.cli.api_client import open_api
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, OutFile, examples
from relay.cli.output import print_json, print_table, show_time, write_file
from relay.config import Config, load_config


def checkpoints_app() -> typer.Typer:
    app = typer.Typer(
        help="Checkpoints that evidence bundles start from. Publish one digest per ledger, now and then: whoever holds "
        "it verifies every later bundle, and needs neither this relay nor its word.",
        no_args_is_help=True,
    )
    app.command("list", epilog=examples("causeway checkpoints list"))(list_all)
    app.command("save", epilog=examples("causeway checkpoints save 9f86d081… --out harbour.checkpoint"))(save)
    return app


def list_all(*, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List the checkpoints that are kept, newest first."""
    answer = asyncio.run(_get(load_config(config)))
    if as_json:
        print_json(answer)
        return
    rows = [
        (each["of"], each["family"], each["height"], show_time(each["kept_at"]), each["digest"])
        for each in answer["checkpoints"]
    ]
    empty = "none yet: they are kept as deliveries are verified"
    print_table("Checkpoints", ("of", "family", "height", "kept", "digest"), rows, empty=empty)


def save(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="As `causeway checkpoints list` shows it.")],
    *,
    out: OutFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write a checkpoint to a file that `causeway verify --checkpoint` takes."""
    write_file(asyncio.run(_download(load_config(config), digest)), out)


async def _get(config: Config) -> dict[str, Any]:
    async with open_api(config) as api:
        return await api.get("v1", "checkpoints")


async def _download(config: Config, digest: str) -> bytes:
    async with open_api(config) as api:
        return await api.download("v1", "checkpoints", digest.lower())
