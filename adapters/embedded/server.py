"""The node over HTTP: one POST carries one question in MessagePack, its answer comes back the same way.

Status 200 answers, 422 refuses or has no answer (a `Trouble`), 400 did not understand. Bodies are bounded before they
are read.
"""

from __future__ import annotations

from typing import Final, assert_never

import msgspec
from aiohttp import web

from adapters.contract.errors import EndpointUnavailable, HistoryPruned
from adapters.embedded import methods, wire
from adapters.embedded.methods import Ask, Trouble
from adapters.embedded.node import EmbeddedNode
from adapters.embedded.refusals import Refused

PATH: Final = "/node/1"
# A transaction of the largest size to be simulated, with room for the rest of the question.
REQUEST_BYTES_MAX: Final = 2 * wire.TX_BYTES_MAX
_KIND: Final = "application/msgpack"


def application(node: EmbeddedNode) -> web.Application:
    async def ask(request: web.Request) -> web.Response:
        return await _respond(node, await request.read())

    app = web.Application(client_max_size=REQUEST_BYTES_MAX)
    app.router.add_post(PATH, ask)
    return app


async def _respond(node: EmbeddedNode, body: bytes) -> web.Response:
    try:
        asked: Ask = msgspec.msgpack.decode(body, type=Ask)
    except msgspec.DecodeError as error:
        return _answer(Trouble("malformed", "", str(error)[:200]), status=400)
    try:
        return _answer(await answer(node, asked), status=200)
    except Refused as refusal:
        return _answer(Trouble("refused", refusal.code, refusal.detail), status=422)
    except HistoryPruned as trouble:
        return _answer(Trouble("pruned", "", "", trouble.height), status=422)
    except EndpointUnavailable as trouble:
        return _answer(Trouble("unavailable", "", trouble.reason), status=422)


async def answer(node: EmbeddedNode, asked: Ask) -> object:  # noqa: C901, PLR0911 - one case per question
    match asked:
        case methods.AskStatus():
            return await node.status()
        case methods.AskBlocks():
            return await node.blocks(asked.start, asked.limit)
        case methods.AskLightBlock():
            return await node.light_block(asked.height)
        case methods.AskProofs():
            return await node.prove(asked.keys, asked.at)
        case methods.AskValues():
            return await node.values(asked.keys)
        case methods.AskClients():
            return await node.clients(asked.ids)
        case methods.AskClientCount():
            return await node.client_count()
        case methods.AskSimulation():
            return await node.simulate(asked.sender, asked.messages)
        case methods.AskBroadcast():
            await node.broadcast(asked.raw)
            return None
        case methods.AskResults():
            return await node.results(asked.tx_ids)
        case methods.AskAccount():
            return await node.account(asked.account)
        case _:
            assert_never(asked)


def _answer(value: object, *, status: int) -> web.Response:
    return web.Response(body=wire.encode(value), status=status, content_type=_KIND)
