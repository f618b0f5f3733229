"""What final events add to the store, in whatever order and from whomever they were heard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import Connection, select

from adapters.contract.ledger import Account, Cursor, LedgerIdentity, Prepared, TxId
from adapters.contract.messages import HostEvent, Sent, Written
from proofs.commitment import ClientId, Packet, Payload
from proofs.light_client import Height, Position
from relay.lanes import Lane, Lanes
from relay.lifecycle import DeliveryEvent
from relay.store.database import Database, open_in_memory
from relay.store.facts import record_final_time, record_scan
from relay.store.ledgers import register, register_lanes
from relay.store.outbox import Message, find_message, mark_in_flight, store_message
from relay.store.schema import DELIVERY
from relay.store.steps import Step, take_steps
from relay.store.submissions import record_prepared

LANE = Lane("east", ClientId("client-0"), "west", ClientId("client-1"))
BACK = Lane("west", ClientId("client-1"), "east", ClientId("client-0"))
LANES = Lanes([LANE, BACK])
NOW = 1_000.0


@pytest.fixture
def database() -> Iterator[Database]:
    with open_in_memory() as opened:
        opened.run_here(lambda connection: register_lanes(connection, LANES, paused=frozenset()))
        for name in ("east", "west"):
            identity, start = LedgerIdentity(name, "", "", ""), Cursor(Height(0, 0), b"")
            opened.run_here(partial(register, name=name, identity=identity, start=start))
        yield opened


def packet(sequence: int = 1, value: bytes = b"hello", timeout: int = 2_000) -> Packet:
    payload = Payload("mailbox", "port", "mailbox-1", "application/octet-stream", value)
    return Packet(sequence, LANE.source_client, LANE.dest_client, timeout, (payload,))


def sent(of: Packet, transaction: str, number: int = 5) -> Sent:
    return Sent(Written(Position(Height(0, number), 0, 0), transaction), of)


def read(database: Database, ledger: str, *events: HostEvent) -> None:
    cursor = Cursor(Height(0, 10), b"")
    database.run_here(lambda connection: record_scan(connection, ledger, events, cursor, lanes=LANES, now=NOW))


def outbox_in_flight(database: Database, transaction: str) -> None:
    message = Message(LANE.id, "port", b"hello", 2_000)
    prepared = Prepared(TxId(transaction), b"raw", 0, 1)

    def write(connection: Connection) -> None:
        store_message(connection, "key", message, now=NOW)
        submission = record_prepared(
            connection, "east", Account("a"), prepared, purpose="send", lanes=[LANE.id], now=NOW
        )
        mark_in_flight(connection, "key", submission)

    database.run_here(write)


def outbox(database: Database) -> tuple[str, int | None]:
    stored = database.run_here(lambda connection: find_message(connection, "key"))
    assert stored is not None
    return stored.state, stored.sequence


def test_a_send_that_was_told_with_a_false_transaction_is_named_when_it_is_read_again(database: Database) -> None:
    outbox_in_flight(database, "ours")
    read(database, "east", sent(packet(), "somebody's"))
    assert outbox(database) == ("in_flight", None)
    read(database, "east", sent(packet(), "ours"))
    assert outbox(database) == ("sent", 1)


def test_somebody_elses_packet_does_not_become_the_users_by_the_name_of_our_transaction(database: Database) -> None:
    outbox_in_flight(database, "ours")
    for other in (packet(1, b"other"), packet(1, timeout=3_000)):
        read(database, "east", sent(other, "ours"))
        assert outbox(database) == ("in_flight", None)
    read(database, "east", sent(packet(), "ours"))
    assert outbox(database) == ("sent", 1)


def test_a_packet_that_was_refuted_and_then_sent_after_all_can_time_out(database: Database) -> None:
    """Told of before it was sent, it was refuted with its timeout; the true one must end as any other."""

    def late(connection: Connection) -> int:
        return record_final_time(connection, "west", 2_500, lanes=LANES, now=NOW)

    read(database, "east", sent(packet(), "early"))
    assert database.run_here(late) == 1
    ids = database.run_here(lambda connection: list(connection.execute(select(DELIVERY.c.id)).scalars()))
    steps = [Step(each, DeliveryEvent.CONTRADICTED) for each in ids]
    database.run_here(lambda connection: take_steps(connection, steps, now=NOW))
    assert database.run_here(late) == 0
    read(database, "east", sent(packet(), "true", number=8))
    assert database.run_here(late) == 1
