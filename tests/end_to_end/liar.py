"""An attestor that lies on demand: it stands in front of a real one, holds its real keys, and signs what is false.

What it passes on unchanged is as true as the real one's. It remembers every signature it gave.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
import msgspec
from aiohttp import web

from adapters.contract.ledger import Signer
from proofs.light_client import Claim
from relay.attestor.statements import path_data, path_digest, state_data, state_digest
from relay.attestor.wire import Answer, PathAnswer, Request
from relay.demo.world import Attestor, World
from relay.keys.keystore import read_key
from relay.keys.secret import Secret

Lie = Literal["none", "value", "time"]
SECONDS_OFF = 7


@dataclass
class Liar:
    """signers: by chain id, the keys of the real one."""

    real: Attestor
    signers: Mapping[str, Signer]
    session: aiohttp.ClientSession
    lie: Lie = "none"
    true: set[bytes] = field(default_factory=set)
    false: set[bytes] = field(default_factory=set)

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        self.lie = lie
        try:
            yield
        finally:
            self.lie = "none"

    async def attest(self, http: web.Request) -> web.Response:
        body, headers = await http.read(), {"Authorization": http.headers.get("Authorization", "")}
        try:
            async with self.session.post(f"{self.real.url}/v1/attest", data=body, headers=headers) as answered:
                content, status = await answered.read(), answered.status
        except aiohttp.ClientError:
            return web.Response(status=502)
        if status != 200:
            return web.Response(status=status, body=content, content_type=answered.content_type)
        said = self._bend(msgspec.json.decode(body, type=Request), msgspec.json.decode(content, type=Answer))
        return web.Response(body=msgspec.json.encode(said), content_type="application/json")

    def _bend(self, request: Request, answer: Answer) -> Answer:
        match self.lie:
            case "none":
                signatures = [answer.state, *(each.signature for each in answer.paths if each.signature is not None)]
                self.true |= {bytes.fromhex(each) for each in signatures}
                return answer
            case "value":
                pairs = zip(request.claims, answer.paths, strict=True)
                claims = [(Claim(bytes.fromhex(asked.path), _other(asked.value)), path) for asked, path in pairs]
                paths = tuple(
                    path if path.signature is None else PathAnswer(signature=self._sign_path(request, claim))
                    for claim, path in claims
                )
                return msgspec.structs.replace(answer, paths=paths)
            case "time":
                time = answer.timestamp + SECONDS_OFF
                digest = state_digest(state_data(request.height, time), request.variant)
                return msgspec.structs.replace(answer, timestamp=time, state=self._sign(request, digest))

    def _sign_path(self, request: Request, claim: Claim) -> str:
        return self._sign(request, path_digest(path_data(request.height, claim), request.variant))

    def _sign(self, request: Request, digest: bytes) -> str:
        signature = self.signers[request.chain_id].sign(digest)
        said = signature[:64] + bytes((signature[64] + 27,))
        self.false.add(said)
        return said.hex()


def _other(value: str | None) -> bytes:
    """Presence where there is none, and one bit that differs where there is."""
    true = bytes(32) if value is None else bytes.fromhex(value)
    return bytes((true[0] ^ 1,)) + true[1:]


@asynccontextmanager
async def listening_liar(
    world: World, real: Attestor, session: aiohttp.ClientSession
) -> AsyncIterator[tuple[Liar, str]]:
    """With its address."""
    passphrase = Secret((real.folder / "passphrase").read_bytes())
    signers = {
        (await each.ledger.source.identity()).chain_id: read_key(real.folder / "keys", f"attest-{name}").unlock(
            passphrase
        )
        for name, each in world.ledgers.items()
    }
    liar, application = Liar(real, signers, session), web.Application()
    application.add_routes([web.post("/v1/attest", liar.attest)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield liar, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
