"""Raw HTTP: what a client of ours would never send is sent, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from tests.relay.cli.world import TOKEN, World, eventually


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """Of a problem, after it was seen to be one."""
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.json["status"] == self.status
        assert self.json["title"]
        return str(self.json["type"]).removeprefix("urn:causeway:problem:")


def ask(
    address: str,
    method: str,
    path: str,
    body: object = None,
    *,
    raw: bytes | None = None,
    token: str | bytes | None = TOKEN,
    headers: Mapping[str, str | bytes] | None = None,
) -> Answer:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=20)
    sent: dict[str, str | bytes] = dict(headers or {})
    if token is not None:
        sent["Authorization"] = b"Bearer " + (token if isinstance(token, bytes) else token.encode())
    content = raw if raw is not None else None if body is None else json.dumps(body).encode()
    try:
        connection.request(method, path, body=content, headers=sent)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def get(world: World, path: str) -> Answer:
    return ask(world.address, "GET", path)


def post(world: World, path: str, body: object = None) -> Answer:
    return ask(world.address, "POST", path, body)


def send(world: World, key: str, **changed: object) -> Answer:
    """A message that would be accepted, with what the test changes. None leaves a member out."""
    body = {"lane": world.lane, "port": "mailbox", "text": "hello", "timeout_seconds": 60} | changed
    body = {name: value for name, value in body.items() if value is not None}
    return ask(world.address, "POST", "/v1/messages", body, headers={"Idempotency-Key": key})


def packet_of(world: World, key: str) -> str:
    """The name of the packet that a message became."""

    def look() -> str | None:
        return get(world, f"/v1/messages/{key}").json["packet"]  # type: ignore[no-any-return]  # it is JSON

    return eventually(look)


def wait_for_state(world: World, packet: str, state: str) -> Any:
    def look() -> Any:
        answer = get(world, f"/v1/packets/{packet}").json
        return answer if answer["state"] == state else None

    return eventually(look)
