"""The judges of the crossing tests are tried themselves: each kind of fault is found, and only that."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from adapters.contract.messages import Received, Written
from proofs.commitment import ClientId, Packet, Payload
from proofs.light_client import Height, Position
from relay.demo import janitor
from relay.lanes import Lane, LaneId
from tests.end_to_end.record import Record, Wanted, faults

NOBODY = "nobody"
LANE = Lane("a", ClientId("on-a"), "b", ClientId("on-b"))
CARRIED, DOOMED = (LANE.id, 1), (LANE.id, 2)
WANTED = Wanted({LANE.id: ["hello"]}, {LANE.id: 1})


def packet(sequence: int, *, port: str = "mailbox", value: bytes = b"hello") -> Packet:
    return Packet(sequence, LANE.source_client, LANE.dest_client, 100, (Payload("p", port, "v", "e", value),))


def good() -> Record:
    record = Record({CARRIED: packet(1), DOOMED: packet(2, port=NOBODY, value=b"")})
    record.sent_times.update([CARRIED, DOOMED])
    record.received[CARRIED] = record.acknowledged[CARRIED] = record.timed_out[DOOMED] = 1
    return record


def lose(record: Record) -> None:
    del record.sent[CARRIED]


def send_twice(record: Record) -> None:
    again = LaneId(LANE.id), 3
    record.sent[again] = packet(3)
    record.sent_times[again] = record.received[again] = record.acknowledged[again] = 1


def say_something_else(record: Record) -> None:
    at = Written(Position(Height(0, 1), 0, 0), "tx")
    clients = {str(LANE.source_client): LANE}, {str(LANE.dest_client): LANE}
    record.compare(Received(at, packet(1, value=b"forged")), leaving=clients[0], entering=clients[1])


FAULTS: dict[str, tuple[Callable[[Record], object], str]] = {
    "lost": (lose, "asked for and not sent"),
    "sent_under_two_sequences": (send_twice, "sent too often"),
    "sent_event_twice": (lambda r: r.sent_times.update([CARRIED]), "sent 2 times"),
    "received_twice": (lambda r: r.received.update([CARRIED]), "(2, 1, 0)"),
    "never_received": (lambda r: r.received.clear(), "(0, 1, 0)"),
    "never_acknowledged": (lambda r: r.acknowledged.clear(), "(1, 0, 0)"),
    "timed_out_though_received": (lambda r: r.timed_out.update([CARRIED]), "(1, 1, 1)"),
    "doomed_received": (lambda r: r.received.update([DOOMED]), "(1, 0, 1)"),
    "doomed_never_timed_out": (lambda r: r.timed_out.clear(), "(0, 0, 0)"),
    "refused_by_the_application": (lambda r: r.failed.add(CARRIED), "refused by its mailbox"),
    "another_content_received": (say_something_else, "Received on"),
}


def test_what_is_as_it_should_be_has_no_fault() -> None:
    assert faults(good(), WANTED, nobody=NOBODY) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_and_nothing_else(fault: str) -> None:
    spoil, said = FAULTS[fault]
    record = deepcopy(good())
    spoil(record)
    (found,) = faults(record, WANTED, nobody=NOBODY)
    assert said in found


def test_the_janitor_ends_what_it_was_told_of_and_waits_for_no_dead_process(tmp_path: Path) -> None:
    """The dead one is not asked for by its parent, as in a container without an init."""
    folder = tmp_path / "demo"
    folder.mkdir()
    sleeping = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(2)]
    cleaner = subprocess.Popen([sys.executable, janitor.__file__, str(folder)], stdin=subprocess.PIPE)
    try:
        # Its patience is 2 s, twice.
        cleaner.communicate("".join(f"{each.pid}\n" for each in sleeping).encode(), timeout=3.5)
        assert not folder.exists()
        assert all(each.poll() is not None for each in sleeping)
    finally:
        for each in (*sleeping, cleaner):
            each.kill()
            each.wait()
