"""One attestor: what it signs is what its own light client verified, whatever it is asked or its node says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from adapters.contract.errors import EndpointWrong
from adapters.contract.ledger import Endpoint, Head, LedgerIdentity, Proven, Served
from proofs.errors import InvalidProof
from proofs.light_client import Claim, Height
from proofs.primitives.secp256k1 import address_of
from relay.attestor.attest import Attestor, NotAttested
from relay.attestor.server import AttestorServer
from relay.attestor.signed_log import OtherTimestamp, Subject
from relay.attestor.wire import BODY_BYTES_MAX, AskedClaim, Request
from tests.relay.attestor.world import TOKEN, Scene, attestor_of, ledger_of, scene, served


def request_of(here: Scene, **changes: Any) -> Request:
    identity = here.side.chain
    claims = tuple(AskedClaim(each.path.hex(), each.value.hex() if each.value else None) for each in here.claims)
    asked = Request(
        chain_id=here.side.genesis.chain_id,
        host="",
        variant="tagged",
        revision=1,
        height=identity.final,
        claims=claims,
    )
    return msgspec.structs.replace(asked, **changes)


class LyingSource:
    """A node that answers in shape but not in truth; everything else is the honest source's."""

    def __init__(self, honest: Any, *, values: bool = False, false_root: bytes = b"") -> None:
        self._honest = honest
        self._values, self._false_root = values, false_root
        self.blamed: list[InvalidProof] = []

    async def identity(self) -> LedgerIdentity:
        found: LedgerIdentity = await self._honest.identity()
        return found

    async def head(self) -> Head:
        head: Head = await self._honest.head()
        return head

    async def evidence(self, trusted: Height, target: Height) -> Served[Sequence[bytes]]:
        """With another state root in the last header, where one is given to look for."""
        served: Served[Sequence[bytes]] = await self._honest.evidence(trusted, target)
        if not self._false_root:
            return served
        *steps, last = served.answer
        assert self._false_root in last
        return Served([*steps, last.replace(self._false_root, b"\x66" * 32)], served.by)

    async def prove(self, claims: Sequence[Claim], at: Height) -> Sequence[Proven]:
        groups: Sequence[Proven] = await self._honest.prove(claims, at)
        if not self._values:
            return groups
        return [replace(each, claims=tuple(replace(c, value=b"\x66" * 32) for c in each.claims)) for each in groups]

    def blame(self, endpoint: Endpoint, reason: InvalidProof) -> None:
        self.blamed.append(reason)


async def lied_to(here: Scene, folder: Path, **lies: Any) -> tuple[Attestor, LyingSource]:
    ledger = ledger_of(here.side)
    source = LyingSource(ledger.source, **lies)
    lying = replace(ledger, source=source)  # type: ignore[arg-type]  # the part of Source that an attestor calls
    return await attestor_of(here.side, "ada", folder, ledger=lying), source


async def asked(attestor: Attestor, here: Scene, **changes: Any) -> Request:
    return request_of(here, host=attestor.host, **changes)


async def test_a_node_that_lies_about_values_gets_nothing_signed(tmp_path: Path) -> None:
    here = await scene()
    attestor, source = await lied_to(here, tmp_path, values=True)
    with pytest.raises(EndpointWrong):
        await attestor.attest(await asked(attestor, here))
    assert source.blamed
    # Nothing was logged, so nothing was signed: another time would still be accepted.
    subject = Subject(attestor.chain_id, attestor.host, "tagged")
    attestor.log.record(subject, _address(attestor), height=here.side.chain.final, timestamp=1)
    attestor.log.close()


async def test_a_node_that_serves_false_evidence_gets_nothing_signed(tmp_path: Path) -> None:
    here = await scene()
    root = here.side.chain.light_block(here.side.chain.final).signed_header.header.app_hash
    attestor, source = await lied_to(here, tmp_path, false_root=root)
    with pytest.raises(EndpointWrong):
        await attestor.attest(await asked(attestor, here))
    assert source.blamed
    attestor.log.close()


async def test_a_height_that_is_not_final_for_it_is_refused(tmp_path: Path) -> None:
    here = await scene()
    attestor = await attestor_of(here.side, "ada", tmp_path)
    with pytest.raises(NotAttested) as refusal:
        await attestor.attest(await asked(attestor, here, height=here.side.chain.final + 1))
    assert refusal.value.kind == "not_final"
    attestor.log.close()


async def test_it_waits_for_a_node_that_is_a_moment_behind(tmp_path: Path) -> None:
    here = await scene()
    attestor = await attestor_of(here.side, "ada", tmp_path)
    attestor.head_wait_seconds = 10
    passed = [0.0]

    async def sleep(seconds: float) -> None:
        passed[0] += seconds
        here.side.block()

    attestor.sleep, attestor.monotonic = sleep, lambda: passed[0]
    answer = await attestor.attest(await asked(attestor, here, height=here.side.chain.final + 1))
    assert answer.timestamp == here.timestamp
    assert 0 < passed[0] < 1
    attestor.log.close()


@pytest.mark.parametrize("change", ({"chain_id": "other-1"}, {"host": "other"}, {"variant": "plain"}))
async def test_it_has_no_key_for_another_ledger_host_or_variant(tmp_path: Path, change: dict[str, str]) -> None:
    here = await scene()
    attestor = await attestor_of(here.side, "ada", tmp_path)
    wrong = msgspec.structs.replace(await asked(attestor, here), **change)
    with pytest.raises(NotAttested) as refusal:
        await attestor.attest(wrong)
    assert refusal.value.kind == "unknown_subject"
    attestor.log.close()


async def test_a_relay_a_few_heights_behind_is_answered_too(tmp_path: Path) -> None:
    here = await scene()
    attestor = await attestor_of(here.side, "ada", tmp_path)
    earlier = here.side.chain.final
    time_then = here.timestamp
    here.side.block()
    here.side.block()
    await attestor.attest(await asked(attestor, here))
    answer = await attestor.attest(await asked(attestor, here, height=earlier))
    assert answer.timestamp == time_then
    attestor.log.close()


async def test_what_it_believed_and_signed_survives_a_restart(tmp_path: Path) -> None:
    here = await scene()
    attestor = await attestor_of(here.side, "ada", tmp_path)
    first = await attestor.attest(await asked(attestor, here))
    attestor.log.close()
    again = await attestor_of(here.side, "ada", tmp_path)
    kept = again.ledger.decode_client(again.client_file.read_bytes())
    assert kept.latest() == here.side.height()
    assert await again.attest(await asked(again, here)) == first
    subject = Subject(again.chain_id, again.host, "tagged")
    with pytest.raises(OtherTimestamp):
        again.log.record(subject, _address(again), height=here.side.chain.final, timestamp=first.timestamp + 1)
    again.log.close()


def _address(attestor: Attestor) -> bytes:
    return address_of(attestor.signers["tagged"].public_key)


AUTHORISED = {"Authorization": f"Bearer {TOKEN.reveal().decode()}"}
BAD_REQUESTS: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no token": (b"{}", {}, 401),
    "wrong token": (b"{}", {"Authorization": "Bearer guessed"}, 401),
    "token of another scheme": (b"{}", {"Authorization": TOKEN.reveal().decode()}, 401),
    "no JSON": (b"\xff{", AUTHORISED, 400),
    "missing fields": (b"{}", AUTHORISED, 400),
    "unknown field": (
        b'{"chain_id":"a","host":"b","variant":"tagged","revision":1,"height":1,"claims":[],"x":1}',
        AUTHORISED,
        400,
    ),
    "value that is not 32 bytes": (
        b'{"chain_id":"a","host":"b","variant":"tagged","revision":1,"height":1,"claims":[{"path":"aa","value":"bb"}]}',
        AUTHORISED,
        400,
    ),
    "too many claims": (
        b'{"chain_id":"a","host":"b","variant":"tagged","revision":1,"height":1,"claims":['
        + b",".join([b'{"path":"aa","value":null}'] * 257)
        + b"]}",
        AUTHORISED,
        400,
    ),
    "height beyond 63 bits": (
        b'{"chain_id":"a","host":"b","variant":"tagged","revision":1,"height":9223372036854775808,"claims":[]}',
        AUTHORISED,
        400,
    ),
    "unknown ledger": (
        b'{"chain_id":"a","host":"b","variant":"tagged","revision":1,"height":1,"claims":[]}',
        AUTHORISED,
        404,
    ),
    "endless body": (b" " * (BODY_BYTES_MAX + 1), AUTHORISED, 413),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
async def test_a_bad_request_is_a_problem_and_signs_nothing(tmp_path: Path, name: str) -> None:
    body, headers, status = BAD_REQUESTS[name]
    here = await scene()
    attestor = await attestor_of(here.side, "ada", tmp_path)
    application = AttestorServer([attestor], TOKEN).application()
    async with served(application) as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/v1/attest", data=body, headers=headers) as response:
            assert response.status == status
            assert response.content_type == "application/problem+json"
            assert (await response.json())["status"] == status
        async with session.get(f"{url}/healthz") as response:
            assert response.status == 200
        async with session.get(f"{url}/readyz") as response:
            assert await response.json() == {"ready": True, "reasons": {}}
        async with session.get(f"{url}/metrics") as response:
            assert "causeway_attest_requests_total" in await response.text()
    attestor.log.close()


async def test_only_allowed_networks_may_ask(tmp_path: Path) -> None:
    here = await scene()
    attestor = await attestor_of(here.side, "ada", tmp_path)
    application = AttestorServer([attestor], TOKEN, allow_from=("10.0.0.0/8",)).application()
    async with (
        served(application) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/attest", data=b"{}", headers=AUTHORISED) as response,
    ):
        assert response.status == 401
    attestor.log.close()


async def test_more_requests_than_it_works_on_are_told_to_come_again(tmp_path: Path) -> None:
    here = await scene()
    attestor = await attestor_of(here.side, "ada", tmp_path)
    application = AttestorServer([attestor], TOKEN, requests_at_once=0).application()
    async with (
        served(application) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/attest", data=b"{}", headers=AUTHORISED) as response,
    ):
        assert response.status == 503
        assert (await response.json())["type"] == "urn:causeway:attestor:busy"
    attestor.log.close()
