"""The durable memory of an attestor: which time it gave to which height. Written and committed before each signature.

A client that sees one height with two times freezes for ever, so the same height never gets a second time, across
restarts, crashes and restored backups. Three guards, each in its own place:

    log    one row per (ledger, host, height), committed with synchronous=FULL before the signature is made
    mark   the highest height ever logged, kept in a file beside the key. A log that is behind its mark was
           restored from an older copy: heights up to the mark that it does not hold are refused from then on
    key    a key is bound at first use to one (ledger, host, variant); the log refuses it for any other

When log and key folder are restored from the same old copy, nothing here can notice; then the attestor still signs only
what its own light client verified as final, so two times need a ledger that broke its finality. Use a new key then.
The log grows by one short row per attested height and is never pruned: clients never forget either.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.keys.durable import write_durably

_STREAMS: Final = """
CREATE TABLE IF NOT EXISTS stream (
  chain_id TEXT NOT NULL, host TEXT NOT NULL, variant TEXT NOT NULL,
  address BLOB NOT NULL PRIMARY KEY, refused_through INTEGER NOT NULL DEFAULT -1)
"""
_SIGNED: Final = """
CREATE TABLE IF NOT EXISTS signed (
  chain_id TEXT NOT NULL, host TEXT NOT NULL, height INTEGER NOT NULL, timestamp INTEGER NOT NULL,
  PRIMARY KEY (chain_id, host, height)) WITHOUT ROWID
"""
_MARK_DIGITS_MAX: Final = 20


@dataclass(eq=False)
class SigningRefused(Exception):
    """The log does not permit this signature. Never to be overridden."""

    rule: str
    got: str
    expected: str

    def __str__(self) -> str:
        return f"{self.rule}: got {self.got}, expected {self.expected}"


class OtherTimestamp(SigningRefused):
    """The height was signed with another time: the ledger broke its finality, or an endpoint lies."""


class HeightMayBeSigned(SigningRefused):
    """A lost part of the log may hold this height with another time."""


class KeyBoundElsewhere(SigningRefused):
    """The key signed for another ledger, host or variant."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a key signs for. chain_id and host as the ledger's identity gives them; variant as the client verifies."""

    chain_id: str
    host: str
    variant: str


class SignedLog:
    """One file, one process. Calls are short and safe from any thread."""

    def __init__(self, path: Path, *, marks: Path) -> None:
        """marks: the folder of the keys, so that log and mark are not lost together."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        marks.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._marks = marks
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1)
        try:
            self._prepare()
        except sqlite3.DatabaseError as trouble:
            self._database.close()
            expected = "a log that no other process has open"
            raise SigningRefused("signed log", got=f"{path}: {trouble}", expected=expected) from None
        path.chmod(0o600)

    def _prepare(self) -> None:
        # EXCLUSIVE: a second attestor on one log would have its own idea of what was signed.
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        with self._transaction():
            for statement in (_STREAMS, _SIGNED):
                self._database.execute(statement)

    def close(self) -> None:
        self._database.close()

    def bind(self, subject: Subject, address: bytes) -> None:
        """Say what a key is for, once and for ever. Raises KeyBoundElsewhere."""
        with self._lock, self._transaction():
            row = self._database.execute(
                "SELECT chain_id, host, variant FROM stream WHERE address = ?", (address,)
            ).fetchone()
            if row is None:
                self._database.execute(
                    "INSERT INTO stream (chain_id, host, variant, address) VALUES (?, ?, ?, ?)",
                    (subject.chain_id, subject.host, subject.variant, address),
                )
            elif Subject(*row) != subject:
                expected = f"its own subject, {Subject(*row)}"
                raise KeyBoundElsewhere("one key per ledger, host and variant", got=str(subject), expected=expected)
            self._refuse_lost_heights(subject, address)

    def record(self, subject: Subject, address: bytes, *, height: int, timestamp: int) -> None:
        """Return only once it is on disk that `height` has `timestamp`. Raises SigningRefused."""
        with self._lock:
            # The mark goes first: a crash between the two refuses one height for ever, never signs it twice.
            if height > self._mark(address):
                write_durably(self._mark_file(address), str(height).encode())
            with self._transaction():
                self._record(subject, address, height, timestamp)

    def _record(self, subject: Subject, address: bytes, height: int, timestamp: int) -> None:
        place = (subject.chain_id, subject.host, height)
        known = self._database.execute(
            "SELECT timestamp FROM signed WHERE chain_id = ? AND host = ? AND height = ?", place
        ).fetchone()
        if known is not None:
            if known[0] != timestamp:
                raise OtherTimestamp("one time per height", got=f"{timestamp} for {height}", expected=str(known[0]))
            return
        (through,) = self._database.execute(
            "SELECT refused_through FROM stream WHERE address = ?", (address,)
        ).fetchone()
        if height <= through:
            raise HeightMayBeSigned("a restored log", got=f"height {height}", expected=f"a height above {through}")
        self._database.execute("INSERT INTO signed VALUES (?, ?, ?, ?)", (*place, timestamp))

    def _refuse_lost_heights(self, subject: Subject, address: bytes) -> None:
        """A log behind its mark lost rows. Kept in the log, because the next signature brings it past the mark."""
        mark = self._mark(address)
        (highest,) = self._database.execute(
            "SELECT COALESCE(MAX(height), -1) FROM signed WHERE chain_id = ? AND host = ?",
            (subject.chain_id, subject.host),
        ).fetchone()
        if highest < mark:
            self._database.execute(
                "UPDATE stream SET refused_through = MAX(refused_through, ?) WHERE address = ?", (mark, address)
            )

    def _mark_file(self, address: bytes) -> Path:
        return self._marks / f"{address.hex()}.mark"

    def _mark(self, address: bytes) -> int:
        try:
            text = self._mark_file(address).read_bytes()
        except FileNotFoundError:
            return -1
        if not text.isdigit() or len(text) > _MARK_DIGITS_MAX:
            raise SigningRefused("mark beside the key", got=f"{self._mark_file(address)} damaged", expected="a height")
        return int(text)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
