"""What must hold after every step, read from the ledgers themselves and from the store. Names as in the design."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from relay.lifecycle import OPEN, DeliveryKind, DeliveryState
from relay.store.schema import DELIVERY, LANE, OUTBOX, PACKET, TRANSITION
from relay.store.steps import chain_hash
from tests.simulation.world import World


@dataclass(slots=True)
class HostHistory:
    """Every host event of every final block, counted: what really happened."""

    read: dict[str, int] = field(default_factory=dict)
    events: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)

    def follow(self, world: World) -> None:
        for name, sim in world.ledgers.items():
            for height in range(self.read.get(name, 0) + 1, sim.chain.final + 1):
                for result in sim.chain.block(height).results:
                    for event in result.events:
                        if event.packet is not None:
                            key = (name, event.kind, event.packet.source_client, event.packet.sequence)
                            self.events[key] += 1
            # After a fork the newest final height is lower for a while; what was final stays so.
            self.read[name] = max(self.read.get(name, 0), sim.chain.final)

    def count(self, kind: str) -> int:
        return sum(number for (_, what, _, _), number in self.events.items() if what == kind)

    def check(self) -> None:
        """Received at most once; acknowledged or timed out, never both, each once."""
        ends: Counter[tuple[str, str, int]] = Counter()
        for (ledger, kind, client, sequence), number in self.events.items():
            assert number == 1, f"{kind} of {client}/{sequence} on {ledger} happened {number} times"
            if kind in ("acknowledge_packet", "timeout_packet"):
                ends[ledger, client, sequence] += 1
        for packet, number in ends.items():
            assert number == 1, f"{packet} ended {number} times"


@dataclass(slots=True)
class StoreCheck:
    """The store's own invariants. The log is read on from where it was checked before."""

    checked: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def check(self, world: World) -> None:
        world.database.read(self._check)

    def _check(self, connection: Connection) -> None:
        counted = select(DELIVERY.c.lane, DELIVERY.c.state, func.count()).group_by(DELIVERY.c.lane, DELIVERY.c.state)
        states = Counter({(row[0], row[1]): int(row[2]) for row in connection.execute(counted)})
        for lane in connection.execute(select(LANE)).all():
            # Invariant 9: whatever was found has ended one way, or is open.
            open_ones = sum(states[lane.id, state.value] for state in OPEN)
            assert lane.found == lane.done + lane.moot + lane.refuted + lane.abandoned + open_ones, lane.id
            for state in (DeliveryState.DONE, DeliveryState.MOOT, DeliveryState.REFUTED, DeliveryState.ABANDONED):
                assert getattr(lane, state.value) == states[lane.id, state.value], (lane.id, state)
            assert lane.quarantined == states[lane.id, DeliveryState.QUARANTINED.value]
            self._check_log(connection, lane.id, lane.log_hash)
        _check_ends(connection)

    def _check_log(self, connection: Connection, lane: str, last: bytes) -> None:
        number, previous = self.checked.get(lane, (0, b""))
        query = select(TRANSITION).where(TRANSITION.c.lane == lane, TRANSITION.c.id > number)
        for row in connection.execute(query.order_by(TRANSITION.c.id)):
            assert row.previous == previous, f"the log of {lane} is broken at {row.id}"
            assert chain_hash(dict(row._mapping)) == row.hash
            number, previous = row.id, row.hash
        assert previous == last
        self.checked[lane] = (number, previous)


def _check_ends(connection: Connection) -> None:
    """I2: no packet has receive and timeout done, nor acknowledge and timeout done."""
    done = connection.execute(
        select(DELIVERY.c.packet, DELIVERY.c.kind).where(DELIVERY.c.state == DeliveryState.DONE.value)
    ).all()
    kinds: dict[int, set[str]] = {}
    for packet, kind in done:
        kinds.setdefault(packet, set()).add(kind)
    for packet, found in kinds.items():
        assert not ({DeliveryKind.TIMEOUT.value} < found), f"packet {packet} has {found} done"
    # I13: of all candidates with one name at most one is ever proved to exist.
    names = connection.execute(
        select(PACKET.c.lane, PACKET.c.sequence, func.count())
        .join(DELIVERY, DELIVERY.c.packet == PACKET.c.id)
        .where(DELIVERY.c.state.in_([DeliveryState.DONE.value, DeliveryState.IN_FLIGHT.value]))
        .where(DELIVERY.c.kind == DeliveryKind.RECEIVE.value)
        .group_by(PACKET.c.lane, PACKET.c.sequence)
        .having(func.count() > 1)
    ).all()
    assert not names, f"two candidates of one name were taken for true: {names}"


def ended(world: World, history: HostHistory) -> bool:
    """Every message that was stored was sent, and every packet has ended on the ledgers.

    A message that could not be sent before its time was up says so, and only one with little time may.
    """
    failed = world.database.read(
        lambda connection: (
            connection.execute(select(OUTBOX.c.dest_port).where(OUTBOX.c.state == "failed")).scalars().all()
        )
    )
    assert set(failed) <= {"absent"}, "a message with ample time was not sent"
    sent = history.count("send_packet")
    ends = history.count("acknowledge_packet") + history.count("timeout_packet")
    return sent == sum(world.sent.values()) - len(failed) == ends


def nothing_open(world: World) -> bool:
    """What ended on the ledgers has ended in the store; only what no ledger will ever take rests in quarantine."""
    query = select(func.count()).where(DELIVERY.c.state.in_([state.value for state in OPEN]))
    return bool(world.database.read(lambda connection: connection.execute(query).scalar_one()) == 0)
