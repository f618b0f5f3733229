"""JSON-RPC over a pool of named endpoints, none of which is believed.

An endpoint that does not answer rests for a growing while; one that answered falsely is asked last. Names stand for
endpoints in every error, log and metric, because addresses may carry credentials. A batch is answered by one endpoint
as a whole, so that its answers belong together.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import aiohttp

from adapters.contract.calls import RPC_CALLS
from adapters.contract.errors import EndpointTrouble, EndpointUnavailable, EndpointWrong
from adapters.contract.ledger import Clock, Endpoint, Served
from adapters.evm.jsonrpc import Call, RpcFailure, decode_reply, encode_calls, expect, match_replies
from adapters.evm.wire import decode_any, decode_quantity

T = TypeVar("T")
U = TypeVar("U")

METHODS: Final = frozenset(
    {
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",  # of deployments only
        "eth_feeHistory",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getCode",
        "eth_getLogs",
        "eth_getProof",
        "eth_getStorageAt",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "eth_sendRawTransaction",
        "eth_simulateV1",
    }
)


@dataclass(frozen=True, slots=True)
class EndpointAddress:
    """url is left out of every representation: it may carry a key."""

    name: Endpoint
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Each bound and its reason."""

    response_bytes: int = 32 * 1024 * 1024  # 10,000 logs of 2 kB: the most that public providers give at once
    seconds: float = 20.0  # a node that needs longer is overloaded; another is asked
    calls_per_request: int = 100  # most nodes refuse larger JSON arrays
    requests_at_once: int = 16  # per pool
    rest_first: float = 1.0  # seconds after the first failure, doubled with each further one
    rest_most: float = 60.0
    blame_seconds: float = 300.0  # how long one that answered falsely is asked last


@dataclass(slots=True)
class _Health:
    """What we remember of one endpoint. Times are unix seconds by the pool's clock."""

    failures: int = 0
    rests_until: float = 0.0
    blamed_until: float = 0.0
    checked: bool = False
    trouble: EndpointTrouble | None = None


class EndpointPool:
    """Asks named endpoints of one chain. The session is the caller's, as is the clock."""

    def __init__(
        self,
        endpoints: Sequence[EndpointAddress],
        *,
        session: aiohttp.ClientSession,
        chain_id: int,
        ledger: str,
        clock: Clock,
        limits: PoolLimits | None = None,
    ) -> None:
        assert endpoints, "settings demand at least one endpoint"
        self._addresses = {each.name: each for each in endpoints}
        assert len(self._addresses) == len(endpoints), "settings refuse two endpoints of one name"
        self._session = session
        self._chain_id = chain_id
        self._ledger = ledger
        self._clock = clock
        self._limits = limits or PoolLimits()
        self._health = {name: _Health() for name in self._addresses}
        self._turns = asyncio.Semaphore(self._limits.requests_at_once)
        self._last_id = 0

    @property
    def names(self) -> tuple[Endpoint, ...]:
        return tuple(self._addresses)

    async def ask(self, calls: Sequence[Call[T]], *, endpoint: Endpoint | None = None) -> Served[list[T | RpcFailure]]:
        """Answers to all calls, in order, by `endpoint` or by the first of the pool that gives them."""

        async def use(name: Endpoint) -> Served[list[T | RpcFailure]]:
            return Served(await self._ask_one(name, calls), name)

        return await (use(endpoint) if endpoint is not None else self.attempt(use))

    async def attempt(self, use: Callable[[Endpoint], Awaitable[U]]) -> U:
        """What `use` makes of the first endpoint that serves it: several questions that one endpoint must answer.

        Raises the trouble of the best endpoint when none does.
        """
        first: EndpointTrouble | None = None
        for name in self._order():
            try:
                return await use(name)
            except EndpointTrouble as trouble:
                if isinstance(trouble, EndpointWrong):
                    self.blame(name, trouble)
                first = first or trouble
        assert first is not None, "a pool has at least one endpoint"
        raise first

    async def ask_each(self, calls: Sequence[Call[T]]) -> list[Served[list[T | RpcFailure]] | EndpointTrouble]:
        """What every endpoint answers, or why it does not, in the order of the settings."""

        async def one(name: Endpoint) -> Served[list[T | RpcFailure]] | EndpointTrouble:
            try:
                return Served(await self._ask_one(name, calls), name)
            except EndpointTrouble as trouble:
                return trouble

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(name)) for name in self._addresses]
        return [task.result() for task in tasks]

    async def get(self, call: Call[T], *, endpoint: Endpoint | None = None) -> Served[T]:
        """One answer where a node has no reason to refuse. Raises EndpointUnavailable when it does."""
        served = await self.ask([call], endpoint=endpoint)
        return Served(expect(served.answer[0], served.by), served.by)

    async def call(self, method: str, params: Sequence[object]) -> object:
        """The plain form, for code that decodes by itself."""
        return (await self.get(Call(method, params, decode_any))).answer

    def blame(self, endpoint: Endpoint, reason: Exception) -> None:
        """It served something false: it is asked last for a while."""
        health = self._health.get(endpoint)
        if health is not None:
            health.blamed_until = self._clock() + self._limits.blame_seconds
            if isinstance(reason, EndpointTrouble):
                health.trouble = reason

    def troubles(self) -> dict[Endpoint, str]:
        """What is held against whom now, for people."""
        now = self._clock()
        return {
            name: str(health.trouble or "served something false")
            for name, health in self._health.items()
            if max(health.rests_until, health.blamed_until) > now
        }

    def _order(self) -> list[Endpoint]:
        now = self._clock()

        def rank(name: Endpoint) -> tuple[bool, bool, float]:
            health = self._health[name]
            resting = health.rests_until > now
            return resting, health.blamed_until > now, health.rests_until if resting else 0.0

        return sorted(self._addresses, key=rank)

    async def _ask_one(self, name: Endpoint, calls: Sequence[Call[T]]) -> list[T | RpcFailure]:
        health = self._health[name]
        now = self._clock()
        if health.rests_until > now:
            raise EndpointUnavailable(name, f"rests after: {health.trouble}", retry_after=health.rests_until - now)
        try:
            if not health.checked:
                await self._check_chain(name)
                health.checked = True
            answers: list[T | RpcFailure] = []
            step = self._limits.calls_per_request
            for start in range(0, len(calls), step):
                answers += await self._exchange(name, calls[start : start + step])
        except EndpointTrouble as trouble:
            self._rest(health, trouble)
            raise
        health.failures = 0
        health.trouble = None
        return answers

    def _rest(self, health: _Health, trouble: EndpointTrouble) -> None:
        # Whatever answers there next may be another node: its chain is asked for again.
        health.checked = False
        health.failures += 1
        health.trouble = trouble
        doublings = min(health.failures - 1, 16)
        pause = min(self._limits.rest_first * 2**doublings, self._limits.rest_most)
        if isinstance(trouble, EndpointUnavailable) and trouble.retry_after is not None:
            pause = min(max(pause, trouble.retry_after), self._limits.rest_most)
        if isinstance(trouble, EndpointWrong):
            health.blamed_until = self._clock() + self._limits.blame_seconds
        health.rests_until = self._clock() + pause

    async def _check_chain(self, name: Endpoint) -> None:
        (answer,) = await self._exchange(name, [Call("eth_chainId", (), decode_quantity)])
        got = expect(answer, name)
        if got != self._chain_id:
            raise EndpointWrong(name, what="chain id", got=got, expected=self._chain_id)

    async def _exchange(self, name: Endpoint, calls: Sequence[Call[T]]) -> list[T | RpcFailure]:
        """One HTTP request. Counts every call with its outcome."""
        first = self._last_id + 1
        self._last_id += len(calls)
        outcomes = ["unavailable"] * len(calls)
        try:
            body = await self._post(name, encode_calls(calls, first))
            outcomes = ["wrong"] * len(calls)
            answers: list[T | RpcFailure] = []
            for position, reply in enumerate(match_replies(name, body, first, len(calls))):
                answer = decode_reply(name, calls[position], reply)
                outcomes[position] = "error" if isinstance(answer, RpcFailure) else "ok"
                answers.append(answer)
            return answers
        finally:
            for call, outcome in zip(calls, outcomes, strict=True):
                assert call.method in METHODS, "labels come from closed sets"
                RPC_CALLS.labels(ledger=self._ledger, method=call.method, outcome=outcome).inc()

    async def _post(self, name: Endpoint, body: bytes) -> bytes:
        try:
            async with (
                self._turns,
                self._session.post(
                    self._addresses[name].url,
                    data=body,
                    headers={"Content-Type": "application/json"},
                    timeout=aiohttp.ClientTimeout(total=self._limits.seconds),
                    allow_redirects=False,  # a redirect would carry credentials elsewhere
                ) as response,
            ):
                answer = await self._read(name, response)
                # Some nodes answer a refused call with a status of 4xx and a JSON-RPC error in the body.
                if response.status != 200 and not (400 <= response.status < 500 and answer.startswith((b"{", b"["))):
                    raise EndpointUnavailable(name, f"HTTP status {response.status}", _retry_after(response))
                if response.status == 429:
                    raise EndpointUnavailable(name, "HTTP status 429", _retry_after(response))
                return answer
        except TimeoutError:
            raise EndpointUnavailable(name, f"no answer within {self._limits.seconds:g} s") from None
        except aiohttp.ClientError as error:
            # The text of some client errors holds the address.
            raise EndpointUnavailable(name, f"connection: {type(error).__name__}") from None

    async def _read(self, name: Endpoint, response: aiohttp.ClientResponse) -> bytes:
        """Bounded while it arrives: a length header is only a claim."""
        received = bytearray()
        async for chunk in response.content.iter_chunked(1 << 16):
            received += chunk
            if len(received) > self._limits.response_bytes:
                raise EndpointWrong(
                    name, what="response bytes", got=len(received), expected=f"at most {self._limits.response_bytes}"
                )
        return bytes(received)


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else None
