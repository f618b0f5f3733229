"""Packets: paging that misses none, why one waits, and what an operator may do about it."""

from __future__ import annotations

from typing import Any

from tests.relay.api.client import Answer, get, packet_of, post, send, wait_for_state
from tests.relay.cli.world import World, eventually


def act(world: World, packet: str, action: str, reason: str | None = None) -> Answer:
    return post(world, f"/v1/packets/{packet}/{action}", None if reason is None else {"reason": reason})


def receive_of(world: World, packet: str) -> Any:
    found = get(world, f"/v1/packets/{packet}").json["deliveries"]
    return next((each for each in found if each["kind"] == "receive"), None)


def paused_packet(world: World, key: str) -> str:
    """A packet of a paused lane, seen to wait for that."""
    assert post(world, f"/v1/lanes/{world.lane}/pause").json == {"lane": world.lane, "paused": True}
    assert send(world, key).status == 202
    packet = packet_of(world, key)

    def look() -> Any:
        delivery = receive_of(world, packet)
        return delivery if delivery is not None and delivery["waits_for"] == "paused" else None

    delivery = eventually(look)
    assert delivery["state"] == "waiting"
    assert delivery["next_try"] > 0
    return packet


def test_a_packet_of_a_paused_lane_waits_for_that_and_goes_on_when_it_is_resumed(world: World) -> None:
    packet = paused_packet(world, "paused")
    assert get(world, f"/v1/lanes/{world.lane}").json["paused"] is True
    assert get(world, f"/v1/packets/{packet}").json["state"] == "sent"
    assert post(world, f"/v1/lanes/{world.lane}/resume").json["paused"] is False
    ended = wait_for_state(world, packet, "acknowledged")
    assert [each["waits_for"] for each in ended["deliveries"]] == [None, None]


def test_an_operator_quarantines_discards_and_releases_a_packet(world: World) -> None:
    packet = paused_packet(world, "in-hand")
    try:
        before = get(world, f"/v1/lanes/{world.lane}").json
        assert act(world, packet, "release").kind == "nothing-to-do"
        assert act(world, packet, "discard", "too early").status == 409
        assert act(world, packet, "quarantine").json["field"] == "body"
        assert act(world, packet, "quarantine", " ").json["field"] == "reason"
        assert act(world, packet, "quarantine", "x" * 501).json["field"] == "body"
        assert receive_of(world, packet)["state"] == "waiting"

        assert len(act(world, packet, "quarantine", "under dispute").json["changed"]) == 1
        resting = receive_of(world, packet)
        assert resting["state"] == "quarantined"
        assert resting["waits_for"] == "refused"
        assert resting["numbers"] == {"rule": "operator", "detail": "under dispute"}
        assert resting["next_try"] is None
        listed = get(world, "/v1/quarantine?limit=1").json
        assert [each["id"] for each in listed["packets"]] == [packet]
        assert get(world, f"/v1/quarantine?before={listed['before']}").json == {"packets": [], "before": None}
        assert get(world, "/v1/quarantine?limit=0").json["field"] == "limit"
        assert act(world, packet, "retry").json["woken"] == 0

        assert act(world, packet, "discard", "agreed").status == 200
        after = get(world, f"/v1/lanes/{world.lane}").json
        assert after["abandoned"] == before["abandoned"] + 1
        assert after["quarantined"] == before["quarantined"]
        assert after["open"] == before["open"] - 1
        assert act(world, packet, "release").status == 200
        assert act(world, packet, "retry").json["woken"] == 1
    finally:
        post(world, f"/v1/lanes/{world.lane}/resume")
    wait_for_state(world, packet, "acknowledged")
    assert act(world, packet, "quarantine", "too late").status == 409


def test_pages_follow_each_other_without_gap_or_repeat_while_packets_come_in(world: World) -> None:
    for number in range(5):
        send(world, f"page-{number}")
    packet_of(world, "page-4")
    everything = [each["id"] for each in get(world, "/v1/packets?limit=200").json["packets"]]
    assert len(everything) >= 5
    seen: list[str] = []
    before = ""
    while True:
        page = get(world, f"/v1/packets?limit=2{before}").json
        assert len(page["packets"]) <= 2
        seen += [each["id"] for each in page["packets"]]
        if page["before"] is None:
            break
        if not before:
            send(world, "meanwhile")
            packet_of(world, "meanwhile")
        before = f"&before={page['before']}"
    assert seen == everything


def test_packets_are_listed_by_lane_and_state(world: World) -> None:
    wait_for_state(world, packet_of(world, "page-0"), "acknowledged")
    ended = get(world, f"/v1/packets?lane={world.lane}&state=acknowledged").json["packets"]
    assert {(each["lane"], each["state"]) for each in ended} == {(world.lane, "acknowledged")}
    assert get(world, f"/v1/packets?lane={world.back}").json == {"packets": [], "before": None}
    assert get(world, "/v1/packets?state=timed_out").json["packets"] == []
