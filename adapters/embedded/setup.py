"""Creating clients on the host. The host itself is part of the ledger: there is nothing to deploy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from adapters.contract.errors import EndpointUnavailable, RefusedForNow
from adapters.contract.ledger import AttestationSpec, ClientSpec, LightClientSpec, Signer
from adapters.contract.messages import Rule
from adapters.embedded import clients, wire
from adapters.embedded.execution import GAS_BASE, message_gas
from adapters.embedded.pool import Pool
from adapters.embedded.refusals import to_refusal
from adapters.embedded.transactions import prepare
from adapters.embedded.wire import Msg, MsgCreateClient, MsgRegister
from proofs.attestation.client import bootstrap
from proofs.cometbft.host import DEFAULT_PREFIX
from proofs.commitment import ClientId

# Set-up is done by a person who looks on: dear is fine, endless is not.
_FEE_CAP: Final = 1 << 62
_POLLS_MAX: Final = 600
_TRIES: Final = 5


class EmbeddedSetup:
    """wait: what passes time between two looks at a transaction that is not final yet."""

    def __init__(self, pool: Pool, *, wait: Callable[[], Awaitable[None]]) -> None:
        self._pool = pool
        self._wait = wait

    @property
    def merkle_prefix(self) -> tuple[bytes, ...]:
        return DEFAULT_PREFIX

    def supports(self, spec: type[ClientSpec], family: str) -> bool:
        if spec is AttestationSpec:
            return family == "attestation"
        return family in clients.ID_NAMES

    async def deploy_host(self, signer: Signer) -> Mapping[str, object]:  # noqa: ARG002 - there is nothing to deploy
        return {}

    async def next_client_id(self, spec: ClientSpec) -> ClientId:
        count = (await self._pool.ask(lambda node: node.client_count())).answer
        return ClientId(f"{clients.ID_NAMES[_family(spec)]}-{count}")

    async def create_client(
        self, spec: ClientSpec, *, counterparty: ClientId, prefix: Sequence[bytes], signer: Signer
    ) -> ClientId:
        """In one transaction with its counterparty: if another client comes in between, it fails and is tried again."""
        for _ in range(_TRIES):
            client = await self.next_client_id(spec)
            messages: list[Msg] = [
                MsgCreateClient(_family(spec), _encoded(spec)),
                MsgRegister(client, counterparty, tuple(prefix)),
            ]
            gas = GAS_BASE + sum(message_gas(each) for each in messages)
            prepared = await prepare(self._pool, messages, gas=gas, signer=signer, slot=None, fee_cap=_FEE_CAP)
            await self._pool.ask(lambda node, raw=prepared.raw: node.broadcast(raw))  # type: ignore[misc] # a lambda in a loop
            result = await self._final_result(prepared.tx_id)
            if not result.code:
                return client
            if result.code not in {Rule.UNKNOWN_CLIENT, "not_permitted"}:
                raise to_refusal(result.code, result.detail, wire.account_of(signer.public_key))
        raise RefusedForNow(Rule.UNKNOWN, "other clients were created at the same time, again and again")

    async def _final_result(self, tx_id: str) -> wire.TxResult:
        for _ in range(_POLLS_MAX):
            result = (await self._pool.ask(lambda node: node.results([tx_id]))).answer[0]
            if result is not None and result.height <= (await self._pool.status()).answer.final:
                return result
            await self._wait()
        raise EndpointUnavailable(", ".join(self._pool.names), f"transaction {tx_id} does not become final")


def _family(spec: ClientSpec) -> str:
    return spec.family if isinstance(spec, LightClientSpec) else "attestation"


def _encoded(spec: ClientSpec) -> bytes:
    if isinstance(spec, LightClientSpec):
        return spec.client
    client = bootstrap(spec.attestors, threshold=spec.threshold, height=spec.height.number, timestamp=spec.timestamp)
    return client.encode()
