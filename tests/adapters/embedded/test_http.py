"""The same node as a process of its own, asked over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import sys
from pathlib import Path
from random import Random

import aiohttp
import pytest
from aiohttp import web

from adapters.contract.calls import OUTCOMES, RPC_CALLS
from adapters.contract.errors import EndpointTrouble, EndpointUnavailable, EndpointWrong, HistoryPruned
from adapters.contract.ledger import Fate, Included, Ledger, LightClientSpec, Pending
from adapters.contract.plugin import load_plugin
from adapters.embedded import methods, wire
from adapters.embedded.connection import HttpNode
from adapters.embedded.plugin import PLUGIN
from adapters.embedded.refusals import Refused
from adapters.embedded.server import PATH, application
from proofs.commitment import ClientId, send_counter_path
from proofs.light_client import Claim
from tests.adapters.embedded.world import ALICE, Clock, KeySigner, Side


async def _served(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def test_a_node_answers_over_http_as_it_does_in_the_process() -> None:
    side = Side("ledger-a", Clock(), states_kept=5)
    for _ in range(20):
        side.block()
    runner, address = await _served(application(side.node))
    try:
        async with aiohttp.ClientSession() as session:
            node = HttpNode(session, address, ledger="test")
            local = side.node
            assert await node.status() == await local.status()
            assert await node.blocks(1, 10) == await local.blocks(1, 10)
            assert await node.light_block(3) == await local.light_block(3)
            keys = [send_counter_path(ClientId("07-tendermint-0")), b"nextClientSequence"]
            assert await node.prove(keys, 20) == await local.prove(keys, 20)
            assert await node.values(keys) == await local.values(keys)
            assert await node.clients(["07-tendermint-0"]) == await local.clients(["07-tendermint-0"])
            assert await node.client_count() == 0
            assert await node.account(ALICE.account) == await local.account(ALICE.account)
            assert await node.results(["00"]) == (None,)
            with pytest.raises(Refused) as refused:
                await node.broadcast(b"nonsense")
            assert refused.value.code == "malformed"
            with pytest.raises(HistoryPruned) as pruned:
                await node.prove(keys, 3)
            assert pruned.value.height == 2
            with pytest.raises(EndpointUnavailable):
                await node.light_block(99)
            async with session.post(address + PATH, data=b"\xc1") as answer:
                assert answer.status == 400
            async with session.post(address + PATH, data=io.BytesIO(b"0" * (3 << 20))) as answer:
                assert answer.status == 413
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    (
        (200, b"\xc1", EndpointWrong),
        (200, wire.encode([1, 2]), EndpointWrong),
        (200, wire.encode({"chain_id": "x"}), EndpointWrong),
        (404, b"", EndpointWrong),
        (422, wire.encode(methods.Trouble("strange", "", "")), EndpointWrong),
        (503, b"", EndpointUnavailable),
    ),
    ids=["not-messagepack", "other-type", "missing-fields", "not-found", "unknown-trouble", "overloaded"],
)
async def test_a_wrong_answer_is_the_endpoints_fault(status: int, body: bytes, error: type[Exception]) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_post(PATH, answer)
    runner, address = await _served(app)
    try:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(error):
                await HttpNode(session, address, ledger="test").status()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    (
        (200, wire.encode(7), "ok"),
        (422, wire.encode(methods.Trouble("refused", "malformed", "")), "error"),
        (200, b"\xc1", "wrong"),
        (503, b"", "unavailable"),
    ),
)
async def test_every_call_is_counted_by_its_outcome(status: int, body: bytes, outcome: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    app = web.Application()
    app.router.add_post(PATH, answer)
    runner, address = await _served(app)
    counters = {each: RPC_CALLS.labels("counted", "AskClientCount", each) for each in OUTCOMES}
    before = {each: counter._value.get() for each, counter in counters.items()}
    try:
        async with aiohttp.ClientSession() as session:
            with contextlib.suppress(Refused, EndpointTrouble):
                await HttpNode(session, address, ledger="counted").client_count()
    finally:
        await runner.cleanup()
    counted = {each: counter._value.get() - before[each] for each, counter in counters.items()}
    assert counted == {each: float(each == outcome) for each in OUTCOMES}


async def test_nobody_at_the_address_is_an_unavailable_endpoint() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(EndpointUnavailable):
            await HttpNode(session, "http://127.0.0.1:9", ledger="test").status()


async def test_a_devnet_starts_works_and_ends(tmp_path: Path) -> None:
    devnet = PLUGIN.devnet
    assert devnet is not None
    async with devnet.start(tmp_path, name="harbour", options={"block_seconds": 0.05}) as running:
        PLUGIN.check_settings(running.settings)
        assert load_plugin("embedded") is PLUGIN
        async with PLUGIN.open(running.settings, clock=lambda: 0.0, chance=Random(1)) as ledger:
            await _transact(ledger, KeySigner.from_secret(running.funded[0].secret))
        (pid,) = running.pids
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def _transact(ledger: Ledger, signer: KeySigner) -> None:
    assert ledger.sender is not None
    assert ledger.destination is not None
    assert ledger.setup is not None
    light_client = await ledger.bootstrap()
    head = await ledger.source.head()
    served = await ledger.source.evidence(light_client.latest(), head.final)
    for step in served.answer:
        light_client = light_client.update(step, now=head.final_time)
    if light_client.latest() == head.final:
        claims = [Claim(send_counter_path(ClientId("07-tendermint-0")), None)]
        (proven,) = await ledger.source.prove(claims, head.final)
        light_client.check(proven.claims, at=proven.at, proof=proven.proof)
    client = await ledger.setup.create_client(
        LightClientSpec("cometbft", (await ledger.bootstrap()).encode()),
        counterparty=ClientId("07-tendermint-0"),
        prefix=ledger.setup.merkle_prefix,
        signer=signer,
    )
    assert client == "07-tendermint-0"
    prepared = await ledger.sender.prepare_send(
        client,
        dest_port=ledger.sender.port,
        value=b"hello",
        expires_at=head.final_time + 600,
        signer=signer,
        slot=None,
        fee_cap=10**9,
    )
    await ledger.destination.broadcast(prepared.raw)
    fate: Fate = Pending()
    for _ in range(100):
        (fate,) = await ledger.destination.fates([(prepared.tx_id, prepared.raw)])
        if isinstance(fate, Included):
            break
        await asyncio.sleep(0.05)
    assert isinstance(fate, Included)


async def test_a_devnet_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, pathlib, sys\n"
        "from adapters.embedded.plugin import PLUGIN\n"
        "async def main():\n"
        "    async with PLUGIN.devnet.start(pathlib.Path(sys.argv[1]), name='x', options={}) as running:\n"
        "        print(*running.pids, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    for _ in range(100):
        if not _is_alive(pid):
            break
        await asyncio.sleep(0.05)
    assert not _is_alive(pid)


def _is_alive(pid: int) -> bool:
    """A zombie that nobody reaps yet has ended too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_an_address_with_credentials_is_shown_in_no_trouble() -> None:
    async with aiohttp.ClientSession() as session:
        node = HttpNode(session, "htp://user:secret-key@127.0.0.1:1", ledger="test")
        with pytest.raises(EndpointUnavailable) as refusal:
            await node.status()
        assert "secret-key" not in str(refusal.value)
        assert refusal.value.__cause__ is None


async def test_a_redirect_is_not_followed() -> None:
    followed: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        followed.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner, address = await _served(app)
    try:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(EndpointWrong) as refusal:
                await HttpNode(session, address, ledger="test").status()
        assert refusal.value.got == 307
        assert followed == [PATH]
    finally:
        await runner.cleanup()
