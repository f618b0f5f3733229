"""`causeway packets`: which there are, why one waits and when it is tried again, and what may be done about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final

import typer

from relay.cli.api_client import ApiClient, open_api
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, OutFile, PacketId, examples
from relay.cli.output import print_json, print_line, print_table, show_numbers, show_time, write_file
from relay.config import Config, load_config
from relay.lifecycle import DeliveryKind, PacketLife

_PAGE_MAX: Final = 200  # what the API gives at once
_VALUE_SHOWN: Final = 120  # characters of a payload on a terminal; --json has all
_Reason = Annotated[str, typer.Option("--reason", help="Kept in the log, for whoever looks at it later.")]


def packets_app() -> typer.Typer:
    app = typer.Typer(help="Look at packets, and take one in hand.", no_args_is_help=True)
    app.command(
        "list",
        epilog=examples(
            "causeway packets list                      the newest 50",
            "causeway packets list --state sent --all   all that wait",
            "causeway packets list --resting            those that an operator has to look at",
            "causeway packets list --json | jq '.packets[].id'",
        ),
    )(list_some)
    app.command("show", epilog=examples("causeway packets show harbour.attestations-0~meadow.attestations-0:7"))(show)
    app.command("retry", epilog=examples("causeway packets retry LANE:7     look at it now, not at its next try"))(
        retry
    )
    app.command("quarantine", epilog=examples('causeway packets quarantine LANE:7 --reason "under dispute"'))(
        quarantine
    )
    app.command("release", epilog=examples("causeway packets release LANE:7   it is tried again, with a clean slate"))(
        release
    )
    app.command("discard", epilog=examples('causeway packets discard LANE:7 --reason "agreed with the sender"'))(
        discard
    )
    app.command(
        "bundle",
        epilog=examples(
            "causeway packets bundle LANE:7 > 7.bundle                       what convinced us that it was sent",
            "causeway packets bundle LANE:7 --kind acknowledge --out ack.bundle",
            "causeway verify 7.bundle --checkpoint-digest DIGEST             by anybody, anywhere",
        ),
    )(bundle)
    return app


def list_some(
    *,
    lane: Annotated[str | None, typer.Option("--lane", help="Only of this home lane.")] = None,
    state: Annotated[PacketLife | None, typer.Option("--state", help="Only those in this state.")] = None,
    resting: Annotated[bool, typer.Option("--resting", help="Only those with a delivery in quarantine.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 50,
    every: Annotated[bool, typer.Option("--all", help="All there are, page by page.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List packets, newest first, with what those that wait are waiting for."""
    if resting and (lane is not None or state is not None):
        raise typer.BadParameter("--resting lists all that rest: without --lane and --state")
    wanted = {"lane": lane, "state": None if state is None else state.value}
    query = {name: value for name, value in wanted.items() if value is not None}
    packets = asyncio.run(
        _list(load_config(config), "quarantine" if resting else "packets", query, None if every else limit)
    )
    if as_json:
        print_json({"packets": packets})
        return
    rows = [
        (each["id"], each["state"], show_time(each["seen_at"]), show_time(each["timeout"]), why_it_waits(each) or "–")
        for each in packets
    ]
    print_table("Packets", ("packet", "state", "seen", "timeout", "waits for"), rows, empty="no such packets")


async def _list(config: Config, what: str, query: Mapping[str, str], most: int | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with open_api(config) as api:
        async for page in _pages(api, what, query, most):
            found.extend(page)
            if most is not None and len(found) >= most:
                return found[:most]
    return found


async def _pages(
    api: ApiClient, what: str, query: Mapping[str, str], most: int | None
) -> AsyncIterator[list[dict[str, Any]]]:
    """By key set: a page follows from the last row of the one before, however many rows came in meanwhile."""
    before: int | None = None
    while True:
        size = _PAGE_MAX if most is None else min(most, _PAGE_MAX)
        turn = {} if before is None else {"before": str(before)}
        answer = await api.get("v1", what, query={**query, "limit": str(size), **turn})
        yield answer["packets"]
        before = answer["before"]
        if before is None:
            return


def show(packet: PacketId, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show a packet: its payloads, its timeline, and of each delivery why it waits and when it is tried again."""
    answer = asyncio.run(get_packet(load_config(config), packet))
    if as_json:
        print_json(answer)
        return
    print_line(f"packet  {answer['id']}\nstate   {answer['state']}\ntimeout {show_time(answer['timeout'])}")
    for each in answer["payloads"]:
        print_line(f"payload {each['source_port']} → {each['dest_port']}: {_value(each['value'])}")
    for each in answer["acknowledgements"]:
        print_line(f"answer  {each}")
    heights = [(each["event"], each["height"]) for each in answer["timeline"]]
    print_table("Timeline", ("event", "height"), heights, empty="seen, not final yet")
    rows = [
        (each["kind"], each["lane"], each["state"], _waits(each) or "–", show_time(each["next_try"]), each["failures"])
        for each in answer["deliveries"]
    ]
    columns = ("delivery", "lane", "state", "waits for", "next try", "failures")
    print_table("Deliveries", columns, rows, empty="no delivery is due")
    if answer["other_sightings"]:
        print_line(f"{len(answer['other_sightings'])} more packets were shown under this name: see --json")


async def get_packet(config: Config, packet: str) -> dict[str, Any]:
    async with open_api(config) as api:
        return await api.get("v1", "packets", packet)


def bundle(
    packet: PacketId,
    *,
    kind: Annotated[
        DeliveryKind, typer.Option("--kind", help="What it proves: sent (receive), received (acknowledge), or neither.")
    ] = DeliveryKind.RECEIVE,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", help="Start from this one, by its digest, instead of the newest.", metavar="HEX"),
    ] = None,
    out: OutFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write the evidence bundle of a packet: everything a stranger needs to verify it with `causeway verify`."""
    query = {"kind": kind.value} | ({} if checkpoint is None else {"checkpoint": checkpoint.lower()})
    write_file(asyncio.run(_download(load_config(config), packet, query)), out)


async def _download(config: Config, packet: str, query: Mapping[str, str]) -> bytes:
    async with open_api(config) as api:
        return await api.download("v1", "packets", packet, "bundle", query=query)


def retry(packet: PacketId, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Look at everything of the packet that waits at once."""
    answer = asyncio.run(_post(load_config(config), packet, "retry", None))
    if as_json:
        print_json(answer)
    else:
        woken = answer["woken"]
        print_line(f"{woken} deliveries are looked at now" if woken else "nothing of this packet waits")


def quarantine(
    packet: PacketId, *, reason: _Reason, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Let a packet rest until it is released or discarded. Its lane goes on."""
    _step(load_config(config), packet, "quarantine", reason, as_json=as_json)


def release(
    packet: PacketId, *, reason: _Reason = "", config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Try a packet again that rests in quarantine or was discarded."""
    _step(load_config(config), packet, "release", reason, as_json=as_json)


def discard(packet: PacketId, *, reason: _Reason, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Give a quarantined packet up: this relay does nothing more for it. Others still may."""
    _step(load_config(config), packet, "discard", reason, as_json=as_json)


def _step(config: Config, packet: str, action: str, reason: str, *, as_json: bool) -> None:
    answer = asyncio.run(_post(config, packet, action, {"reason": reason} if reason else None))
    if as_json:
        print_json(answer)
    else:
        print_line(f"{packet}: {action} done for {len(answer['changed'])} deliveries")


async def _post(config: Config, packet: str, action: str, body: object) -> dict[str, Any]:
    async with open_api(config) as api:
        return await api.post("v1", "packets", packet, action, body=body)


def why_it_waits(packet: Mapping[str, Any]) -> str:
    """In one line: of each delivery that has not ended the reason, its numbers, and the next try."""
    return "; ".join(f"{each['kind']}: {waits}" for each in packet["deliveries"] if (waits := _waits(each)))


def _waits(delivery: Mapping[str, Any]) -> str:
    if delivery["waits_for"] is None:
        return ""
    numbers = show_numbers(delivery["numbers"])
    return f"{delivery['waits_for']} ({numbers})" if numbers else str(delivery["waits_for"])


def _value(value: str) -> str:
    """As text where it is text."""
    try:
        shown = repr(bytes.fromhex(value).decode())
    except UnicodeDecodeError:
        shown = f"0x{value}"
    return shown if len(shown) <= _VALUE_SHOWN else f"{shown[: _VALUE_SHOWN - 1]}… ({len(value) // 2} bytes)"
