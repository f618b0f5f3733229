"""Nodes that lie or fail: found out where it can be seen, worked around where another answers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from adapters.contract.errors import (
    EndpointTrouble,
    EndpointUnavailable,
    EndpointWrong,
    FinalityViolated,
    IdentityChanged,
)
from adapters.contract.ledger import Cursor
from adapters.embedded.node import LocalNode
from adapters.embedded.pool import Pool
from adapters.embedded.source import EmbeddedSource
from adapters.embedded.wire import BlockAnswer, StatusAnswer
from proofs.errors import MalformedProof
from tests.adapters.embedded.world import Side, linked, names


class Lying(LocalNode):
    """Changes every block before it is served."""

    def __init__(self, side: Side, **changes: object) -> None:
        super().__init__(side.chain, name="lying")
        self._changes = changes
        self.asked = 0

    async def blocks(self, start: int, limit: int) -> Sequence[BlockAnswer]:
        self.asked += 1
        return [msgspec.structs.replace(each, **self._changes) for each in await super().blocks(start, limit)]


class Failing(LocalNode):
    async def status(self) -> StatusAnswer:
        raise EndpointUnavailable(self.name, "down")

    async def blocks(self, start: int, limit: int) -> Sequence[BlockAnswer]:
        raise EndpointUnavailable(self.name, "down")


def _source(side: Side, *nodes: LocalNode) -> EmbeddedSource:
    return EmbeddedSource(Pool(nodes, chain_id=side.genesis.chain_id))


@pytest.mark.parametrize(
    "changes",
    ({"hash": bytes(32)}, {"header": b"\xff"}, {"height": 1}),
    ids=("other-hash", "not-a-header", "other-height"),
)
async def test_a_false_block_is_the_endpoints_fault(changes: dict[str, object]) -> None:
    a, _ = await linked()
    source = _source(a, Lying(a, **changes))
    with pytest.raises(EndpointWrong) as wrong:
        await source.scan(await source.start(None), through=a.height(), event_limit=10)
    assert wrong.value.endpoint == "lying"


async def test_the_next_node_answers_where_one_lies_or_fails() -> None:
    a, _ = await linked()
    await a.send()
    source = _source(a, Failing(a.chain, name="down"), Lying(a, hash=bytes(32)), a.node)
    scan = await source.scan(await source.start(None), through=a.height(), event_limit=10)
    assert scan.served_by == a.node.name
    assert names(scan.events) == ["ClientChanged", "ClientChanged", "Sent"]
    assert (await source.head()).served_by != "down"


async def test_a_blamed_node_is_asked_last() -> None:
    a, _ = await linked()
    liar = Lying(a, results=())
    source = _source(a, liar, a.node)
    start = await source.start(None)
    assert (await source.scan(start, through=a.height(), event_limit=10)).served_by == "lying"
    source.blame((await source.head()).served_by, MalformedProof("proof", got=0, expected=1))
    asked = liar.asked
    assert (await source.scan(start, through=a.height(), event_limit=10)).served_by == a.node.name
    assert liar.asked == asked


async def test_one_node_on_another_branch_is_not_a_broken_ledger_but_all_of_them_are() -> None:
    a, b = await linked()
    cursor = Cursor(a.height(1), b"\x22" * 32)
    with pytest.raises(FinalityViolated):
        await _source(a, a.node).scan(cursor, through=a.height(), event_limit=10)
    twin = Side("ledger-a", b.clock)  # the same chain id, another history
    twin.settle()
    twin.settle()
    start = await a.source.start(a.height(2))
    with pytest.raises(EndpointTrouble):  # The one that is down may know better.
        await _source(a, twin.node, Failing(a.chain, name="down")).scan(start, through=a.height(), event_limit=10)
    scan = await _source(a, twin.node, a.node).scan(start, through=a.height(), event_limit=10)
    assert scan.served_by == a.node.name


async def test_nodes_of_two_ledgers_in_one_pool_are_found_out() -> None:
    a, b = await linked()
    with pytest.raises(IdentityChanged):
        await _source(a, a.node, b.node).identity()
    with pytest.raises(EndpointWrong) as wrong:
        await _source(a, b.node).head()
    assert (wrong.value.got, wrong.value.expected) == ("ledger-b-1", "ledger-a-1")


async def test_no_evidence_is_needed_to_where_trust_already_is() -> None:
    a, _ = await linked()
    assert (await a.source.evidence(a.height(), a.height())).answer == ()


async def test_a_scan_at_its_end_still_looks_at_the_cursors_block() -> None:
    a, _ = await linked()
    good = await a.source.start(a.height())
    assert (await a.source.scan(good, through=a.height(), event_limit=10)).cursor == good
    with pytest.raises(FinalityViolated):
        await a.source.scan(Cursor(a.height(), bytes(32)), through=a.height(), event_limit=10)
