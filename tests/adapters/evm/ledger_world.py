"""A host on a real node with one attestation client, and the far side that its attestor speaks for.

The far ledger does not exist: whatever the test says of it is signed by the one attestor of the client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import coincurve

from adapters.contract.ledger import (
    Account,
    AttestationSpec,
    Cost,
    Destination,
    Ledger,
    Pending,
    Prepared,
    Sender,
    Setup,
)
from adapters.contract.messages import Acknowledge, HostMessage, Receive, Timeout, UpdateClient
from adapters.evm.devnet import EvmDevnet
from adapters.evm.plugin import PLUGIN
from adapters.evm.setup import EvmSetup
from adapters.evm.transactions import account_of, address_of_public_key, address_of_secret
from proofs.attestation.spec import TAGGED, Tag, signing_digest
from proofs.attestation.types import Attested, PacketAttestation, StateAttestation, path_entry
from proofs.commitment import (
    ClientId,
    Packet,
    Payload,
    acknowledgement_commitment,
    acknowledgement_path,
    commitment_path,
    packet_commitment,
    receipt_path,
)
from proofs.encoding import abi
from proofs.light_client import Height
from relay.keys.signer import Secp256k1Signer
from tests.nodes.anvil import AnvilNode, require_anvil

FAR = ClientId("far-client-0")
ATTESTOR = bytes.fromhex("11" * 32)
FEE_CAP = 10**18


@dataclass(slots=True)
class EvmWorld:
    node: AnvilNode
    ledger: Ledger
    settings: Mapping[str, object]
    client: ClientId
    signer: Secp256k1Signer
    far_height: int = 10

    @property
    def destination(self) -> Destination:
        assert self.ledger.destination is not None
        return self.ledger.destination

    @property
    def sender(self) -> Sender:
        assert self.ledger.sender is not None
        return self.ledger.sender

    @property
    def account(self) -> Account:
        return self.destination.account_of(self.signer.public_key)

    @property
    def host(self) -> bytes:
        return bytes.fromhex(str(self.settings["host"])[2:])

    @property
    def mailbox_port(self) -> str:
        return self.sender.port

    def finalise(self, blocks: int = 3) -> None:
        self.node.ask("anvil_mine", hex(blocks))

    def update(self, *, height: int | None = None, at: int | None = None) -> UpdateClient:
        state = StateAttestation(height or self.far_height, at if at is not None else self.node.now() - 5)
        return UpdateClient(self.client, attested(state.encode(), Tag.STATE))

    def packet_in(self, sequence: int, *, value: bytes = b"hello", port: str | None = None, life: int = 600) -> Packet:
        return Packet(
            sequence,
            FAR,
            self.client,
            self.node.now() + life,
            (Payload("far-app", port or self.mailbox_port, "mailbox-1", "application/octet-stream", value),),
        )

    def packet_out(self, sequence: int) -> Packet:
        payload = Payload(self.mailbox_port, "far-app", "mailbox-1", "application/octet-stream", b"out")
        return Packet(sequence, self.client, FAR, self.node.now() + 600, (payload,))

    def receive(self, packet: Packet) -> Receive:
        path = commitment_path(packet.source_client, packet.sequence)
        return Receive(packet, self._prove(path, packet_commitment(packet)), Height(0, self.far_height))

    def acknowledge(self, packet: Packet, acknowledgement: bytes = b"\x01") -> Acknowledge:
        path = acknowledgement_path(packet.dest_client, packet.sequence)
        proof = self._prove(path, acknowledgement_commitment([acknowledgement]))
        return Acknowledge(packet, (acknowledgement,), proof, Height(0, self.far_height))

    def time_out(self, packet: Packet) -> Timeout:
        path = receipt_path(packet.dest_client, packet.sequence)
        return Timeout(packet, self._prove(path, None), Height(0, self.far_height))

    async def submit(self, *messages: HostMessage) -> Prepared:
        """Screen, prepare and broadcast messages that the host takes."""
        costs = await self.destination.screen(messages, self.account)
        taken = [cost for cost in costs if isinstance(cost, Cost)]
        assert len(taken) == len(messages), costs
        state = await self.destination.account(self.account)
        prepared = await self.destination.prepare(
            messages, costs=taken, signer=self.signer, slot=state.next_pending, fee_cap=FEE_CAP
        )
        await self.include(prepared)
        return prepared

    async def send(self, value: bytes = b"out", *, life: int = 600, dest_port: str = "far-app") -> Prepared:
        prepared = await self.sender.prepare_send(
            self.client,
            dest_port=dest_port,  # type: ignore[arg-type]  # a NewType over str
            value=value,
            expires_at=self.node.now() + life,
            signer=self.signer,
            slot=None,
            fee_cap=FEE_CAP,
        )
        await self.include(prepared)
        return prepared

    async def include(self, prepared: Prepared) -> None:
        """The node mines after it has answered."""
        await self.destination.broadcast(prepared.raw)
        async with asyncio.timeout(10):
            while await self.destination.fates([(prepared.tx_id, prepared.raw)]) == [Pending()]:  # noqa: ASYNC110 - a node
                await asyncio.sleep(0.01)

    async def deploy_app(self) -> str:
        """An app that misbehaves as its values say. Returns its port."""
        setup = self.ledger.setup
        assert isinstance(setup, EvmSetup)
        app, _ = await setup._deploy("UnrulyApp", "(address)", (self.host,), signer=self.signer)
        await setup._transact(self.host, abi.encode_call("addIBCApp(address)", (app,)), signer=self.signer)
        return "0x" + app.hex()

    def _prove(self, path: bytes, value: bytes | None) -> bytes:
        return attested(PacketAttestation(self.far_height, (path_entry(path, value),)).encode(), Tag.PACKET)


def attested(data: bytes, tag: Tag) -> bytes:
    digest = signing_digest(data, tag=tag, variant=TAGGED)
    signature = coincurve.PrivateKey(ATTESTOR).sign_recoverable(digest, hasher=None)
    return Attested(data, (signature[:64] + bytes((27 + signature[64],)),)).encode_abi()


def plain_settings(node: AnvilNode) -> dict[str, object]:
    return {
        "chain_id": node.chain_id,
        "endpoints": [{"name": "anvil", "url": node.url}],
        "trust": {"kind": "endpoint-quorum", "k": 1},
    }


@asynccontextmanager
async def evm_world(node: AnvilNode, **changed: object) -> AsyncIterator[EvmWorld]:
    """A new host with a client of the far ledger. changed: settings other than the plain ones."""
    signer = Secp256k1Signer(node.funded[0].secret)
    settings = plain_settings(node)
    async with PLUGIN.open(settings, clock=time.time, chance=Random(0)) as ledger:
        assert ledger.setup is not None
        settings |= await ledger.setup.deploy_host(signer)
    async with PLUGIN.open(settings, clock=time.time, chance=Random(0)) as ledger:
        client = await create_client(node, ledger.setup, signer)
    settings |= changed
    async with PLUGIN.open(settings, clock=time.time, chance=Random(0)) as ledger:
        yield EvmWorld(node, ledger, settings, client, signer)


@asynccontextmanager
async def own_anvil(folder: Path) -> AsyncIterator[AnvilNode]:
    """A node for tests that rewrite its past."""
    require_anvil()
    async with EvmDevnet().start(folder, name="own", options={"block_seconds": None}) as running:
        yield AnvilNode(running)


async def create_client(node: AnvilNode, setup: Setup | None, signer: Secp256k1Signer) -> ClientId:
    assert setup is not None
    spec = AttestationSpec((address_of_secret(ATTESTOR),), 1, Height(0, 1), node.now() - 100)
    return await setup.create_client(spec, counterparty=FAR, prefix=(b"",), signer=signer)


def account_of_signer(signer: Secp256k1Signer) -> Account:
    return account_of(address_of_public_key(signer.public_key))
