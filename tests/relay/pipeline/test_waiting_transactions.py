"""A transaction that nobody includes: its bytes are sent again, also when it cannot pay more."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from sqlalchemy import select

from adapters.embedded import wire
from adapters.embedded.node import LocalNode
from relay.store.schema import SPEND
from tests.relay.pipeline.stage import open_stage
from tests.simulation.world import FEE, FEE_CAP, SEND


async def test_a_transaction_that_cannot_pay_more_is_still_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes forget what waits: after a while only we still know of it, and later slots wait behind it."""
    heard: list[bytes] = []
    honest = LocalNode.broadcast

    async def forgetting(self: LocalNode, raw: bytes) -> None:
        heard.append(raw)

    async with open_stage() as stage:
        await stage.send()
        await stage.round()
        monkeypatch.setattr(LocalNode, "broadcast", forgetting)
        submit = stage.runtime("west").submit
        assert submit is not None
        await stage.submit()
        assert len(heard) == 1
        submit.transactions.fee_cap = 1  # no replacement is cheap enough
        stage.let_pass(60)
        monkeypatch.setattr(LocalNode, "broadcast", honest)
        await stage.submit()
        stage.blocks("west", 2)
        await stage.read("west")
        assert (await stage.waits())["state"] == "done"


async def test_a_slot_that_somebody_gave_up_is_taken_before_later_ones() -> None:
    """Another holder of the key had a transaction waiting; it was forgotten, and ours wait behind a gap."""
    async with open_stage() as stage:
        await stage.send(text="behind the gap")
        await stage.round()
        mempool = stage.ledgers["west"].chain.mempool
        stage.transact("west", [wire.MsgTransfer(wire.account_of(SEND.public_key), 1)], signer=FEE, sequence=0)
        await stage.submit()
        assert [tx.body.sequence for tx in mempool] == [0, 1]
        mempool.forget(frozenset(tx.id for tx in mempool if tx.body.sequence == 0))
        stage.blocks("west", 2)
        await stage.read("west")
        assert (await stage.waits())["state"] == "in_flight"
        await stage.send(text="fills it")
        await stage.round()
        await stage.submit()
        assert [tx.body.sequence for tx in mempool] == [0, 1]
        stage.blocks("west", 2)
        await stage.read("west")
        assert (await stage.waits(sequence=1))["state"] == "done"
        assert (await stage.waits(sequence=2))["state"] == "done"


async def test_a_fee_that_was_made_up_does_not_empty_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = LocalNode.results

    async def dear(self: LocalNode, tx_ids: Sequence[str]) -> Sequence[wire.TxResult | None]:
        results = await honest(self, tx_ids)
        return tuple(each and msgspec.structs.replace(each, fee=1 << 60) for each in results)

    async with open_stage() as stage:
        await stage.send()
        await stage.round()
        await stage.submit()
        stage.blocks("west", 2)
        await stage.read("west")
        monkeypatch.setattr(LocalNode, "results", dear)
        await stage.submit()
        query = select(SPEND.c.amount)
        amounts = stage.database.run_here(lambda connection: connection.execute(query).scalars().all())
        assert len(amounts) >= 2
        assert all(0 < int(amount) <= FEE_CAP for amount in amounts)
