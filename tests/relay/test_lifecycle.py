"""The safety rules of a delivery, as tests of its table."""

import pytest

from relay.lifecycle import (
    OPEN,
    TERMINAL,
    TRANSITIONS,
    DeliveryEvent,
    DeliveryState,
    IllegalTransition,
    PacketLife,
    next_state,
    packet_life,
    persisted,
)


def test_only_a_verified_delivery_is_ever_prepared() -> None:
    sources = {source for source, event in TRANSITIONS if event is DeliveryEvent.PREPARED}
    assert sources == {DeliveryState.VERIFIED}


def test_only_a_proof_makes_a_delivery_verified() -> None:
    entries = {event for (_, event), target in TRANSITIONS.items() if target is DeliveryState.VERIFIED}
    assert entries == {DeliveryEvent.PROVED}


def test_only_a_final_event_of_the_destination_makes_a_delivery_done() -> None:
    entries = {event for (_, event), target in TRANSITIONS.items() if target is DeliveryState.DONE}
    assert entries == {DeliveryEvent.SETTLED}


@pytest.mark.parametrize("state", sorted(OPEN))
def test_every_open_state_ends_when_the_ledgers_end_it(state: DeliveryState) -> None:
    assert next_state(state, DeliveryEvent.SETTLED) is DeliveryState.DONE
    assert next_state(state, DeliveryEvent.OVERTAKEN) is DeliveryState.MOOT


@pytest.mark.parametrize("state", sorted(TERMINAL))
@pytest.mark.parametrize("event", sorted(DeliveryEvent))
def test_nothing_leaves_a_terminal_state(state: DeliveryState, event: DeliveryEvent) -> None:
    with pytest.raises(IllegalTransition):
        next_state(state, event)


def test_every_way_into_flight_passes_a_proof() -> None:
    without_proof = {step: target for step, target in TRANSITIONS.items() if step[1] is not DeliveryEvent.PROVED}
    reached, frontier = {DeliveryState.WAITING}, [DeliveryState.WAITING]
    while frontier:
        here = frontier.pop()
        for (source, _), target in without_proof.items():
            if source is here and target not in reached:
                reached.add(target)
                frontier.append(target)
    assert DeliveryState.IN_FLIGHT not in reached
    assert DeliveryState.INCLUDED not in reached


def test_states_of_memory_are_written_as_what_a_crash_must_know() -> None:
    assert persisted(DeliveryState.VERIFIED) is DeliveryState.WAITING
    assert persisted(DeliveryState.INCLUDED) is DeliveryState.IN_FLIGHT
    assert persisted(DeliveryState.DONE) is DeliveryState.DONE


def test_a_packet_cannot_end_twice() -> None:
    assert packet_life(received=True, acknowledged=True, timed_out=False) is PacketLife.ACKNOWLEDGED
    assert packet_life(received=False, acknowledged=False, timed_out=True) is PacketLife.TIMED_OUT
    with pytest.raises(AssertionError):
        packet_life(received=True, acknowledged=True, timed_out=True)
