"""Messages of the demo: most through the relay's API, some straight to the mailbox so that they time out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from adapters.contract.errors import EndpointTrouble, HostRefusal
from adapters.contract.ledger import Clock, Failed, Included, Pending, Port, TxId, Vanished
from relay.demo.api import Api
from relay.demo.ledgers import DemoLedger
from relay.lanes import Lane

NOBODY: Final = Port("nobody-is-here")
MESSAGE_SECONDS: Final = 600
DOOMED_SECONDS: Final = 8  # long enough to be sent, too short to be received by a port that is not there
_FEE_CAP: Final = 10**17
_TRIES: Final = 8


@dataclass(eq=False)
class NotSent(Exception):
    lane: str
    why: str

    def __str__(self) -> str:
        return f"a message on {self.lane} could not be sent: {self.why}"


@dataclass(slots=True)
class Traffic:
    """Counts what it sent: the judge of whether anything was lost."""

    api: Api
    ledgers: Mapping[str, DemoLedger]
    run: str
    clock: Clock
    delivered: dict[str, int] = field(default_factory=dict)
    doomed: dict[str, int] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def send(self, lane: Lane) -> None:
        """One message through the service, to the mailbox on the other side."""
        number = self.delivered.get(lane.id, 0) + 1
        self.delivered[lane.id] = number
        sender = self.ledgers[lane.destination].ledger.sender
        assert sender is not None, "the demo's ledgers have a mailbox"
        await self.api.send(
            lane.id,
            port=sender.port,
            text=f"message {number} from {lane.source} to {lane.destination}",
            key=f"{self.run}-{lane.id}-{number}",
            timeout_seconds=MESSAGE_SECONDS,
        )

    async def send_doomed(self, lane: Lane) -> None:
        """One message past the service, to a port that is not there. Its user's key sends one at a time."""
        self.doomed[lane.id] = self.doomed.get(lane.id, 0) + 1
        turn = self._turns.setdefault(lane.source, asyncio.Lock())
        async with turn:
            await self._send_directly(lane)

    async def _send_directly(self, lane: Lane) -> None:
        ledger = self.ledgers[lane.source].ledger
        assert ledger.sender is not None, "the demo's ledgers have a mailbox"
        assert ledger.destination is not None, "the demo's ledgers have a host"
        signer = self.ledgers[lane.source].signer("user")
        account = ledger.destination.account_of(signer.public_key)
        why = ""
        for _ in range(_TRIES):
            try:
                slot = (await ledger.destination.account(account)).next_pending
                prepared = await ledger.sender.prepare_send(
                    lane.source_client,
                    dest_port=NOBODY,
                    value=b"nobody will read this",
                    expires_at=int(self.clock()) + DOOMED_SECONDS,
                    signer=signer,
                    slot=slot,
                    fee_cap=_FEE_CAP,
                )
                await ledger.destination.broadcast(prepared.raw)
                if await self._is_included(lane.source, prepared.tx_id, prepared.raw):
                    return
                why = "its transaction failed"
            except (EndpointTrouble, HostRefusal) as trouble:
                why = str(trouble)
            await asyncio.sleep(0.5)
        raise NotSent(lane.id, why)

    async def _is_included(self, name: str, tx_id: TxId, raw: bytes) -> bool:
        destination = self.ledgers[name].ledger.destination
        assert destination is not None, "the demo's ledgers have a host"
        while True:
            try:
                (fate,) = await destination.fates([(tx_id, raw)])
            except EndpointTrouble:
                # It may be on its way: to send another now could be to send two.
                fate = Pending()
            if isinstance(fate, Included):
                return True
            if isinstance(fate, Failed | Vanished):
                return False
            await asyncio.sleep(0.2)


def count_doomed(packets: int) -> int:
    """One of each ten, at least one."""
    return max(1, packets // 10)


async def send_all(traffic: Traffic, lanes: tuple[Lane, ...], packets: int) -> None:
    """`packets` in every direction, all lanes side by side."""

    async def on(lane: Lane) -> None:
        doomed = count_doomed(packets)
        for _ in range(packets - doomed):
            await traffic.send(lane)
        for _ in range(doomed):
            await traffic.send_doomed(lane)

    async with asyncio.TaskGroup() as tasks:
        for lane in lanes:
            tasks.create_task(on(lane))


async def send_for_ever(traffic: Traffic, lanes: tuple[Lane, ...], *, pause_seconds: float) -> None:
    """A message now here, now there; one of each ten is doomed."""
    turn = 0
    while True:
        for lane in lanes:
            turn += 1
            if turn % 10:
                await traffic.send(lane)
            else:
                await traffic.send_doomed(lane)
            await asyncio.sleep(pause_seconds)
