"""Blocks, transactions and finality: what is paid, what is taken back, and what is never taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.contract.errors import (
    EndpointUnavailable,
    FinalityViolated,
    HistoryPruned,
    OutOfFunds,
    RefusedForEver,
    RefusedForNow,
)
from adapters.contract.ledger import Failed, Included, Pending, Port, Prepared, Vanished
from adapters.contract.messages import Rule
from adapters.embedded import wire
from adapters.embedded.chain import Chain
from adapters.embedded.execution import balance
from adapters.embedded.genesis import Genesis
from adapters.embedded.node import LocalNode
from adapters.embedded.refusals import NOT_PERMITTED, OUT_OF_FUNDS, Refused
from proofs.cometbft.ibc_messages import decode_client_header, encode_client_header
from proofs.commitment import send_counter_path
from proofs.errors import InsufficientVotingPower, NotEnoughTrust
from proofs.light_client import Claim, Height
from tests.adapters.embedded.world import (
    ALICE,
    BALANCE,
    BOB,
    OPERATOR,
    Clock,
    KeySigner,
    Side,
    linked,
    receive_messages,
    sent_packets,
)

TRANSFER = wire.MsgTransfer(BOB.account, 5)


async def _prepared(side: Side, value: bytes, slot: int | None = None) -> Prepared:
    return await side.sender.prepare_send(
        side.client,
        dest_port=Port("mailbox"),
        value=value,
        expires_at=int(side.clock.now) + 600,
        signer=ALICE,
        slot=slot,
        fee_cap=1 << 60,
    )


def _raw(side: Side, messages: tuple[wire.Msg, ...] = (TRANSFER,), **changes: object) -> bytes:
    body = wire.TxBody(side.genesis.chain_id, ALICE.public_key, 0, 100_000, 1, messages)
    for name, value in changes.items():
        body = wire.decode(wire.encode({**wire.decode(wire.encode(body), dict), name: value}), wire.TxBody)
    encoded = wire.encode(body)
    return wire.encode(wire.Tx(encoded, ALICE.sign(wire.sign_bytes(encoded))))


def _raw_of(side: Side, signer: KeySigner) -> bytes:
    body = wire.encode(wire.TxBody(side.genesis.chain_id, signer.public_key, 0, 100_000, 1, (TRANSFER,)))
    return wire.encode(wire.Tx(body, signer.sign(wire.sign_bytes(body))))


def _balance(side: Side, signer: KeySigner) -> int:
    return balance(side.chain.newest_state(), signer.account)


async def test_gas_is_paid_by_use_and_a_failure_costs_its_fee_and_sequence_only() -> None:
    side = Side("ledger-a", Clock())
    good = await side.execute([TRANSFER])
    assert (good.code, good.fee) == ("", good.gas_used)
    assert _balance(side, ALICE) == BALANCE - 5 - good.fee
    assert _balance(side, BOB) == BALANCE + 5
    bad = await side.execute([TRANSFER, wire.MsgTransfer(BOB.account, BALANCE * 2)])
    assert (bad.code, bad.events) == (OUT_OF_FUNDS, ())
    assert _balance(side, BOB) == BALANCE + 5
    assert _balance(side, ALICE) == BALANCE - 5 - good.fee - bad.fee
    starved = await side.execute([TRANSFER], gas=30_000)
    assert (starved.code, starved.fee) == (Rule.TOO_LITTLE_GAS, 30_000)
    assert (await side.node.account(ALICE.account)).next_final == 3


async def test_a_transaction_that_spends_its_own_fee_fails_as_a_whole() -> None:
    side = Side("ledger-a", Clock())
    result = await side.execute([wire.MsgTransfer(BOB.account, BALANCE)])
    assert result.code == OUT_OF_FUNDS
    assert _balance(side, BOB) == BALANCE
    assert _balance(side, ALICE) == BALANCE - result.fee


MALFORMED: dict[str, tuple[Callable[[Side], bytes], str]] = {
    "nonsense": (lambda _: b"\x93\x01", "malformed"),
    "other_chain": (lambda side: _raw(side, chain_id="other-1"), "chain_id"),
    "no_message": (lambda side: _raw(side, messages=()), "malformed"),
    "no_gas": (lambda side: _raw(side, gas=0), "malformed"),
    "too_much_gas": (lambda side: _raw(side, gas=1 << 40), "malformed"),
    "free": (lambda side: _raw(side, gas_price=0), "underpriced"),
    "other_signature": (lambda side: _raw(side)[:-1] + b"\x00", "signature"),
    "trailing_byte": (lambda side: _raw(side) + b"\x00", "malformed"),
    "second_encoding": (lambda side: b"\xde\x00\x02" + _raw(side)[1:], "malformed"),
    "too_far_ahead": (lambda side: _raw(side, sequence=300), "sequence"),
    "too_long": (lambda _: bytes(wire.TX_BYTES_MAX + 1), "malformed"),
    "cannot_pay": (lambda side: _raw(side, gas_price=1 << 60), OUT_OF_FUNDS),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_wrong_transaction_is_never_taken_in(case: str) -> None:
    side = Side("ledger-a", Clock())
    make, code = MALFORMED[case]
    with pytest.raises(Refused) as refused:
        await side.node.broadcast(make(side))
    assert refused.value.code == code
    side.block()
    assert side.chain.block(side.chain.latest).results == ()


async def test_a_destination_says_broadcast_refusals_in_the_contracts_words() -> None:
    side = Side("ledger-a", Clock())
    with pytest.raises(RefusedForEver):
        await side.destination.broadcast(_raw(side, chain_id="other-1"))
    with pytest.raises(OutOfFunds) as poor:
        await side.destination.broadcast(_raw(side, gas_price=1 << 60))
    assert (poor.value.balance, poor.value.needed) == (BALANCE, 100_000 << 60)
    with pytest.raises(RefusedForNow) as refused:
        await side.destination.broadcast(_raw(side, gas_price=0))
    assert refused.value.rule == Rule.FEE_CAP


async def test_sequences_may_arrive_out_of_order_and_run_in_order() -> None:
    a, _ = await linked()
    slot = (await a.destination.account(ALICE.account)).next_pending
    assert slot is not None
    prepared = [await _prepared(a, bytes([number]), slot + number) for number in range(3)]
    for each in reversed(prepared):
        await a.destination.broadcast(each.raw)
    assert (await a.destination.account(ALICE.account)).next_pending == slot + 3
    a.block()
    values = [packet.payloads[0].value for packet in sent_packets(await a.events())]
    assert values == [b"\x00", b"\x01", b"\x02"]


async def test_a_higher_price_replaces_and_the_replaced_one_vanishes() -> None:
    a, _ = await linked()
    first = await _prepared(a, b"first")
    await a.destination.broadcast(first.raw)
    second = await a.destination.replace(first.raw, signer=ALICE, fee_cap=1 << 60)
    assert second.slot == first.slot
    assert second.fee > first.fee
    await a.destination.broadcast(second.raw)
    await a.destination.broadcast(first.raw)  # Cheaper: it stays out, and that is no error.
    attempts = [(first.tx_id, first.raw), (second.tx_id, second.raw)]
    assert [type(fate) for fate in await a.destination.fates(attempts)] == [Pending, Pending]
    a.block()
    assert [type(fate) for fate in await a.destination.fates(attempts)] == [Vanished, Included]
    with pytest.raises(RefusedForNow) as refused:
        await a.destination.replace(second.raw, signer=ALICE, fee_cap=second.fee)
    assert refused.value.rule == Rule.FEE_CAP


async def test_a_failed_transaction_names_its_rule() -> None:
    a, b = await linked()
    packet = await a.send(port="nowhere")
    messages = await receive_messages(a, b, packet)
    prepared = await b.destination.prepare(
        messages, costs=[], signer=BOB, slot=None, fee_cap=1 << 60
    )  # nobody screened: the gas is too little
    await b.destination.broadcast(prepared.raw)
    b.block()
    (fate,) = await b.destination.fates([(prepared.tx_id, prepared.raw)])
    assert isinstance(fate, Failed)
    assert fate.rule == Rule.TOO_LITTLE_GAS


async def test_time_strictly_increases_whatever_the_clock_does() -> None:
    chain = Chain(Genesis("ledger-1", b"seed"))
    times = [chain.produce_block(now).header.time for now in (100.5, 100.5, 50.0, 101.25)]
    assert times[0] == 100_500_000_000
    assert times == sorted(set(times))
    assert times[-1] == 101_250_000_000


async def test_blocks_are_produced_by_a_clock_and_a_sleep_that_are_handed_in() -> None:
    node = LocalNode(Chain(Genesis("ledger-1", b"seed")))
    now = 1_000.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > 1_009:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await node.run(clock=lambda: now, sleep=sleep, block_seconds=2)
    assert [node.chain.block(height).header.time // 10**9 for height in range(1, 6)] == [1000, 1002, 1004, 1006, 1008]


async def test_a_validator_change_rules_two_blocks_later_and_is_followed_step_by_step() -> None:
    a, _ = await linked()
    client = a.light_client()
    refused = await a.execute([wire.MsgSetValidators(((9, 1),))], ALICE)
    assert refused.code == NOT_PERMITTED
    malformed = await a.execute([wire.MsgSetValidators(((9, 1), (9, 1)))], OPERATOR)
    assert malformed.code == "malformed"
    for start in (10, 20, 30):  # Three changes of the whole set: no block can be skipped to from before.
        changed = await a.execute(
            [wire.MsgSetValidators(tuple((start + index, 10 + index) for index in range(3)))], OPERATOR
        )
        assert changed.code == ""
        a.block()
        a.block()
        before, during, after = (a.chain.block(changed.height + offset).header.validators_hash for offset in (0, 1, 2))
        assert before == during != after
    steps = (await a.source.evidence(client.latest(), a.height())).answer
    assert len(steps) > 3
    with pytest.raises(NotEnoughTrust):
        client.update(_skipping_all(steps[-1], a, client.latest()), now=int(a.clock.now))
    for step in steps:
        client = client.update(step, now=int(a.clock.now))
    assert client.latest() == a.height()


def _skipping_all(last: bytes, side: Side, trusted: Height) -> bytes:
    """The last step as if it started at the first trusted height."""
    first_set = side.chain.light_block(trusted.number + 1).validators
    header = decode_client_header(last)
    return encode_client_header(replace(header, trusted_height=trusted, trusted_validators=first_set))


async def test_a_third_of_the_validators_may_be_away_but_not_more() -> None:
    side = Side("ledger-a", Clock())
    client = side.light_client()
    side.chain.absent = (0,)
    side.block()
    (step,) = (await side.source.evidence(client.latest(), side.height())).answer
    client = client.update(step, now=int(side.clock.now))
    side.chain.absent = (0, 1)
    side.block()
    (step,) = (await side.source.evidence(client.latest(), side.height())).answer
    with pytest.raises(InsufficientVotingPower):
        client.update(step, now=int(side.clock.now))


async def test_old_states_are_forgotten_after_a_bounded_number_of_blocks() -> None:
    side = Side("ledger-a", Clock(), states_kept=10)
    for _ in range(30):
        side.block()
    claim = Claim(b"nothing-here", None)
    assert (await side.source.prove([claim], side.height(25)))[0].claims == (claim,)
    with pytest.raises(HistoryPruned) as pruned:
        await side.source.prove([claim], side.height(15))
    assert pruned.value.height == 14
    with pytest.raises(EndpointUnavailable):
        await side.source.prove([claim], side.height(40))


async def test_a_fork_takes_back_what_was_not_final_and_its_transactions_wait_again() -> None:
    a, _ = await linked(final_depth=3)
    a.block()
    final = (await a.source.head()).final
    await a.destination.broadcast((first := await _prepared(a, b"one")).raw)
    a.block()
    await a.destination.broadcast((second := await _prepared(a, b"two")).raw)
    a.block()
    attempts = [(first.tx_id, first.raw), (second.tx_id, second.raw)]
    seen = await a.destination.fates(attempts)
    assert [(type(each), getattr(each, "final", None)) for each in seen] == [(Included, False)] * 2
    old = [a.chain.block(height).hash for height in range(1, a.chain.latest + 1)]
    cursor = (await a.source.scan(await a.source.start(None), through=a.height(a.chain.latest), event_limit=999)).cursor

    final_before_the_fork = (await a.source.head()).final
    assert final_before_the_fork >= final
    a.chain.fork(2)
    assert [type(each) for each in await a.destination.fates(attempts)] == [Pending, Pending]
    assert (await a.source.head()).final == final_before_the_fork
    a.block()
    new = [a.chain.block(height).hash for height in range(1, a.chain.latest + 1)]
    assert old[: len(old) - 2] == new[: len(old) - 2]
    assert old[len(old) - 2] != new[len(old) - 2]
    a.block()
    with pytest.raises(FinalityViolated) as violated:
        await a.source.scan(cursor, through=a.height(a.chain.latest), event_limit=999)
    assert violated.value.height == len(old)
    a.settle()
    fates = await a.destination.fates(attempts)
    assert [(type(each), getattr(each, "final", None)) for each in fates] == [(Included, True)] * 2


async def test_a_fork_may_drop_a_transaction_for_good() -> None:
    a, _ = await linked(final_depth=3)
    first = await _prepared(a, b"dropped")
    await a.destination.broadcast(first.raw)
    a.block()
    a.chain.fork(1, drop={first.tx_id})
    rival = await _prepared(a, b"rival", first.slot)
    await a.destination.broadcast(rival.raw)
    a.settle()
    a.settle()
    fates = await a.destination.fates([(first.tx_id, first.raw), (rival.tx_id, rival.raw)])
    assert [type(each) for each in fates] == [Vanished, Included]
    assert [packet.payloads[0].value for packet in sent_packets(await a.events())] == [b"rival"]


async def test_a_fork_may_put_transactions_into_another_order() -> None:
    side = Side("ledger-a", Clock(), final_depth=3)
    raws = [_raw(side), _raw_of(side, BOB)]
    for raw in raws:
        await side.node.broadcast(raw)
    side.block()
    before = [each.tx_id for each in side.chain.block(side.chain.latest).results]
    side.chain.fork(1, reorder=lambda txs: txs[::-1])
    side.block()
    after = [each.tx_id for each in side.chain.block(side.chain.latest).results]
    assert before == [wire.tx_id(raw) for raw in raws]
    assert after == before[::-1]


async def test_final_blocks_are_never_forked_and_only_they_are_signed() -> None:
    side = Side("ledger-a", Clock(), final_depth=2)
    side.block()
    with pytest.raises(AssertionError):
        side.chain.fork(3)
    with pytest.raises(EndpointUnavailable):
        await side.node.light_block(side.chain.latest)
    client = side.light_client()
    (step,) = (await side.source.evidence(client.latest(), side.height())).answer
    assert client.update(step, now=int(side.clock.now)).latest() == side.height()


async def test_the_send_counter_is_the_last_sequence_sent_and_provable() -> None:
    a, b = await linked()
    await a.send()
    await a.send()
    a.block()
    update = await b.update_of(a)
    assert update is not None
    client = a.light_client().update(update.message, now=int(a.clock.now))
    claim = Claim(send_counter_path(a.client), None)
    (proven,) = await a.source.prove([claim], a.height())
    assert proven.claims[0].value == (2).to_bytes(8, "big")
    client.check(proven.claims, at=proven.at, proof=proven.proof)
