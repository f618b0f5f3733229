"""`causeway lanes`: the directions of all links, their counters, and the switch that rests one."""

from __future__ import annotations

import asyncio
from typing import Any

import typer

from relay.cli.api_client import open_api
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, LaneName, examples
from relay.cli.output import print_json, print_line, print_table
from relay.config import Config, load_config


def lanes_app() -> typer.Typer:
    app = typer.Typer(help="Look at lanes, pause and resume them.", no_args_is_help=True)
    app.command("list", epilog=examples("causeway lanes list"))(list_all)
    app.command("pause", epilog=examples("causeway lanes pause harbour.attestations-0~meadow.attestations-0"))(pause)
    app.command("resume", epilog=examples("causeway lanes resume harbour.attestations-0~meadow.attestations-0"))(resume)
    return app


def list_all(*, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List lanes with what they did and what each side trusts."""
    answer = asyncio.run(_get(load_config(config)))
    if as_json:
        print_json(answer)
        return
    counted = ("found", "open", "quarantined", "done", "moot", "refuted", "abandoned")
    rows = [
        (each["id"], "paused" if each["paused"] else "on", *(each[name] for name in counted), _trust(each))
        for each in answer["lanes"]
    ]
    empty = "no lanes: causeway link create joins two ledgers"
    print_table("Lanes", ("lane", "is", *counted, "trust"), rows, empty=empty)


def pause(lane: LaneName, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Rest a lane: nothing new is submitted on it; what is in flight ends."""
    _switch(config=load_config(config), lane=lane, to="pause", as_json=as_json)


def resume(lane: LaneName, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Let a paused lane go on."""
    _switch(config=load_config(config), lane=lane, to="resume", as_json=as_json)


def _switch(*, config: Config, lane: str, to: str, as_json: bool) -> None:
    answer = asyncio.run(_post(config, lane, to))
    if as_json:
        print_json(answer)
    else:
        print_line(f"{answer['lane']} is {'paused' if answer['paused'] else 'on'}")


async def _get(config: Config) -> dict[str, Any]:
    async with open_api(config) as api:
        return await api.get("v1", "lanes")


async def _post(config: Config, lane: str, to: str) -> dict[str, Any]:
    async with open_api(config) as api:
        return await api.post("v1", "lanes", lane, to)


def _trust(lane: dict[str, Any]) -> str:
    """What we believe of the source, and what the destination believes of it. A lane of old has neither."""
    if (trust := lane.get("trust")) is None:
        return "no longer configured"
    there = f"{trust['threshold']} of {trust['attestors']} attestors" if trust["attestors"] else trust["client"]
    return f"we: {trust['ours_shown']}; {lane['destination']}: {there}"
