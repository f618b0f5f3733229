"""A node reached over HTTP. Answers are read up to a bound, and only in the one form that their question has."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from adapters.contract.calls import RPC_CALLS
from adapters.contract.errors import EndpointUnavailable, EndpointWrong, HistoryPruned
from adapters.embedded import methods, wire
from adapters.embedded.methods import Ask, Trouble
from adapters.embedded.node import EmbeddedNode
from adapters.embedded.refusals import Refused
from adapters.embedded.server import PATH
from adapters.embedded.wire import AccountAnswer, BlockAnswer, ClientAnswer, Entry, MessageAnswer, Msg, StatusAnswer

T = TypeVar("T")

_TIMEOUT: Final = aiohttp.ClientTimeout(total=20, connect=5)
# 256 blocks full of events, or 1,024 proofs of 4 KiB, with room.
_ANSWER_BYTES_MAX: Final = 64 << 20


class HttpNode:
    """ledger: what its calls are counted under."""

    def __init__(self, session: aiohttp.ClientSession, address: str, *, ledger: str) -> None:
        self._session = session
        self._ledger = ledger
        self._url = address.rstrip("/") + PATH
        parts = urlsplit(address)
        self._name = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def name(self) -> str:
        return self._name

    async def status(self) -> StatusAnswer:
        return await self._ask(methods.AskStatus(), StatusAnswer)

    async def blocks(self, start: int, limit: int) -> Sequence[BlockAnswer]:
        return await self._ask(methods.AskBlocks(start, limit), tuple[BlockAnswer, ...])

    async def light_block(self, height: int) -> bytes:
        return await self._ask(methods.AskLightBlock(height), bytes)

    async def prove(self, keys: Sequence[bytes], at: int) -> Sequence[Entry]:
        return await self._ask(methods.AskProofs(tuple(keys), at), tuple[Entry, ...])

    async def values(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return await self._ask(methods.AskValues(tuple(keys)), tuple[bytes | None, ...])

    async def clients(self, ids: Sequence[str]) -> Sequence[ClientAnswer]:
        return await self._ask(methods.AskClients(tuple(ids)), tuple[ClientAnswer, ...])

    async def client_count(self) -> int:
        return await self._ask(methods.AskClientCount(), int)

    async def simulate(self, sender: str, messages: Sequence[Msg]) -> Sequence[MessageAnswer]:
        return await self._ask(methods.AskSimulation(sender, tuple(messages)), tuple[MessageAnswer, ...])

    async def broadcast(self, raw: bytes) -> None:
        await self._ask(methods.AskBroadcast(raw), type(None))

    async def results(self, tx_ids: Sequence[str]) -> Sequence[wire.TxResult | None]:
        return await self._ask(methods.AskResults(tuple(tx_ids)), tuple[wire.TxResult | None, ...])

    async def account(self, account: str) -> AccountAnswer:
        return await self._ask(methods.AskAccount(account), AccountAnswer)

    async def _ask(self, question: Ask, kind: type[T]) -> T:
        """Ask, and count the call with its outcome."""
        outcome = "ok"
        try:
            return await self._answer_to(question, kind)
        except EndpointUnavailable:
            outcome = "unavailable"
            raise
        except EndpointWrong:
            outcome = "wrong"
            raise
        except (Refused, HistoryPruned):
            outcome = "error"
            raise
        finally:
            RPC_CALLS.labels(self._ledger, type(question).__name__, outcome).inc()

    async def _answer_to(self, question: Ask, kind: type[T]) -> T:
        try:
            asked = io.BytesIO(wire.encode(question))  # aiohttp reads files in pieces
            # A redirect would carry what the address holds elsewhere.
            async with self._session.post(self._url, data=asked, timeout=_TIMEOUT, allow_redirects=False) as response:
                body = await self._read(response)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Only the kind: the text of some of these holds the address, and that may hold credentials.
            raise EndpointUnavailable(self._name, type(error).__name__) from None
        if status == 200:
            return self._decode(body, kind)
        if status == 422:
            self._raise(self._decode(body, Trouble))
        if status in {429, 502, 503, 504}:
            raise EndpointUnavailable(self._name, f"HTTP status {status}")
        raise EndpointWrong(self._name, "HTTP status", got=status, expected="200 or 422")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Stops at the bound: an answer without an end must not fill the memory."""
        body = bytearray()
        async for chunk in response.content.iter_chunked(1 << 16):
            body += chunk
            if len(body) > _ANSWER_BYTES_MAX:
                raise EndpointWrong(self._name, "answer", got="longer", expected=f"at most {_ANSWER_BYTES_MAX} bytes")
        return bytes(body)

    def _decode(self, body: bytes, kind: type[T]) -> T:
        try:
            return wire.decode(body, kind)
        except msgspec.DecodeError as error:
            raise EndpointWrong(self._name, "answer", got=str(error), expected=str(kind)) from error

    def _raise(self, trouble: Trouble) -> None:
        match trouble.kind:
            case "refused":
                raise Refused(trouble.code, trouble.detail)
            case "pruned":
                raise HistoryPruned(self._name, trouble.height)
            case "unavailable":
                raise EndpointUnavailable(self._name, trouble.detail)
            case _:
                raise EndpointWrong(self._name, "trouble", got=trouble.kind, expected="refused, pruned or unavailable")


@asynccontextmanager
async def connect(addresses: Sequence[str], *, ledger: str, chance: Random) -> AsyncIterator[Sequence[EmbeddedNode]]:
    """The order is drawn, so that many processes do not all lean on the first node."""
    async with aiohttp.ClientSession() as session:
        nodes: list[EmbeddedNode] = [HttpNode(session, address, ledger=ledger) for address in addresses]
        chance.shuffle(nodes)
        yield nodes
