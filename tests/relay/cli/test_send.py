"""`causeway send` against a running relay: what it promises, and what it refuses."""

from __future__ import annotations

from tests.relay.cli.world import World


def messages_of(world: World) -> int:
    return len(world.run("packets", "list", "--all", "--json").json["packets"])


def test_a_message_that_is_waited_for_ends_acknowledged(world: World) -> None:
    sent = world.run(
        "send", world.lane, "--port", "mailbox", "--text", "hello", "--timeout-seconds", "60", "--wait", "--json"
    )
    assert sent.code == 0, sent.err
    assert sent.json["packet"]["state"] == "acknowledged"
    assert "idempotency key: cli-" in sent.err
