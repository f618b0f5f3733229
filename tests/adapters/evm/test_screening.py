"""Simulations that come out otherwise within the limits than with ample gas, and events that are no text."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.contract.errors import EndpointUnavailable, EndpointWrong, RefusedForNow
from adapters.contract.ledger import Cost
from adapters.contract.messages import HostMessage, Rule, Sent, SentUnreadable
from adapters.evm.screening import Candidate, group_by_gas
from adapters.evm.simulation import Outcome
from proofs.commitment import UNIVERSAL_ERROR_ACKNOWLEDGEMENT
from proofs.encoding import abi
from tests.adapters.evm.ledger_world import EvmWorld, evm_world
from tests.adapters.evm.liar import Liar, honest, liar
from tests.nodes.anvil import AnvilNode

pytestmark = pytest.mark.nodes

WRITE_ACKNOWLEDGEMENT = "0x76765590e2b799b0506100f8a6610cfecab2c71e8e1f8aa981b099aff0dfdb74"
DATA = "((uint64,string,string,uint64,(string,string,string,string,bytes)[]),bytes[])"


@asynccontextmanager
async def world_behind(anvil: AnvilNode) -> AsyncIterator[tuple[EvmWorld, Liar]]:
    async with liar(anvil) as told, evm_world(anvil, endpoints=[{"name": "liar", "url": told.url}]) as world:
        yield world, told


def starve(reply: dict[str, Any]) -> dict[str, Any]:
    """The same simulation, in which every app was answered for with an error."""
    changed: dict[str, Any] = json.loads(json.dumps(reply))
    for call in changed["result"][0]["calls"]:
        for log in call["logs"]:
            if log["topics"][0] == WRITE_ACKNOWLEDGEMENT:
                packet, _ = abi.decode(DATA, bytes.fromhex(log["data"][2:]))
                data = abi.encode(DATA, (packet, (UNIVERSAL_ERROR_ACKNOWLEDGEMENT,)))
                log["data"] = "0x" + data.hex()
    return changed


def starving(told: Liar, *, runs: Callable[[int], bool]) -> list[list[int]]:
    """Starve those simulations whose number `runs` says; collects the gas given in each."""
    given: list[list[int]] = []

    def lie(method: str, params: list[Any], reply: dict[str, Any]) -> dict[str, Any]:
        if method != "eth_simulateV1":
            return reply
        given.append([int(call["gas"], 16) for call in params[0]["blockStateCalls"][0]["calls"]])
        return starve(reply) if runs(len(given)) else reply

    told.lie = lie
    return given


async def test_a_message_that_ends_otherwise_within_its_limit_is_given_more(anvil: AnvilNode) -> None:
    async with world_behind(anvil) as (world, told):
        messages: list[HostMessage] = [world.update(), world.receive(world.packet_in(1))]
        plain = await world.destination.screen(messages, world.account)
        given = starving(told, runs=lambda run: run == 2)
        update, receive = await world.destination.screen(messages, world.account)
        assert isinstance(plain[1], Cost)
        assert isinstance(receive, Cost)
        assert receive.gas == 2 * plain[1].gas
        assert update == plain[0], "only what was starved is given more"
        assert given[0] == [world.destination.limits.gas] * 2, "ample gas first"
        assert given[1] == [sum(cost.gas for cost in plain if isinstance(cost, Cost))], (
            "then the whole as it will be sent"
        )


async def test_a_message_that_still_ends_otherwise_is_refused_and_the_rest_goes_on(anvil: AnvilNode) -> None:
    async with world_behind(anvil) as (world, told):
        messages: list[HostMessage] = [world.update(), world.receive(world.packet_in(1))]
        starving(told, runs=lambda run: run > 1)
        update, receive = await world.destination.screen(messages, world.account)
        assert isinstance(update, Cost)
        assert isinstance(receive, RefusedForNow)
        assert receive.rule == Rule.TOO_LITTLE_GAS


async def test_a_node_without_simulation_is_named(anvil: AnvilNode) -> None:
    async with world_behind(anvil) as (world, told):
        told.refuse("eth_simulateV1", -32601, "the method does not exist", when=lambda _: True)
        with pytest.raises(EndpointUnavailable) as refusal:
            await world.destination.screen([world.update()], world.account)
        assert "-32601" in refusal.value.reason


async def test_a_simulation_of_other_calls_is_refused(anvil: AnvilNode) -> None:
    async with world_behind(anvil) as (world, told):
        told.about("eth_simulateV1", lambda blocks: blocks * 2)
        with pytest.raises(EndpointWrong) as refusal:
            await world.destination.screen([world.update()], world.account)
        assert refusal.value.what == "simulated calls"


async def test_text_that_is_no_text_is_left_out_and_stops_nothing(
    anvil: AnvilNode, caplog: pytest.LogCaptureFixture
) -> None:
    async with world_behind(anvil) as (world, told):
        for value in (b"one", b"two"):
            await world.include(await world.send(value))
        world.finalise()
        source = world.ledger.source
        start, through = await source.start(None), (await source.head()).final
        text, none = b"mailbox-1".hex(), (b"\xff" * 9).hex()

        def spoil_first(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
            first = next(index for index, each in enumerate(logs) if text in each["data"])
            return [
                each | {"data": each["data"].replace(text, none)} if index == first else each
                for index, each in enumerate(logs)
            ]

        told.about("eth_getLogs", spoil_first)
        scan = await source.scan(start, through=through, event_limit=100)
        assert [event.packet.payloads[0].value for event in scan.events if isinstance(event, Sent)] == [b"two"]
        # Its sequence is used all the same, and must not look as if it had been left out.
        unreadable = [event for event in scan.events if isinstance(event, SentUnreadable)]
        assert [event.sequence for event in unreadable] == [1]
        assert "not UTF-8" in caplog.text
        told.lie = honest


@pytest.mark.parametrize(
    ("gas", "groups"), (([], []), ([5], [[5]]), ([5, 5, 5], [[5, 5], [5]]), ([10, 1, 9, 1], [[10], [1, 9], [1]]))
)
def test_messages_are_run_in_transactions_that_their_gas_allows(gas: list[int], groups: list[list[int]]) -> None:
    outcome = Outcome(accepted=True, gas_used=1, returned=b"", acknowledgements={}, noops=0, updates=())
    candidates = [Candidate(index, b"", each, outcome) for index, each in enumerate(gas)]
    assert [[each.gas for each in group] for group in group_by_gas(candidates, 10)] == groups
