"""A packet crosses between two embedded ledgers by hand: each verifies the other with its own light client."""

from __future__ import annotations

from adapters.contract.messages import Rule
from tests.adapters.embedded.world import (
    acknowledge_messages,
    linked,
    names,
    receive_messages,
    timeout_messages,
)


async def test_a_packet_is_received_and_acknowledged() -> None:
    a, b = await linked()
    packet = await a.send(b"over the sea")
    received = await b.submit(await receive_messages(a, b, packet))
    assert received.code == ""
    assert [each.kind for each in received.events] == ["client_changed", "recv_packet", "write_acknowledgement"]
    acknowledged = await a.submit(await acknowledge_messages(a, b, packet, (b"\x01",)))
    assert acknowledged.code == ""
    assert names(await a.events())[-3:] == ["Sent", "ClientChanged", "Acknowledged"]


async def test_a_packet_that_nobody_received_is_timed_out_and_can_be_received_no_more() -> None:
    a, b = await linked()
    packet = await a.send(timeout_seconds=30)
    early = await a.submit(await timeout_messages(a, b, packet))
    assert early.code == Rule.NOT_YET_EXPIRED
    b.block(60)
    late = await b.submit(await receive_messages(a, b, packet))
    assert late.code == Rule.EXPIRED
    timed_out = await a.submit(await timeout_messages(a, b, packet))
    assert timed_out.code == ""
    assert names(await a.events())[-1] == "TimedOut"
