"""What a crash must know, as tables. Facts come from final events only; a state is only what the facts do not say.

Heights, times and sequences are below 2**63 here (SQLite counts signed): the writers bound what ledgers claim.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Column, Field, SQLModel

from relay.lifecycle import DeliveryState, WaitReason

INTEGER_MAX = (1 << 63) - 1
NOT_REFUTED = text("state <> 'refuted'")


class LedgerRow(SQLModel, table=True):
    """One ledger: who it is, how far it was read, and what our light client believes."""

    __tablename__ = "ledger"

    name: str = Field(primary_key=True)
    identity: str  # JSON of LedgerIdentity
    cursor_revision: int
    cursor_number: int
    cursor_hash: bytes
    # Up to here the proven send counters agreed with what was read: where reading starts again after an omission.
    checked_number: int
    rewind_to: int | None = None  # asked for by whoever found that something was left out
    final_time: int = 0
    client: bytes | None = None
    halted: str | None = None


class LaneRow(SQLModel, table=True):
    """Counters per lane, so that a million finished packets cost nothing: found = the others + open."""

    __tablename__ = "lane"
    __table_args__ = (
        CheckConstraint("found >= done + moot + refuted + abandoned", name="nothing_ends_that_was_not_found"),
    )

    id: str = Field(primary_key=True)
    paused: bool = False
    last_sent: int = 0
    found: int = 0
    done: int = 0
    moot: int = 0
    refuted: int = 0
    abandoned: int = 0
    quarantined: int = 0
    redundant: int = 0  # messages we paid for that changed nothing
    log_hash: bytes = b""


class PacketRow(SQLModel, table=True):
    """One sighted packet. Name and commitment together are the key: a false sighting never hides a true one."""

    __tablename__ = "packet"
    __table_args__ = (
        UniqueConstraint("lane", "sequence", "commitment", name="one_row_per_candidate"),
        CheckConstraint("sequence > 0", name="sequence_starts_at_1"),
        CheckConstraint("acknowledged_number IS NULL OR timed_out_number IS NULL", name="a_packet_ends_once"),
        # Packets whose timeout may become due: the only ones that are looked for by time.
        Index(
            "packet_unended",
            "lane",
            "timeout",
            sqlite_where=text("received_number IS NULL AND acknowledged_number IS NULL AND timed_out_number IS NULL"),
            postgresql_where=text(
                "received_number IS NULL AND acknowledged_number IS NULL AND timed_out_number IS NULL"
            ),
        ),
        Index("packet_by_transaction", "sent_transaction"),
    )

    id: int | None = Field(default=None, primary_key=True)
    lane: str  # the home lane: source ledger and client are in it
    sequence: int
    commitment: bytes
    body: bytes
    timeout: int
    sent_number: int | None = None
    sent_transaction: str | None = None
    proved_number: int | None = None  # where its commitment was proved first
    received_number: int | None = None
    acknowledgements: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    acknowledgement_number: int | None = None
    acknowledged_number: int | None = None
    timed_out_number: int | None = None
    seen_at: float  # by the relay's clock: of the first sighting and of the end
    received_at: float | None = None
    ended_at: float | None = None


class DeliveryRow(SQLModel, table=True):
    """One thing a lane has to do. `reason` and `numbers` say why it is not moving."""

    __tablename__ = "delivery"
    __table_args__ = (
        # A refuted sighting makes room: a later final event of the same packet opens a new delivery.
        Index("one_delivery_of_a_kind", "packet", "kind", unique=True, sqlite_where=NOT_REFUTED),
        CheckConstraint("failures >= 0", name="failures_count_up"),
        Index("delivery_due", "lane", "next_try", sqlite_where=text("state = 'waiting'")),
        Index("delivery_in_flight", "submission", sqlite_where=text("state = 'in_flight'")),
        Index("delivery_by_state", "lane", "state", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    packet: int = Field(foreign_key="packet.id")
    kind: str
    lane: str
    state: str = DeliveryState.WAITING
    reason: str = WaitReason.QUEUED
    numbers: str = "{}"
    found_number: int  # height on the proving ledger from which it can be proved, without its proof lag
    destination_number: int  # how far the destination had been read then: where to look again for a missing end
    next_try: float
    failures: int = 0
    solo: bool = False
    by_us: bool | None = None
    submission: int | None = None
    ended_at: float | None = None


class SubmissionRow(SQLModel, table=True):
    """One slot of one account: one set of messages, whatever number of attempts."""

    __tablename__ = "submission"
    __table_args__ = (Index("submission_open", "ledger", "account", sqlite_where=text("status = 'open'")),)

    id: int | None = Field(default=None, primary_key=True)
    ledger: str
    account: str
    slot: int | None
    purpose: str  # deliver, refresh, send
    lanes: str = ""  # comma-separated, for budgets
    status: str = "open"  # open, included, failed, vanished
    created_at: float
    included_number: int | None = None
    fee: str = "0"  # paid, once final: decimal text, because ledgers count beyond 64 bits


class AttemptRow(SQLModel, table=True):
    """Signed bytes, stored before they are broadcast for the first time."""

    __tablename__ = "attempt"
    __table_args__ = (Index("attempt_by_submission", "submission"),)

    tx_id: str = Field(primary_key=True)
    submission: int = Field(foreign_key="submission.id")
    raw: bytes
    fee: str  # decimal: the most it can cost, in the ledger's smallest unit
    prepared_at: float
    broadcast_at: float | None = None


class TransitionRow(SQLModel, table=True):
    """The log: a row per batch of equal steps, chained by hash per lane."""

    __tablename__ = "transition"

    id: int | None = Field(default=None, primary_key=True)
    lane: str = Field(index=True)
    at: float
    event: str
    source: str
    target: str
    deliveries: bytes  # msgpack list of ids
    detail: str
    previous: bytes
    hash: bytes


class OutboxRow(SQLModel, table=True):
    """One message a user asked us to send. The key makes asking twice the same as asking once."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_open", "lane", sqlite_where=text("state = 'stored'")),)

    key: str = Field(primary_key=True)
    request_hash: bytes
    lane: str
    dest_port: str
    value: bytes
    timeout: int
    stored_at: float
    state: str = "stored"  # stored, in_flight, sent, failed
    submission: int | None = None
    sequence: int | None = None
    detail: str = ""


class SpendRow(SQLModel, table=True):
    """Fees paid per scope and day: decimal text, because ledgers count beyond 64 bits."""

    __tablename__ = "spend"

    scope: str = Field(primary_key=True)
    day: int = Field(primary_key=True)
    amount: str = "0"


class CheckpointRow(SQLModel, table=True):
    """Where evidence bundles start from: a light client as it was. The evidence after it leads to what came later."""

    __tablename__ = "checkpoint"
    __table_args__ = (Index("checkpoint_by_stream", "stream", "id"), Index("checkpoint_by_digest", "digest"))

    id: int | None = Field(default=None, primary_key=True)
    stream: str  # the ledger whose client it is, or the lane whose attestors vouch
    family: str
    digest: bytes
    size: int  # of client; before it, so that summing does not read it
    client: bytes
    number: int  # its latest height
    after: int  # the last evidence of the stream that is not needed from here on
    linked: bool  # whether the checkpoint before it leads here by the evidence that was kept
    head: bytes  # hash of the client after all the evidence kept so far
    steps: int = 0
    step_bytes: int = 0
    kept_at: float


class EvidenceRow(SQLModel, table=True):
    """One step that a light client learnt from."""

    __tablename__ = "evidence"
    # Autoincrement: the number of a deleted step is never given to another.
    __table_args__ = (Index("evidence_by_stream", "stream", "id", "size"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    stream: str
    size: int
    step: bytes


class ProofRow(SQLModel, table=True):
    """What was verified for a delivery, so that it can be shown to others: the newest proof that was made."""

    __tablename__ = "proof"
    __table_args__ = (Index("proof_by_age", "kept_at", "size"), Index("proof_by_checkpoint", "checkpoint"))

    delivery: int = Field(foreign_key="delivery.id", primary_key=True)
    checkpoint: int = Field(foreign_key="checkpoint.id")
    last: int  # the last evidence of the stream that it needs
    step: bytes | None = None  # what it needs beside: a height that others vouch for
    revision: int
    number: int
    size: int  # of step and proof
    proof: bytes
    kept_at: float
