"""Transactions: signed by an account, numbered by its sequence, paid by the gas they use, all or nothing.

A transaction that fails costs its fee and its sequence and changes nothing else. One that could not pay, or whose
sequence is not the account's next, is never executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import msgspec

from adapters.contract.messages import Rule
from adapters.embedded import clients, wire
from adapters.embedded.committee import is_valid_set
from adapters.embedded.host import Host
from adapters.embedded.refusals import NOT_PERMITTED, OUT_OF_FUNDS, Refused
from adapters.embedded.state import BANK, STAKING, State
from adapters.embedded.wire import Event, MessageAnswer, Msg, Tx, TxBody, TxResult
from proofs.commitment import ClientId
from proofs.primitives import ed25519

POWERS_KEY: Final = b"powers"
OPERATOR_KEY: Final = b"operator"

GAS_BASE: Final = 20_000
GAS_PER_BYTE: Final = 10
# What a message costs beside its bytes, in the proportions that Cosmos hosts show.
GAS_OF: Final[dict[type[Msg], int]] = {
    wire.MsgUpdate: 120_000,
    wire.MsgMisbehaviour: 240_000,
    wire.MsgReceive: 80_000,
    wire.MsgAcknowledge: 60_000,
    wire.MsgTimeout: 60_000,
    wire.MsgSend: 50_000,
    wire.MsgCreateClient: 150_000,
    wire.MsgRegister: 30_000,
    wire.MsgAllowRelayers: 30_000,
    wire.MsgTransfer: 20_000,
    wire.MsgSetValidators: 50_000,
}
TX_GAS_MAX: Final = 60_000_000
_AMOUNT_LIMIT: Final = 1 << 120


@dataclass(frozen=True, slots=True)
class ReadTx:
    """A transaction whose shape and signature are right; whether it may run depends on the state."""

    id: str
    raw: bytes
    body: TxBody
    sender: str


@dataclass(frozen=True, slots=True)
class Outcome:
    events: tuple[Event, ...] = ()
    redundant: bool = False


def read_tx(raw: bytes, *, chain_id: str) -> ReadTx:
    """Raises Refused."""
    if len(raw) > wire.TX_BYTES_MAX:
        raise Refused("malformed", f"{len(raw)} bytes, at most {wire.TX_BYTES_MAX}")
    try:
        tx = wire.decode(raw, Tx)
        body = wire.decode(tx.body, TxBody)
    except msgspec.DecodeError as error:
        raise Refused("malformed", str(error)) from error
    check_one_encoding(raw, tx, body)
    check_body(body, chain_id)
    if not ed25519.verify(body.public_key, wire.sign_bytes(tx.body), tx.signature):
        raise Refused("signature", "it does not verify")
    return ReadTx(wire.tx_id(raw), raw, body, wire.account_of(body.public_key))


def check_one_encoding(raw: bytes, tx: Tx, body: TxBody) -> None:
    """Another encoding of the same transaction would have another hash: it is refused."""
    if wire.encode(tx) != raw or wire.encode(body) != tx.body:
        raise Refused("malformed", "not the one encoding of this transaction")


def check_body(body: TxBody, chain_id: str) -> None:
    if body.chain_id != chain_id:
        raise Refused("chain_id", f"got {body.chain_id!r}, this is {chain_id!r}")
    if not 1 <= len(body.messages) <= wire.MESSAGES_MAX:
        raise Refused("malformed", f"{len(body.messages)} messages, taken are 1 to {wire.MESSAGES_MAX}")
    if not 1 <= body.gas <= TX_GAS_MAX or not 0 <= body.gas_price < 1 << 64 or not 0 <= body.sequence < 1 << 63:
        raise Refused("malformed", "gas, gas price or sequence out of range")


def message_gas(message: Msg) -> int:
    return GAS_OF[type(message)] + GAS_PER_BYTE * len(wire.encode(message))


def check_gas(used: int, limit: int) -> None:
    if used > limit:
        raise Refused(Rule.TOO_LITTLE_GAS, f"limit {limit}, needed {used} or more")


def balance(state: State, account: str) -> int:
    return int.from_bytes(state.get(BANK, b"balances/" + account.encode()) or b"", "big")


def set_balance(state: State, account: str, amount: int) -> None:
    assert 0 <= amount < _AMOUNT_LIMIT, "a balance is bounded by what the genesis gave out"
    state.set(BANK, b"balances/" + account.encode(), amount.to_bytes(16, "big"))


def sequence(state: State, account: str) -> int:
    return int.from_bytes(state.get(BANK, b"sequences/" + account.encode()) or b"", "big")


def _set_sequence(state: State, account: str, value: int) -> None:
    state.set(BANK, b"sequences/" + account.encode(), value.to_bytes(8, "big"))


@dataclass(frozen=True, slots=True)
class Executor:
    host: Host

    def run(self, state: State, tx: ReadTx, *, height: int, now: int) -> TxResult:
        """Execute a transaction that may run: its sequence is the account's next and it can pay."""
        body = tx.body
        assert sequence(state, tx.sender) == body.sequence, "only the next sequence is executed"
        assert balance(state, tx.sender) >= body.gas * body.gas_price, "only who can pay is executed"
        _set_sequence(state, tx.sender, body.sequence + 1)
        before = state.snapshot()
        used, code, detail = GAS_BASE, "", ""
        outcomes: list[Outcome] = []
        try:
            for message in body.messages:
                used += message_gas(message)
                check_gas(used, body.gas)
                outcomes.append(self.execute(state, message, sender=tx.sender, now=now))
        except Refused as refusal:
            state.restore(before)
            outcomes.clear()
            code, detail = refusal.code, refusal.detail[:500]
        used = min(used, body.gas)
        fee = used * body.gas_price
        # A message may have spent what was set aside for the fee: then the transaction fails as a whole.
        if balance(state, tx.sender) < fee:
            state.restore(before)
            outcomes.clear()
            code, detail = OUT_OF_FUNDS, "nothing is left for the fee"
        set_balance(state, tx.sender, balance(state, tx.sender) - fee)
        events = tuple(event for outcome in outcomes for event in outcome.events)
        redundant = sum(outcome.redundant for outcome in outcomes)
        return TxResult(tx.id, height, code, detail, used, fee, redundant, events)

    def simulate(self, state: State, messages: Sequence[Msg], *, sender: str, now: int) -> tuple[MessageAnswer, ...]:
        """One answer each, in order, on a state of its own; a refused message is left out of the rest."""
        answers: list[MessageAnswer] = []
        for message in messages:
            before = state.snapshot()
            try:
                outcome = self.execute(state, message, sender=sender, now=now)
            except Refused as refusal:
                state.restore(before)
                answers.append(MessageAnswer(refusal.code, refusal.detail[:500], message_gas(message), redundant=False))
            else:
                answers.append(MessageAnswer("", "", message_gas(message), outcome.redundant))
        return tuple(answers)

    def execute(self, state: State, message: Msg, *, sender: str, now: int) -> Outcome:  # noqa: PLR0911 - one per kind
        """Raises Refused; what was written until then is the caller's to take back."""
        match message:
            case wire.MsgReceive():
                packet = wire.packet_from_wire(message.packet)
                at = wire.height_from_wire(message.at)
                return _packet_outcome(
                    self.host.receive(state, packet, proof=message.proof, at=at, sender=sender, now=now)
                )
            case wire.MsgAcknowledge():
                packet = wire.packet_from_wire(message.packet)
                at = wire.height_from_wire(message.at)
                events = self.host.acknowledge(
                    state, packet, message.acknowledgements, proof=message.proof, at=at, sender=sender, now=now
                )
                return _packet_outcome(events)
            case wire.MsgTimeout():
                packet = wire.packet_from_wire(message.packet)
                at = wire.height_from_wire(message.at)
                return _packet_outcome(
                    self.host.timeout(state, packet, proof=message.proof, at=at, sender=sender, now=now)
                )
            case wire.MsgSend():
                payloads = tuple(wire.payload_from_wire(each) for each in message.payloads)
                sent = self.host.send(
                    state, message.client, timeout=message.timeout, payloads=payloads, sender=sender, now=now
                )
                return Outcome((sent,))
            case wire.MsgTransfer():
                return _transfer(state, message, sender)
            case wire.MsgSetValidators():
                return _set_validators(state, message, sender)
            case _:
                return _execute_on_client(state, message, sender=sender, now=now)


_ClientMsg = wire.MsgUpdate | wire.MsgMisbehaviour | wire.MsgCreateClient | wire.MsgRegister | wire.MsgAllowRelayers


def _execute_on_client(state: State, message: _ClientMsg, *, sender: str, now: int) -> Outcome:
    match message:
        case wire.MsgUpdate():
            if not clients.update(state, message.client, message.message, sender=sender, now=now):
                return Outcome(redundant=True)
            return _changed(message.client)
        case wire.MsgMisbehaviour():
            clients.submit_misbehaviour(state, message.client, message.first, message.second, now=now)
            return _changed(message.client)
        case wire.MsgCreateClient():
            return _changed(clients.create(state, message.family, message.encoded, creator=sender, now=now))
        case wire.MsgRegister():
            clients.register(state, message.client, message.counterparty, message.prefix, sender=sender)
            return _changed(message.client)
        case wire.MsgAllowRelayers():
            clients.allow_relayers(state, message.client, message.accounts, sender=sender)
            return _changed(message.client)
        case _:
            assert_never(message)


def _changed(client: str) -> Outcome:
    return Outcome((Event("client_changed", client=ClientId(client)),))


def _packet_outcome(events: tuple[Event, ...]) -> Outcome:
    return Outcome(events, redundant=not events)


def _transfer(state: State, message: wire.MsgTransfer, sender: str) -> Outcome:
    if not 0 < message.amount <= balance(state, sender):
        raise Refused(OUT_OF_FUNDS, f"balance {balance(state, sender)}, wanted {message.amount}")
    if not (len(message.to) == 40 and set(message.to) <= set("0123456789abcdef")):
        raise Refused("malformed", "an account is 40 lower-case hex digits")
    set_balance(state, sender, balance(state, sender) - message.amount)
    set_balance(state, message.to, balance(state, message.to) + message.amount)
    return Outcome()


def _set_validators(state: State, message: wire.MsgSetValidators, sender: str) -> Outcome:
    if sender.encode() != state.get(STAKING, OPERATOR_KEY):
        raise Refused(NOT_PERMITTED, "operator of the ledger")
    if not is_valid_set(message.powers):
        raise Refused("malformed", "not a validator set")
    state.set(STAKING, POWERS_KEY, wire.encode(message.powers))
    return Outcome()
