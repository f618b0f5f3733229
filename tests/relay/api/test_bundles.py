"""`GET /v1/packets/{id}/bundle` and `/v1/checkpoints`: files that verify, and clear errors where there are none."""

from __future__ import annotations

import time

import pytest

from proofs.bundle.format import checkpoint_digest, decode_bundle, decode_checkpoint
from proofs.bundle.types import Kind
from proofs.bundle.verify import verify_bundle
from relay.store import bundles
from tests.relay.api.client import get, packet_of, send, wait_for_state
from tests.relay.cli.world import World


@pytest.fixture(scope="module")
def packet(world: World) -> str:
    """One that crossed and was acknowledged."""
    send(world, "bundled")
    name = packet_of(world, "bundled")
    wait_for_state(world, name, "acknowledged")
    return name


@pytest.mark.parametrize("kind", ("receive", "acknowledge"))
def test_a_bundle_verifies_from_the_checkpoint_it_names(world: World, packet: str, kind: str) -> None:
    answer = get(world, f"/v1/packets/{packet}/bundle?kind={kind}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert f"-{kind}.bundle" in answer.headers["Content-Disposition"]
    held = bytes.fromhex(answer.headers["Causeway-Checkpoint"])
    proved = verify_bundle(answer.body, held=held, now=int(time.time()))
    assert proved.bundle.kind is Kind[kind.upper()]
    assert proved.bundle.packet.sequence == int(packet.rpartition(":")[2])


def test_receive_is_what_is_given_unasked(world: World, packet: str) -> None:
    assert decode_bundle(get(world, f"/v1/packets/{packet}/bundle").body).kind is Kind.RECEIVE


def test_checkpoints_are_listed_and_given(world: World, packet: str) -> None:
    bundle = get(world, f"/v1/packets/{packet}/bundle")
    listed = get(world, "/v1/checkpoints").json["checkpoints"]
    digest = bundle.headers["Causeway-Checkpoint"]
    (found,) = [each for each in listed if each["digest"] == digest]
    assert (found["of"], found["family"]) == ("left", "cometbft")
    file = get(world, f"/v1/checkpoints/{digest}")
    assert decode_checkpoint(file.body) == decode_bundle(bundle.body).checkpoint
    assert checkpoint_digest(decode_checkpoint(file.body)).hex() == digest == file.body[-32:].hex()


def test_a_bundle_can_be_had_from_an_older_checkpoint(world: World, packet: str) -> None:
    listed = [each for each in get(world, "/v1/checkpoints").json["checkpoints"] if each["of"] == "left"]
    digest = listed[-1]["digest"]
    answer = get(world, f"/v1/packets/{packet}/bundle?checkpoint={digest}")
    assert answer.status == 200
    verify_bundle(answer.body, held=bytes.fromhex(digest), now=int(time.time()))


def test_where_there_is_no_bundle_the_reason_is_told(world: World, packet: str) -> None:
    gone = get(world, f"/v1/packets/{packet}/bundle?kind=timeout")
    assert (gone.status, gone.kind) == (404, "no-bundle")
    assert gone.json["detail"] == "nothing of this kind is due for the packet"
    other = get(world, f"/v1/packets/{packet}/bundle?checkpoint={'ab' * 32}")
    assert (other.status, other.kind) == (404, "no-bundle")
    assert "no evidence leads there from this checkpoint" in other.json["detail"]


def test_a_bundle_that_would_be_too_large_is_not_made(
    world: World, packet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "SHOWN_STEPS_MAX", -1)
    answer = get(world, f"/v1/packets/{packet}/bundle")
    assert (answer.status, answer.kind) == (404, "no-bundle")
    assert "start from a newer checkpoint" in answer.json["detail"]


def test_bad_questions_are_refused(world: World, packet: str) -> None:
    for query, field in (("kind=sent", "kind"), ("checkpoint=abc", "checkpoint")):
        answer = get(world, f"/v1/packets/{packet}/bundle?{query}")
        assert (answer.status, answer.kind, answer.json["field"]) == (400, "invalid-request", field)
    for path in ("/v1/packets/nonsense/bundle", f"/v1/packets/{packet}9999/bundle", "/v1/checkpoints/xyz"):
        assert get(world, path).status in (400, 404)
    assert get(world, f"/v1/checkpoints/{'ab' * 32}").kind == "not-found"
