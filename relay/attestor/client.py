"""Asking one attestor. What it answers is checked by `quorum`; here only that it is an answer at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import msgspec

from proofs.light_client import Claim, Height
from relay.attestor.wire import ANSWER_BYTES_MAX, CLAIMS_MAX, Answer, AskedClaim, PathAnswer, Problem, Request
from relay.keys.secret import Secret


@dataclass(eq=False)
class NoAnswer(Exception):
    """kind is from a closed list, for metrics: unavailable, refused, malformed."""

    kind: str
    detail: str

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True)
class AttestorClient:
    """name and address as configured. The token is sent in a header and shown nowhere."""

    name: str
    url: str
    address: bytes
    token: Secret
    session: aiohttp.ClientSession
    timeout_seconds: float

    async def ask(self, *, chain_id: str, host: str, variant: str, height: Height, claims: Sequence[Claim]) -> Answer:
        """In parts of what one request may hold. Raises NoAnswer."""
        parts = [claims[start : start + CLAIMS_MAX] for start in range(0, len(claims), CLAIMS_MAX)] or [()]
        answers = []
        for part in parts:
            request = Request(
                chain_id=chain_id,
                host=host,
                variant=variant,
                revision=height.revision,
                height=height.number,
                claims=tuple(_asked(claim) for claim in part),
            )
            answer = await self._post(msgspec.json.encode(request))
            if len(answer.paths) != len(part):
                raise NoAnswer("malformed", f"{len(answer.paths)} paths answered, {len(part)} asked")
            answers.append(answer)
        paths: tuple[PathAnswer, ...] = tuple(path for answer in answers for path in answer.paths)
        return msgspec.structs.replace(answers[0], paths=paths)

    async def _post(self, body: bytes) -> Answer:
        headers = {"Authorization": f"Bearer {self.token.reveal().decode()}", "Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=self.timeout_seconds)
        try:
            async with self.session.post(
                f"{self.url}/v1/attest", data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                content = await _bounded(response)
                status = response.status
        except TimeoutError:
            raise NoAnswer("unavailable", f"no answer within {self.timeout_seconds:g} s") from None
        except aiohttp.ClientError as trouble:
            # Only the kind: some of these errors carry the headers of the request.
            raise NoAnswer("unavailable", type(trouble).__name__) from None
        if status != 200:
            raise NoAnswer("refused", f"HTTP {status}: {_detail(content)}")
        try:
            return msgspec.json.decode(content, type=Answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as trouble:
            raise NoAnswer("malformed", str(trouble)[:200]) from None


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            raise NoAnswer("malformed", f"more than {ANSWER_BYTES_MAX} bytes")
    return bytes(content)


def _detail(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=Problem).detail[:200]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "no reason given"


def _asked(claim: Claim) -> AskedClaim:
    written = claim.written
    return AskedClaim(
        path=claim.path.hex(),
        value=None if claim.value is None else claim.value.hex(),
        written=None
        if written is None
        else (written.height.revision, written.height.number, written.transaction, written.event),
    )
