"""Sending for our users, through the mailbox of the host."""

from __future__ import annotations

from adapters.contract.errors import EndpointWrong
from adapters.contract.ledger import Port, Prepared, Signer
from adapters.embedded import wire
from adapters.embedded.apps import MAILBOX_ENCODING, MAILBOX_PORT, MAILBOX_VERSION
from adapters.embedded.execution import GAS_BASE, message_gas
from adapters.embedded.pool import Pool
from adapters.embedded.refusals import to_refusal
from adapters.embedded.transactions import prepare
from adapters.embedded.wire import MsgSend, TxPayload, account_of
from proofs.commitment import ClientId


class EmbeddedSender:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @property
    def port(self) -> Port:
        return Port(MAILBOX_PORT)

    async def prepare_send(
        self,
        client: ClientId,
        *,
        dest_port: Port,
        value: bytes,
        expires_at: int,
        signer: Signer,
        slot: int | None,
        fee_cap: int,
    ) -> Prepared:
        """Simulated first: what the host would refuse is refused here. Raises HostRefusal."""
        message = send_message(client, dest_port=dest_port, value=value, expires_at=expires_at)
        account = account_of(signer.public_key)
        served = await self._pool.ask(lambda node: node.simulate(account, [message]))
        if len(served.answer) != 1:
            raise EndpointWrong(served.by, "simulation", got=len(served.answer), expected=1)
        if code := served.answer[0].code:
            raise to_refusal(code, served.answer[0].detail, account)
        gas = GAS_BASE + message_gas(message)
        return await prepare(self._pool, [message], gas=gas, signer=signer, slot=slot, fee_cap=fee_cap)


def send_message(client: ClientId, *, dest_port: Port, value: bytes, expires_at: int) -> wire.MsgSend:
    payload = TxPayload(MAILBOX_PORT, dest_port, MAILBOX_VERSION, MAILBOX_ENCODING, value)
    return MsgSend(client, expires_at, (payload,))
