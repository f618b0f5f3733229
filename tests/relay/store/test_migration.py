"""A store that an earlier version wrote is brought up to date, and nothing in it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, select, text

from relay.store.database import SCHEMA_VERSION, open_sqlite
from relay.store.errors import StoreTooNew
from relay.store.schema import ALL, CHECKPOINT, EVIDENCE, OUTBOX, PROOF

OF_VERSION_2 = (PROOF, EVIDENCE, CHECKPOINT)


def tables(path: Path) -> set[str]:
    with open_sqlite(path) as database:
        return set(database.run_here(lambda connection: inspect(connection).get_table_names()))


def test_version_1_gets_the_tables_of_version_2(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    message = {
        "key": "k", "request_hash": b"", "lane": "l", "dest_port": "p", "value": b"v", "timeout": 1, "stored_at": 0.0,
        "state": "stored", "detail": "",
    }  # fmt: skip
    with open_sqlite(path) as database:
        database.run_here(lambda connection: connection.execute(insert(OUTBOX).values(**message)))
        for table in OF_VERSION_2:
            database.run_here(lambda connection, gone=table: gone.drop(connection))  # type: ignore[misc]  # one of three
        database.run_here(lambda connection: connection.execute(text("PRAGMA user_version = 1")))
    assert tables(path) >= {table.name for table in ALL}
    with open_sqlite(path) as database:
        assert database.run_here(lambda connection: connection.execute(select(OUTBOX.c.key)).scalar_one()) == "k"
        version = database.run_here(lambda connection: connection.execute(text("PRAGMA user_version")).scalar_one())
    assert version == SCHEMA_VERSION


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    with open_sqlite(path) as database:
        later = f"PRAGMA user_version = {SCHEMA_VERSION + 1}"
        database.run_here(lambda connection: connection.execute(text(later)))
    with pytest.raises(StoreTooNew) as refusal:
        open_sqlite(path)
    assert (refusal.value.found, refusal.value.known) == (SCHEMA_VERSION + 1, SCHEMA_VERSION)
