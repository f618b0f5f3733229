"""A pool of endpoints, some of which are slow, broken, of another chain, or lie."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from adapters.contract.calls import OUTCOMES, RPC_CALLS
from adapters.contract.errors import EndpointUnavailable, EndpointWrong, HistoryPruned
from adapters.contract.ledger import Endpoint, Served
from adapters.evm.connection import EndpointAddress, EndpointPool, PoolLimits
from adapters.evm.jsonrpc import Call, RpcFailure, expect
from adapters.evm.wire import decode_quantity
from tests.adapters.evm.liar import Liar, liar
from tests.nodes.anvil import AnvilNode

pytestmark = pytest.mark.nodes

NUMBER = Call("eth_blockNumber", (), decode_quantity)
CHAIN = Call("eth_chainId", (), decode_quantity)


@dataclass(slots=True)
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def pool_of(
    node: AnvilNode, *urls: str, clock: Clock | None = None, limits: PoolLimits | None = None
) -> AsyncIterator[EndpointPool]:
    addresses = [EndpointAddress(Endpoint(f"endpoint-{index}"), url) for index, url in enumerate(urls)]
    async with aiohttp.ClientSession() as session:
        yield EndpointPool(
            addresses,
            session=session,
            chain_id=node.chain_id,
            ledger="test",
            clock=clock or Clock(),
            limits=limits,
        )


def count(method: str, outcome: str) -> float:
    return float(RPC_CALLS.labels(ledger="test", method=method, outcome=outcome)._value.get())


async def test_a_batch_is_answered_in_order_whatever_order_the_replies_have(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url) as pool:
        await pool.get(CHAIN)

        def reversed_order() -> web.Response:
            replies = [{"jsonrpc": "2.0", "id": each, "result": hex(each)} for each in (5, 4, 3)]
            return web.json_response(replies)

        told.whole = reversed_order
        assert (await pool.ask([NUMBER, NUMBER, NUMBER])).answer == [3, 4, 5]


async def test_large_batches_are_split(anvil: AnvilNode) -> None:
    async with pool_of(anvil, anvil.url, limits=PoolLimits(calls_per_request=2)) as pool:
        assert len((await pool.ask([NUMBER] * 5)).answer) == 5


async def test_an_error_object_under_http_200_is_an_answer_and_not_a_success(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url) as pool:
        told.refuse("eth_blockNumber", -32000, "no", when=lambda _: True)
        before = count("eth_blockNumber", "error")
        served = await pool.ask([NUMBER])
        assert served.answer == [RpcFailure(-32000, "no")]
        assert count("eth_blockNumber", "error") == before + 1
        with pytest.raises(EndpointUnavailable) as refusal:
            await pool.get(NUMBER)
        assert refusal.value.endpoint == "endpoint-0"


async def test_the_endpoint_of_another_chain_is_named_and_passed_over(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url, anvil.url) as pool:
        told.about("eth_chainId", lambda _: "0x1")
        assert (await pool.ask([NUMBER])).by == "endpoint-1"
        assert "eth_blockNumber" not in told.asked, "nothing more is asked of it"
        with pytest.raises(EndpointUnavailable) as refusal:
            await pool.ask([NUMBER], endpoint=Endpoint("endpoint-0"))
        assert "chain id" in refusal.value.reason
        assert list(pool.troubles()) == ["endpoint-0"]


async def test_wrong_chain_alone_is_refused_with_both_ids(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url) as pool:
        told.about("eth_chainId", lambda _: "0x1")
        with pytest.raises(EndpointWrong) as refusal:
            await pool.ask([NUMBER])
        assert (refusal.value.what, refusal.value.got, refusal.value.expected) == ("chain id", 1, anvil.chain_id)


WRONG_ANSWERS: dict[str, tuple[Callable[[], web.Response], str]] = {
    "not JSON": (lambda: web.Response(text="<html>"), "EndpointWrong endpoint=endpoint-0 what=JSON-RPC reply"),
    "an empty array": (lambda: web.json_response([]), "what=reply ids"),
    "two replies": (
        lambda: web.json_response([{"id": 3, "result": "0x1"}, {"id": 4, "result": "0x1"}]),
        "what=reply ids",
    ),
    "another reply": (lambda: web.json_response({"id": 99, "result": "0x1"}), "what=reply ids"),
    "neither result nor error": (lambda: web.json_response({"id": 3}), "what=eth_blockNumber got=neither"),
    "a number that is none": (lambda: web.json_response({"id": 3, "result": "0x01"}), "what=eth_blockNumber"),
    "a number with a line end": (lambda: web.json_response({"id": 3, "result": "0x1\n"}), "what=eth_blockNumber"),
    "null": (lambda: web.json_response({"id": 3, "result": None}), "what=eth_blockNumber"),
    "deep nesting": (lambda: web.Response(text='{"id":3,"result":' + "[" * 100_000), "what=JSON-RPC reply"),
    "too large": (lambda: web.Response(body=b" " * 3_000_000), "what=response bytes"),
    "overloaded": (
        lambda: web.Response(status=503, text="later"),
        "EndpointUnavailable endpoint=endpoint-0 reason=HTTP",
    ),
    "rate limit": (lambda: web.Response(status=429, text="{}", headers={"Retry-After": "7"}), "retry_after=7"),
    "a redirect": (lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "HTTP status 302"),
}


@pytest.mark.parametrize("name", WRONG_ANSWERS)
async def test_wrong_answers_are_refused_and_the_next_endpoint_answers(anvil: AnvilNode, name: str) -> None:
    whole, said = WRONG_ANSWERS[name]
    limits = PoolLimits(response_bytes=2_000_000)
    async with liar(anvil) as told, pool_of(anvil, told.url, anvil.url, limits=limits) as pool:
        assert (await pool.ask([CHAIN])).by == "endpoint-0"
        told.whole = whole
        pool._last_id = 2
        assert (await pool.ask([NUMBER])).by == "endpoint-1"
        trouble = pool.troubles()[Endpoint("endpoint-0")]
        assert said in trouble
        assert "secret" not in trouble


async def test_an_endpoint_that_is_gone_rests_for_a_growing_while_and_is_asked_again(anvil: AnvilNode) -> None:
    clock = Clock()
    async with liar(anvil) as told, pool_of(anvil, told.url, clock=clock) as pool:
        told.whole = lambda: web.Response(status=500)
        waits = []
        for _ in range(4):
            with pytest.raises(EndpointUnavailable):
                await pool.ask([NUMBER])
            asked = len(told.asked)
            with pytest.raises(EndpointUnavailable) as refusal:
                await pool.ask([NUMBER])
            assert len(told.asked) == asked, "one that rests is not asked"
            assert refusal.value.retry_after is not None
            waits.append(refusal.value.retry_after)
            clock.now += refusal.value.retry_after
        assert waits == [1, 2, 4, 8]
        told.whole = None
        assert (await pool.ask([NUMBER])).by == "endpoint-0"
        assert pool.troubles() == {}


async def test_nothing_listens_and_no_secret_is_told(anvil: AnvilNode) -> None:
    async with pool_of(anvil, "http://user:password@127.0.0.1:1/key") as pool:
        with pytest.raises(EndpointUnavailable) as refusal:
            await pool.ask([NUMBER])
        assert "password" not in str(refusal.value)
        assert "password" not in repr(pool.troubles())
        assert "password" not in repr(EndpointAddress(Endpoint("a"), "http://user:password@x/"))


async def test_an_endpoint_that_is_too_slow_is_given_up(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url, limits=PoolLimits(seconds=0.0001)) as pool:
        with pytest.raises(EndpointUnavailable) as refusal:
            await pool.ask([NUMBER])
        assert "0.0001 s" in refusal.value.reason


async def test_a_blamed_endpoint_is_asked_last_for_a_while(anvil: AnvilNode) -> None:
    clock = Clock()
    async with liar(anvil) as told, pool_of(anvil, told.url, anvil.url, clock=clock) as pool:
        assert (await pool.ask([NUMBER])).by == "endpoint-0"
        pool.blame(Endpoint("endpoint-0"), ValueError())
        assert (await pool.ask([NUMBER])).by == "endpoint-1"
        clock.now += 301
        assert (await pool.ask([NUMBER])).by == "endpoint-0"


async def test_every_endpoint_is_asked_and_each_answers_for_itself(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url, anvil.url) as pool:
        told.whole = lambda: web.Response(status=500)
        broken, good = await pool.ask_each([CHAIN])
        assert isinstance(broken, EndpointUnavailable)
        assert isinstance(good, Served)
        assert good.answer == [anvil.chain_id]


async def test_a_batch_that_a_node_refuses_as_a_whole_is_its_own_trouble(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url) as pool:
        await pool.get(CHAIN)
        refused = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches here"}}
        told.whole = lambda: web.json_response(refused)
        with pytest.raises(EndpointUnavailable) as refusal:
            await pool.ask([NUMBER, NUMBER])
        assert "no batches here" in refusal.value.reason


def test_pruned_history_is_told_from_other_errors() -> None:
    by = Endpoint("a")
    for message in (
        "missing trie node 12 (path )",
        "BlockOutOfRangeError: block height is 5",
        "state is not available",
    ):
        with pytest.raises(HistoryPruned) as refusal:
            expect(RpcFailure(-32000, message), by, height=7)
        assert refusal.value.height == 7
    with pytest.raises(EndpointUnavailable):
        expect(RpcFailure(-32000, "header not found"), by)
    with pytest.raises(EndpointUnavailable):
        expect(RpcFailure(-32005, "limit exceeded"), by, height=7)


async def test_calls_are_counted_by_method_and_outcome_from_closed_sets(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url) as pool:
        with pytest.raises(AssertionError):
            await pool.ask([Call("eth_somethingElse", (), decode_quantity)])
        before = {outcome: count("eth_blockNumber", outcome) for outcome in OUTCOMES}
        await pool.ask([NUMBER, NUMBER])
        told.about("eth_blockNumber", lambda _: "0x00")
        with pytest.raises(EndpointWrong):
            await pool.ask([NUMBER])
        after = {outcome: count("eth_blockNumber", outcome) - before[outcome] for outcome in OUTCOMES}
        assert after == {"ok": 2, "error": 0, "unavailable": 0, "wrong": 1}


async def test_revert_data_comes_with_the_failure(anvil: AnvilNode) -> None:
    async with liar(anvil) as told, pool_of(anvil, told.url) as pool:
        await pool.get(CHAIN)
        error = {"code": 3, "message": "execution reverted", "data": "0xf7caaa5c"}
        told.whole = lambda: web.Response(text=json.dumps({"id": 3, "jsonrpc": "2.0", "error": error}))
        failure = (await pool.ask([NUMBER])).answer[0]
        assert isinstance(failure, RpcFailure)
        assert failure.is_reverted
        assert failure.data.hex() == "f7caaa5c"


def test_a_liar_is_honest_by_default() -> None:
    assert Liar("").lie("eth_call", [], {"result": 1}) == {"result": 1}
