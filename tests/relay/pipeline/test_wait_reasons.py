"""Each reason to wait, brought about on real ledgers and read through the API with its numbers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
import pytest
from sqlalchemy import update

from adapters.contract.messages import Receive
from adapters.embedded import wire
from adapters.embedded.apps import Stubborn
from adapters.embedded.node import LocalNode
from adapters.embedded.pool import Pool
from adapters.embedded.source import EmbeddedSource
from adapters.embedded.wire import StatusAnswer
from proofs.attestation.types import Attested
from proofs.primitives.secp256k1 import address_of
from relay.attestor.client import AttestorClient
from relay.attestor.quorum import AttestorGroup
from relay.attestor.statements import state_data, state_digest
from relay.keys.secret import Secret
from relay.lanes import LanePolicy
from relay.lifecycle import WaitReason
from relay.pipeline.lane_health import Expected
from relay.pipeline.runtime import Accounts
from relay.store.schema import LEDGER
from tests.relay.pipeline.stage import ATTESTORS, THRESHOLD, Setting, Stage, open_stage
from tests.simulation.world import FEE, FEE_CAP, SEND, SETUP, signer

POOR = signer("poor")
BROUGHT_ABOUT: set[WaitReason] = set()


async def expect(stage: Stage, reason: WaitReason, *, kind: str = "receive", **numbers: Any) -> dict[str, Any]:
    """The API tells this reason, with at least these numbers."""
    delivery = await stage.waits(kind)
    assert delivery["waits_for"] == reason, str(delivery)
    assert {name: delivery["numbers"][name] for name in numbers} == numbers
    BROUGHT_ABOUT.add(reason)
    return delivery


async def test_queued_then_verified_then_pending_then_done() -> None:
    async with open_stage() as stage:
        await stage.send()
        stage.blocks("east")
        await stage.read("east")
        await expect(stage, WaitReason.QUEUED)
        await stage.round()
        assert (await stage.waits())["state"] == "verified"
        await stage.submit()
        delivery = await expect(stage, WaitReason.PENDING)
        assert delivery["state"] == "in_flight"
        stage.blocks("west")
        await stage.read("west")
        delivery = await stage.waits()
        assert (delivery["state"], delivery["by_us"], delivery["waits_for"]) == ("done", True, None)


async def test_proof_lag() -> None:
    async with open_stage() as stage:
        await stage.send()
        height = stage.ledgers["east"].chain.final
        await expect(stage, WaitReason.PROOF_LAG, height=height, needed=height + 1)


async def test_no_quorum() -> None:
    async with aiohttp.ClientSession() as session:
        members = tuple(
            AttestorClient(name, "http://127.0.0.1:9", address_of(key.public_key), Secret(b"token"), session, 1.0)
            for name, key in zip(("ada", "ben", "cyd"), ATTESTORS, strict=True)
        )
        group = AttestorGroup("east", "east-1", "ibc", "tagged", THRESHOLD, members)
        async with open_stage(Setting(attested=True, attestors=group)) as stage:
            await stage.send()
            await stage.round()
            delivery = await expect(stage, WaitReason.NO_QUORUM, answered=0, needed=2)
            assert set(delivery["numbers"]["reasons"]) == {"ada", "ben", "cyd"}


async def test_ledger_unavailable_on_the_far_side() -> None:
    async with open_stage() as stage:
        await stage.send()
        stage.ledgers["west"].faults.active, stage.ledgers["west"].faults.rate = True, 1.0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stage.ledgers["west"].faults, "chance", _NeverLate())
            await stage.round()
        await expect(stage, WaitReason.LEDGER_UNAVAILABLE, ledger="west")


class _NeverLate:
    """Chance that always strikes, and delays by nothing."""

    def random(self) -> float:
        return 0.0

    def uniform(self, _low: float, _high: float) -> float:
        return 0.0


@contextlib.asynccontextmanager
async def _running(stage: Stage) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(stage.relay.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _soon(stage: Stage, reason: WaitReason, **numbers: Any) -> None:
    """Loops run by themselves: look until the reason shows, within a bound."""
    for _ in range(100):
        if (await stage.waits())["waits_for"] == reason:
            break
        await asyncio.sleep(0.05)
    await expect(stage, reason, **numbers)


async def test_ledger_halted_when_it_is_another_than_before() -> None:
    async with open_stage() as stage:
        await stage.send()
        other = msgspec.json.encode({"chain_id": "east-1", "root": "00", "host": "ibc", "code": "00"}).decode()
        row = LEDGER.c.name == "east"
        stage.database.run_here(lambda connection: connection.execute(update(LEDGER).where(row).values(identity=other)))
        async with _running(stage):
            await _soon(stage, WaitReason.LEDGER_HALTED, ledger="east")


async def test_paused_and_resumed() -> None:
    async with open_stage() as stage:
        await stage.send()
        await stage.post(f"/v1/lanes/{stage.lane.id}/pause")
        await stage.round()
        await expect(stage, WaitReason.PAUSED)
        await stage.post(f"/v1/lanes/{stage.lane.id}/resume")
        stage.let_pass(2)
        await stage.round()
        assert (await stage.waits())["state"] == "verified"


@pytest.mark.parametrize(
    ("policy", "numbers"),
    (
        (LanePolicy(ports=frozenset({"transfer"})), {"filter": "port", "value": "mailbox"}),
        (LanePolicy(denied_ports=frozenset({"mailbox"})), {"filter": "port", "value": "mailbox"}),
        (LanePolicy(payload_bytes_max=3), {"filter": "payload_bytes", "value": 5}),
    ),
)
async def test_filtered(policy: LanePolicy, numbers: dict[str, Any]) -> None:
    async with open_stage(Setting(policy=policy)) as stage:
        await stage.send()
        await stage.round()
        await expect(stage, WaitReason.FILTERED, **numbers)


async def test_client_expired() -> None:
    async with open_stage() as stage:
        await stage.send(seconds=80_000)
        month = 30 * 86_400
        stage.ledgers["west"].chain.produce_block(stage.now() + month)
        await stage.round()
        delivery = await expect(stage, WaitReason.CLIENT_EXPIRED, client=stage.lane.dest_client)
        assert delivery["numbers"]["expired_at"] < stage.now() + month


async def test_client_frozen() -> None:
    """Two times for one height, each signed by a quorum: the client can never be believed again."""
    async with open_stage(Setting(attested=True, attestors=None)) as stage:
        await stage.send()
        for sequence, timestamp in ((1, 1_900_000_000), (2, 1_900_000_001)):
            message = wire.MsgUpdate(stage.lane.dest_client, _attested_state(900, timestamp))
            stage.transact("west", [message], signer=SETUP, sequence=sequence)
            stage.blocks("west")
        await stage.round()
        await expect(stage, WaitReason.CLIENT_FROZEN, client=stage.lane.dest_client)


def _attested_state(height: int, timestamp: int) -> bytes:
    data = state_data(height, timestamp)
    signatures = [key.sign(state_digest(data, "tagged")) for key in ATTESTORS[:THRESHOLD]]
    return Attested(data, tuple(each[:64] + bytes([27 + each[64]]) for each in signatures)).encode_protobuf()


async def test_client_mismatch() -> None:
    async with open_stage(Setting(expected=Expected("attestation"))) as stage:
        await stage.send()
        await stage.round()
        await expect(stage, WaitReason.CLIENT_MISMATCH, part="family", got="cometbft", expected="attestation")


async def test_not_permitted() -> None:
    async with open_stage() as stage:
        await stage.send()
        friends = wire.MsgAllowRelayers(stage.lane.dest_client, (wire.account_of(SEND.public_key),))
        stage.transact("west", [friends], signer=SETUP, sequence=1)
        stage.blocks("west")
        await stage.round()
        await stage.submit()
        await expect(stage, WaitReason.NOT_PERMITTED, account=wire.account_of(FEE.public_key))


@pytest.mark.parametrize(
    ("accounts", "reason", "numbers"),
    (
        (Accounts(POOR, SEND, fee_per_transaction=FEE_CAP), WaitReason.NO_FUNDS, {"balance": 0}),
        (Accounts(FEE, SEND, fee_per_transaction=FEE_CAP, fee_per_day=1), WaitReason.OVER_BUDGET, {"limit": 1}),
    ),
)
async def test_money(accounts: Accounts, reason: WaitReason, numbers: dict[str, Any]) -> None:
    async with open_stage(Setting(accounts=accounts)) as stage:
        await stage.send()
        await stage.round()
        await stage.submit()
        delivery = await expect(stage, reason, **numbers)
        assert delivery["numbers"]["needed"] > 0


async def test_fee_cap() -> None:
    async with open_stage() as stage:
        await stage.send()
        await stage.round()
        submit = stage.runtime("west").submit
        assert submit is not None
        submit.transactions = replace(submit.transactions, fee_cap=1)
        await stage.submit()
        await expect(stage, WaitReason.FEE_CAP, rule="fee_cap")


async def test_receive_expired() -> None:
    async with open_stage() as stage:
        await stage.send(seconds=60)
        await stage.round()
        stage.let_pass(70)
        stage.blocks("west")
        await stage.submit()
        await expect(stage, WaitReason.RECEIVE_EXPIRED, rule="expired")


class _AheadOfTime(LocalNode):
    """Says that it is later than the headers say."""

    async def status(self) -> StatusAnswer:
        status = await super().status()
        return msgspec.structs.replace(status, final_time=status.final_time + 10_000)


async def test_time_not_reached() -> None:
    """A node that says it is later than it is makes a timeout due; the verified time does not bear it out."""
    async with open_stage() as stage:
        await stage.send(seconds=600)
        chain = stage.ledgers["west"].chain
        source = EmbeddedSource(Pool([_AheadOfTime(chain)], chain_id=chain.genesis.chain_id))
        for part in (stage.runtime("west").watch, stage.runtime("west").belief):
            assert part is not None
            part.source = source
        await stage.round("west")
        delivery = await expect(stage, WaitReason.TIME_NOT_REACHED, kind="timeout")
        numbers = delivery["numbers"]
        assert numbers["time"] < numbers["timeout"]


async def test_on_host_unfinal() -> None:
    """Somebody else delivered it, in a block that is not final yet: we wait, and pay nothing."""
    async with open_stage(Setting(final_depth=3)) as stage:
        await stage.send()
        await stage.round()
        (batch,) = stage.runtime("west").pool.take(messages=10)
        messages = [*(_update(each.client, each.message) for each in batch.updates), _receive(batch.items[0].message)]
        stage.transact("west", messages, signer=SEND, sequence=0)
        stage.blocks("west")
        stage.runtime("west").pool.put(batch)
        await stage.submit()
        await expect(stage, WaitReason.ON_HOST_UNFINAL)


def _update(client: str, message: bytes) -> wire.Msg:
    return wire.MsgUpdate(client, message)


def _receive(message: object) -> wire.Msg:
    assert isinstance(message, Receive)
    return wire.MsgReceive(wire.packet_to_wire(message.packet), message.proof, wire.height_to_wire(message.at))


async def test_reverted() -> None:
    """The app changes its mind between screening and inclusion."""
    app = Stubborn()
    async with open_stage(Setting(apps={"moody": app})) as stage:
        await stage.send(port="moody")
        await stage.round()
        await stage.submit()
        app.receive = "revert"
        stage.blocks("west")
        await stage.read("west")
        await stage.submit()
        delivery = await expect(stage, WaitReason.REVERTED)
        assert delivery["failures"] == 1


async def test_refused_rests_in_quarantine_and_is_released() -> None:
    async with open_stage() as stage:
        await stage.send(port="absent")
        await stage.round()
        await stage.submit()
        delivery = await expect(stage, WaitReason.REFUSED, rule="unknown_port")
        assert delivery["state"] == "quarantined"
        await stage.post(f"/v1/packets/{stage.lane.id}:1/release")
        assert (await stage.waits())["state"] == "waiting"


async def test_retry_when_another_transaction_took_the_slot() -> None:
    async with open_stage() as stage:
        await stage.send()
        await stage.round()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stage.ledgers["west"].chain, "add", lambda _raw: "lost")
            await stage.submit()
        stage.transact("west", [wire.MsgTransfer("treasury", 1)], signer=FEE, sequence=0)
        stage.blocks("west")
        await stage.read("west")
        await stage.submit()
        delivery = await expect(stage, WaitReason.RETRY)
        assert "slot 0" in delivery["numbers"]["error"]


async def test_included_unfinal() -> None:
    async with open_stage(Setting(final_depth=3)) as stage:
        await stage.send()
        await stage.round()
        await stage.submit()
        stage.blocks("west")
        await stage.submit()
        delivery = await expect(stage, WaitReason.INCLUDED_UNFINAL, height=stage.ledgers["west"].chain.latest)
        assert delivery["state"] == "included"


def test_every_reason_was_brought_about(request: pytest.FixtureRequest) -> None:
    if len([each for each in request.session.items if each.path == request.path]) < 22:
        pytest.skip("only some of this file's tests were chosen")
    assert set(WaitReason) == BROUGHT_ABOUT
