"""How the relay is: ledgers, lanes, readiness with reasons, metrics, and a page that shows them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from random import Random

import pytest

from relay.api.problems import json_response
from relay.app import run_relay
from relay.config import load_config
from relay.config.toml import write_toml
from relay.keys.secret import Secret
from tests.relay.api.client import ask, get, packet_of, send, wait_for_state
from tests.relay.cli.world import Beside, World, eventually, unused_port, write_secret

ROOT = Path(__file__).resolve().parents[3]
LANE_STATES = ("found", "done", "moot", "refuted", "abandoned", "quarantined", "open")


def test_a_relay_that_follows_all_its_ledgers_is_ready(world: World) -> None:
    eventually(lambda: get(world, "/readyz").status == 200 or None)
    answer = get(world, "/readyz")
    assert answer.json == {"ready": True, "reasons": {}}


def test_ledgers_are_shown_with_identity_heights_and_trust(world: World) -> None:
    left, right = get(world, "/v1/ledgers").json["ledgers"]
    assert (left["name"], right["name"]) == ("left", "right")
    assert left["state"] == "running"
    assert left["identity"]["chain_id"] == "left-1"
    assert left["latest"] >= left["final"] > 0
    assert abs(left["final_time"] - time.time()) < 30
    assert left["trust"] == "light-client"


def test_counters_of_a_lane_add_up(world: World) -> None:
    send(world, "counted")
    wait_for_state(world, packet_of(world, "counted"), "acknowledged")
    for lane in get(world, "/v1/lanes").json["lanes"]:
        ended = lane["done"] + lane["moot"] + lane["refuted"] + lane["abandoned"]
        assert lane["found"] == ended + lane["open"]
        assert lane["found"] > 0
        assert lane["trust"]["client"] == "light-client"


def test_metrics_count_what_was_sent(world: World) -> None:
    send(world, "measured")
    packet_of(world, "measured")
    answer = get(world, "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.body.decode().splitlines()
    sent = next(line for line in lines if line.startswith('causeway_messages_sent_total{ledger="left"}'))
    assert float(sent.split()[-1]) >= 1


def test_metrics_say_how_every_lane_stands(world: World) -> None:
    send(world, "standing")
    wait_for_state(world, packet_of(world, "standing"), "acknowledged")
    found = samples(world)
    for lane in (world.lane, world.back):
        count = {state: found["causeway_lane_deliveries", lane, state] for state in LANE_STATES}
        assert count["found"] == sum(count[state] for state in LANE_STATES if state not in ("found", "quarantined")) > 0
        assert found["causeway_lane_paused", lane] == 0
        assert found["causeway_lane_client_expires_timestamp_seconds", lane] > time.time()
        assert found["causeway_lane_oldest_open_seconds", lane] >= 0
    assert found["causeway_ledger_followed", "left"] == 1
    assert found["causeway_packet_crossing_seconds_count", world.lane] >= 1
    assert 'causeway_lane_info{attestors="0",client="light-client",' in get(world, "/metrics").body.decode()


def test_a_waiting_packet_makes_the_lanes_oldest_older(world: World) -> None:
    paused_before = samples(world)["causeway_lane_paused", world.lane]
    ask(world.address, "POST", f"/v1/lanes/{world.lane}/pause")
    try:
        send(world, "held")
        packet_of(world, "held")
        aged = [samples(world)["causeway_lane_oldest_open_seconds", world.lane]]
        time.sleep(0.3)
        now = samples(world)
    finally:
        ask(world.address, "POST", f"/v1/lanes/{world.lane}/resume")
    assert (paused_before, now["causeway_lane_paused", world.lane]) == (0, 1)
    assert now["causeway_lane_oldest_open_seconds", world.lane] >= aged[0] + 0.2


def test_every_metric_is_explained_and_nothing_else(world: World) -> None:
    for name in ("relay.attestor.server", "adapters.contract.calls"):
        import_module(name)
    typed = re.findall(r"^# TYPE (causeway_\w+) \w+$", get(world, "/metrics").body.decode(), re.MULTILINE)
    documented = re.findall(r"^\| `(causeway_\w+)` \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(name for name in typed if not name.endswith("_created"))


def samples(world: World) -> dict[tuple[str, ...], float]:
    """By name and label values, in the order of the text."""
    found = {}
    for line in get(world, "/metrics").body.decode().splitlines():
        if line.startswith("causeway_"):
            name, labels = re.split(r"[{ ]", line, maxsplit=1)
            found[name, *re.findall(r'"([^"]*)"', labels)] = float(line.rsplit(" ", 1)[1])
    return found


def test_the_status_page_runs_no_foreign_script(world: World) -> None:
    answer = get(world, "/")
    assert b"<!doctype html>" in answer.body.lower()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_numbers_beyond_64_bits_are_said(world: World) -> None:
    """Balances of ledgers with 18 decimals, as in the numbers of a wait for funds."""
    body = json_response({"balance": 10**24}).body
    assert isinstance(body, bytes)
    assert b"1000000000000000000000000" in body


@pytest.fixture(scope="module")
def dark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A relay none of whose ledgers answers."""
    folder = tmp_path_factory.mktemp("dark")
    write_secret(folder / "token", "token")
    nowhere = f"http://127.0.0.1:{unused_port()}"
    ledger = {"plugin": "embedded", "endpoints": [nowhere], "checkpoint": {"height": 1, "hash": "ab" * 32}}
    content = {
        "relay": {"data_dir": "data"},
        "keys": {"folder": "keys"},
        "api": {"port": 0, "token_file": "token"},
        "ledgers": {name: {**ledger, "chain_id": f"{name}-1"} for name in ("left", "right")},
        "links": [{end: {"ledger": name, "client": "attestations-0"} for end, name in (("a", "left"), ("b", "right"))}],
    }
    (folder / "causeway.toml").write_text(write_toml(content))  # type: ignore[arg-type]  # plain values only
    beside, started, said = Beside(), threading.Event(), list[str]()

    def on_start(address: str) -> None:
        said.append(address)
        started.set()

    config = load_config(Path(folder / "causeway.toml"))
    relay = run_relay(config, clock=time.time, chance=Random(1), passphrase=Secret(b"none"), started=on_start)
    try:
        with beside.running(relay):
            assert started.wait(20)
            yield said[0]
    finally:
        beside.close()


def test_a_relay_whose_ledgers_do_not_answer_is_healthy_and_not_ready_and_says_why(dark: str) -> None:
    assert ask(dark, "GET", "/healthz").json == {"healthy": True}
    answer = ask(dark, "GET", "/readyz")
    assert answer.status == 503
    assert answer.json["ready"] is False
    assert set(answer.json["reasons"]) == {"left", "right"}


def test_why_a_ledger_is_not_followed_is_told_with_its_endpoint(dark: str) -> None:
    until = time.monotonic() + 60  # no speed is asked of the machine
    while "EndpointUnavailable" not in (reason := ask(dark, "GET", "/readyz").json["reasons"]["left"]):
        assert time.monotonic() < until, reason
        time.sleep(0.1)
    assert reason.startswith("waiting: ")
    ledger = ask(dark, "GET", "/v1/ledgers").json["ledgers"][0]
    assert ledger["state"] == "waiting"
    assert ledger["identity"] is None


def test_nothing_is_promised_where_no_account_sends(dark: str) -> None:
    body = {"lane": "left.attestations-0~right.attestations-0", "port": "mailbox", "text": "hi", "timeout_seconds": 60}
    answer = ask(dark, "POST", "/v1/messages", body, token="token", headers={"Idempotency-Key": "k"})
    assert answer.status == 409
    assert answer.kind == "cannot-send"
