"""`causeway verify` and what leads to it: bundle, checkpoint, verdict, and an exit code for each outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.bundle.format import checkpoint_digest, encode_checkpoint
from proofs.bundle.types import Checkpoint, Kind
from tests.proofs.attestation.builders import client_of
from tests.proofs.bundle.samples import attestation, cometbft, fabric
from tests.relay.cli.test_packets import sent_packet
from tests.relay.cli.world import World, invoke

SAMPLE = cometbft()
README = (Path(__file__).parents[3] / "README.md").read_text()
DIGEST = checkpoint_digest(SAMPLE.bundle.checkpoint).hex()
THEN = ("--at", str(SAMPLE.now))


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    path = tmp_path / "7.bundle"
    path.write_bytes(SAMPLE.encoded)
    return str(path)


def test_proved_from_a_checkpoint_that_was_named(bundle: str) -> None:
    ended = invoke("verify", bundle, "--checkpoint-digest", DIGEST.upper(), *THEN)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("proved: packet 7 was sent through client client-0 to client-1 (at height 7-5")
    for part in ("two thirds of the validators' power of causeway-7", DIGEST, "not covered evidence: votes"):
        assert part in ended.out
    assert ended.err == ""


def test_without_a_checkpoint_the_verdict_is_conditional_and_says_so(bundle: str) -> None:
    ended = invoke("verify", bundle, *THEN)
    assert ended.code == 4
    assert ended.out.startswith("proved, IF you trust the checkpoint in the bundle: ")
    assert f"--checkpoint-digest {DIGEST}" in ended.err
    told = invoke("verify", bundle, *THEN, "--json")
    assert told.code == 4
    assert (told.json["proved"], told.json["conditional_on_checkpoint"]) == (False, True)


def test_everything_is_in_the_json(bundle: str) -> None:
    told = invoke("verify", bundle, *THEN, "--checkpoint-digest", DIGEST, "--json").json
    assert (told["proved"], told["kind"], told["height"], told["judged_at"]) == (True, "receive", "7-5", SAMPLE.now)
    assert told["packet"]["payloads"][0]["value"] == b"hello".hex()
    marks = told["checkpoint"].pop("marks")
    assert told["checkpoint"] == {"digest": DIGEST, "family": "cometbft", "height": "7-1", "time": 1_700_000_001}
    assert marks["chain_id"] == "causeway-7"
    assert marks.keys() == {"chain_id", "app_hash", "next_validators_hash"}
    assert {each["field"] for each in told["uncovered"]} == {
        "evidence: votes that are not needed",
        "evidence: proposer of a validator set",
    }


def test_the_checkpoint_as_a_file(bundle: str, tmp_path: Path) -> None:
    saved = tmp_path / "own.checkpoint"
    assert invoke("verify", bundle, *THEN, "--save-checkpoint", str(saved)).code == 4
    assert saved.read_bytes() == encode_checkpoint(SAMPLE.bundle.checkpoint)
    assert invoke("verify", bundle, *THEN, "--checkpoint", str(saved)).code == 0
    other = tmp_path / "other.checkpoint"
    other.write_bytes(encode_checkpoint(Checkpoint("attestation", client_of().encode())))
    refused = invoke("verify", bundle, *THEN, "--checkpoint", str(other))
    assert (refused.code, "another checkpoint than yours" in refused.err) == (1, True)


def test_a_changed_byte_is_refused_by_name(bundle: str) -> None:
    content = bytearray(SAMPLE.encoded)
    content[200] ^= 1
    Path(bundle).write_bytes(content)
    refused = invoke("verify", bundle, *THEN, "--json")
    assert refused.code == 1
    assert (refused.json["proved"], refused.json["refusal"]) == (False, "RootMismatch")
    assert "digest of the file" in refused.err


def test_an_old_checkpoint_is_refused_with_what_to_do(bundle: str) -> None:
    refused = invoke("verify", bundle, "--at", "2026-01-01", "--checkpoint-digest", DIGEST)
    assert refused.code == 1
    assert "TrustExpired" in refused.err
    assert "--at TIME" in refused.err
    # At the time of the delivery it was good.
    assert invoke("verify", bundle, "--at", "2023-11-15T00:00:00Z", "--checkpoint-digest", DIGEST).code == 0
    early = invoke("verify", bundle, "--at", "2023-11-01T00:00:00Z", "--checkpoint-digest", DIGEST)
    assert (early.code, "newer than the time" in early.err) == (1, True)


def test_what_is_proved_is_said_for_each_kind(tmp_path: Path) -> None:
    path = tmp_path / "x.bundle"
    for kind, said in ((Kind.ACKNOWLEDGE, "acknowledged with 01"), (Kind.TIMEOUT, "had not been received")):
        path.write_bytes(attestation(kind).encoded)
        ended = invoke("verify", str(path))
        assert said in ended.out
        assert "trusting    2 of 3 attestors (0x" in ended.out
        assert "not covered packet.payloads" in ended.out
    path.write_bytes(fabric().encoded)
    assert "a time it does not tell" in invoke("verify", str(path)).out


def test_mistakes_in_the_command(bundle: str, tmp_path: Path) -> None:
    for arguments, said in (
        (("--checkpoint-digest", "abc"), "64 hex digits"),
        (("--at", "yesterday"), "ISO 8601"),
        (("--checkpoint", str(tmp_path / "none")), "No such file"),
        (("--checkpoint", bundle), "is no checkpoint"),
        (("--checkpoint", bundle, "--checkpoint-digest", DIGEST), "say one"),
    ):
        ended = invoke("verify", bundle, *arguments)
        assert (ended.code, said in ended.err) == (2, True), ended.err
    assert invoke("verify", str(tmp_path / "none")).code == 2
    assert invoke("verify", str(tmp_path)).code == 2


def test_from_a_running_relay_to_a_verdict(world: World, tmp_path: Path) -> None:
    packet = sent_packet(world)["id"]
    path, checkpoint = tmp_path / "1.bundle", tmp_path / "left.checkpoint"
    assert world.run("packets", "bundle", packet, "--out", str(path)).code == 0
    conditional = invoke("verify", str(path), "--json")
    digest = conditional.json["checkpoint"]["digest"]
    assert digest in {each["digest"] for each in world.run("checkpoints", "list", "--json").json["checkpoints"]}
    assert digest in world.run("checkpoints", "list").out
    assert world.run("checkpoints", "save", digest, "--out", str(checkpoint)).code == 0
    proved = invoke("verify", str(path), "--checkpoint", str(checkpoint), "--json")
    assert (proved.code, proved.json["proved"]) == (0, True)
    assert world.run("packets", "bundle", packet, "--kind", "acknowledge", "--out", str(path)).code == 0
    assert invoke("verify", str(path), "--checkpoint-digest", digest).code in (0, 1)  # of the other ledger: 1
    missing = world.run("packets", "bundle", packet, "--kind", "timeout", "--out", str(path))
    assert (missing.code, "nothing of this kind" in missing.err) == (2, True)
    assert world.run("checkpoints", "save", "ab" * 32).code == 2


def test_what_the_readme_says_about_bundles_runs_as_it_says(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its three commands in their order, with a packet and a digest of ours."""
    section = README.split("## Show it to a third party\n", 1)[1].split("\n## ", 1)[0]
    block = section.split("```sh\n", 1)[1].split("```", 1)[0]
    fetch, listing, verdict = [line.split("#", 1)[0].split() for line in block.splitlines()]
    packet = sent_packet(world)["id"]
    monkeypatch.chdir(tmp_path)
    assert world.run(*[packet if word == "LANE:7" else word for word in fetch[1:]]).code == 0
    known = world.run(*listing[1:], "--json").json["checkpoints"]
    of_left = [each["digest"] for each in known if each["of"] == "left"]
    codes = [invoke(*[digest if word == "DIGEST" else word for word in verdict[1:]]).code for digest in of_left]
    # Of the checkpoints of that ledger, one is what this bundle starts from.
    assert codes.count(0) == 1
    assert set(codes) <= {0, 1}
