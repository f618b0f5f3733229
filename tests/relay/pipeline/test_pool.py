"""What was verified is taken in turn: no lane waits for ever, however many there are."""

from __future__ import annotations

from collections import Counter

from adapters.contract.messages import Receive, UpdateClient
from proofs.commitment import ClientId, Packet
from proofs.light_client import Claim, Height
from relay.lanes import Lane
from relay.lifecycle import DeliveryKind
from relay.pipeline.verified import VerifiedBatch, VerifiedDelivery, VerifiedPool
from relay.store.deliveries import Due

MESSAGES = 50


def lane(number: int) -> Lane:
    return Lane("east", ClientId(f"client-{number}"), "west", ClientId(f"far-{number}"))


def batch(of: Lane, first: int, *, items: int, updates: int = 1, solo: bool = False) -> VerifiedBatch:
    return VerifiedBatch(
        of,
        Height(0, 9),
        tuple(UpdateClient(of.dest_client, bytes((each,))) for each in range(updates)),
        tuple(delivery(of, first + index, solo=solo) for index in range(items)),
        0.0,
    )


def delivery(of: Lane, number: int, *, solo: bool) -> VerifiedDelivery:
    packet = Packet(number, of.source_client, of.dest_client, 100, ())
    due = Due(number, DeliveryKind.RECEIVE, of.id, packet, number, (), 1, 1, 0, solo)
    return VerifiedDelivery(due, Claim(b"path", b"value"), Receive(packet, b"", Height(0, 9)))


def test_every_one_of_many_busy_lanes_has_its_turn() -> None:
    lanes = [lane(number) for number in range(60)]
    pool, taken, number = VerifiedPool(), Counter[str](), 1
    for _ in range(20):
        for each in lanes:
            pool.put(batch(each, number, items=2))
            number += 2
        together = pool.take(messages=MESSAGES)
        assert sum(len(each.items) + len(each.updates) for each in together) <= MESSAGES
        taken.update({each.lane.id: len(each.items) for each in together})
    assert set(taken) == {each.id for each in lanes}


def test_a_client_that_needs_more_updates_than_a_transaction_holds_gets_them_in_parts() -> None:
    """The rest is proved anew, from what the client believes by then."""
    pool, far, near = VerifiedPool(), lane(1), lane(2)
    pool.put(batch(far, 1, items=1, updates=MESSAGES + 10))
    pool.put(batch(near, 2, items=1))
    seen = [pool.take(messages=MESSAGES) for _ in range(2)]
    assert any(each.lane == near and each.items for together in seen for each in together)
    parts = [each for together in seen for each in together if each.lane == far]
    assert len(parts) == 1
    assert 0 < len(parts[0].updates) <= MESSAGES
    assert parts[0].items == ()
    assert pool.held(far.id) == frozenset()


def test_a_delivery_that_goes_alone_shares_its_transaction_with_none() -> None:
    pool = VerifiedPool()
    pool.put(batch(lane(1), 1, items=1, solo=True))
    pool.put(batch(lane(2), 2, items=1))
    first, second = pool.take(messages=MESSAGES), pool.take(messages=MESSAGES)
    assert [len(each) for each in (first, second)] == [1, 1]
    assert first[0].items[0].due.solo
