"""The EVM ledger plugin: reads its settings, opens its connections, and wires its roles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

import aiohttp

from adapters.contract.errors import EndpointUnavailable, IdentityChanged
from adapters.contract.ledger import Clock, Endpoint, Ledger
from adapters.contract.plugin import SettingRefused
from adapters.evm.chain import Chain
from adapters.evm.connection import EndpointPool
from adapters.evm.destination import EvmDestination
from adapters.evm.devnet import EvmDevnet
from adapters.evm.endpoint_quorum import (
    EndpointQuorumClient,
    Policy,
    begin,
    decode_client,
    encode_answers,
)
from adapters.evm.sender import MailboxSender
from adapters.evm.settings import EvmSettings, read_settings
from adapters.evm.setup import EvmSetup
from adapters.evm.source import EvmSource
from proofs.ethereum.storage_layout import RouterLayout

# Connections per ledger: what the pool asks at once, and one to spare per endpoint.
_CONNECTIONS: Final = 32


@dataclass(frozen=True, slots=True)
class EvmPlugin:
    """Implements adapters.contract.plugin.Plugin."""

    name: str = "evm"
    devnet: EvmDevnet = field(default_factory=EvmDevnet)

    def check_settings(self, settings: Mapping[str, object]) -> None:
        read_settings(settings)

    def is_development_trust(self, settings: Mapping[str, object]) -> bool:
        """One endpoint agrees with itself: that proves nothing."""
        return len(read_settings(settings).endpoints) == 1

    def open(
        self, settings: Mapping[str, object], *, clock: Clock, chance: Random
    ) -> AbstractAsyncContextManager[Ledger]:
        del chance  # nothing here is left to chance
        return _open(read_settings(settings), clock)


@asynccontextmanager
async def _open(settings: EvmSettings, clock: Clock) -> AsyncIterator[Ledger]:
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield wire(settings, session=session, clock=clock)


def wire(settings: EvmSettings, *, session: aiohttp.ClientSession, clock: Clock) -> Ledger:
    """The roles of one ledger over a session of the caller's.

    Raises SettingRefused where the host is missing that Source and Destination speak to.
    """
    pool = EndpointPool(
        settings.endpoints, session=session, chain_id=settings.chain_id, ledger=settings.ledger, clock=clock
    )
    needed = settings.trust.k if settings.trust is not None else len(settings.endpoints)
    chain = Chain(pool, settings.finality, needed=needed)
    setup = EvmSetup(pool, settings.chain_id, host=settings.host, fees=settings.fees)
    # Before a host is deployed only Setup has something to do; the zero address answers nobody.
    host = settings.host if settings.host is not None else bytes(20)
    layout = RouterLayout(host, settings.host_code if settings.host_code is not None else bytes(32))
    destination = EvmDestination(pool, chain, settings, host=host)
    deployed = settings.host is not None

    async def bootstrap() -> EndpointQuorumClient:
        return await bootstrap_client(settings, pool, chain, layout=layout)

    return Ledger(
        source=EvmSource(pool, chain, settings, host=host, layout=layout),
        destination=destination if deployed else None,
        sender=MailboxSender(pool, destination, mailbox=settings.mailbox, host=host)
        if deployed and settings.mailbox is not None
        else None,
        setup=setup,
        trust="endpoint-quorum",
        trust_shown=trust_shown(settings, needed),
        bootstrap=bootstrap,
        decode_client=decode_client,
        endpoints=pool.names,
    )


async def bootstrap_client(
    settings: EvmSettings, pool: EndpointPool, chain: Chain, *, layout: RouterLayout
) -> EndpointQuorumClient:
    """Believe the checkpoint, or the genesis block where none is configured, as the quorum gives it.

    Raises IdentityChanged when the quorum gives another hash than the configured one.
    """
    if settings.host is None or settings.trust is None:
        raise SettingRefused("host", None, "the address of a deployed host")
    policy = Policy(
        endpoints=tuple(str(name) for name in pool.names),
        needed=settings.trust.k,
        drift=settings.clock_drift_seconds,
    )
    checkpoint = settings.checkpoint
    height = checkpoint.height if checkpoint is not None else 0
    given = await chain.headers_at(height)
    if len(given) < policy.needed:
        names = Endpoint(",".join(name for name, _ in given))
        raise EndpointUnavailable(names, f"{len(given)} answer for the checkpoint, needed {policy.needed}")
    client = begin(policy, layout, encode_answers([(str(name), header.rlp) for name, header in given]))
    believed = client.headers[height].hash
    if checkpoint is not None and believed != checkpoint.hash:
        raise IdentityChanged("checkpoint hash", got=believed.hex(), expected=checkpoint.hash.hex())
    return client


def trust_shown(settings: EvmSettings, needed: int) -> str:
    endpoints = len(settings.endpoints)
    development = " (development)" if endpoints == 1 else ""
    return f"{needed} of {endpoints} endpoints{development}"


PLUGIN: Final = EvmPlugin()
