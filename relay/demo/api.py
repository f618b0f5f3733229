"""The demo as a client of the relay: nothing here knows more than any dApp or dashboard does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from relay.keys.secret import Secret

PAGE: Final = 200
_SAMPLE: Final = re.compile(r"^(\w+)(?:\{[^}]*\})? ([0-9.eE+-]+)$", re.MULTILINE)


@dataclass(eq=False)
class ApiRefused(Exception):
    status: int
    said: str

    def __str__(self) -> str:
        return f"the relay answered {self.status}: {self.said[:300]}"


@dataclass(frozen=True, slots=True)
class Api:
    session: aiohttp.ClientSession
    address: str
    token: Secret

    async def send(self, lane: str, *, port: str, text: str, key: str, timeout_seconds: int) -> None:
        """Raises ApiRefused."""
        body = {"lane": lane, "port": port, "text": text, "timeout_seconds": timeout_seconds}
        headers = {"Authorization": f"Bearer {self.token.reveal().decode()}", "Idempotency-Key": key}
        async with self.session.post(f"{self.address}/v1/messages", data=orjson.dumps(body), headers=headers) as answer:
            if answer.status != 202:
                raise ApiRefused(answer.status, await answer.text())

    async def ledgers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._get("/v1/ledgers"))["ledgers"]
        return found

    async def lanes(self) -> dict[str, dict[str, Any]]:
        return {lane["id"]: lane for lane in (await self._get("/v1/lanes"))["lanes"]}

    async def packets(self, lane: str, *, after: int = 0) -> list[dict[str, Any]]:
        """Packets of a lane with a sequence above `after`, newest first, page by page."""
        found: list[dict[str, Any]] = []
        before: int | None = None
        while True:
            page = await self._get(f"/v1/packets?lane={lane}&limit={PAGE}" + (f"&before={before}" if before else ""))
            found += [each for each in page["packets"] if each["sequence"] > after]
            before = page["before"]
            if before is None or any(each["sequence"] <= after for each in page["packets"]):
                return found

    async def metric(self, name: str) -> float:
        """The sum of a counter over all its labels."""
        async with self.session.get(f"{self.address}/metrics") as answer:
            text = await answer.text()
        return sum(float(value) for found, value in _SAMPLE.findall(text) if found == name)

    async def _get(self, path: str) -> Mapping[str, Any]:
        async with self.session.get(self.address + path) as answer:
            content = await answer.read()
            if answer.status != 200:
                raise ApiRefused(answer.status, content.decode(errors="replace"))
            read: Mapping[str, Any] = orjson.loads(content)
            return read
