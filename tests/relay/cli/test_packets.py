"""`causeway packets`, `lanes`, `ledgers` against a running relay: what they show, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.relay.cli.world import Ended, World, eventually


def sent_packet(world: World, *, wait: bool = True) -> Any:
    arguments = ["--port", "mailbox", "--text", "hello", "--timeout-seconds", "60", *(["--wait"] if wait else [])]
    sent = world.run("send", world.lane, *arguments, "--json")
    assert sent.code == 0, sent.err
    return sent.json["packet"] if wait else sent.json["message"]


def test_packets_are_listed_page_by_page(world: World) -> None:
    packet = sent_packet(world)
    assert world.run("packets", "list", "--limit", "1", "--json").json["packets"][0]["id"] == packet["id"]
    everything = world.run("packets", "list", "--all", "--json").json["packets"]
    by_lane = world.run("packets", "list", "--lane", world.lane, "--state", "acknowledged", "--json").json["packets"]
    assert packet["id"] in {each["id"] for each in by_lane}
    assert len(by_lane) <= len(everything)
    table = world.run("packets", "list")
    assert packet["id"] in table.out
    assert "acknowledged" in table.out


def test_a_packet_is_shown_with_payload_and_timeline(world: World) -> None:
    packet = sent_packet(world)
    shown = world.run("packets", "show", packet["id"])
    assert shown.code == 0
    for part in ("state   acknowledged", "mailbox: 'hello'", "acknowledgement_written", "receive", "done"):
        assert part in shown.out
    assert world.run("packets", "show", packet["id"], "--json").json["id"] == packet["id"]


def test_a_paused_lane_says_so_and_a_packet_is_taken_in_hand(world: World) -> None:
    assert "is paused" in world.run("lanes", "pause", world.lane).out
    try:
        key = sent_packet(world, wait=False)["key"]
        packet = eventually(lambda: _waits_for(world, "paused"))
        assert "paused" in world.run("packets", "show", packet).out
        assert "paused" in world.run("lanes", "list").out
        assert "1 deliveries" in world.run("packets", "retry", packet).out

        refused = world.run("packets", "release", packet)
        assert (refused.code, "no delivery of this packet can be released now" in refused.err) == (1, True)
        assert world.run("packets", "quarantine", packet).code == 2  # it needs a reason
        assert world.run("packets", "quarantine", packet, "--reason", "look at it").code == 0
        assert "operator" in world.run("packets", "show", packet).out
        resting = world.run("packets", "list", "--resting", "--json").json["packets"]
        assert [each["id"] for each in resting] == [packet]
        both = world.run("packets", "list", "--resting", "--lane", world.lane)
        assert (both.code, "--resting lists all that rest" in both.err) == (2, True)
        assert world.run("packets", "discard", packet, "--reason", "agreed").code == 0
        released = world.run("packets", "release", packet, "--json")
        assert len(released.json["changed"]) == 1
    finally:
        assert "is on" in world.run("lanes", "resume", world.lane).out
    arguments = ["--port", "mailbox", "--text", "hello", "--timeout-seconds", "60", "--key", key]
    assert world.run("send", world.lane, *arguments, "--wait").code == 0


def _waits_for(world: World, reason: str) -> str | None:
    packets = world.run("packets", "list", "--state", "sent", "--json").json["packets"]
    found = [each["id"] for each in packets if [it["waits_for"] for it in each["deliveries"]] == [reason]]
    return found[0] if found else None


def test_ledgers_and_lanes_are_listed_with_their_trust(world: World) -> None:
    ledgers = world.run("ledgers")
    assert "left" in ledgers.out
    assert "running" in ledgers.out
    assert "CometBFT committee" in ledgers.out
    assert [each["name"] for each in world.run("ledgers", "--json").json["ledgers"]] == ["left", "right"]
    lanes = world.run("lanes", "list", "--json").json["lanes"]
    assert {each["id"] for each in lanes} == {world.lane, world.back}
    assert "right: light-client" in world.run("lanes", "list").out


BAD: dict[str, tuple[list[str], int, str]] = {
    "packet id without sequence": (["packets", "show", "nonsense"], 2, "expected LANE:SEQUENCE"),
    "packet id of another lane": (["packets", "show", "left.x-0~right.y-0:1"], 2, "no such packet"),
    "packet id that looks like a path": (["packets", "show", "../lanes"], 2, "expected LANE:SEQUENCE"),
    "packet id beyond all numbers": (["packets", "retry", f"x:{1 << 80}"], 2, "expected LANE:SEQUENCE"),
    "packet id with an escape": (["packets", "show", "\x1b[31mred:1"], 2, "expected LANE:SEQUENCE"),
    "unknown lane to pause": (["lanes", "pause", "nowhere"], 2, "no such lane"),
    "unknown lane to list": (["packets", "list", "--lane", "nowhere"], 2, "no such lane"),
    "unknown state": (["packets", "list", "--state", "lost"], 2, "--state"),
    "limit of nothing": (["packets", "list", "--limit", "0"], 2, "--limit"),
    "unknown command": (["packets", "lose", "x"], 2, "lose"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_mistake_is_one_clear_message(world: World, bad: str) -> None:
    arguments, code, said = BAD[bad]
    ended: Ended = world.run(*arguments)
    assert ended.code == code
    assert said in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert "\x1b[31mred" not in ended.err
