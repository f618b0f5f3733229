"""Writing to an embedded ledger: screening by its own simulation, signing, broadcasting, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from adapters.contract.errors import EndpointWrong, HostRefusal, OutOfFunds, RefusedForEver
from adapters.contract.ledger import (
    Account,
    AccountState,
    ClientOnHost,
    Cost,
    Failed,
    Fate,
    Head,
    Included,
    LedgerIdentity,
    Limits,
    Pending,
    Prepared,
    Signer,
    TxId,
    Vanished,
)
from adapters.contract.messages import (
    Acknowledge,
    HostMessage,
    PacketMessage,
    Receive,
    RecordAbsence,
    Rule,
    Timeout,
    UpdateClient,
)
from adapters.embedded import clients, wire
from adapters.embedded.execution import GAS_BASE
from adapters.embedded.node import PATHS_MAX, TXS_MAX, EmbeddedNode
from adapters.embedded.pool import Pool, check_countable
from adapters.embedded.refusals import OUT_OF_FUNDS, Refused, to_refusal, to_rule
from adapters.embedded.source import head_of
from adapters.embedded.transactions import higher_price, prepare, read_body, sign_body
from adapters.embedded.wire import AccountAnswer, ClientAnswer, MessageAnswer, Msg
from proofs.attestation.client import AttestationClient
from proofs.cometbft.chain_id import revision_of
from proofs.commitment import ClientId, commitment_path, receipt_path
from proofs.errors import VerificationError
from proofs.light_client import ClientState, Height

LIMITS: Final = Limits(messages=200, bytes=900_000, gas=40_000_000, in_flight=16)

# Answers of a node to a broadcast that `fates` explains better: the slot is used, or another one waits in it.
_TOLD_BY_FATES: Final = frozenset({"sequence", "replaced"})


class EmbeddedDestination:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._revision = revision_of(pool.chain_id)

    @property
    def limits(self) -> Limits:
        return LIMITS

    @property
    def host_kind(self) -> str:
        return "native"

    def account_of(self, public_key: bytes) -> Account:
        return Account(wire.account_of(public_key))

    async def identity(self) -> LedgerIdentity:
        return await self._pool.identity()

    async def head(self) -> Head:
        served = await self._pool.status()
        return head_of(served.answer, self._revision, served.by)

    async def clients(self, ids: Sequence[ClientId]) -> Sequence[ClientOnHost]:
        now = (await self._pool.status()).answer.final_time
        served = await self._pool.ask(lambda node: node.clients(ids))
        if len(served.answer) != len(ids):
            raise EndpointWrong(served.by, "clients", got=len(served.answer), expected=len(ids))
        return [_on_host(each, answer, now, served.by) for each, answer in zip(ids, served.answer, strict=True)]

    async def settled(self, wanted: Sequence[PacketMessage]) -> Sequence[bool]:
        values: list[bytes | None] = []
        for start in range(0, len(wanted), PATHS_MAX):
            paths = [_deciding_path(message) for message in wanted[start : start + PATHS_MAX]]
            served = await self._pool.ask(lambda node, paths=paths: node.values(paths))  # type: ignore[misc] # a lambda in a loop
            values.extend(served.answer)
        if len(values) != len(wanted):
            raise EndpointWrong("pool", "values", got=len(values), expected=len(wanted))
        return [
            (value is not None) is isinstance(message, Receive) for message, value in zip(wanted, values, strict=True)
        ]

    async def screen(self, messages: Sequence[HostMessage], account: Account) -> Sequence[Cost | HostRefusal]:
        price = (await self._pool.status()).answer.gas_price
        served = await self._pool.ask(lambda node: node.simulate(account, [to_wire(each) for each in messages]))
        if len(served.answer) != len(messages):
            raise EndpointWrong(served.by, "simulation", got=len(served.answer), expected=len(messages))
        return [_cost_or_refusal(answer, account, price) for answer in served.answer]

    async def prepare(
        self,
        messages: Sequence[HostMessage],
        *,
        costs: Sequence[Cost],
        signer: Signer,
        slot: int | None,
        fee_cap: int,
    ) -> Prepared:
        gas = GAS_BASE + sum(cost.gas for cost in costs)
        return await prepare(
            self._pool, [to_wire(each) for each in messages], gas=gas, signer=signer, slot=slot, fee_cap=fee_cap
        )

    async def replace(self, raw: bytes, *, signer: Signer, fee_cap: int) -> Prepared:
        body = read_body(raw)
        price = higher_price(body, fee_cap=fee_cap)
        return sign_body(msgspec.structs.replace(body, gas_price=price), signer)

    async def broadcast(self, raw: bytes) -> None:
        try:
            await self._pool.ask(lambda node: node.broadcast(raw), may_refuse=True)
        except Refused as refusal:
            if refusal.code == OUT_OF_FUNDS:
                raise await self._out_of_funds(raw) from refusal
            if refusal.code not in _TOLD_BY_FATES:
                raise _broadcast_refusal(refusal, raw) from refusal

    async def _out_of_funds(self, raw: bytes) -> OutOfFunds:
        body = read_body(raw)
        account = self.account_of(body.public_key)
        return OutOfFunds(account, (await self.account(account)).balance, body.gas * body.gas_price)

    async def fates(self, attempts: Sequence[tuple[TxId, bytes]]) -> Sequence[Fate]:
        bodies = [read_body(raw) for _, raw in attempts]
        accounts = sorted({self.account_of(body.public_key) for body in bodies})

        async def asked(node: EmbeddedNode) -> Sequence[Fate]:
            # One node answers all, accounts first: a slot that is final by then cannot hide a result read later.
            used_below = {account: (await self._account(node, account)).next_final for account in accounts}
            results = await _results(node, [tx_id for tx_id, _ in attempts])
            final = (await node.status()).final
            return [self._fate(result, body, used_below, final) for result, body in zip(results, bodies, strict=True)]

        return (await self._pool.ask(asked)).answer

    async def account(self, account: Account) -> AccountState:
        answer = (await self._pool.ask(lambda node: self._account(node, account))).answer
        return AccountState(answer.balance, answer.next_final, answer.next_pending)

    async def _account(self, node: EmbeddedNode, account: str) -> AccountAnswer:
        """No slot is used beyond those that a node lets wait, and none is final above the next free one."""
        answer = await node.account(account)
        check_countable((answer.next_final, answer.next_pending), "account", node.name)
        if not answer.next_final <= answer.next_pending:
            raise EndpointWrong(node.name, "next slot", got=answer.next_pending, expected=f">= {answer.next_final}")
        return answer

    def _fate(
        self,
        result: wire.TxResult | None,
        body: wire.TxBody,
        used_below: Mapping[Account, int],
        final: int,
    ) -> Fate:
        if result is None:
            is_used = body.sequence < used_below[self.account_of(body.public_key)]
            return Vanished(f"slot {body.sequence} is final for another transaction") if is_used else Pending()
        at = Height(self._revision, result.height)
        is_final = result.height <= final
        if not result.code:
            return Included(at, is_final, result.fee, result.redundant)
        return Failed(at, is_final, result.fee, to_rule(result.code), f"{result.code}: {result.detail}")


async def _results(node: EmbeddedNode, tx_ids: Sequence[TxId]) -> Sequence[wire.TxResult | None]:
    results: list[wire.TxResult | None] = []
    for start in range(0, len(tx_ids), TXS_MAX):
        part = tx_ids[start : start + TXS_MAX]
        answer = await node.results(part)
        given = [wanted if result is None else result.tx_id for wanted, result in zip(part, answer, strict=False)]
        if len(answer) != len(part) or given != list(part):
            raise EndpointWrong(node.name, "results", got=given, expected="one per transaction, in order")
        for each in filter(None, answer):
            check_countable((each.height, each.fee, each.redundant), "result", node.name)
        results.extend(answer)
    return results


def to_wire(message: HostMessage) -> Msg:
    match message:
        case UpdateClient():
            return wire.MsgUpdate(message.client, message.message)
        case Receive():
            return wire.MsgReceive(wire.packet_to_wire(message.packet), message.proof, wire.height_to_wire(message.at))
        case Acknowledge():
            return wire.MsgAcknowledge(
                wire.packet_to_wire(message.packet),
                message.acknowledgements,
                message.proof,
                wire.height_to_wire(message.at),
            )
        case Timeout():
            return wire.MsgTimeout(wire.packet_to_wire(message.packet), message.proof, wire.height_to_wire(message.at))
        case RecordAbsence():
            raise RefusedForEver(Rule.UNKNOWN, "absence has a proof here: nothing is recorded")


def _deciding_path(message: PacketMessage) -> bytes:
    packet = message.packet
    if isinstance(message, Receive):
        return receipt_path(packet.dest_client, packet.sequence)
    return commitment_path(packet.source_client, packet.sequence)


def _cost_or_refusal(answer: MessageAnswer, account: Account, price: int) -> Cost | HostRefusal:
    if answer.code:
        return to_refusal(answer.code, answer.detail, account)
    return Cost(gas=answer.gas, fee=(answer.gas + GAS_BASE) * price, redundant=answer.redundant)


def _broadcast_refusal(refusal: Refused, raw: bytes) -> HostRefusal:
    if refusal.code in {"malformed", "chain_id", "signature"}:
        return RefusedForEver(Rule.UNKNOWN, str(refusal))
    return to_refusal(refusal.code, str(refusal), wire.account_of(read_body(raw).public_key))


def _on_host(client: ClientId, answer: ClientAnswer, now: int, endpoint: str) -> ClientOnHost:
    if not answer.family:
        return ClientOnHost(client, "", "", "absent", Height(0, 0), None, ClientId(""), ())
    try:
        light_client = clients.decode(answer.family, answer.encoded)
    except (VerificationError, KeyError) as refusal:
        raise EndpointWrong(endpoint, "client", got=str(refusal), expected="a client of a known family") from refusal
    status = light_client.status(now)
    attested = light_client if isinstance(light_client, AttestationClient) else None
    return ClientOnHost(
        id=client,
        family=answer.family,
        variant=attested.variant if attested else "",
        state=_STATES[ClientState.FROZEN if answer.frozen else status.state],
        latest=light_client.latest(),
        expires_at=status.expires_at,
        counterparty=ClientId(answer.counterparty),
        prefix=answer.prefix,
        signers=attested.attestors.addresses if attested else (),
        threshold=attested.attestors.threshold if attested else 0,
    )


_STATES: Final[Mapping[ClientState, Literal["active", "expired", "frozen"]]] = {
    ClientState.ACTIVE: "active",
    ClientState.EXPIRED: "expired",
    ClientState.FROZEN: "frozen",
}
