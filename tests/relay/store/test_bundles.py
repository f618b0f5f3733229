"""Chains of evidence in the store: how they grow, are cut by checkpoints, are joined again, and are bounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, func, select, text

from proofs.bundle.format import checkpoint_digest
from proofs.bundle.types import Checkpoint
from proofs.light_client import Height
from relay.store import bundles
from relay.store.bundles import (
    KeptProof,
    Start,
    TooMuchEvidence,
    drop_older,
    drop_oldest,
    keep_evidence,
    keep_proofs,
    parts_of,
)
from relay.store.database import open_in_memory
from relay.store.schema import CHECKPOINT, EVIDENCE, PROOF

LEDGER = "harbour"
AT = Height(1, 5)


@pytest.fixture
def connection() -> Iterator[Connection]:
    """Without packets and deliveries: only what is tried here."""
    with open_in_memory() as database, database._engine.connect() as opened:
        opened.execute(text("COMMIT"))
        opened.execute(text("PRAGMA foreign_keys=OFF"))
        opened.execute(text("BEGIN"))
        yield opened


def client(number: int) -> bytes:
    return f"client after {number}".encode()


def start(number: int) -> Start:
    return Start(Checkpoint("cometbft", client(number)), number)


def digest(number: int) -> bytes:
    return checkpoint_digest(start(number).checkpoint)


def learn(connection: Connection, number: int, *, steps: int = 1, now: float = 0.0, stream: str = LEDGER) -> None:
    """One round: from the client `number` to the next."""
    taught = [f"step {number}.{index}".encode() for index in range(steps)]
    keep_evidence(connection, stream, start(number), taught, client(number + 1), now=now)


def prove(
    connection: Connection, delivery: int, number: int, *, now: float = 0.0, size: int = 10, step: bytes | None = None
) -> None:
    proof = KeptProof(delivery, AT, bytes([delivery]) * size, step)
    keep_proofs(connection, LEDGER, start(number), [proof], now=now)


def count(connection: Connection, table: object) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_a_proof_has_the_checkpoint_and_all_steps_up_to_it(connection: Connection) -> None:
    learn(connection, 0, steps=2)
    learn(connection, 1)
    prove(connection, 7, 2)
    learn(connection, 2)
    parts = parts_of(connection, 7)
    assert parts is not None
    assert (parts.checkpoint, parts.at, parts.proof) == (start(0).checkpoint, AT, b"\x07" * 10)
    assert parts.evidence == (b"step 0.0", b"step 0.1", b"step 1.0")
    assert parts_of(connection, 8) is None


def test_streams_do_not_mix(connection: Connection) -> None:
    learn(connection, 0)
    learn(connection, 0, stream="meadow")
    learn(connection, 1)
    prove(connection, 7, 2)
    parts = parts_of(connection, 7)
    assert parts is not None
    assert parts.evidence == (b"step 0.0", b"step 1.0")


def test_what_was_believed_before_anything_was_kept_is_a_checkpoint_itself(connection: Connection) -> None:
    prove(connection, 7, 3)
    parts = parts_of(connection, 7)
    assert parts is not None
    assert (parts.checkpoint, parts.evidence) == (start(3).checkpoint, ())


def test_a_new_proof_takes_the_place_of_the_old_one(connection: Connection) -> None:
    learn(connection, 0)
    prove(connection, 7, 1)
    learn(connection, 1)
    prove(connection, 7, 2, size=11)
    parts = parts_of(connection, 7)
    assert parts is not None
    assert (len(parts.evidence), len(parts.proof)) == (2, 11)


def test_what_a_proof_alone_needs_comes_last(connection: Connection) -> None:
    prove(connection, 7, 0, step=b"a height that attestors signed")
    parts = parts_of(connection, 7)
    assert parts is not None
    assert parts.evidence == (b"a height that attestors signed",)


@pytest.mark.parametrize(("name", "value"), (("STEPS_MAX", 3), ("STEP_BYTES_MAX", 3 * len("step 0.0"))))
def test_a_checkpoint_follows_after_enough_steps_and_older_ones_still_lead_on(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    monkeypatch.setattr(bundles, name, value)
    for number in range(7):
        learn(connection, number)
    prove(connection, 7, 7)
    newest = parts_of(connection, 7)
    assert newest is not None
    assert (newest.checkpoint, len(newest.evidence)) == (start(6).checkpoint, 1)
    for number, steps in ((6, 1), (3, 4), (0, 7)):
        older = parts_of(connection, 7, from_digest=digest(number))
        assert older is not None
        assert (older.checkpoint, len(older.evidence)) == (start(number).checkpoint, steps)
    assert parts_of(connection, 7, from_digest=digest(1)) is None


@pytest.mark.parametrize(("name", "value"), (("SHOWN_STEPS_MAX", 3), ("SHOWN_BYTES_MAX", 3 * len("step 0.0"))))
def test_too_long_a_way_is_not_read(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    monkeypatch.setattr(bundles, name, value)
    monkeypatch.setattr(bundles, "STEPS_MAX", 2)
    for number in range(4):
        learn(connection, number)
    prove(connection, 7, 4)
    assert parts_of(connection, 7) is not None
    with pytest.raises(TooMuchEvidence) as refusal:
        parts_of(connection, 7, from_digest=digest(0))
    assert (refusal.value.steps, refusal.value.size) == (4, 4 * len("step 0.0"))


def test_nothing_leads_over_a_gap(connection: Connection) -> None:
    """The relay learnt something while bundles were switched off."""
    learn(connection, 0)
    learn(connection, 5)
    prove(connection, 7, 6)
    parts = parts_of(connection, 7)
    assert parts is not None
    assert (parts.checkpoint, parts.evidence) == (start(5).checkpoint, (b"step 5.0",))
    assert parts_of(connection, 7, from_digest=digest(0)) is None


def test_what_is_older_goes_and_with_it_what_nobody_needs(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "STEPS_MAX", 1)
    for number in range(4):
        learn(connection, number, now=float(number))
        prove(connection, number, number + 1, now=float(number))
    drop_older(connection, 2.0)
    assert [parts_of(connection, each) is not None for each in range(4)] == [False, False, True, True]
    assert (count(connection, CHECKPOINT), count(connection, EVIDENCE)) == (2, 2)
    drop_older(connection, 100.0)
    # The newest checkpoint stays with its evidence: what comes next goes on from there.
    assert (count(connection, PROOF), count(connection, CHECKPOINT), count(connection, EVIDENCE)) == (0, 1, 1)
    learn(connection, 4, now=200.0)
    prove(connection, 9, 5, now=200.0)
    kept = parts_of(connection, 9)
    assert kept is not None
    assert kept.evidence == (b"step 4.0",)


def test_the_oldest_go_when_there_is_too_much(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_DELETED_AT_ONCE", 1)
    learn(connection, 0)
    for delivery in range(5):
        prove(connection, delivery, 1, now=float(delivery), size=1_000)
    fixed = bundles.kept_bytes(connection) - 5_000
    drop_oldest(connection, fixed + 2_500)
    assert [parts_of(connection, each) is not None for each in range(5)] == [False, False, False, True, True]
    drop_oldest(connection, 0)  # ends, though the newest checkpoint stays
    assert (count(connection, PROOF), count(connection, CHECKPOINT)) == (0, 1)


def test_a_number_of_deleted_evidence_is_never_given_again(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "STEPS_MAX", 1)
    learn(connection, 0)
    prove(connection, 1, 7)  # a gap: a checkpoint after all the evidence there is
    drop_older(connection, 100.0)
    assert count(connection, EVIDENCE) == 0
    learn(connection, 7)
    prove(connection, 2, 8)
    parts = parts_of(connection, 2)
    assert parts is not None
    assert parts.evidence == (b"step 7.0",)
