"""What evidence bundles are made of: checkpoints, the evidence that follows them, and a proof per delivery.

Every stream of evidence is a chain: a checkpoint, steps that lead on from it, and now and then another checkpoint, so
that no bundle grows without end. A proof names the checkpoint it starts from and the last step it needs. All of it may
be deleted at any time: bundles are for others, and the relay itself reads nothing here to decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from proofs.bundle.format import checkpoint_digest
from proofs.bundle.types import Checkpoint
from proofs.light_client import Height
from relay.store.schema import CHECKPOINT, EVIDENCE, PROOF

# A bundle of one packet stays below these: a stranger verifies it in a second or two.
STEPS_MAX: Final = 512
STEP_BYTES_MAX: Final = 2 << 20
# From an older checkpoint there may be any number of steps; reading them holds up whoever else needs the store.
SHOWN_STEPS_MAX: Final = 8_192
SHOWN_BYTES_MAX: Final = 16 << 20
_DELETED_AT_ONCE: Final = 500


_INSERT_PROOF: Final = upsert(PROOF)
_KEEP_PROOF: Final = _INSERT_PROOF.on_conflict_do_update(
    index_elements=["delivery"],
    set_={column.name: _INSERT_PROOF.excluded[column.name] for column in PROOF.c if not column.primary_key},
)


@dataclass(eq=False)
class TooMuchEvidence(Exception):
    """Between a checkpoint and a proof."""

    steps: int
    size: int

    def __str__(self) -> str:
        return (
            f"{self.steps} steps of {self.size} bytes lead there, at most {SHOWN_STEPS_MAX} of {SHOWN_BYTES_MAX} are "
            "read for one bundle: start from a newer checkpoint"
        )


@dataclass(frozen=True, slots=True)
class Start:
    """A light client from which evidence leads on. number: of its latest height."""

    checkpoint: Checkpoint
    number: int


@dataclass(frozen=True, slots=True)
class KeptProof:
    """A proof of one delivery's claim, in the family's own encoding. step: evidence that this proof alone needs."""

    delivery: int
    at: Height
    proof: bytes
    step: bytes | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """All of a bundle that is not the packet's own."""

    checkpoint: Checkpoint
    evidence: tuple[bytes, ...]
    at: Height
    proof: bytes


def keep_evidence(
    connection: Connection, stream: str, start: Start, steps: Sequence[bytes], head: bytes, *, now: float
) -> None:
    """Remember that `steps` led from `start` to the client whose encoding is `head`."""
    newest = keep_start(connection, stream, start, now=now)
    size = sum(map(len, steps))
    if newest.steps and (newest.steps + len(steps) > STEPS_MAX or newest.step_bytes + size > STEP_BYTES_MAX):
        newest = _insert_start(connection, stream, start, linked=True, now=now)
    connection.execute(insert(EVIDENCE), [{"stream": stream, "size": len(step), "step": step} for step in steps])
    grown = {
        "head": sha256(head).digest(),
        "steps": CHECKPOINT.c.steps + len(steps),
        "step_bytes": CHECKPOINT.c.step_bytes + size,
    }
    connection.execute(update(CHECKPOINT).where(CHECKPOINT.c.id == newest.id).values(**grown))


def keep_start(connection: Connection, stream: str, start: Start, *, now: float) -> Row[Any]:
    """The newest checkpoint of the stream, which leads to `start`: a new one where what was kept does not."""
    newest = connection.execute(_newest(stream)).one_or_none()
    if newest is not None and newest.head == sha256(start.checkpoint.client).digest():
        return newest
    return _insert_start(connection, stream, start, linked=False, now=now)


def keep_proofs(connection: Connection, stream: str, start: Start, proofs: Sequence[KeptProof], *, now: float) -> None:
    """Remember what was verified with the client `start`: the evidence kept so far leads to it."""
    newest = keep_start(connection, stream, start, now=now)
    shared = {"checkpoint": newest.id, "last": _last_evidence(connection, stream), "kept_at": now}
    rows = [
        shared
        | {
            "delivery": each.delivery,
            "step": each.step,
            "revision": each.at.revision,
            "number": each.at.number,
            "size": len(each.proof) + len(each.step or b""),
            "proof": each.proof,
        }
        for each in proofs
    ]
    if rows:
        connection.execute(_KEEP_PROOF, rows)


def parts_of(connection: Connection, delivery: int, *, from_digest: bytes | None = None) -> Parts | None:
    """What was kept of a delivery. from_digest: start from this older checkpoint; None where it does not lead there.

    Raises TooMuchEvidence.
    """
    row = connection.execute(select(PROOF).where(PROOF.c.delivery == delivery)).one_or_none()
    if row is None:
        return None
    own_start = connection.execute(select(CHECKPOINT).where(CHECKPOINT.c.id == row.checkpoint)).one()
    start = own_start if from_digest is None else _older(connection, own_start, from_digest)
    if start is None:
        return None
    needed = (EVIDENCE.c.stream == start.stream) & (EVIDENCE.c.id > start.after) & (EVIDENCE.c.id <= row.last)
    count, size = connection.execute(select(func.count(), func.sum(EVIDENCE.c.size)).where(needed)).one()
    if count > SHOWN_STEPS_MAX or (size or 0) > SHOWN_BYTES_MAX:
        raise TooMuchEvidence(count, size)
    steps = tuple(connection.execute(select(EVIDENCE.c.step).where(needed).order_by(EVIDENCE.c.id)).scalars())
    own = () if row.step is None else (row.step,)
    return Parts(Checkpoint(start.family, start.client), steps + own, Height(row.revision, row.number), row.proof)


def checkpoints(connection: Connection, *, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    return connection.execute(select(CHECKPOINT).order_by(CHECKPOINT.c.id.desc()).limit(limit)).all()


def checkpoint(connection: Connection, digest: bytes) -> Checkpoint | None:
    row = connection.execute(select(CHECKPOINT).where(CHECKPOINT.c.digest == digest).limit(1)).first()
    return None if row is None else Checkpoint(row.family, row.client)


def kept_bytes(connection: Connection) -> int:
    """What all of it takes, without the tables' own overhead."""
    sizes = (func.sum(table.c.size) for table in (PROOF, EVIDENCE, CHECKPOINT))
    return sum(int(connection.execute(select(size)).scalar_one() or 0) for size in sizes)


def drop_older(connection: Connection, than: float) -> None:
    connection.execute(delete(PROOF).where(PROOF.c.kept_at < than))
    _drop_unneeded(connection, than)


def drop_oldest(connection: Connection, bytes_max: int) -> None:
    """Until what is left fits. The newest checkpoint of each stream stays: what is verified next starts from it."""
    while kept_bytes(connection) > bytes_max:
        oldest = select(PROOF.c.delivery).order_by(PROOF.c.kept_at).limit(_DELETED_AT_ONCE)
        dropped = connection.execute(delete(PROOF).where(PROOF.c.delivery.in_(oldest))).rowcount
        _drop_unneeded(connection, float("inf"))
        if not dropped:
            return


def _drop_unneeded(connection: Connection, than: float) -> None:
    """Checkpoints that are older, not the newest of their stream and the start of no proof; then their evidence."""
    newest = select(func.max(CHECKPOINT.c.id)).group_by(CHECKPOINT.c.stream)
    needed = exists().where(PROOF.c.checkpoint == CHECKPOINT.c.id)
    unneeded = (CHECKPOINT.c.kept_at < than) & CHECKPOINT.c.id.not_in(newest) & ~needed
    connection.execute(delete(CHECKPOINT).where(unneeded))
    oldest = select(CHECKPOINT.c.stream, func.min(CHECKPOINT.c.after)).group_by(CHECKPOINT.c.stream)
    for stream, after in connection.execute(oldest).all():
        connection.execute(delete(EVIDENCE).where(EVIDENCE.c.stream == stream, EVIDENCE.c.id <= after))


def _newest(stream: str) -> Select[Any]:
    return select(CHECKPOINT).where(CHECKPOINT.c.stream == stream).order_by(CHECKPOINT.c.id.desc()).limit(1)


def _last_evidence(connection: Connection, stream: str) -> int:
    """0 where nothing is left; ids are never used again, so what was deleted stays below."""
    last = connection.execute(select(func.max(EVIDENCE.c.id)).where(EVIDENCE.c.stream == stream)).scalar_one()
    newest = connection.execute(_newest(stream)).one_or_none()
    return max(last or 0, newest.after if newest is not None else 0)


def _insert_start(connection: Connection, stream: str, start: Start, *, linked: bool, now: float) -> Row[Any]:
    values = {
        "stream": stream,
        "family": start.checkpoint.family,
        "digest": checkpoint_digest(start.checkpoint),
        "size": len(start.checkpoint.client),
        "client": start.checkpoint.client,
        "number": start.number,
        "after": _last_evidence(connection, stream),
        "linked": linked,
        "head": sha256(start.checkpoint.client).digest(),
        "steps": 0,
        "step_bytes": 0,
        "kept_at": now,
    }
    connection.execute(insert(CHECKPOINT).values(**values))
    return connection.execute(_newest(stream)).one()


def _older(connection: Connection, start: Row[Any], digest: bytes) -> Row[Any] | None:
    """The checkpoint of that digest, if all that came between lead from one to the next."""
    before = select(CHECKPOINT).where(CHECKPOINT.c.stream == start.stream, CHECKPOINT.c.id <= start.id)
    for row in connection.execute(before.order_by(CHECKPOINT.c.id.desc())):
        if row.digest == digest:
            return row
        if not row.linked:
            return None
    return None
