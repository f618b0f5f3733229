"""Signed nonsense of every kind: refused by name, or executed, but no other error and no broken ledger."""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any

import msgspec
import pytest

from adapters.contract.ledger import Account
from adapters.embedded import tree, wire
from adapters.embedded.destination import to_wire
from adapters.embedded.execution import balance
from adapters.embedded.refusals import Refused
from adapters.embedded.state import BANK
from tests.adapters.embedded.world import ALICE, BALANCE, Side, linked, receive_messages, timeout_messages


async def _seeds(a: Side, b: Side) -> list[wire.Msg]:
    packet = await b.send()
    messages = [to_wire(each) for each in await receive_messages(b, a, packet)]
    messages += [to_wire(each) for each in (await timeout_messages(a, b, await a.send()))[-1:]]
    receive = messages[1]
    assert isinstance(receive, wire.MsgReceive)
    payload = wire.TxPayload("mailbox", "mailbox", "mailbox-1", "application/octet-stream", b"x")
    update = messages[0]
    assert isinstance(update, wire.MsgUpdate)
    return [
        *messages,
        wire.MsgAcknowledge(receive.packet, (b"\x01",), receive.proof, receive.at),
        wire.MsgSend(a.client, int(a.clock.now) + 60, (payload,)),
        wire.MsgCreateClient("cometbft", b.light_client().encode()),
        wire.MsgCreateClient("attestation", b"\x01" + bytes(64)),
        wire.MsgRegister(a.client, b.client, (b"ibc", b"")),
        wire.MsgAllowRelayers(a.client, (ALICE.account,)),
        wire.MsgMisbehaviour(a.client, update.message, update.message),
        wire.MsgTransfer(Account("00" * 20), 7),
        wire.MsgSetValidators(((1, 1),)),
    ]


def _mutated(value: Any, chance: Random) -> Any:
    """One leaf of a decoded message, changed."""
    if isinstance(value, dict):
        key = chance.choice(sorted(set(value) - {"type"}) or ["type"])
        return {**value, key: _mutated(value[key], chance)}
    if isinstance(value, list):
        if not value or chance.random() < 0.2:
            return chance.choice([[], value * 2, value * 12])
        index = chance.randrange(len(value))
        return [*value[:index], _mutated(value[index], chance), *value[index + 1 :]]
    if isinstance(value, bytes):
        at = chance.randrange(len(value) + 1)
        flipped = bytes([chance.randrange(256)])
        return chance.choice([b"", value[:at], value[:at] + flipped + value[at + 1 :], value + flipped, bytes(500)])
    if isinstance(value, int):
        return chance.choice([0, -1, 1, value + 1, 1 << 62, (1 << 64) - 1, -(1 << 63)])
    return chance.choice(["", "\x00", "é" * 70, value + "x", "07-tendermint-0", "mailbox", value[:-1]])


@pytest.mark.parametrize("seed", range(12))
async def test_a_hostile_transaction_is_refused_by_name_or_executed(seed: int) -> None:
    chance = Random(seed)
    a, b = await linked()
    seeds = await _seeds(a, b)
    taken = 0
    for _ in range(40):
        message = wire.decode(wire.encode(chance.choice(seeds)), dict)
        for _ in range(chance.randrange(1, 3)):
            message = _mutated(message, chance)
        sequence = (await a.node.account(ALICE.account)).next_pending
        body = wire.TxBody(a.genesis.chain_id, ALICE.public_key, sequence, 1_000_000, 1, ())
        plain = wire.decode(wire.encode(body), dict)
        encoded = wire.encode({**plain, "messages": [message]})
        with contextlib.suppress(msgspec.DecodeError):
            encoded = wire.encode(wire.decode(encoded, wire.TxBody))  # its one encoding, where it has any
        raw = wire.encode(wire.Tx(encoded, ALICE.sign(wire.sign_bytes(encoded))))
        try:
            await a.node.broadcast(raw)
        except Refused:
            continue
        a.block()
        assert a.chain.result(wire.tx_id(raw)) is not None
        taken += 1
    assert taken > 10
    state = a.chain.newest_state()
    accounts = [key for key, _ in tree.items(state.snapshot()[BANK]) if key.startswith(b"balances/")]
    total = sum(balance(state, key.removeprefix(b"balances/").decode()) for key in accounts)
    fees = sum(result.fee for height in range(1, a.chain.latest + 1) for result in a.chain.block(height).results)
    assert total + fees == 3 * BALANCE
