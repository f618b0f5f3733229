"""Looking for what is rare among all that ever crossed takes bounded turns, and misses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import Connection, insert, update

from relay.lanes import LaneId
from relay.lifecycle import DeliveryState, PacketLife
from relay.store.database import Database, open_in_memory
from relay.store.schema import DELIVERY, LANE, PACKET
from relay.store.views import oldest_open, packets

HERE, THERE = LaneId("here"), LaneId("there")
CROSSED = 30
WAITING = {1, 2, 17, 30}


@pytest.fixture
def database() -> Iterator[Database]:
    def fill(connection: Connection) -> None:
        for number in range(1, CROSSED + 1):
            ended = None if number in WAITING else 1
            row = {"id": number, "lane": THERE if number == 2 else HERE, "sequence": number, "commitment": b"c"}
            times = {"timeout": 9, "seen_at": 1.0, "received_number": ended, "acknowledged_number": ended}
            connection.execute(insert(PACKET).values(**row, **times, body=b"", sent_number=1, sent_transaction=""))

    with open_in_memory() as opened:
        opened.run_here(lambda connection: connection.execute(insert(LANE), [{"id": HERE}, {"id": THERE}]))
        opened.run_here(fill)
        yield opened


@pytest.mark.parametrize(("lane", "wanted"), ((None, [30, 17, 2, 1]), (HERE, [30, 17, 1]), (THERE, [2])))
@pytest.mark.parametrize("limit", (1, 2, 50))
@pytest.mark.parametrize("searched", (1, 7, 100))
def test_pages_of_bounded_searches_hold_everything_once(
    database: Database, lane: LaneId | None, wanted: list[int], limit: int, searched: int
) -> None:
    found, before, turns = [], None, 0
    while True:
        read = partial(packets, lane=lane, life=PacketLife.SENT, before=before, limit=limit, searched=searched)
        page = database.run_here(read)
        assert len(page.rows) <= limit
        found += [row.id for row in page.rows]
        turns += 1
        if page.before is None:
            break
        assert before is None or page.before < before
        before = page.before
    assert found == wanted
    assert turns <= CROSSED


def test_a_search_stops_after_so_many_ids_and_says_where_to_go_on(database: Database) -> None:
    read = partial(packets, lane=None, life=PacketLife.SENT, before=30, limit=5)
    for searched, found, before in ((10, [], 20), (12, [], 18), (13, [17], 17)):
        page = database.run_here(partial(read, searched=searched))
        assert ([row.id for row in page.rows], page.before) == (found, before)


@pytest.mark.parametrize("lane", (None, HERE))
@pytest.mark.parametrize("life", tuple(PacketLife))
def test_a_search_goes_by_id_and_sorts_nothing(database: Database, lane: LaneId | None, life: PacketLife) -> None:
    asked: list[str] = []

    def look(connection: Connection) -> list[str]:
        packets(connection, lane=lane, life=life, before=20, limit=5)
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(asked.append)
        packets(connection, lane=lane, life=life, before=20, limit=5)
        driver.set_trace_callback(None)
        (query,) = (each for each in asked if "ORDER BY" in each)
        return [str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]

    (plan,) = database.run_here(look)
    assert "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan


def test_the_oldest_open_delivery_of_each_lane_is_looked_up(database: Database) -> None:
    """By the number it was found with, whichever open state it is in; what has ended does not count."""
    states = {1: DeliveryState.DONE, 3: DeliveryState.WAITING, 5: DeliveryState.IN_FLIGHT, 7: DeliveryState.WAITING}

    def deliver(connection: Connection) -> None:
        for number, state in states.items():
            row = {"packet": number, "kind": "receive", "lane": HERE, "state": state.value, "numbers": "{}"}
            times = {"found_number": 1, "destination_number": 1, "next_try": 0.0, "failures": 0, "solo": False}
            connection.execute(insert(DELIVERY).values(**row, **times, reason="queued"))
            connection.execute(update(PACKET).where(PACKET.c.id == number).values(seen_at=float(number)))

    database.run_here(deliver)
    assert database.run_here(oldest_open) == {HERE: 3.0}


def test_a_lane_with_nothing_open_has_no_oldest(database: Database) -> None:
    assert database.run_here(oldest_open) == {}
