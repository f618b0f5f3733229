"""An embedded ledger, attestors with nodes and light clients of their own, and a group that asks them over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import aiohttp
from aiohttp import web

from adapters.contract.ledger import Ledger
from adapters.embedded.plugin import ledger_over
from adapters.embedded.settings import read_settings
from proofs.commitment import commitment_path, packet_commitment, receipt_path
from proofs.light_client import Claim
from proofs.primitives.secp256k1 import address_of
from relay.attestor.attest import Attestor
from relay.attestor.client import AttestorClient
from relay.attestor.quorum import AttestorGroup
from relay.attestor.server import AttestorServer
from relay.attestor.signed_log import SignedLog
from relay.keys.secret import Secret
from relay.keys.signer import Secp256k1Signer
from tests.adapters.embedded.world import Side, linked

TOKEN = Secret(b"token of the attestors")


def key_of(name: str) -> Secp256k1Signer:
    return Secp256k1Signer(sha256(name.encode()).digest())


def ledger_of(side: Side) -> Ledger:
    settings = read_settings({"chain_id": side.genesis.chain_id, "nodes": [side.node], "checkpoint": side.checkpoint})
    return ledger_over([side.node], settings)


@dataclass
class Scene:
    """side: the attested ledger. claims: a sent packet and one that was never received, both true at its head."""

    side: Side
    claims: tuple[Claim, ...]

    @property
    def timestamp(self) -> int:
        return self.side.light_client(self.side.chain.final).timestamp_at(self.side.height())


async def scene() -> Scene:
    a, _ = await linked()
    packet = await a.send(b"over the sea")
    a.block()
    sent = Claim(commitment_path(packet.source_client, packet.sequence), packet_commitment(packet))
    absent = Claim(receipt_path(a.client, 7), None)
    return Scene(a, (sent, absent))


async def attestor_of(side: Side, name: str, folder: Path, *, ledger: Ledger | None = None) -> Attestor:
    opened = ledger or ledger_of(side)
    identity = await opened.source.identity()
    home = folder / name
    home.mkdir(exist_ok=True)
    return Attestor(
        name=name,
        ledger=opened,
        chain_id=identity.chain_id,
        host=identity.host,
        signers={"tagged": key_of(name)},
        log=SignedLog(home / "signed.db", marks=home / "keys"),
        client=await opened.bootstrap(),
        client_file=home / "client",
        clock=lambda: side.clock.now,
        head_wait_seconds=0,
    )


@asynccontextmanager
async def served(application: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def group_of(
    side: Side, applications: dict[str, web.Application | None], *, threshold: int = 2, token: Secret = TOKEN
) -> AsyncIterator[AttestorGroup]:
    """None: configured, but down."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        members = []
        for name, application in applications.items():
            url = "http://127.0.0.1:1"  # nobody listens on the port of TCPMUX
            if application is not None:
                url = await stack.enter_async_context(served(application))
            address = address_of(key_of(name).public_key)
            members.append(AttestorClient(name, url, address, token, session, timeout_seconds=5))
        identity = await side.source.identity()
        yield AttestorGroup("x", identity.chain_id, identity.host, "tagged", threshold, tuple(members), grace_seconds=2)


def application_of(attestors: Sequence[Attestor]) -> web.Application:
    return AttestorServer(attestors, TOKEN).application()
