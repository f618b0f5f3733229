"""Errors as RFC 9457 problems: what was wrong, what was expected, and nothing that an answer must not hold."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
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
        content = orjson.dumps(body | self.extra)
        return web.Response(body=content, status=self.status, content_type="application/problem+json", headers=headers)


def bad_request(field_name: str, got: object, expected: str) -> Problem:
    shown = got if len(str(got)) <= 80 else f"{str(got)[:77]}..."
    return Problem(
        400,
        "invalid-request",
        f"{field_name} is not valid",
        f"got {shown!r}, expected {expected}",
        {"field": field_name, "got": shown, "expected": expected},
    )


def not_found(what: str, name: str, hint: str = "") -> Problem:
    return Problem(404, "not-found", f"no such {what}", f"{what} {name[:120]!r} is not known{hint}", {what: name[:120]})


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
        return Problem(error.status, "http", error.reason or "error").response()


def json_response(body: object, *, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(body, option=orjson.OPT_INDENT_2), status=status, content_type="application/json"
    )
