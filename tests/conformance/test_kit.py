"""The kit finds what it is there to find: each lie breaks the promise that names it, and is called so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from adapters.contract import conformance
from adapters.contract.conformance_steps import Harness, PromiseBroken
from adapters.contract.errors import FinalityViolated, HostRefusal
from adapters.contract.ledger import Account, Cost, Cursor, Fate, Head, Proven, Scan, TxId
from adapters.contract.messages import HostMessage, Sent
from proofs.light_client import Claim, Height
from tests.adapters.embedded.world import linked
from tests.conformance.test_embedded import EmbeddedHarness


class Wrapped:
    """Everything of `inner` but what a subclass says otherwise."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class FallingHead(Wrapped):
    async def head(self) -> Head:
        head: Head = await self._inner.head()
        return replace(head, latest=Height(head.final.revision, head.final.number - 1))


class OmittingScan(Wrapped):
    async def scan(self, after: Cursor, *, through: Height, event_limit: int) -> Scan:
        scan: Scan = await self._inner.scan(after, through=through, event_limit=event_limit)
        return replace(scan, events=tuple(each for each in scan.events if not _is_second(each)))


class RepeatingScan(Wrapped):
    async def scan(self, after: Cursor, *, through: Height, event_limit: int) -> Scan:
        scan: Scan = await self._inner.scan(after, through=through, event_limit=event_limit)
        return replace(scan, events=scan.events[:1] + scan.events)


class UnlinkedScan(Wrapped):
    async def scan(self, after: Cursor, *, through: Height, event_limit: int) -> Scan:
        try:
            scan: Scan = await self._inner.scan(after, through=through, event_limit=event_limit)
        except FinalityViolated:
            return Scan((), after, self._inner._pool.names[0])
        return scan


class SwappedProofs(Wrapped):
    async def prove(self, claims: Sequence[Claim], at: Height) -> Sequence[Proven]:
        answer: Sequence[Proven] = await self._inner.prove(claims[::-1], at)
        return answer


class ShuffledFates(Wrapped):
    async def fates(self, attempts: Sequence[tuple[TxId, bytes]]) -> Sequence[Fate]:
        fates: Sequence[Fate] = await self._inner.fates(sorted(attempts))
        return [*fates[1:], *fates[:1]]


class AllOrNothingScreen(Wrapped):
    """One refused message refuses all, as a simulation of the whole transaction would."""

    async def screen(self, messages: Sequence[HostMessage], account: Account) -> Sequence[Cost | HostRefusal]:
        answers: Sequence[Cost | HostRefusal] = await self._inner.screen(messages, account)
        refused = [each for each in answers if isinstance(each, HostRefusal)]
        return refused[:1] * len(answers) if refused else answers


class NeverRedundant(Wrapped):
    async def screen(self, messages: Sequence[HostMessage], account: Account) -> Sequence[Cost | HostRefusal]:
        answers: Sequence[Cost | HostRefusal] = await self._inner.screen(messages, account)
        return [replace(each, redundant=False) if isinstance(each, Cost) else each for each in answers]


class ForgetfulSettled(Wrapped):
    async def settled(self, wanted: Sequence[object]) -> Sequence[bool]:
        return [False] * len(wanted)


class Eager(Wrapped):
    """Sends what it was only asked to prepare."""

    async def prepare_send(self, *arguments: Any, **named: Any) -> Any:
        prepared = await self._inner.prepare_send(*arguments, **named)
        node = self._inner._pool._nodes[0]
        await node.broadcast(prepared.raw)
        return prepared


class Uncapped(Wrapped):
    async def prepare_send(self, *arguments: Any, **named: Any) -> Any:
        return await self._inner.prepare_send(*arguments, **{**named, "fee_cap": 1 << 60})


LIES: dict[str, tuple[str, type[Wrapped], Callable[[Harness], Awaitable[None]]]] = {
    "falling_head": ("source", FallingHead, conformance.heads_only_rise_and_final_is_never_above_latest),
    "omitted_event": ("source", OmittingScan, conformance.a_scan_finds_every_sent_packet_with_contiguous_sequences),
    "repeated_event": (
        "source",
        RepeatingScan,
        conformance.a_scan_repeated_is_equal_and_does_not_depend_on_its_pieces,
    ),
    "unlinked_scan": ("source", UnlinkedScan, conformance.a_cursor_of_another_branch_is_refused),
    "swapped_proofs": ("source", SwappedProofs, conformance.proofs_answer_in_order_and_convince_the_light_client),
    "shuffled_fates": (
        "destination",
        ShuffledFates,
        conformance.fates_come_in_order_and_a_used_slot_makes_its_rival_vanish,
    ),
    "whole_refused": (
        "destination",
        AllOrNothingScreen,
        conformance.screening_leaves_a_refused_message_out_and_prices_the_rest,
    ),
    "never_redundant": ("destination", NeverRedundant, conformance.a_packet_is_received_once_and_a_repeat_is_redundant),
    "never_settled": ("destination", ForgetfulSettled, conformance.a_packet_is_received_once_and_a_repeat_is_redundant),
    "eager_sender": ("sender", Eager, conformance.preparing_sends_nothing_and_broadcasting_twice_sends_once),
    "no_fee_cap": ("sender", Uncapped, conformance.a_fee_above_the_cap_and_an_empty_account_are_refused_by_name),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_broken_promise_is_found(lie: str) -> None:
    role, wrapper, check = LIES[lie]
    harness = EmbeddedHarness(*await linked())
    await check(harness)
    changes: dict[str, Any] = {role: wrapper(getattr(harness.ledger, role))}
    harness.ledger = replace(harness.ledger, **changes)
    with pytest.raises(PromiseBroken):
        await check(harness)


def _is_second(event: object) -> bool:
    return isinstance(event, Sent) and event.packet.sequence % 2 == 0
