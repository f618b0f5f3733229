"""POST /v1/messages: one key is one packet, and what cannot be carried is refused before anything is stored."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.relay.api.client import ask, get, packet_of, send, wait_for_state
from tests.relay.cli.world import World


def nothing_stored(world: World, key: str) -> bool:
    return get(world, f"/v1/messages/{key}").kind == "not-found"


def test_a_message_becomes_a_packet_that_is_acknowledged(world: World) -> None:
    answer = send(world, "first", value=base64.b64encode(b"\x00\xff").decode(), text=None)
    assert answer.status == 202
    assert answer.json["state"] == "stored"
    packet = wait_for_state(world, packet_of(world, "first"), "acknowledged")
    assert packet["payloads"][0]["value"] == "00ff"
    assert [each["event"] for each in packet["timeline"]] == [
        "sent",
        "received",
        "acknowledgement_written",
        "acknowledged",
    ]
    assert get(world, "/v1/messages/first").json["state"] == "sent"


def test_the_same_key_twice_is_one_packet_also_later_with_a_relative_timeout(world: World) -> None:
    first = send(world, "twice")
    packet = packet_of(world, "twice")
    time.sleep(1)  # a relative timeout counts from the first request
    again = send(world, "twice")
    assert again.status == 202
    assert again.json["packet"] == packet
    assert again.json["timeout"] == first.json["timeout"]


def test_two_requests_at_once_with_one_key_are_one_message(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(world, "at-once"), range(8)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["timeout"] for answer in answers}) == 1
    packet = packet_of(world, "at-once")
    named = [each for each in get(world, "/v1/packets?limit=200").json["packets"] if each["id"] == packet]
    assert len(named) == 1


OTHER: dict[str, dict[str, object]] = {
    "text": {"text": "another"},
    "port": {"port": "another"},
    "timeout": {"timeout_seconds": None, "timeout": 2_000_000_000},
    "relative-timeout": {"timeout_seconds": 61},
    "timeout-at-the-end": {"timeout_seconds": None, "timeout": (1 << 63) - 1},
}


@pytest.mark.parametrize("other", OTHER)
def test_the_same_key_for_another_message_is_refused(world: World, other: str) -> None:
    key = f"other-{other}"
    first = send(world, key)
    answer = send(world, key, **OTHER[other])
    assert answer.status == 409
    assert answer.kind == "idempotency-key-reused"
    assert get(world, f"/v1/messages/{key}").json["timeout"] == first.json["timeout"]


@pytest.mark.parametrize("seconds", (-1, 0, 4, 86_401, 1 << 62, 1 << 80))
def test_a_timeout_that_cannot_be_met_is_refused(world: World, seconds: int) -> None:
    key = f"late-{seconds}"
    answer = send(world, key, timeout_seconds=seconds)
    assert answer.status == 400
    assert answer.kind == "invalid-request"
    assert answer.json["field"] == "timeout"
    assert nothing_stored(world, key)


def test_a_timeout_in_the_past_is_refused_and_says_what_time_it_is(world: World) -> None:
    answer = send(world, "past", timeout_seconds=None, timeout=1_000_000_000)
    assert answer.json["got"] == 1_000_000_000
    assert str(int(time.time()))[:-2] in answer.json["expected"]
    assert nothing_stored(world, "past")


@pytest.mark.parametrize(
    "changed",
    (
        {"timeout": 1},
        {"timeout_seconds": None},
        {"value": "aGk="},
        {"text": None},
        {"text": None, "value": "not base64"},
        {"port": "two words"},
        {"port": ""},
        {"lane": "left.nowhere-0~right.nowhere-0"},
        {"memo": "an unknown member"},
        {"timeout_seconds": "60"},
    ),
    ids=str,
)
def test_a_malformed_message_is_refused_and_not_stored(world: World, changed: dict[str, object]) -> None:
    answer = send(world, "malformed", **changed)
    assert answer.status == 400
    assert answer.kind == "invalid-request"
    assert answer.json["expected"]
    assert nothing_stored(world, "malformed")


@pytest.mark.parametrize(
    "raw", (b"", b"{", b"[]", b'"\xff"', b'{"lane": "\xff"}', b'{"lane": "\\ud800"}', b"[" * 100_000), ids=range(7)
)
def test_a_body_that_is_no_message_is_refused(world: World, raw: bytes) -> None:
    answer = ask(world.address, "POST", "/v1/messages", raw=raw, headers={"Idempotency-Key": "no-message"})
    assert answer.status == 400
    assert answer.json["field"] == "body"


@pytest.mark.parametrize("key", ("", "two words", "k" * 129, b"\xff\xfe"), ids=range(4))
def test_a_message_without_a_usable_key_is_refused(world: World, key: str | bytes) -> None:
    body = {"lane": world.lane, "port": "mailbox", "text": "hello", "timeout_seconds": 60}
    answer = ask(world.address, "POST", "/v1/messages", body, headers={"Idempotency-Key": key})
    assert answer.status == 400
    assert answer.json["field"] == "Idempotency-Key"


def test_a_key_may_hold_what_addresses_must_escape(world: World) -> None:
    assert send(world, "order/47?#%41").status == 202
    assert get(world, "/v1/messages/order%2F47%3F%23%2541").json["key"] == "order/47?#%41"


def test_a_payload_at_the_limit_is_carried_and_one_byte_more_is_refused(world: World) -> None:
    limit = 65_536
    refused = send(world, "too-large", text="x" * (limit + 1))
    assert refused.status == 413
    assert refused.kind == "payload-too-large"
    assert str(limit) in refused.json["detail"]
    assert nothing_stored(world, "too-large")
    assert send(world, "just-right", text="x" * limit).status == 202
    packet = wait_for_state(world, packet_of(world, "just-right"), "acknowledged")
    assert len(packet["payloads"][0]["value"]) == 2 * limit


def test_a_body_beyond_all_bounds_is_refused_as_a_problem(world: World) -> None:
    answer = ask(
        world.address, "POST", "/v1/messages", raw=b"x" * 300_000, headers={"Idempotency-Key": "beyond-all-bounds"}
    )
    assert answer.status == 413
    assert answer.kind == "http"
