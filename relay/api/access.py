"""Who may ask: reads are open on the address we listen on, writes need a bearer token, compared in constant time."""

from __future__ import annotations

import hmac

from aiohttp import web

from relay.api.problems import Handler, Problem

_SAFE = frozenset({"GET", "HEAD"})


def token_middleware(token: str) -> web.middleware:  # type: ignore[valid-type]  # aiohttp types it as a function
    """Refuse every request that is not a read and does not carry the token."""
    expected = token.encode()

    @web.middleware
    async def check_token(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in _SAFE:
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            # Bytes of a header that are no text come as surrogates: they are wrong, and no mistake of ours.
            presented = given.strip().encode(errors="surrogateescape")
            if scheme.lower() != "bearer" or not hmac.compare_digest(presented, expected):
                raise Problem(401, "unauthorized", "a valid bearer token is needed to write")
        return await handler(request)

    return check_token
