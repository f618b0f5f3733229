"""The tables as SQLAlchemy Core sees them: batches go through Core, which is what the hot path can afford."""

from __future__ import annotations

from typing import Final, cast

from sqlalchemy import Table
from sqlmodel import SQLModel

from relay.store import tables


def _core(row: type[SQLModel]) -> Table:
    return cast("Table", row.__table__)  # type: ignore[attr-defined]  # SQLModel sets it where table=True


LEDGER: Final = _core(tables.LedgerRow)
LANE: Final = _core(tables.LaneRow)
PACKET: Final = _core(tables.PacketRow)
DELIVERY: Final = _core(tables.DeliveryRow)
SUBMISSION: Final = _core(tables.SubmissionRow)
ATTEMPT: Final = _core(tables.AttemptRow)
TRANSITION: Final = _core(tables.TransitionRow)
OUTBOX: Final = _core(tables.OutboxRow)
SPEND: Final = _core(tables.SpendRow)
CHECKPOINT: Final = _core(tables.CheckpointRow)
EVIDENCE: Final = _core(tables.EvidenceRow)
PROOF: Final = _core(tables.ProofRow)

ALL: Final = (
    LEDGER,
    LANE,
    PACKET,
    DELIVERY,
    SUBMISSION,
    ATTEMPT,
    TRANSITION,
    OUTBOX,
    SPEND,
    CHECKPOINT,
    EVIDENCE,
    PROOF,
)
