"""One attestor of one ledger: it signs what its own light client, fed by its own endpoints, has verified. Nothing else.

What a relay asks for is a question, never evidence: value and time in the answer come from here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, cast

from adapters.contract.errors import EndpointTrouble, EndpointUnavailable, EndpointWrong
from adapters.contract.ledger import Clock, Ledger, Proven, Signer
from proofs.errors import InvalidProof, MalformedProof, NotYetVerifiable, ValueMismatch
from proofs.light_client import Claim, Height, LightClient, Position
from proofs.primitives.secp256k1 import address_of
from relay.attestor.signed_log import SignedLog, Subject
from relay.attestor.statements import path_data, path_digest, state_data, state_digest
from relay.attestor.wire import Answer, PathAnswer, Request
from relay.keys.durable import write_durably

T = TypeVar("T")
RunPure = Callable[[Callable[[], object]], Awaitable[object]]

_CLIENTS_KEPT: Final = 32  # earlier beliefs, so that a relay that is a few heights behind is answered too
_TRIES: Final = 3  # with an endpoint blamed after each; then it is our trouble, and the relay asks another attestor
_HEAD_POLL_SECONDS: Final = 0.2


@dataclass(eq=False)
class NotAttested(Exception):
    """A request that cannot be answered. kind is from a closed list: unknown_subject, not_final, unknown_height."""

    kind: str
    detail: str

    def __str__(self) -> str:
        return self.detail


@dataclass(slots=True)
class Attestor:
    """signers: per variant, a key that signs for nothing but this ledger, host and variant."""

    name: str
    ledger: Ledger
    chain_id: str
    host: str
    signers: Mapping[str, Signer]
    log: SignedLog
    client: LightClient
    client_file: Path
    clock: Clock
    head_wait_seconds: float
    run_pure: RunPure = asyncio.to_thread
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    _kept: list[LightClient] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        for variant, signer in self.signers.items():
            self.log.bind(Subject(self.chain_id, self.host, variant), address_of(signer.public_key))
        self._kept.append(self.client)

    async def attest(self, request: Request) -> Answer:
        """Raises NotAttested, SigningRefused, EndpointTrouble, NotYetVerifiable."""
        signer = self.signers.get(request.variant)
        if signer is None or (request.chain_id, request.host) != (self.chain_id, self.host):
            raise NotAttested("unknown_subject", f"no key for {request.host} on {request.chain_id} ({request.variant})")
        at = Height(request.revision, request.height)
        claims = _claims(request)
        await self._wait_until_final(at)
        client = await self._client_at(at)
        proven = await self._prove(client, claims, at)
        timestamp = client.timestamp_at(at)
        subject = Subject(self.chain_id, self.host, request.variant)
        record = partial(self.log.record, subject, address_of(signer.public_key), height=at.number, timestamp=timestamp)
        await self.run_pure(record)
        state = state_digest(state_data(at.number, timestamp), request.variant)
        paths = [self._answer(claim, proven.get(claim.path), at, request.variant, signer) for claim in claims]
        return Answer(timestamp=timestamp, state=_sign(signer, state), paths=tuple(paths))

    async def check_head(self) -> Height:
        """For readiness: our own node's final height. Raises EndpointTrouble."""
        return (await self.ledger.source.head()).final

    async def keep_up(self) -> None:
        """Follow our own node while nobody asks: trust that is not used expires all the same.

        Raises EndpointTrouble, NotYetVerifiable.
        """
        await self._client_at((await self.ledger.source.head()).final)

    async def _wait_until_final(self, at: Height) -> None:
        """Our node may be a moment behind the relay's."""
        until = self.monotonic() + self.head_wait_seconds
        while True:
            final = (await self.ledger.source.head()).final
            if at <= final:
                return
            if self.monotonic() >= until:
                raise NotAttested("not_final", f"our own endpoints see {final} as final, asked is {at}")
            await self.sleep(_HEAD_POLL_SECONDS)

    async def _client_at(self, at: Height) -> LightClient:
        """A client that believes something about exactly this height."""
        async with self._lock:
            for kept in reversed(self._kept):
                if kept.latest() <= at or _knows(kept, at):
                    client = await self._advanced(kept, at)
                    break
            else:
                oldest = self._kept[0].latest()
                raise NotAttested("unknown_height", f"asked is {at}, the oldest kept is {oldest}")
            if client.latest() > self._kept[-1].latest():
                await self.run_pure(partial(write_durably, self.client_file, client.encode()))
                self._kept.append(client)
                del self._kept[:-_CLIENTS_KEPT]
            return client

    async def _advanced(self, client: LightClient, to: Height) -> LightClient:
        if _knows(client, to):
            return client
        served = await self.ledger.source.evidence(client.latest(), to)
        try:
            for step in served.answer:
                client = await self._pure(partial(client.update, step, now=int(self.clock())))
            if not _knows(client, to):
                raise ValueMismatch("evidence", got=str(client.latest()), expected=str(to))
        except InvalidProof as reason:
            self.ledger.source.blame(served.by, reason)
            raise EndpointWrong(served.by, "evidence", got=str(reason), expected="evidence that verifies") from reason
        return client

    async def _prove(self, client: LightClient, claims: Sequence[Claim], at: Height) -> Mapping[bytes, Claim]:
        """What really stands at each path at this height, as verified here."""
        if not claims:
            return {}
        trouble: EndpointTrouble = EndpointUnavailable(self.name, "nobody was asked")
        for _ in range(_TRIES):
            for group in await self.ledger.source.prove(claims, at):
                if group.at != at:
                    continue  # proved elsewhere: not attested here
                try:
                    _check_answers_question(group, claims)
                    await self._pure(partial(client.check, group.claims, at=at, proof=group.proof))
                except InvalidProof as reason:
                    self.ledger.source.blame(group.served_by, reason)
                    trouble = EndpointWrong(group.served_by, "proof", got=str(reason), expected="a proof that verifies")
                    break
                return {claim.path: claim for claim in group.claims}
            else:
                return {}
        raise trouble

    def _answer(self, asked: Claim, proven: Claim | None, at: Height, variant: str, signer: Signer) -> PathAnswer:
        if proven is None:
            return PathAnswer(refusal="elsewhere")
        if proven.value != asked.value:
            return PathAnswer(refusal="contradicted")
        try:
            data = path_data(at.number, proven)
        except MalformedProof:
            return PathAnswer(refusal="unattestable")
        return PathAnswer(signature=_sign(signer, path_digest(data, variant)))

    async def _pure(self, work: Callable[[], T]) -> T:
        return cast("T", await self.run_pure(work))  # run_pure returns what the work returned


def _claims(request: Request) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            bytes.fromhex(each.path),
            None if each.value is None else bytes.fromhex(each.value),
            None
            if each.written is None
            else Position(Height(each.written[0], each.written[1]), each.written[2], each.written[3]),
        )
        for each in request.claims
    )


def _check_answers_question(group: Proven, claims: Sequence[Claim]) -> None:
    got, expected = [claim.path for claim in group.claims], [claim.path for claim in claims]
    if got != expected:
        raise ValueMismatch("proven paths", got=len(got), expected=len(expected))


def _knows(client: LightClient, at: Height) -> bool:
    try:
        client.timestamp_at(at)
    except NotYetVerifiable:
        return False
    return True


def _sign(signer: Signer, digest: bytes) -> str:
    """r‖s‖v with v 27 or 28, as hosts verify it."""
    signature = signer.sign(digest)
    return (signature[:64] + bytes((signature[64] + 27,))).hex()
