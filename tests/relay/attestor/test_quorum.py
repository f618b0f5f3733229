"""Three attestors over HTTP: one may be down or lie, a quorum still forms, and nothing false is in it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from proofs.attestation.client import AttestationClient
from proofs.attestation.types import Attested, AttestorSet
from proofs.commitment import receipt_path
from proofs.encoding.proof_batch import join_batch
from proofs.light_client import Claim, Height
from proofs.primitives.secp256k1 import address_of
from relay.attestor.attest import _sign
from relay.attestor.quorum import Quorum
from relay.attestor.statements import path_data, path_digest, state_data, state_digest
from relay.attestor.wire import Answer, PathAnswer, Request
from relay.keys.secret import Secret
from tests.relay.attestor.world import Scene, application_of, attestor_of, group_of, key_of, scene

NAMES = ("ada", "grace", "alan")


def liar(name: str, *, value: bytes | None = None, time_shift: int = 0) -> web.Application:
    """An attestor under hostile control: it signs whatever suits it, with its real key."""

    async def attest(http: web.Request) -> web.Response:
        request = msgspec.json.decode(await http.read(), type=Request)
        timestamp = scene_time[0] + time_shift
        state = state_digest(state_data(request.height, timestamp), request.variant)
        paths = []
        for asked in request.claims:
            told = value if value is not None else (bytes.fromhex(asked.value) if asked.value else None)
            data = path_data(request.height, Claim(bytes.fromhex(asked.path), told))
            paths.append(PathAnswer(signature=_sign(key_of(name), path_digest(data, request.variant))))
        answer = Answer(timestamp=timestamp, state=_sign(key_of(name), state), paths=tuple(paths))
        return web.Response(body=msgspec.json.encode(answer))

    application = web.Application()
    application.add_routes([web.post("/v1/attest", attest)])
    return application


scene_time = [0]  # what a liar starts from


async def gather(here: Scene, folder: Path, others: dict[str, web.Application | None]) -> Quorum:
    scene_time[0] = here.timestamp
    applications: dict[str, web.Application | None] = {}
    attestors = [await attestor_of(here.side, name, folder) for name in NAMES if name not in others]
    for name in NAMES:
        honest = [each for each in attestors if each.name == name]
        applications[name] = others[name] if name in others else application_of(honest)
    async with group_of(here.side, applications) as group:
        quorum = await group.gather(height=here.side.height(), timestamp=here.timestamp, claims=here.claims)
    for each in attestors:
        each.log.close()
    return quorum


def believe(quorum: Quorum, here: Scene) -> None:
    """What the client on the other ledger does: it verifies exactly two signatures on everything."""
    assert isinstance(quorum.state, Attested)
    attestors = AttestorSet(tuple(address_of(key_of(name).public_key) for name in NAMES), 2)
    at = Height(0, here.side.height().number)
    client = AttestationClient(attestors, "tagged", {1: 1}).update(quorum.state.encode_protobuf(), now=0)
    assert client.timestamp_at(at) == here.timestamp
    assert len(quorum.state.signatures) == 2
    for claim, path in zip(here.claims, quorum.paths, strict=True):
        assert path is not None
        assert len(path.signatures) == 2
        client.check([claim], at=at, proof=join_batch([path.encode_protobuf()]))


async def test_all_agree_and_the_other_ledgers_client_believes_them(tmp_path: Path) -> None:
    here = await scene()
    quorum = await gather(here, tmp_path, {})
    believe(quorum, here)
    assert (quorum.answered, quorum.missing, quorum.reasons) == (3, 0, {})


async def test_one_that_is_down_stops_nothing(tmp_path: Path) -> None:
    here = await scene()
    quorum = await gather(here, tmp_path, {"ada": None})
    believe(quorum, here)
    assert quorum.reasons.keys() == {"ada"}
    assert quorum.reasons["ada"].startswith("unavailable")


LIARS: dict[str, tuple[dict[str, object], str]] = {
    "about a value": ({"value": b"\x66" * 32}, "lied_value"),
    "about time": ({"time_shift": 1}, "lied_time"),
}


@pytest.mark.parametrize("lie", LIARS)
async def test_one_that_lies_is_named_and_never_handed_on(tmp_path: Path, lie: str) -> None:
    options, outcome = LIARS[lie]
    here = await scene()
    quorum = await gather(here, tmp_path, {"ada": liar("ada", **options)})  # type: ignore[arg-type]  # as given above
    believe(quorum, here)
    assert quorum.answered == 2
    assert quorum.reasons["ada"].startswith(outcome)


async def test_a_signature_of_another_key_is_dropped(tmp_path: Path) -> None:
    here = await scene()
    quorum = await gather(here, tmp_path, {"ada": liar("somebody else")})
    believe(quorum, here)
    assert quorum.reasons["ada"].startswith("bad_signature")


async def test_too_few_give_no_quorum_and_say_why(tmp_path: Path) -> None:
    here = await scene()
    quorum = await gather(here, tmp_path, {"ada": None, "grace": liar("grace", time_shift=-5)})
    assert quorum.state is None
    assert quorum.paths == (None, None)
    assert (quorum.answered, quorum.needed) == (1, 2)
    assert quorum.reasons.keys() == {"ada", "grace"}


async def test_a_quorum_is_counted_per_path(tmp_path: Path) -> None:
    """A relay that asks for something false gets it from nobody, and everything else all the same."""
    here = await scene()
    false = Claim(receipt_path(here.side.client, 8), b"\x66" * 32)
    unattestable = Claim(receipt_path(here.side.client, 9), bytes(32))
    here.claims = (here.claims[0], false, unattestable, here.claims[1])
    quorum = await gather(here, tmp_path, {})
    assert [path is not None for path in quorum.paths] == [True, False, False, True]
    assert quorum.state is not None
    assert all("contradicted" in reason for reason in quorum.reasons.values())
    assert len(quorum.reasons) == 3


async def test_a_wrong_token_is_refused_and_not_shown(tmp_path: Path) -> None:
    here = await scene()
    attestors = [await attestor_of(here.side, name, tmp_path) for name in NAMES]
    applications: dict[str, web.Application | None] = {each.name: application_of([each]) for each in attestors}
    async with group_of(here.side, applications, token=Secret(b"guessed")) as group:
        quorum = await group.gather(height=here.side.height(), timestamp=here.timestamp, claims=here.claims)
        assert "guessed" not in repr(group)
    assert quorum.state is None
    assert all("HTTP 401" in reason for reason in quorum.reasons.values())
    assert "guessed" not in str(quorum)
    for each in attestors:
        each.log.close()


@pytest.mark.parametrize(
    ("body", "reason"),
    ((b"{", "malformed"), (b"x" * 300_000, "malformed"), (b'{"timestamp":1,"state":"00","paths":[]}', "malformed")),
)
async def test_garbage_is_dropped(tmp_path: Path, body: bytes, reason: str) -> None:
    async def attest(_: web.Request) -> web.Response:
        return web.Response(body=body)

    application = web.Application()
    application.add_routes([web.post("/v1/attest", attest)])
    here = await scene()
    quorum = await gather(here, tmp_path, {"ada": application})
    believe(quorum, here)
    assert quorum.reasons["ada"].startswith(reason)
