"""The attestor over HTTP: one question, answered to whoever holds the token, bounded in size and number."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest

from adapters.contract.errors import LedgerError
from proofs.errors import VerificationError
from relay.attestor.attest import Attestor, NotAttested
from relay.attestor.signed_log import SigningRefused
from relay.attestor.wire import BODY_BYTES_MAX, Problem, Request
from relay.keys.secret import Secret

log = logging.getLogger(__name__)

REQUESTS = Counter(
    "causeway_attest_requests_total",
    "Requests to this attestor by ledger and outcome: signed, refused, unauthorised, malformed, busy, trouble, alarm.",
    ["ledger", "outcome"],
)
DETAIL_CHARACTERS_MAX = 2000  # as much as the other side reads
_READY_SECONDS = 5.0  # a readiness probe must not hang on a node


@dataclass(slots=True)
class AttestorServer:
    """attestors: one per source ledger. allow_from: networks; empty permits all.

    out_of_reach: ledgers that have not said yet who they are, by name, and why: nothing is signed for those.
    """

    attestors: Sequence[Attestor]
    token: Secret
    allow_from: Sequence[str] = ()
    requests_at_once: int = 16
    out_of_reach: dict[str, str] = field(default_factory=dict)
    _working: int = 0
    _by_subject: dict[tuple[str, str], Attestor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.attestors:
            self.add(each)

    def add(self, attestor: Attestor) -> None:
        """Answer for its ledger from now on."""
        self.out_of_reach.pop(attestor.name, None)
        self._by_subject[attestor.chain_id, attestor.host] = attestor

    def application(self) -> web.Application:
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.add_routes(
            [
                web.post("/v1/attest", self._attest),
                web.get("/healthz", _healthy),
                web.get("/readyz", self._ready),
                web.get("/metrics", _metrics),
            ]
        )
        return application

    async def _attest(self, http: web.Request) -> web.Response:
        if not self._is_allowed(http) or not self._is_authorised(http):
            REQUESTS.labels("", "unauthorised").inc()
            return problem(401, "unauthorised", "a bearer token that this attestor knows, from a network it allows")
        if self._working >= self.requests_at_once:
            REQUESTS.labels("", "busy").inc()
            return problem(503, "busy", f"{self._working} requests are being worked on: come again")
        self._working += 1
        try:
            return await self._answer(http)
        finally:
            self._working -= 1

    async def _answer(self, http: web.Request) -> web.Response:
        try:
            request = msgspec.json.decode(await http.read(), type=Request)
        except web.HTTPRequestEntityTooLarge:
            return _malformed(413, f"at most {BODY_BYTES_MAX} bytes")
        except (msgspec.DecodeError, UnicodeDecodeError) as trouble:
            return _malformed(400, str(trouble)[:500])
        attestor = self._by_subject.get((request.chain_id, request.host))
        if attestor is None and self.out_of_reach:
            REQUESTS.labels("", "trouble").inc()
            waiting = ", ".join(f"{name} ({reason})" for name, reason in self.out_of_reach.items())
            return problem(503, "ledger_out_of_reach", f"not reached yet: {waiting}"[:DETAIL_CHARACTERS_MAX])
        if attestor is None:
            REQUESTS.labels("", "refused").inc()
            return problem(404, "unknown_subject", f"no key for host {request.host} on {request.chain_id}")
        outcome, response = await _outcome_of(attestor, request)
        REQUESTS.labels(attestor.name, outcome).inc()
        return response

    def _is_authorised(self, http: web.Request) -> bool:
        given = http.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, b"Bearer " + self.token.reveal())

    def _is_allowed(self, http: web.Request) -> bool:
        if not self.allow_from:
            return True
        try:
            remote = ipaddress.ip_address(http.remote or "")
        except ValueError:
            return False
        return any(remote in ipaddress.ip_network(each) for each in self.allow_from)

    async def _ready(self, _: web.Request) -> web.Response:
        """Ready when each of its ledgers answers; the reasons are in the body."""
        reasons = dict(self.out_of_reach)
        for attestor in list(self._by_subject.values()):
            try:
                async with asyncio.timeout(_READY_SECONDS):
                    await attestor.check_head()
            except (LedgerError, TimeoutError) as trouble:
                reasons[attestor.name] = str(trouble) or "no answer in time"
        body = {"ready": not reasons, "reasons": reasons}
        return web.Response(
            status=503 if reasons else 200, body=msgspec.json.encode(body), content_type="application/json"
        )


async def _outcome_of(attestor: Attestor, request: Request) -> tuple[str, web.Response]:
    try:
        answer = await attestor.attest(request)
    except NotAttested as reason:
        return "refused", problem(_STATUS[reason.kind], reason.kind, str(reason))
    except SigningRefused as alarm:
        log.critical("ledger %s: nothing is signed: %s", attestor.name, alarm)
        return "alarm", problem(409, "signing_refused", str(alarm))
    except (LedgerError, VerificationError) as trouble:
        log.warning("ledger %s: not attested: %s", attestor.name, trouble)
        return "trouble", problem(503, "own_ledger_trouble", type(trouble).__name__)
    return "signed", web.Response(body=msgspec.json.encode(answer), content_type="application/json")


_STATUS: Mapping[str, int] = {"unknown_subject": 404, "not_final": 409, "unknown_height": 409}


def _malformed(status: int, detail: str) -> web.Response:
    REQUESTS.labels("", "malformed").inc()
    return problem(status, "malformed", detail)


def problem(status: int, kind: str, detail: str) -> web.Response:
    """RFC 9457."""
    body = Problem(type=f"urn:causeway:attestor:{kind}", title=kind.replace("_", " "), status=status, detail=detail)
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/problem+json")


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
