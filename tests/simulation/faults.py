"""A node that loses, delays, repeats, reorders, omits, invents and substitutes, by the chance it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import msgspec

from adapters.contract.errors import EndpointUnavailable
from adapters.embedded.node import LocalNode
from adapters.embedded.wire import (
    AccountAnswer,
    BlockAnswer,
    ClientAnswer,
    Entry,
    Event,
    MessageAnswer,
    Msg,
    StatusAnswer,
    TxPacket,
    TxResult,
)

T = TypeVar("T")


@dataclass(slots=True)
class Faults:
    """rate: the chance that one answer is spoiled. Counts what it did, so that a test can show that it did."""

    chance: Random
    rate: float
    active: bool = True
    done: dict[str, int] = field(default_factory=dict)

    def strikes(self, name: str, *, part: float = 1.0) -> bool:
        if not self.active or self.chance.random() >= self.rate * part:
            return False
        self.done[name] = self.done.get(name, 0) + 1
        return True


class FaultyNode:
    """Tells what `inner` tells, except when a fault strikes."""

    def __init__(self, inner: LocalNode, faults: Faults, *, name: str) -> None:
        self._inner = inner
        self._faults = faults
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    async def _answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Late, lost on the way there, or lost on the way back."""
        if self._faults.strikes("late"):
            await asyncio.sleep(self._faults.chance.uniform(0.1, 4.0))
        if self._faults.strikes("lost"):
            raise EndpointUnavailable(self._name, "the question was lost")
        answer = await ask()
        if self._faults.strikes("answer_lost"):
            raise EndpointUnavailable(self._name, "the answer was lost")
        return answer

    async def status(self) -> StatusAnswer:
        return await self._answer(self._inner.status)

    async def blocks(self, start: int, limit: int) -> Sequence[BlockAnswer]:
        blocks = await self._answer(lambda: self._inner.blocks(start, limit))
        return tuple(self._spoiled(block) for block in blocks)

    def _spoiled(self, block: BlockAnswer) -> BlockAnswer:
        if not any(result.events for result in block.results):
            return block
        if self._faults.strikes("events_omitted"):
            results = tuple(msgspec.structs.replace(each, events=()) for each in block.results)
            return msgspec.structs.replace(block, results=results)
        if self._faults.strikes("packet_invented"):
            return self._with_events(block, self._invented)
        if self._faults.strikes("packet_substituted"):
            return self._with_events(block, self._substituted)
        return block

    def _with_events(self, block: BlockAnswer, change: Callable[[tuple[Event, ...]], tuple[Event, ...]]) -> BlockAnswer:
        results = tuple(msgspec.structs.replace(each, events=change(each.events)) for each in block.results)
        return msgspec.structs.replace(block, results=results)

    def _invented(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """A packet that nobody sent, as the next one."""
        sent = [event.packet for event in events if event.kind == "send_packet" and event.packet is not None]
        if not sent:
            return events
        false = msgspec.structs.replace(sent[-1], sequence=sent[-1].sequence + 1, timeout=sent[-1].timeout + 7)
        return (*events, Event("send_packet", packet=false))

    def _substituted(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """The right name, other contents."""
        return tuple(
            msgspec.structs.replace(event, packet=_other(event.packet))
            if event.kind == "send_packet" and event.packet is not None
            else event
            for event in events
        )

    async def light_block(self, height: int) -> bytes:
        block = await self._answer(lambda: self._inner.light_block(height))
        if self._faults.strikes("evidence_spoiled", part=0.5):
            place = self._faults.chance.randrange(len(block))
            return block[:place] + bytes([block[place] ^ 1]) + block[place + 1 :]
        return block

    async def prove(self, keys: Sequence[bytes], at: int) -> Sequence[Entry]:
        entries = list(await self._answer(lambda: self._inner.prove(keys, at)))
        if len(entries) > 1 and self._faults.strikes("proofs_reordered"):
            self._faults.chance.shuffle(entries)
        if entries and self._faults.strikes("value_forged"):
            place = self._faults.chance.randrange(len(entries))
            entries[place] = msgspec.structs.replace(entries[place], value=b"\x07" * 32)
        return tuple(entries)

    async def values(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        return await self._answer(lambda: self._inner.values(keys))

    async def clients(self, ids: Sequence[str]) -> Sequence[ClientAnswer]:
        return await self._answer(lambda: self._inner.clients(ids))

    async def client_count(self) -> int:
        return await self._answer(self._inner.client_count)

    async def simulate(self, sender: str, messages: Sequence[Msg]) -> Sequence[MessageAnswer]:
        return await self._answer(lambda: self._inner.simulate(sender, messages))

    async def broadcast(self, raw: bytes) -> None:
        if self._faults.strikes("broadcast_repeated"):
            await self._inner.broadcast(raw)
        await self._answer(lambda: self._inner.broadcast(raw))

    async def results(self, tx_ids: Sequence[str]) -> Sequence[TxResult | None]:
        return await self._answer(lambda: self._inner.results(tx_ids))

    async def account(self, account: str) -> AccountAnswer:
        return await self._answer(lambda: self._inner.account(account))


def _other(packet: TxPacket) -> TxPacket:
    first = msgspec.structs.replace(packet.payloads[0], value=packet.payloads[0].value + b"!")
    return msgspec.structs.replace(packet, payloads=(first, *packet.payloads[1:]))
