"""A send whose event is hidden is looked for in the ledger, not called failed before anybody has looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from adapters.embedded.node import LocalNode
from adapters.embedded.wire import BlockAnswer
from relay.store.outbox import Message, store_message
from relay.store.schema import OUTBOX
from tests.relay.pipeline.stage import Stage, open_stage


async def test_a_send_is_not_failed_while_the_ledger_has_not_been_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = LocalNode.blocks

    async def hiding(self: LocalNode, start: int, limit: int) -> Sequence[BlockAnswer]:
        blocks = await honest(self, start, limit)
        return tuple(
            msgspec.structs.replace(
                block, results=tuple(msgspec.structs.replace(each, events=()) for each in block.results)
            )
            for block in blocks
        )

    async with open_stage() as stage:
        monkeypatch.setattr(LocalNode, "blocks", hiding)
        message = Message(stage.lane.id, "mailbox", b"hidden", int(stage.now()) + 600)
        stage.database.run_here(lambda connection: store_message(connection, "key", message, now=stage.now()))
        send = stage.runtime("east").send
        assert send is not None
        await send.step()
        stage.blocks("east", 2)
        await stage.read("east")
        monkeypatch.setattr(LocalNode, "blocks", honest)
        for _ in range(20):
            await send.step()
        assert _state(stage) == ("in_flight", None)
        stage.let_pass(2)
        stage.blocks("east")
        await stage.read("east")
        await send.step()
        assert _state(stage) == ("sent", 1)


def _state(stage: Stage) -> tuple[Any, Any]:
    query = select(OUTBOX.c.state, OUTBOX.c.sequence)
    return tuple(stage.database.run_here(lambda connection: connection.execute(query).one()))
