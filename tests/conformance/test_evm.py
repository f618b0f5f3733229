"""The EVM ledger keeps the promises of a plugin, on a real node."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from adapters.contract.conformance import CHECKS
from adapters.contract.conformance_steps import Harness, Incoming
from adapters.contract.ledger import Ledger
from proofs.commitment import ClientId
from relay.keys.signer import Secp256k1Signer
from tests.adapters.evm.ledger_world import EvmWorld, evm_world
from tests.nodes.anvil import AnvilNode

pytestmark = pytest.mark.nodes


@dataclass(slots=True)
class EvmHarness:
    world: EvmWorld
    sequences: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def ledger(self) -> Ledger:
        return self.world.ledger

    @property
    def client(self) -> ClientId:
        return self.world.client

    @property
    def signer(self) -> Secp256k1Signer:
        return self.world.signer

    @property
    def pauper(self) -> Secp256k1Signer:
        return Secp256k1Signer(b"\x77" * 32)

    async def advance(self) -> None:
        self.world.finalise(1)

    async def incoming(self, ports: Sequence[str]) -> Incoming:
        self.world.far_height += 1
        packets = [self.world.packet_in(next(self.sequences), port=port) for port in ports]
        receives = tuple(self.world.receive(packet) for packet in packets)
        return Incoming((self.world.update(),), receives)


@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
async def test_evm(anvil: AnvilNode, check: Callable[[Harness], Awaitable[None]]) -> None:
    async with evm_world(anvil) as world:
        world.finalise()
        await check(EvmHarness(world))
