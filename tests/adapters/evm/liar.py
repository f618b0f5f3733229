"""An endpoint in front of a real node that lies about one thing at a time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import aiohttp
from aiohttp import web

from tests.nodes.anvil import AnvilNode

# (method, params, honest reply) -> the reply that is given
Lie: TypeAlias = Callable[[str, list[Any], dict[str, Any]], dict[str, Any]]


def honest(method: str, params: list[Any], reply: dict[str, Any]) -> dict[str, Any]:
    return reply


@dataclass(slots=True)
class Liar:
    """lie: changes single replies. whole: answers a request by itself, instead of the node. asked: methods so far."""

    url: str
    lie: Lie = honest
    whole: Callable[[], web.Response] | None = None
    asked: list[str] = field(default_factory=list)

    def about(self, method: str, change: Callable[[Any], Any]) -> None:
        """Change the results of one method."""

        def lie(asked: str, params: list[Any], reply: dict[str, Any]) -> dict[str, Any]:
            return reply | {"result": change(reply["result"])} if asked == method and "result" in reply else reply

        self.lie = lie

    def refuse(self, method: str, code: int, message: str, *, when: Callable[[list[Any]], bool] = bool) -> None:
        """Answer one method with an error object, under HTTP status 200."""

        def lie(asked: str, params: list[Any], reply: dict[str, Any]) -> dict[str, Any]:
            if asked != method or not when(params):
                return reply
            return {"jsonrpc": "2.0", "id": reply["id"], "error": {"code": code, "message": message}}

        self.lie = lie


@asynccontextmanager
async def liar(node: AnvilNode) -> AsyncIterator[Liar]:
    told = Liar("")

    async with aiohttp.ClientSession() as session:

        async def answer(request: web.Request) -> web.Response:
            asked = json.loads(await request.read())
            calls = asked if isinstance(asked, list) else [asked]
            told.asked += [call["method"] for call in calls]
            if told.whole is not None:
                return told.whole()
            async with session.post(node.url, json=asked) as upstream:
                replies = await upstream.json()
            by_id = {reply["id"]: reply for reply in (replies if isinstance(replies, list) else [replies])}
            changed = [told.lie(call["method"], call["params"], by_id[call["id"]]) for call in calls]
            return web.json_response(changed if isinstance(asked, list) else changed[0])

        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            told.url = f"http://127.0.0.1:{port}/with-a-secret-key"
            yield told
        finally:
            await runner.cleanup()
