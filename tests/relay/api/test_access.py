"""Who may write, and that every refusal is a problem object that gives nothing away."""

from __future__ import annotations

import socket

import pytest

from tests.relay.api.client import ask, get, send
from tests.relay.cli.world import TOKEN, World


@pytest.mark.parametrize("token", (None, "", "wrong", f"{TOKEN}x", TOKEN.upper(), b"\xff\xfe"), ids=range(6))
@pytest.mark.parametrize("path", ("/v1/messages", "/v1/packets/x:1/discard", "/v1/lanes/x/pause", "/nowhere"))
def test_a_write_without_the_token_is_refused(world: World, path: str, token: str | bytes | None) -> None:
    answer = ask(world.address, "POST", path, {}, token=token)
    assert answer.status == 401
    assert answer.kind == "unauthorized"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN.encode() not in answer.body


def test_a_write_with_the_wrong_token_changes_nothing(world: World) -> None:
    ask(world.address, "POST", f"/v1/lanes/{world.lane}/pause", token="wrong")
    assert get(world, f"/v1/lanes/{world.lane}").json["paused"] is False


@pytest.mark.parametrize("scheme", ("Basic", "", "Bearerx"))
def test_another_scheme_is_refused(world: World, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    assert ask(world.address, "POST", "/v1/messages", {}, token=None, headers=headers).status == 401


@pytest.mark.parametrize(
    "path",
    ("/", "/console.js", "/console.css", "/v1/packets", "/v1/lanes", "/v1/ledgers", "/v1/quarantine", "/healthz"),
)
def test_reads_need_no_token(world: World, path: str) -> None:
    assert ask(world.address, "GET", path, token=None).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    (
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/packets", 405),
        ("GET", "/v1/packets/no-colon", 400),
        ("GET", "/v1/packets/%FF:1", 404),
        ("GET", "/v1/packets/%C3%A9:1", 400),
        ("GET", "/v1/packets/x:1", 404),
        ("GET", "/v1/packets/x:0", 400),
        ("GET", "/v1/packets/x:9223372036854775808", 400),
        ("GET", "/v1/packets/x:99999999999999999999999", 400),
        ("GET", "/v1/messages/unknown", 404),
        ("GET", "/v1/messages/%C3%A9", 404),
        ("GET", "/v1/messages/%FF", 404),
        ("GET", "/v1/lanes/unknown", 404),
        ("POST", "/v1/lanes/unknown/pause", 404),
        ("POST", "/v1/packets/x:1/retry", 404),
        ("POST", "/v1/packets/x:1/release", 404),
        ("GET", "/v1/packets?lane=unknown", 404),
        ("GET", "/v1/packets?lane=%FF", 404),
        ("GET", "/v1/packets?state=lost", 400),
        ("GET", "/v1/packets?limit=0", 400),
        ("GET", "/v1/packets?limit=201", 400),
        ("GET", "/v1/packets?limit=-1", 400),
        ("GET", "/v1/packets?limit=%D9%A1", 400),
        ("GET", "/v1/packets?before=x", 400),
    ),
)
def test_what_is_not_there_or_not_understood_is_a_problem(world: World, method: str, path: str, status: int) -> None:
    answer = ask(world.address, method, path)
    assert answer.status == status
    assert answer.kind in ("http", "not-found", "invalid-request")


@pytest.mark.parametrize(
    "path", (b"/v1/packets/\xff:1", b"/v1/messages/\xff", b"/v1/packets?lane=\xff", b"/v1/lanes/\xff")
)
def test_an_address_of_bytes_that_are_no_text_is_no_mistake_of_ours(world: World, path: bytes) -> None:
    host, port = world.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as opened:
        opened.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        line = opened.makefile("rb").readline()
    assert line.split()[1] in (b"400", b"404")


def test_a_method_that_is_not_allowed_names_those_that_are(world: World) -> None:
    assert "GET" in ask(world.address, "DELETE", "/v1/packets").headers["Allow"]


def test_a_refused_message_says_the_field_what_was_got_and_what_is_expected(world: World) -> None:
    answer = send(world, "shape", lane="x" * 500)
    assert answer.json["field"] == "lane"
    assert len(answer.json["got"]) <= 120
    assert world.lane in answer.json["expected"]
