"""One database, one writer. Work is a function of a connection and runs in one transaction, whole or not at all.

In production the work runs on a thread of its own, so that a disk that syncs does not stop the event loop; in
simulation it is a plain call. A lock file beside an SQLite file refuses a second relay process.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import StaticPool
from sqlmodel import SQLModel

from relay.store.errors import StoreInUse, StoreTooNew
from relay.store.schema import ALL

T = TypeVar("T")

SCHEMA_VERSION = 2


class Database:
    """`run` is all that others call."""

    def __init__(self, engine: Engine, *, threaded: bool, lock: Any = None) -> None:
        self._engine = engine
        self._lock = lock
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store") if threaded else None

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction. It commits when `work` returns and rolls back when it raises."""
        if self._writer is None:
            return self.run_here(work)
        return await asyncio.get_running_loop().run_in_executor(self._writer, self.run_here, work)

    def run_here(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.shutdown(wait=True)
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


RunStore = Callable[[Callable[[Connection], T]], Awaitable[T]]


def open_sqlite(path: Path) -> Database:
    """Open or create the store of a relay. Raises StoreInUse, StoreTooNew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StoreInUse(str(path)) from None
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    _set_pragmas(engine, synchronous="FULL")
    try:
        _migrate(engine)
    except StoreTooNew:
        engine.dispose()
        lock.close()
        raise
    return Database(engine, threaded=True, lock=lock)


def open_in_memory() -> Database:
    """A store for simulation: it lives as long as the object, and every call is a plain call."""
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    _set_pragmas(engine, synchronous="OFF")
    _migrate(engine)
    return Database(engine, threaded=False)


def _set_pragmas(engine: Engine, *, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver's own transaction handling hides BEGIN from us: we say it ourselves below.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(engine: Engine) -> None:
    """Bring the schema to SCHEMA_VERSION. Version 2 added tables only, so creating what is missing is all there is."""
    with engine.begin() as connection:
        found = int(connection.execute(text("PRAGMA user_version")).scalar_one())
        if found > SCHEMA_VERSION:
            raise StoreTooNew(found, SCHEMA_VERSION)
        if found < SCHEMA_VERSION:
            SQLModel.metadata.create_all(connection, tables=list(ALL))
            connection.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION}"))
