"""Submitting to a real host: what it takes and refuses, what that costs, and what becomes of transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.contract.errors import HostRefusal, OutOfFunds, RefusedForEver, RefusedForNow
from adapters.contract.ledger import Cost, Failed, Included, Pending, Port, TxId, Vanished
from adapters.contract.messages import AckWritten, HostMessage, PacketMessage, RecordAbsence, Rule, Sent
from adapters.evm.codec import encode_message as calldata
from adapters.evm.transactions import account_of, decode_transaction
from proofs.attestation.spec import Tag
from proofs.attestation.types import PacketAttestation, path_entry
from proofs.commitment import ClientId, commitment_path
from proofs.light_client import Height
from relay.keys.signer import Secp256k1Signer
from tests.adapters.evm.ledger_world import ATTESTOR, FAR, FEE_CAP, EvmWorld, attested, evm_world, own_anvil
from tests.nodes.anvil import AnvilNode

pytestmark = pytest.mark.nodes


async def screened(world: EvmWorld, *messages: HostMessage) -> Sequence[Cost | HostRefusal]:
    return await world.destination.screen(messages, world.account)


def rule_of(answer: Cost | HostRefusal) -> str:
    assert isinstance(answer, RefusedForNow | RefusedForEver), answer
    return answer.rule


async def written(world: EvmWorld) -> list[AckWritten]:
    world.finalise()
    source = world.ledger.source
    scan = await source.scan(await source.start(None), through=(await source.head()).final, event_limit=1000)
    return [event for event in scan.events if isinstance(event, AckWritten)]


async def sent(world: EvmWorld) -> list[Sent]:
    world.finalise()
    source = world.ledger.source
    scan = await source.scan(await source.start(None), through=(await source.head()).final, event_limit=1000)
    return [event for event in scan.events if isinstance(event, Sent)]


async def test_clients_are_described_as_they_stand_at_the_final_height(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        world.finalise()
        here, nowhere = await world.destination.clients([world.client, ClientId("attestations-99")])
        assert here.family == "attestation"
        assert here.variant == "tagged"
        assert here.state == "active"
        assert here.latest == Height(0, 1)
        assert here.counterparty == FAR
        assert here.prefix == (b"",)
        assert here.threshold == 1
        assert len(here.signers) == 1
        assert nowhere.state == "absent"

        await world.submit(world.update())
        (unfinal,) = await world.destination.clients([world.client])
        assert unfinal.latest == Height(0, 1), "an update that is not final is not counted on"
        world.finalise()
        (final,) = await world.destination.clients([world.client])
        assert final.latest == Height(0, 10)


async def test_a_batch_is_screened_in_order_as_one_transaction(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        packets = [world.packet_in(number) for number in (1, 2)]
        foreign = replace(world.packet_in(3), source_client=ClientId("other-0"))
        answers = await screened(
            world,
            world.update(),
            world.receive(packets[0]),
            world.receive(foreign),
            world.receive(packets[1]),
            world.receive(packets[0]),
        )
        assert [type(answer) for answer in answers] == [Cost, Cost, RefusedForEver, Cost, Cost]
        assert rule_of(answers[2]) == Rule.WRONG_COUNTERPARTY
        assert [answer.redundant for answer in answers if isinstance(answer, Cost)] == [False, False, False, True]


async def test_screening_changes_nothing(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        before = anvil.ask("eth_blockNumber")
        await screened(world, world.update(), world.receive(world.packet_in(1)))
        assert anvil.ask("eth_blockNumber") == before


REFUSALS: dict[str, tuple[Callable[[EvmWorld], HostMessage], Rule]] = {
    "proof before its update": (lambda w: w.receive(w.packet_in(1)), Rule.UNKNOWN_HEIGHT),
    "unknown port": (lambda w: w.receive(w.packet_in(1, port="nobody")), Rule.UNKNOWN_PORT),
    "expired": (lambda w: w.receive(w.packet_in(1, life=0)), Rule.EXPIRED),
    "unknown client": (
        lambda w: w.receive(replace(w.packet_in(1), dest_client=ClientId("attestations-77"))),
        Rule.UNKNOWN_CLIENT,
    ),
    "no payload": (lambda w: w.receive(replace(w.packet_in(1), payloads=())), Rule.PAYLOADS),
    "not in the host's power": (lambda _: RecordAbsence(b"path"), Rule.UNKNOWN),
    "malformed proof": (lambda w: replace(w.receive(w.packet_in(1)), proof=b"\x00" * 31), Rule.UNKNOWN),
    "value not attested": (
        lambda w: replace(w.receive(w.packet_in(1)), packet=w.packet_in(1, value=b"another")),
        Rule.INVALID_PROOF,
    ),
    "timeout too early": (lambda w: w.time_out(replace(w.packet_out(1), timeout=2**40)), Rule.NOT_YET_EXPIRED),
    "foreign signature": (lambda w: replace(w.receive(w.packet_in(1)), proof=foreign_proof(w)), Rule.QUORUM),
}


def foreign_proof(world: EvmWorld) -> bytes:
    """A packet attestation under the tag of a state: the recovered signer is nobody."""
    path = commitment_path(FAR, 1)
    return attested(PacketAttestation(world.far_height, (path_entry(path, bytes([1]) * 32),)).encode(), Tag.STATE)


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusals_are_named(anvil: AnvilNode, name: str) -> None:
    build, rule = REFUSALS[name]
    async with evm_world(anvil) as world:
        message = build(world)
        before = () if rule is Rule.UNKNOWN_HEIGHT else (world.update(),)
        answers = await screened(world, *before, message)
        assert rule_of(answers[-1]) == rule
        assert all(isinstance(answer, Cost) for answer in answers[:-1])


async def test_an_update_that_would_freeze_the_client_is_refused(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        time = anvil.now() - 5
        await world.submit(world.update(at=time))
        (same,) = await screened(world, world.update(at=time))
        assert isinstance(same, Cost)
        assert same.redundant
        (other,) = await screened(world, world.update(at=time + 1))
        assert isinstance(other, RefusedForEver)
        assert other.rule == Rule.CLIENT_FROZEN


async def test_an_app_that_catches_its_own_lack_of_gas_gets_enough(anvil: AnvilNode) -> None:
    """The gas trap: the smallest gas that does not revert ends in an error acknowledgement for ever."""
    async with evm_world(anvil) as world:
        port = await world.deploy_app()
        packet = world.packet_in(1, value=b"g", port=port)
        update, receive = world.update(), world.receive(packet)
        await world.submit(update)
        call = {"from": world.account, "to": world.settings["host"], "data": "0x" + calldata(receive).hex()}
        estimate = int(anvil.ask("eth_estimateGas", call), 16)
        (cost,) = await screened(world, receive)
        assert isinstance(cost, Cost)
        assert cost.gas > 2_000_000 > estimate
        await world.submit(receive)
        (event,) = await written(world)
        assert event.acknowledgements == (b"done",)


async def test_what_needs_more_gas_than_a_transaction_may_have_is_refused(anvil: AnvilNode) -> None:
    async with evm_world(anvil, limits={"gas": 2_000_000}) as world:
        port = await world.deploy_app()
        answers = await screened(world, world.update(), world.receive(world.packet_in(1, value=b"b", port=port)))
        assert rule_of(answers[1]) == Rule.TOO_LITTLE_GAS or rule_of(answers[1]) == Rule.APP_REFUSES


async def test_an_app_that_fails_without_a_reason_is_named(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        port = await world.deploy_app()
        answers = await screened(world, world.update(), world.receive(world.packet_in(1, value=b"e", port=port)))
        assert rule_of(answers[1]) == Rule.APP_REFUSES


async def test_settled_tells_what_the_host_already_has(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        await world.send()
        packet = (await sent(world))[0].packet
        incoming = world.packet_in(1)
        wanted: list[PacketMessage] = [world.receive(incoming), world.acknowledge(packet), world.time_out(packet)]
        assert await world.destination.settled(wanted) == [False, False, False]
        await world.submit(world.update(), world.receive(incoming), world.acknowledge(packet))
        assert await world.destination.settled(wanted) == [True, True, True]
        assert await world.destination.settled([]) == []


async def test_a_transaction_is_followed_until_it_is_final(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        prepared = await world.submit(world.update(), world.receive(world.packet_in(1)))
        attempts = [(prepared.tx_id, prepared.raw)]
        (included,) = await world.destination.fates(attempts)
        assert isinstance(included, Included)
        assert not included.final
        assert 0 < included.fee <= prepared.fee
        world.finalise()
        (final,) = await world.destination.fates(attempts)
        assert final == replace(included, final=True)
        assert await world.destination.fates([]) == []


async def test_repeats_that_were_paid_for_are_counted(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        packet = world.packet_in(1)
        await world.submit(world.update(), world.receive(packet))
        again = await world.submit(world.receive(packet), world.receive(packet))
        (fate,) = await world.destination.fates([(again.tx_id, again.raw)])
        assert isinstance(fate, Included)
        assert fate.redundant == 2


async def test_a_transaction_that_reverts_says_why(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        receive = world.receive(world.packet_in(1))
        prepared = await world.destination.prepare(
            [receive], costs=[Cost(500_000, 0)], signer=world.signer, slot=None, fee_cap=FEE_CAP
        )
        await world.include(prepared)
        (fate,) = await world.destination.fates([(prepared.tx_id, prepared.raw)])
        assert isinstance(fate, Failed)
        assert fate.rule == Rule.UNKNOWN_HEIGHT
        assert "ConsensusTimestampNotFound" in fate.detail


async def test_the_same_bytes_twice_are_sent_once_and_a_replacement_makes_the_first_vanish(tmp_path: Path) -> None:
    async with own_anvil(tmp_path) as node, evm_world(node) as world:
        node.ask("evm_setAutomine", False)
        costs = [Cost(400_000, 0)]
        update = world.update()
        state = await world.destination.account(world.account)
        first = await world.destination.prepare(
            [update], costs=costs, signer=world.signer, slot=state.next_pending, fee_cap=FEE_CAP
        )
        await world.destination.broadcast(first.raw)
        await world.destination.broadcast(first.raw)
        (waiting,) = await world.destination.fates([(first.tx_id, first.raw)])
        assert waiting == Pending()
        after = await world.destination.account(world.account)
        assert after.next_pending == (state.next_pending or 0) + 1
        assert after.next_final == state.next_final or (after.next_final or 0) <= (state.next_pending or 0)

        second = await world.destination.replace(first.raw, signer=world.signer, fee_cap=FEE_CAP)
        before, now = (decode_transaction(raw).transaction for raw in (first.raw, second.raw))
        assert (now.nonce, now.data, now.gas, now.to) == (before.nonce, before.data, before.gas, before.to)
        assert now.max_fee * 8 >= before.max_fee * 9
        assert now.max_priority_fee * 8 >= before.max_priority_fee * 9
        await world.destination.broadcast(second.raw)
        await world.destination.broadcast(first.raw)
        world.finalise(1)
        world.finalise(3)
        attempts = [(each.tx_id, each.raw) for each in (first, second)]
        fates = await world.destination.fates(attempts)
        assert isinstance(fates[0], Vanished)
        assert isinstance(fates[1], Included)
        assert fates[1].final
        await world.destination.broadcast(first.raw)


async def test_an_inclusion_that_a_reorganisation_takes_back_is_pending_again(tmp_path: Path) -> None:
    async with own_anvil(tmp_path) as node, evm_world(node) as world:
        prepared = await world.submit(world.update())
        attempts = [(prepared.tx_id, prepared.raw)]
        assert isinstance((await world.destination.fates(attempts))[0], Included)
        node.ask("anvil_reorg", 1, [])
        assert await world.destination.fates(attempts) == [Pending()]
        await world.destination.broadcast(prepared.raw)
        world.finalise(3)
        (fate,) = await world.destination.fates(attempts)
        assert isinstance(fate, Included)
        assert fate.final


async def test_a_fee_above_the_cap_is_refused_for_now(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        update = world.update()
        costs = [cost for cost in await screened(world, update) if isinstance(cost, Cost)]
        with pytest.raises(RefusedForNow) as refusal:
            await world.destination.prepare([update], costs=costs, signer=world.signer, slot=None, fee_cap=1000)
        assert refusal.value.rule == Rule.FEE_CAP
        affordable = await world.destination.prepare(
            [update], costs=costs, signer=world.signer, slot=None, fee_cap=costs[0].fee
        )
        assert affordable.fee <= costs[0].fee
        with pytest.raises(RefusedForNow) as refusal:
            await world.destination.replace(affordable.raw, signer=world.signer, fee_cap=affordable.fee)
        assert refusal.value.rule == Rule.FEE_CAP


async def test_an_account_without_funds_is_told_before_anything_is_signed(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        poor = Secp256k1Signer(ATTESTOR)
        with pytest.raises(OutOfFunds) as refusal:
            await world.destination.prepare(
                [world.update()], costs=[Cost(400_000, 0)], signer=poor, slot=0, fee_cap=FEE_CAP
            )
        assert refusal.value.balance == 0
        assert refusal.value.needed > 0
        assert refusal.value.account == world.destination.account_of(poor.public_key)


async def test_what_a_transaction_may_not_hold_is_refused_before_it_is_sent(anvil: AnvilNode) -> None:
    async with evm_world(anvil, limits={"bytes": 4096}) as world:
        receive = world.receive(world.packet_in(1, value=bytes(8000)))
        with pytest.raises(RefusedForNow) as refusal:
            await world.destination.prepare(
                [receive], costs=[Cost(400_000, 0)], signer=world.signer, slot=None, fee_cap=FEE_CAP
            )
        assert "bytes" in refusal.value.detail


async def test_fifty_receives_fit_into_one_transaction(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        packets = [world.packet_in(sequence) for sequence in range(1, 51)]
        prepared = await world.submit(world.update(), *(world.receive(packet) for packet in packets))
        assert len(prepared.raw) < world.destination.limits.bytes
        assert len(await written(world)) == 50


async def test_a_send_that_the_host_refuses_is_refused_before_it_is_paid_for(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        nonce = (await world.destination.account(world.account)).next_pending
        with pytest.raises(RefusedForEver) as refusal:
            await world.send(life=2 * 86_400)
        assert "IBCInvalidTimeoutDuration 86400" in refusal.value.detail
        with pytest.raises(RefusedForEver) as refusal:
            await world.send(bytes(70_000))
        assert refusal.value.rule == Rule.PAYLOADS
        assert (await world.destination.account(world.account)).next_pending == nonce


async def test_a_sent_packet_names_the_mailbox_as_its_port(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        prepared = await world.send(b"\x00\x01")
        (event,) = await sent(world)
        payload = event.packet.payloads[0]
        assert payload.source_port == world.sender.port == Port(str(world.settings["mailbox"]).lower())
        assert payload.value == b"\x00\x01"
        assert event.at.transaction == prepared.tx_id
        assert TxId(event.at.transaction) == prepared.tx_id


async def test_accounts_are_written_with_their_checksum(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        assert world.account == account_of(bytes.fromhex(world.account[2:]))
        assert world.destination.host_kind == "evm"
