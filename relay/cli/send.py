"""`causeway send`: hand the relay a message, and, if wanted, stay until its packet ends."""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from proofs.commitment import UNIVERSAL_ERROR_ACKNOWLEDGEMENT
from relay.cli.api_client import ApiClient, open_api
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, LaneName, examples
from relay.cli.outcome import CommandFailed, Exit
from relay.cli.output import note, print_json, print_line, show_time
from relay.cli.packets import why_it_waits
from relay.config import Config, load_config
from relay.lifecycle import LIFE_ENDED, PacketLife

_LOOK_SECONDS: Final = 0.5
_VALUE_BYTES_MAX: Final = 1 << 20  # the most that a lane may permit; the relay knows what this one does

SEND_EPILOG: Final = examples(
    'causeway send harbour.attestations-0~meadow.attestations-0 --text "hello"',
    "causeway send LANE --port invoices --value-file invoice.pdf --timeout-seconds 3600 --wait",
    "causeway send LANE --base64 aGVsbG8= --key order-4711",
    "The same --key twice is one packet: after a doubt, send again with the key that was printed.",
    "With --wait: 0 when it was acknowledged, 1 when it failed, timed out, or the application there refused it.",
)


@dataclass(frozen=True, slots=True)
class _Wish:
    lane: str
    port: str | None
    value: bytes
    timeout_seconds: int
    key: str


def send(
    lane: LaneName,
    *,
    port: Annotated[
        str | None,
        typer.Option("--port", help="The application's port on the destination.", show_default="its mailbox"),
    ] = None,
    timeout_seconds: Annotated[
        int, typer.Option("--timeout-seconds", help="How long it may take; later it is timed out, provably.")
    ] = 600,
    text: Annotated[str | None, typer.Option("--text", help="The value, as text.")] = None,
    value_file: Annotated[Path | None, typer.Option("--value-file", help="The value, from a file.")] = None,
    base64_: Annotated[str | None, typer.Option("--base64", help="The value, in base64.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Idempotency key; one is made where none is given.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until the packet ends, and say why it waits.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Send a message over a lane, through the running relay and the ledger's send account."""
    value = _value(text, value_file, base64_)
    loaded = load_config(config)
    wish = _Wish(lane, port, value, timeout_seconds, key or f"cli-{secrets.token_hex(16)}")
    if key is None:
        note(f"idempotency key: {wish.key}")
    result = asyncio.run(_send(loaded, wish, wait=wait))
    if as_json:
        print_json(result)
    else:
        _tell(result)
    if (why := _failure(result)) is not None:
        raise CommandFailed(why)


def _value(text: str | None, file: Path | None, encoded: str | None) -> bytes:
    if sum(each is not None for each in (text, file, encoded)) != 1:
        raise CommandFailed("the value is missing or given twice", "one of --text, --value-file, --base64", Exit.USAGE)
    if text is not None:
        value = text.encode(errors="surrogateescape")  # as it was typed, also where the terminal speaks no UTF-8
    elif file is not None:
        with file.open("rb") as opened:
            value = opened.read(_VALUE_BYTES_MAX + 1)
    else:
        try:
            value = base64.b64decode(encoded or "", validate=True)
        except (binascii.Error, ValueError):
            raise CommandFailed("--base64: got something else, expected base64", code=Exit.USAGE) from None
    if len(value) > _VALUE_BYTES_MAX:
        raise CommandFailed(f"the value is larger than {_VALUE_BYTES_MAX} bytes: no lane takes it", code=Exit.USAGE)
    return value


async def _send(config: Config, wish: _Wish, *, wait: bool) -> dict[str, Any]:
    body: dict[str, str | int] = {
        "lane": wish.lane,
        "value": base64.b64encode(wish.value).decode(),
        "timeout_seconds": wish.timeout_seconds,
    }
    if wish.port is not None:
        body["port"] = wish.port
    async with open_api(config) as api:
        message = await api.post("v1", "messages", body=body, headers={"Idempotency-Key": wish.key})
        return await _follow(api, message) if wait else {"message": message}


async def _follow(api: ApiClient, message: dict[str, Any]) -> dict[str, Any]:
    """Until it failed or its packet ended. Every packet ends: by its timeout at the latest."""
    said = ""
    while message["state"] in ("stored", "in_flight"):
        said = _say(f"message {message['state']}: {message['detail']}".rstrip(": "), said)
        await asyncio.sleep(_LOOK_SECONDS)
        message = await api.get("v1", "messages", message["key"])
    if message["packet"] is None:
        return {"message": message}
    packet = await api.get("v1", "packets", message["packet"])
    while packet["state"] not in LIFE_ENDED:
        said = _say(f"packet {packet['state']}; waits for {why_it_waits(packet) or 'the next block'}", said)
        await asyncio.sleep(_LOOK_SECONDS)
        packet = await api.get("v1", "packets", message["packet"])
    return {"message": message, "packet": packet}


def _say(line: str, said: str) -> str:
    """Each news once, beside the result."""
    if line != said:
        note(line)
    return line


def _tell(result: dict[str, Any]) -> None:
    message, packet = result["message"], result.get("packet")
    print_line(f"message {message['key']}\nstate   {message['state']}\nlane    {message['lane']}")
    print_line(f"timeout {show_time(message['timeout'])}")
    if message["detail"]:
        print_line(f"detail  {message['detail']}")
    if message["packet"]:
        print_line(f"packet  {message['packet']}" + (f" {packet['state']}" if packet else ""))


def _failure(result: dict[str, Any]) -> str | None:
    message, packet = result["message"], result.get("packet")
    if message["state"] == "failed":
        return f"the message was not sent: {message['detail']}"
    if packet is None:
        return None
    if packet["state"] == PacketLife.TIMED_OUT:
        return "the packet timed out: it was not received, and provably so"
    if UNIVERSAL_ERROR_ACKNOWLEDGEMENT.hex() in packet["acknowledgements"]:
        return "the application on the destination refused the packet"
    return None
