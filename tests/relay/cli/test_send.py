"""`causeway send` against a running relay: what it promises, and what it refuses without changing anything."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.relay.cli.world import TOKEN, Ended, World, with_config, write_secret


def packets_of(world: World) -> list[str]:
    return [each["id"] for each in world.run("packets", "list", "--all", "--json").json["packets"]]


def send(world: World, *arguments: str, lane: str | None = None) -> Ended:
    return world.run("send", lane or world.lane, "--port", "mailbox", *arguments)


def test_a_message_that_is_waited_for_ends_acknowledged(world: World) -> None:
    sent = send(world, "--text", "grüße", "--timeout-seconds", "60", "--wait", "--json")
    assert sent.code == 0, sent.err
    assert sent.json["packet"]["state"] == "acknowledged"
    assert bytes.fromhex(sent.json["packet"]["payloads"][0]["value"]).decode() == "grüße"
    assert "idempotency key: cli-" in sent.err
    assert "message stored" in sent.err


def test_a_file_is_sent_byte_for_byte(world: World, tmp_path: Path) -> None:
    value = bytes(range(256))
    (tmp_path / "value").write_bytes(value)
    sent = send(world, "--value-file", str(tmp_path / "value"), "--timeout-seconds", "60", "--wait", "--json")
    assert sent.json["packet"]["payloads"][0]["value"] == value.hex()


def test_the_same_key_twice_is_one_packet_and_another_message_under_it_is_refused(world: World) -> None:
    first = send(world, "--text", "once", "--timeout-seconds", "60", "--key", "order-1", "--wait", "--json")
    before = packets_of(world)
    again = send(world, "--text", "once", "--timeout-seconds", "60", "--key", "order-1", "--wait", "--json")
    assert again.json["packet"]["id"] == first.json["packet"]["id"]
    assert "idempotency key" not in again.err
    other = send(world, "--text", "twice", "--timeout-seconds", "60", "--key", "order-1")
    assert other.code == 1
    assert "key used for another message" in other.err
    assert "hint: take another --key" in other.err
    assert packets_of(world) == before


def test_a_packet_to_a_port_that_is_not_there_times_out_and_fails_the_command(world: World) -> None:
    sent = world.run("send", world.lane, "--port", "nobody", "--text", "x", "--timeout-seconds", "5", "--wait")
    assert sent.code == 1
    assert "the packet timed out" in sent.err
    assert "timed_out" in sent.out


def test_without_port_and_timeout_it_goes_to_the_destinations_mailbox_within_ten_minutes(world: World) -> None:
    now = time.time()
    sent = world.run("send", world.lane, "--text", "x", "--wait", "--json")
    assert sent.code == 0, sent.err
    assert sent.json["packet"]["payloads"][0]["dest_port"] == "mailbox"
    assert 590 < sent.json["packet"]["timeout"] - now < 660


BAD: dict[str, tuple[list[str], str]] = {
    "no value": (["--timeout-seconds", "60"], "the value is missing or given twice"),
    "two values": (
        ["--text", "a", "--base64", "aGk=", "--timeout-seconds", "60"],
        "the value is missing or given twice",
    ),
    "no base64": (["--base64", "%", "--timeout-seconds", "60"], "--base64"),
    "no file": (["--value-file", "/nowhere", "--timeout-seconds", "60"], "/nowhere: No such file"),
    "expired timeout": (["--text", "x", "--timeout-seconds", "-5"], "timeout is not valid"),
    "timeout too soon": (["--text", "x", "--timeout-seconds", "1"], "timeout is not valid"),
    "timeout too late": (["--text", "x", "--timeout-seconds", "1000000"], "timeout is not valid"),
    "timeout without end": (["--text", "x", "--timeout-seconds", str(1 << 90)], "timeout is not valid"),
    "payload over the limit": (["--text", "x" * 65_537, "--timeout-seconds", "60"], "payload too large: got 65537"),
    "payload beyond all bounds": (["--text", "x" * 1_100_000, "--timeout-seconds", "60"], "larger than 1048576 bytes"),
    "unusable key": (["--text", "x", "--timeout-seconds", "60", "--key", "two words"], "Idempotency-Key is not valid"),
    "timeout no number": (["--text", "x", "--timeout-seconds", "soon"], "--timeout-seconds"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_message_that_cannot_be_carried_is_refused_and_nothing_is_sent(world: World, bad: str) -> None:
    arguments, said = BAD[bad]
    before = packets_of(world)
    sent = send(world, *arguments)
    assert sent.code in (1, 2)
    assert said in " ".join(sent.err.split())
    assert "Traceback" not in sent.err
    assert sent.out == ""
    assert packets_of(world) == before


def test_an_unknown_lane_is_refused_with_those_there_are(world: World) -> None:
    sent = send(world, "--text", "x", "--timeout-seconds", "60", lane="left.no-0~right.no-0")
    assert sent.code == 2
    assert world.lane in sent.err


def test_a_wrong_token_is_refused_is_not_shown_and_changes_nothing(world: World, tmp_path: Path) -> None:
    before = packets_of(world)
    write_secret(tmp_path / "other.token", "wrong-and-secret")
    text = world.config.read_text().replace('"api.token"', f'"{tmp_path / "other.token"}"')
    config = world.path / "wrong-token.toml"
    config.write_text(text)
    try:
        sent = with_config(config, "send", world.lane, "--port", "mailbox", "--text", "x", "--timeout-seconds", "60")
    finally:
        config.unlink()
    assert sent.code == 2
    assert "a valid bearer token is needed to write" in sent.err
    assert "other.token" in sent.err
    assert "wrong-and-secret" not in sent.err + sent.out
    assert packets_of(world) == before


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    (
        (b"", 0o600, "expected a non-empty secret"),
        (b"two\nlines", 0o600, "expected a token of visible ASCII characters"),
        (b"\xff\xfe", 0o600, "expected a token of visible ASCII characters"),
        (TOKEN.encode(), 0o644, "mode 0600"),
    ),
)
def test_a_token_file_that_cannot_be_used_is_named(
    world: World, tmp_path: Path, content: bytes, mode: int, said: str
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(mode)
    config = world.path / "bad-token.toml"
    config.write_text(world.config.read_text().replace('"api.token"', f'"{file}"'))
    try:
        sent = with_config(config, "lanes", "pause", world.lane)
    finally:
        config.unlink()
    assert sent.code == 2
    assert said in sent.err
    assert str(file) in sent.err
    assert TOKEN not in sent.err
