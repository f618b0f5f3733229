"""Errors as RFC 9457 problems: what was wrong, what was expected, and nothing that an answer must not hold."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(eq=False)
class Problem(Exception):
    """kind: a short stable name a program can act on. extra: more members of the problem object."""

    status: int
    kind: str
    title: str
    detail: str = ""
    extra: dict[str, object] = field(default_factory=dict)

    def response(self) -> web.Response:
        body: dict[str, Any] = {"type": f"urn:causeway:problem:{self.kind}", "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        content = msgspec.json.encode(body | self.extra)
        return web.Response(body=content, status=self.status, content_type="application/problem+json", headers=headers)


def bad_request(field_name: str, got: object, expected: str) -> Problem:
    seen = shown(got)
    return Problem(
        400,
        "invalid-request",
        f"{field_name} is not valid",
        f"got {seen!r}, expected {expected}",
        {"field": field_name, "got": seen, "expected": expected},
    )


def not_found(what: str, name: str, hint: str = "") -> Problem:
    seen = shown(name)
    return Problem(404, "not-found", f"no such {what}", f"{what} {seen!r} is not known{hint}", {what: seen})


def shown(value: object) -> str | int:
    """What a caller sent, bounded, and sayable in JSON: a header or an address may hold bytes that are no text."""
    if isinstance(value, int) and abs(value) < 1 << 53:
        return value
    text = str(value).encode(errors="backslashreplace").decode()
    return text if len(text) <= 120 else f"{text[:117]}..."


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer that is not a success is a problem object, also those that the framework makes."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = Problem(error.status, "http", error.reason or "error").response()
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception:
        # A mistake of ours in one answer: it is logged whole and told without its inside; the relay goes on.
        log.exception("%s %s was not answered", request.method, request.path)
        return Problem(500, "internal", "the relay made a mistake", "its log has more").response()


def json_response(body: object, *, status: int = 200) -> web.Response:
    """Ledgers count beyond 64 bits, and so do the numbers of a wait: the encoder must, too."""
    content = msgspec.json.format(msgspec.json.encode(body), indent=2)
    return web.Response(body=content, status=status, content_type="application/json")
