"""What is kept of a delivery: our own evidence where it convinces others, attestors' signatures where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, func, select

from proofs.attestation.types import Attested
from proofs.bundle.verify import Proved, verify_bundle
from proofs.cometbft.client import CometBftClient
from proofs.light_client import Claim, Height
from relay.attestor.quorum import Quorum
from relay.attestor.statements import path_data, path_digest, state_data, state_digest
from relay.pipeline.archive import own_words
from relay.pipeline.limits import Keeping
from relay.store.schema import EVIDENCE, PROOF
from tests.proofs.bundle import samples
from tests.relay.pipeline.stage import ATTESTORS, THRESHOLD, Setting, Stage, open_stage


@dataclass(frozen=True)
class Signing:
    """The attestors of the stage, who believe what they are asked."""

    async def gather(self, *, height: Height, timestamp: int, claims: Sequence[Claim]) -> Quorum:
        state = state_data(height.number, timestamp)
        paths = [path_data(height.number, claim) for claim in claims]
        return Quorum(
            signed(state, state_digest(state, "tagged")),
            tuple(signed(data, path_digest(data, "tagged")) for data in paths),
            answered=THRESHOLD,
            needed=THRESHOLD,
            reasons={},
        )


def signed(data: bytes, digest: bytes) -> Attested:
    signatures = [key.sign(digest) for key in ATTESTORS[:THRESHOLD]]
    return Attested(data, tuple(each[:64] + bytes([each[64] + 27]) for each in signatures))


async def fetched(stage: Stage) -> tuple[int, bytes, str]:
    path = f"/v1/packets/{stage.lane.id}:1/bundle"
    async with stage.session.get(stage.address + path) as answer:
        return answer.status, await answer.read(), answer.headers.get("Causeway-Checkpoint", "")


async def proved(stage: Stage) -> Proved:
    status, content, digest = await fetched(stage)
    assert status == 200, content
    return verify_bundle(content, held=bytes.fromhex(digest), now=int(stage.now()))


def kept(stage: Stage) -> int:
    def count(connection: Connection) -> int:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (PROOF, EVIDENCE)
        ]
        return sum(counts)

    return stage.database.run_here(count)


async def test_it_is_there_before_anything_is_submitted() -> None:
    async with open_stage() as stage:
        await stage.send()
        await stage.round()
        assert (await stage.waits())["state"] == "verified"
        verdict = await proved(stage)
        assert (verdict.bundle.checkpoint.family, verdict.bundle.packet.sequence) == ("cometbft", 1)


async def test_our_own_evidence_is_shown_also_where_attestors_convince_the_destination() -> None:
    async with open_stage(Setting(attested=True, attestors=Signing())) as stage:
        await stage.send()
        await stage.round()
        assert (await proved(stage)).bundle.checkpoint.family == "cometbft"


async def test_attestors_are_shown_where_our_own_evidence_convinces_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CometBftClient, "portable", False)
    async with open_stage(Setting(attested=True, attestors=Signing())) as stage:
        await stage.send()
        await stage.round()
        verdict = await proved(stage)
        assert verdict.trust.startswith("2 of 3 attestors (0x")
        # Nobody signed the checkpoint's height: whoever knows the attestors can write it.
        assert (verdict.starts_at, verdict.starts_time) == (Height(0, 1), 1)
        assert verdict.bundle.at.number == stage.ledgers["east"].chain.final


async def test_where_nothing_convinces_a_stranger_nothing_is_kept_and_the_api_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CometBftClient, "portable", False)
    async with open_stage() as stage:
        await stage.send()
        await stage.round()
        assert (await stage.waits())["state"] == "verified"
        assert kept(stage) == 0
        status, content, _ = await fetched(stage)
        assert (status, b"proves nothing to a stranger" in content) == (404, True)


async def test_nothing_is_kept_when_it_is_switched_off() -> None:
    async with open_stage() as stage:
        stage.relay.shared.keeping = Keeping(enabled=False)
        for runtime in stage.relay.runtimes.values():
            assert runtime.round is not None
            runtime.round.archive.keeping = Keeping(enabled=False)
        await stage.send()
        await stage.round()
        assert (await stage.waits())["state"] == "verified"
        assert kept(stage) == 0
        status, content, _ = await fetched(stage)
        assert (status, b"bundles are switched off" in content) == (404, True)


async def test_what_is_too_old_is_deleted_when_something_new_is_learnt() -> None:
    async with open_stage() as stage:
        await stage.send()
        await stage.round()
        assert (await fetched(stage))[0] == 200
        source_round = stage.runtime("east").round
        assert source_round is not None
        source_round.archive.keeping = Keeping(days=0)
        stage.let_pass(61)
        await stage.send(text="later")
        await stage.round()
        status, content, _ = await fetched(stage)
        assert (status, b"no longer kept" in content) == (404, True)


def test_whose_words_a_stranger_understands() -> None:
    assert own_words(samples.cometbft().client) is not None
    # Attestors are heard one by one; a ledger that only sends has no host that runs its clients.
    assert own_words(samples.attestation().client) is None
    assert own_words(samples.bitcoin().client) is None
