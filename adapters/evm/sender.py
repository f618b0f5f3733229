"""Sending through the mailbox contract, for users of the service."""

from __future__ import annotations

from typing import Final

from adapters.contract.errors import RefusedForEver
from adapters.contract.ledger import Endpoint, Port, Prepared, Signer
from adapters.contract.messages import Rule
from adapters.evm.chain import existing, header_call
from adapters.evm.connection import EndpointPool
from adapters.evm.destination import EvmDestination
from adapters.evm.refusals import refusal_of
from adapters.evm.simulation import Outcome, Run, simulate
from adapters.evm.transactions import account_of, address_of_public_key
from proofs.commitment import ClientId
from proofs.encoding.abi import encode_call

SEND: Final = "send(string,string,uint64,bytes)"
VALUE_BYTES_MOST: Final = 64 * 1024  # the mailbox's own limit on every host

_MARGIN_PERCENT: Final = 115
_MARGIN_GAS: Final = 50_000


class MailboxSender:
    """Implements adapters.contract.ledger.Sender with the mailbox at one address."""

    def __init__(self, pool: EndpointPool, destination: EvmDestination, *, mailbox: bytes, host: bytes) -> None:
        self._pool = pool
        self._destination = destination
        self._mailbox = mailbox
        self._host = host

    @property
    def port(self) -> Port:
        return Port("0x" + self._mailbox.hex())

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
        if len(value) > VALUE_BYTES_MOST:
            raise RefusedForEver(Rule.PAYLOADS, f"{len(value)} bytes, a mailbox takes {VALUE_BYTES_MOST}")
        calldata = encode_call(SEND, (client, dest_port, expires_at, value))
        sender = address_of_public_key(signer.public_key)
        ample = self._destination.limits.gas

        async def use(name: Endpoint) -> Outcome:
            served = await self._pool.ask([header_call("latest")], endpoint=name)
            on = existing(served.answer[0], name, wanted="latest")
            run = Run(calldata, ample)
            (outcome,) = await simulate(
                self._pool, [run], sender=sender, to=self._mailbox, host=self._host, on=on, endpoint=name
            )
            return outcome

        outcome = await self._pool.attempt(use)
        if not outcome.accepted:
            raise refusal_of(outcome.returned, message=None, account=account_of(sender))
        gas = outcome.gas_used * _MARGIN_PERCENT // 100 + _MARGIN_GAS
        return await self._destination.prepare_call(
            self._mailbox, calldata, gas=gas, signer=signer, slot=slot, fee_cap=fee_cap
        )
