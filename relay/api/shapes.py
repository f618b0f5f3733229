"""How packets, deliveries, lanes and ledgers look in answers. Times are unix seconds, bytes are hex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row

from proofs.commitment import Packet
from relay.lanes import Lane, LaneId
from relay.lifecycle import DeliveryState, WaitReason, packet_life
from relay.pipeline.relay import Relay
from relay.pipeline.runtime import LedgerRuntime
from relay.store.deliveries import decode_packet
from relay.store.steps import ENDED


def packet_id(lane: str, sequence: int) -> str:
    return f"{lane}:{sequence}"


def packet_shape(row: Row[Any], deliveries: Sequence[dict[str, object]]) -> dict[str, object]:
    life = packet_life(
        received=row.received_number is not None,
        acknowledged=row.acknowledged_number is not None,
        timed_out=row.timed_out_number is not None,
    )
    return {
        "id": packet_id(row.lane, row.sequence),
        "lane": row.lane,
        "sequence": row.sequence,
        "commitment": row.commitment.hex(),
        "state": life.value,
        "timeout": row.timeout,
        "seen_at": row.seen_at,
        "received_at": row.received_at,
        "ended_at": row.ended_at,
        "deliveries": list(deliveries),
    }


def packet_detail(row: Row[Any], deliveries: Sequence[dict[str, object]]) -> dict[str, object]:
    packet = decode_packet(row.body)
    acknowledgements = msgspec.msgpack.decode(row.acknowledgements) if row.acknowledgements else []
    timeline = [
        {"event": event, "height": height}
        for event, height in (
            ("sent", row.sent_number),
            ("received", row.received_number),
            ("acknowledgement_written", row.acknowledgement_number),
            ("acknowledged", row.acknowledged_number),
            ("timed_out", row.timed_out_number),
        )
        if height is not None
    ]
    return packet_shape(row, deliveries) | {
        "payloads": _payloads(packet),
        "transaction": row.sent_transaction,
        "acknowledgements": [bytes(each).hex() for each in acknowledgements],
        "timeline": timeline,
    }


def _payloads(packet: Packet) -> list[dict[str, object]]:
    return [
        {
            "source_port": each.source_port,
            "dest_port": each.dest_port,
            "version": each.version,
            "encoding": each.encoding,
            "value": each.value.hex(),
        }
        for each in packet.payloads
    ]


def delivery_shape(row: Row[Any], relay: Relay) -> dict[str, object]:
    """With the reason it waits for *now*: what only memory knows goes before what was written."""
    now = _now_known(row, relay) or Known(DeliveryState(row.state), row.reason, msgspec.json.decode(row.numbers))
    ended = now.state in ENDED
    return {
        "id": row.id,
        "kind": row.kind,
        "lane": row.lane,
        "state": now.state.value,
        "waits_for": None if ended else str(now.reason),
        "numbers": now.numbers,
        "next_try": row.next_try if now.state is DeliveryState.WAITING else None,
        "failures": row.failures,
        "by_us": None if row.by_us is None else bool(row.by_us),
        "ended_at": row.ended_at,
    }


@dataclass(frozen=True, slots=True)
class Known:
    state: DeliveryState
    reason: str
    numbers: dict[str, object]


def _now_known(row: Row[Any], relay: Relay) -> Known | None:
    """What memory knows better than the store, if anything."""
    lane = relay.shared.lanes.get(LaneId(row.lane))
    if lane is None:
        return None
    match DeliveryState(row.state):
        case DeliveryState.WAITING:
            return _waiting(row, lane, relay)
        case DeliveryState.IN_FLIGHT:
            return _in_flight(row, relay.runtimes[lane.destination])
        case _:
            return None


def _waiting(row: Row[Any], lane: Lane, relay: Relay) -> Known | None:
    source = relay.runtimes[lane.source]
    if (trouble := _trouble(source, DeliveryState.WAITING)) is not None:
        return trouble
    numbers = msgspec.json.decode(row.numbers)
    if row.id in relay.runtimes[lane.destination].pool.held(lane.id):
        return Known(DeliveryState.VERIFIED, row.reason, numbers)
    needed = row.found_number + source.ledger.source.traits.proof_lag
    if source.watch is not None and source.watch.cursor.height.number < needed:
        height = source.watch.cursor.height.number
        return Known(DeliveryState.WAITING, WaitReason.PROOF_LAG, {"height": height, "needed": needed})
    return None


def _in_flight(row: Row[Any], destination: LedgerRuntime) -> Known | None:
    if (trouble := _trouble(destination, DeliveryState.IN_FLIGHT)) is not None:
        return trouble
    height = destination.submit.included.get(row.submission) if destination.submit is not None else None
    if height is None:
        return None
    numbers = {"transaction": msgspec.json.decode(row.numbers).get("transaction"), "height": height}
    return Known(DeliveryState.INCLUDED, WaitReason.INCLUDED_UNFINAL, numbers)


def _trouble(runtime: LedgerRuntime, state: DeliveryState) -> Known | None:
    if runtime.state not in ("waiting", "halted"):
        return None
    reason = WaitReason.LEDGER_HALTED if runtime.state == "halted" else WaitReason.LEDGER_UNAVAILABLE
    return Known(state, reason, {"ledger": runtime.name, "error": runtime.error})


def lane_shape(row: Row[Any], relay: Relay) -> dict[str, object]:
    shape: dict[str, object] = {
        "id": row.id,
        "paused": bool(row.paused),
        **lane_counts(row),
        "redundant": row.redundant,
        "log_hash": row.log_hash.hex(),
    }
    if (lane := relay.shared.lanes.get(LaneId(row.id))) is not None:
        shape |= {
            "source": lane.source,
            "source_client": lane.source_client,
            "destination": lane.destination,
            "dest_client": lane.dest_client,
            "trust": trust_shape(lane, relay),
        }
    return shape


def lane_counts(row: Row[Any]) -> dict[str, int]:
    """How many were found, and where they are: quarantined ones are open as well."""
    return {
        "found": row.found,
        "done": row.done,
        "moot": row.moot,
        "refuted": row.refuted,
        "abandoned": row.abandoned,
        "quarantined": row.quarantined,
        "open": row.found - row.done - row.moot - row.refuted - row.abandoned,
    }


def trust_shape(lane: Lane, relay: Relay) -> dict[str, object]:
    """How this process believes the lane's source, and how the client on its destination does."""
    source = relay.runtimes[lane.source]
    expected = source.health[lane.id].expected
    return {
        "ours": source.ledger.trust,
        "ours_shown": source.ledger.trust_shown,
        "client": expected.family or "light-client",
        "attestors": len(expected.signers),
        "threshold": expected.threshold,
    }


def ledger_shape(name: str, relay: Relay, row: Row[Any] | None) -> dict[str, object]:
    runtime = relay.runtimes[name]
    watch = runtime.watch
    return {
        "name": name,
        "state": runtime.state,
        "error": runtime.error,
        "latest": watch.latest if watch is not None else None,
        "final": watch.cursor.height.number if watch is not None else None,
        "final_time": watch.final_time if watch is not None else None,
        "trust": runtime.ledger.trust,
        "trust_shown": runtime.ledger.trust_shown,
        "endpoints": list(runtime.ledger.endpoints),
        "identity": msgspec.json.decode(row.identity) if row is not None else None,
    }
