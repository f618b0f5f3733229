"""One endpoint of two says what no ledger can say: it is left aside, and packets go on by the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from adapters.contract.ledger import Endpoint
from adapters.embedded.refusals import Refused
from adapters.embedded.wire import AccountAnswer, BlockAnswer, Event, StatusAnswer, TxPacket
from tests.simulation.faults import FaultyNode
from tests.simulation.invariants import HostHistory, ended, nothing_open
from tests.simulation.virtual_time import run_virtual
from tests.simulation.world import World, open_world, running, until

Spoil = Callable[[FaultyNode, pytest.MonkeyPatch], None]


def _events(kind: str, **changes: Any) -> Spoil:
    """Add an event to every block that has one: the same packet, changed."""

    def added(packet: TxPacket) -> Event:
        return Event(kind, packet=msgspec.structs.replace(packet, **changes), acknowledgements=(b"\1",))

    def spoiled(block: BlockAnswer) -> BlockAnswer:
        results = tuple(
            msgspec.structs.replace(each, events=(*each.events, *map(added, packets)))
            if (packets := [event.packet for event in each.events if event.packet is not None])
            else each
            for each in block.results
        )
        return msgspec.structs.replace(block, results=results)

    def spoil(node: FaultyNode, patch: pytest.MonkeyPatch) -> None:
        honest = node.blocks

        async def blocks(start: int, limit: int) -> Sequence[BlockAnswer]:
            return tuple(spoiled(block) for block in await honest(start, limit))

        patch.setattr(node, "blocks", blocks)

    return spoil


def _replaced(kind: str, change: Callable[[Event], tuple[Event, ...]]) -> Spoil:
    """Tell other events of this kind, always."""

    def told(event: Event) -> tuple[Event, ...]:
        return change(event) if event.kind == kind and event.packet is not None else (event,)

    def spoiled(block: BlockAnswer) -> BlockAnswer:
        results = tuple(
            msgspec.structs.replace(each, events=tuple(new for event in each.events for new in told(event)))
            for each in block.results
        )
        return msgspec.structs.replace(block, results=results)

    def spoil(node: FaultyNode, patch: pytest.MonkeyPatch) -> None:
        honest = node.blocks

        async def blocks(start: int, limit: int) -> Sequence[BlockAnswer]:
            return tuple(spoiled(block) for block in await honest(start, limit))

        patch.setattr(node, "blocks", blocks)

    return spoil


def _with_other_timeout(event: Event) -> tuple[Event, ...]:
    assert event.packet is not None
    return (msgspec.structs.replace(event, packet=msgspec.structs.replace(event.packet, timeout=1 << 40)),)


def _acknowledging(*acknowledgements: bytes) -> Callable[[Event], tuple[Event, ...]]:
    return lambda event: (msgspec.structs.replace(event, acknowledgements=acknowledgements),)


def _status(**changes: Any) -> Spoil:
    def spoil(node: FaultyNode, patch: pytest.MonkeyPatch) -> None:
        honest = node.status

        async def status() -> StatusAnswer:
            return msgspec.structs.replace(await honest(), **changes)

        patch.setattr(node, "status", status)

    return spoil


def _account(**changes: Any) -> Spoil:
    def spoil(node: FaultyNode, patch: pytest.MonkeyPatch) -> None:
        honest = node.account

        async def account(name: str) -> AccountAnswer:
            return msgspec.structs.replace(await honest(name), **changes)

        patch.setattr(node, "account", account)

    return spoil


def _refusing(node: FaultyNode, patch: pytest.MonkeyPatch) -> None:
    """The answer to a broadcast, given to every question."""

    async def refused(*_: object) -> object:
        raise Refused("underpriced", "whatever you asked")

    for name in ("status", "blocks", "prove", "clients", "values", "account", "results", "simulate", "light_block"):
        patch.setattr(node, name, refused)


LIES: dict[str, Spoil] = {
    "sequence 0": _events("recv_packet", sequence=0),
    "a sequence beyond the store": _events("acknowledge_packet", sequence=1 << 63),
    "a negative sequence": _events("timeout_packet", sequence=-1),
    "a negative timeout": _events("send_packet", timeout=-1),
    "no payloads and no acknowledgement": _events("write_acknowledgement", payloads=(), sequence=99),
    "another packet under the name of each": _replaced("send_packet", _with_other_timeout),
    "no sends": _replaced("send_packet", lambda _: ()),
    "another acknowledgement": _replaced("write_acknowledgement", _acknowledging(b"\7")),
    "an acknowledgement of nothing": _replaced("write_acknowledgement", _acknowledging()),
    "no acknowledgements": _replaced("write_acknowledgement", lambda _: ()),
    "no receipts": _replaced("recv_packet", lambda _: ()),
    "no ends": _replaced("acknowledge_packet", lambda _: ()),
    "an event of no kind": _events("nonsense"),
    "a final time beyond the store": _status(final_time=(1 << 64) - 1),
    "a final block that nobody has": _status(latest=10**9, final=10**9),
    "a negative final time": _status(final_time=-5),
    "slots beyond the store": _account(next_final=(1 << 64) - 1, next_pending=(1 << 64) - 1),
    "refusals to every question": _refusing,
}


async def _cross(world: World) -> None:
    for lane in world.lanes:
        await world.send(lane, "hello")
        await world.send(lane, "nobody is there", port="absent", seconds=20)
    history = HostHistory()

    def all_ended() -> bool:
        history.follow(world)
        return ended(world, history) and nothing_open(world)

    async with running(world):
        await until(all_ended, seconds=200)
    history.check()


@pytest.mark.parametrize("lie", LIES)
def test_one_endpoint_that_says_the_impossible_stops_nothing(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with open_world(1) as world:
            for sim in world.ledgers.values():
                first = sim.ledger.endpoints[0]
                assert first == Endpoint(f"{sim.name}/1")
                node = sim.ledger.source._pool._nodes[0]  # type: ignore[attr-defined] # the one asked first
                LIES[lie](node, monkeypatch)
            await _cross(world)

    run_virtual(main())
