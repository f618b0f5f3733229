"""The embedded ledger as a plugin: its settings, its roles, its checkpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import Final

from adapters.contract.errors import EndpointWrong
from adapters.contract.ledger import Clock, Ledger
from adapters.contract.plugin import Devnet
from adapters.embedded.connection import connect
from adapters.embedded.destination import EmbeddedDestination
from adapters.embedded.devnet import EmbeddedDevnet
from adapters.embedded.headers import fetch_light_block
from adapters.embedded.node import EmbeddedNode
from adapters.embedded.pool import Pool
from adapters.embedded.sender import EmbeddedSender
from adapters.embedded.settings import Settings, read_settings
from adapters.embedded.setup import EmbeddedSetup
from adapters.embedded.source import EmbeddedSource
from proofs.cometbft.client import CometBftClient, bootstrap, decode_client
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import encode_light_block
from proofs.errors import VerificationError

_POLL_SECONDS: Final = 0.1


class EmbeddedPlugin:
    @property
    def name(self) -> str:
        return "embedded"

    @property
    def devnet(self) -> Devnet | None:
        return EmbeddedDevnet()

    def check_settings(self, settings: Mapping[str, object]) -> None:
        read_settings(settings)

    def is_development_trust(self, settings: Mapping[str, object]) -> bool:  # noqa: ARG002 - its committee is verified
        return False

    def open(
        self,
        settings: Mapping[str, object],
        *,
        clock: Clock,  # noqa: ARG002 - the contract hands one to all; blocks bring their own time here
        chance: Random,
    ) -> AbstractAsyncContextManager[Ledger]:
        return _open(read_settings(settings), chance)


@asynccontextmanager
async def _open(settings: Settings, chance: Random) -> AsyncIterator[Ledger]:
    if settings.nodes:
        yield ledger_over(settings.nodes, settings)
        return
    async with connect(settings.endpoints, ledger=settings.chain_id, chance=chance) as nodes:
        yield ledger_over(nodes, settings)


def ledger_over(nodes: Sequence[EmbeddedNode], settings: Settings) -> Ledger:
    pool = Pool(nodes, chain_id=settings.chain_id)

    async def bootstrapped() -> CometBftClient:
        return await bootstrap_from(pool, settings)

    async def wait() -> None:
        await asyncio.sleep(_POLL_SECONDS)

    return Ledger(
        source=EmbeddedSource(pool),
        destination=EmbeddedDestination(pool),
        sender=EmbeddedSender(pool),
        setup=EmbeddedSetup(pool, wait=wait),
        trust="light-client",
        trust_shown=f"CometBFT committee from checkpoint {settings.checkpoint[0]}",
        bootstrap=bootstrapped,
        decode_client=decode_client,
        endpoints=pool.names,
    )


async def bootstrap_from(pool: Pool, settings: Settings) -> CometBftClient:
    """The light client at the checkpoint: any node may serve the block, the configured hash decides."""
    height, header_hash = settings.checkpoint

    async def asked(node: EmbeddedNode) -> CometBftClient:
        block = await fetch_light_block(node, height, chain_id=settings.chain_id)
        try:
            return bootstrap(
                encode_light_block(block),
                chain_id=settings.chain_id,
                height=height,
                header_hash=header_hash,
                parameters=settings.parameters,
                host=HostLayout(),
            )
        except VerificationError as refusal:
            raise EndpointWrong(node.name, "checkpoint", got=str(refusal), expected=header_hash.hex()) from refusal

    return (await pool.ask(asked)).answer


PLUGIN: Final = EmbeddedPlugin()
