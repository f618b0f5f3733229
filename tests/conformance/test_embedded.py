"""The embedded ledger keeps the promises of a plugin: with instant finality, with delayed, and over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import aiohttp
import pytest
from aiohttp import web

from adapters.contract.conformance import CHECKS
from adapters.contract.conformance_steps import Harness, Incoming
from adapters.contract.ledger import Ledger
from adapters.contract.messages import Receive
from adapters.embedded.connection import HttpNode
from adapters.embedded.node import EmbeddedNode
from adapters.embedded.plugin import ledger_over
from adapters.embedded.server import application
from adapters.embedded.settings import read_settings
from proofs.commitment import ClientId, commitment_path, packet_commitment
from proofs.light_client import Claim
from tests.adapters.embedded.world import ALICE, KeySigner, Side, linked


class EmbeddedHarness:
    def __init__(self, here: Side, there: Side, *, asked: EmbeddedNode | None = None) -> None:
        """asked: another way to the node of `here`."""
        self._here, self._there = here, there
        table = {"chain_id": here.genesis.chain_id, "nodes": [here.node], "checkpoint": here.checkpoint}
        self.ledger: Ledger = ledger_over([asked or here.node], read_settings(table))

    @property
    def client(self) -> ClientId:
        return self._here.client

    @property
    def signer(self) -> KeySigner:
        return ALICE

    @property
    def pauper(self) -> KeySigner:
        return KeySigner("pauper")

    async def advance(self) -> None:
        self._here.block()

    async def incoming(self, ports: Sequence[str]) -> Incoming:
        packets = [await self._there.send(b"incoming", port=port) for port in ports]
        self._there.settle()
        receives = []
        for packet in packets:
            claim = Claim(commitment_path(packet.source_client, packet.sequence), packet_commitment(packet))
            receives.append(Receive(packet, *await self._there.proof(claim)))
        self._here.settle()
        update = await self._here.update_of(self._there)
        return Incoming((update,) if update else (), tuple(receives))


@pytest.mark.parametrize("final_depth", (0, 3))
@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
async def test_embedded(check: Callable[[Harness], Awaitable[None]], final_depth: int) -> None:
    here, there = await linked(final_depth=final_depth)
    await check(EmbeddedHarness(here, there))


@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
async def test_embedded_over_http(check: Callable[[Harness], Awaitable[None]]) -> None:
    here, there = await linked()
    runner = web.AppRunner(application(here.node))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as session:
            node = HttpNode(session, f"http://127.0.0.1:{runner.addresses[0][1]}", ledger="test")
            await check(EmbeddedHarness(here, there, asked=node))
    finally:
        await runner.cleanup()
