"""The HTTP server: routes, who may write, how much may be said at once, and the status page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

from aiohttp import web

from relay.api.access import token_middleware
from relay.api.bundles import Bundles
from relay.api.messages import Messages
from relay.api.packets import Packets
from relay.api.problems import problem_middleware
from relay.api.status import Status
from relay.pipeline.relay import Relay

_BODY_BYTES: Final = 256 * 1024  # a payload of 64 KiB in base64, with room for the rest
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",  # no default for these three
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_PAGES: Final = {
    "/": ("index.html", "text/html"),
    "/console.js": ("console.js", "text/javascript"),
    "/console.css": ("console.css", "text/css"),
}


def build_app(relay: Relay, *, token: str) -> web.Application:
    # Lanes may permit larger payloads; base64 takes a third more than the payload.
    largest = max((lane.policy.payload_bytes_max for lane in relay.shared.lanes), default=0)
    middlewares = [problem_middleware, token_middleware(token)]
    app = web.Application(middlewares=middlewares, client_max_size=max(_BODY_BYTES, 2 * largest))
    for part in (Messages(relay), Packets(relay), Bundles(relay), Status(relay)):
        app.add_routes(part.routes())
    app.add_routes([web.get(path, _page) for path in _PAGES])
    return app


async def _page(request: web.Request) -> web.Response:
    name, kind = _PAGES[request.path]
    body = files("relay.api").joinpath("console", name).read_bytes()
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=_PAGE_HEADERS)


@asynccontextmanager
async def serve(app: web.Application, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve until the context ends. port 0: a free one. Yields the address it can be reached at."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        yield f"http://{shown}:{bound[1]}"
    finally:
        await runner.cleanup()
