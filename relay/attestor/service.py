"""The attestor's process: its own ledgers, its own light clients, its own keys and log, behind one small server."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from aiohttp import web

from adapters.contract.errors import LedgerError
from adapters.contract.ledger import Clock, Ledger, LedgerIdentity, Signer
from adapters.contract.plugin import load_plugin
from proofs.errors import VerificationError
from proofs.light_client import LightClient
from relay.attestor.attest import Attestor, NotAttested
from relay.attestor.server import AttestorServer
from relay.attestor.signed_log import SignedLog, SigningRefused
from relay.config.attestor import AttestorConfig
from relay.keys.durable import write_durably
from relay.keys.keystore import KeyRefused, read_key
from relay.keys.secret import Secret, secret_from_file
from relay.keys.signer import SECP256K1

log = logging.getLogger(__name__)

_CLIENT_BYTES_MAX: Final = 64 << 20
_OPEN_AGAIN_SECONDS: Final = 2.0  # between two tries to reach a ledger
_KEEP_UP_SECONDS: Final = 60.0  # far below any trusting period, and seldom enough to cost nothing
_REASON_CHARACTERS_MAX: Final = 500


async def serve_attestor(
    config: AttestorConfig,
    *,
    clock: Clock,
    chance: Random,
    passphrase: Secret,
    started: Callable[[str], None] | None = None,
) -> None:
    """Run until cancelled. started: told the address once requests are answered.

    Raises KeyRefused, SecretRefused, SigningRefused before it listens, and LedgerError when no ledger can be reached at
    all. One of several that cannot is named, and asked again until it can: the others are signed for.
    """
    async with open_attestor(config, clock=clock, chance=chance, passphrase=passphrase) as address:
        log.info("attestor answers at %s", address)
        if started is not None:
            started(address)
        await asyncio.Event().wait()


@asynccontextmanager
async def open_attestor(
    config: AttestorConfig, *, clock: Clock, chance: Random, passphrase: Secret
) -> AsyncIterator[str]:
    """The address it answers at, for as long as the context lasts."""
    service = config.attestor
    token = secret_from_file(service.token_file)
    async with AsyncExitStack() as stack:
        signed = SignedLog(service.signed_log, marks=config.keys.folder)
        stack.callback(signed.close)
        opening: dict[str, Callable[[], Awaitable[Attestor]]] = {}
        for name in dict.fromkeys(each.ledger for each in config.attests):
            table = config.ledgers[name]
            ledger = await stack.enter_async_context(
                load_plugin(table.plugin).open(table.settings, clock=clock, chance=chance)
            )
            signers = {
                each.variant: await asyncio.to_thread(_unlock, config.keys.folder, each.key, passphrase)
                for each in config.attests
                if each.ledger == name
            }
            opening[name] = partial(open_one, config, name, ledger, signers=signers, signed=signed, clock=clock)
        server = AttestorServer([], token, allow_from=service.allow_from, requests_at_once=service.requests_at_once)
        first = await asyncio.gather(*(_try_to_open(server, name, start) for name, start in opening.items()))
        troubles = [each for each in first if not isinstance(each, Attestor)]
        if len(troubles) == len(first):
            raise troubles[0]
        for (name, start), found in zip(opening.items(), first, strict=True):
            attestor = found if isinstance(found, Attestor) else None
            task = asyncio.create_task(_stand(server, name, start, attestor), name=f"attest/{name}")
            stack.push_async_callback(_ended, task)
        runner = web.AppRunner(server.application(), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, service.host, service.port)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://{service.host}:{port}"


async def _try_to_open(
    server: AttestorServer, name: str, start: Callable[[], Awaitable[Attestor]]
) -> Attestor | LedgerError | VerificationError:
    """Or why its ledger cannot be reached, or does not say what can be believed."""
    try:
        attestor = await start()
    except (LedgerError, VerificationError) as trouble:
        server.out_of_reach[name] = str(trouble)[:_REASON_CHARACTERS_MAX]
        log.warning("ledger %s: nothing is signed for it yet: %s", name, trouble)
        return trouble
    server.add(attestor)
    return attestor


async def _stand(
    server: AttestorServer, name: str, start: Callable[[], Awaitable[Attestor]], attestor: Attestor | None
) -> None:
    """Reach the ledger sooner or later, then keep up with it."""
    while attestor is None:
        await asyncio.sleep(_OPEN_AGAIN_SECONDS)
        try:
            found = await _try_to_open(server, name, start)
        except SigningRefused as alarm:
            server.out_of_reach[name] = str(alarm)
            log.critical("ledger %s: nothing is signed for it: %s", name, alarm)
            return
        attestor = found if isinstance(found, Attestor) else None
    while True:
        await asyncio.sleep(_KEEP_UP_SECONDS)
        try:
            await attestor.keep_up()
        except (LedgerError, VerificationError, NotAttested) as trouble:
            log.warning("ledger %s: not followed now: %s", name, trouble)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def open_one(
    config: AttestorConfig, name: str, ledger: Ledger, *, signers: dict[str, Signer], signed: SignedLog, clock: Clock
) -> Attestor:
    identity = await ledger.source.identity()
    folder = config.attestor.data_dir / "clients"
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{name}-{_digest(identity)}.client"
    return Attestor(
        name=name,
        ledger=ledger,
        chain_id=identity.chain_id,
        host=identity.host,
        signers=signers,
        log=signed,
        client=await _light_client(ledger, file, now=int(clock())),
        client_file=file,
        clock=clock,
        head_wait_seconds=config.attestor.head_wait_seconds,
    )


async def _light_client(ledger: Ledger, file: Path, *, now: int) -> LightClient:
    """Where it left off; from the configured checkpoint when it starts for the first time or its trust expired."""
    content = await asyncio.to_thread(_read_bounded, file)
    if content is not None:
        client = ledger.decode_client(content)
        expires_at = client.status(now).expires_at
        if expires_at is None or expires_at > now:
            return client
        log.warning("%s: trust expired at %d: starting from the configured checkpoint", file.name, expires_at)
    client = await ledger.bootstrap()
    await asyncio.to_thread(write_durably, file, client.encode())
    return client


def _read_bounded(file: Path) -> bytes | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_CLIENT_BYTES_MAX)
    except FileNotFoundError:
        return None


def _unlock(folder: Path, name: str, passphrase: Secret) -> Signer:
    stored = read_key(folder, name)
    if stored.scheme != SECP256K1:
        raise KeyRefused(name, got=f"a key of {stored.scheme}", expected="secp256k1: what attestation clients verify")
    return stored.unlock(passphrase)


def _digest(identity: LedgerIdentity) -> str:
    """Another chain, checkpoint or host starts another client."""
    fields = (identity.chain_id, identity.root, identity.host, identity.code)
    return hashlib.sha256("\0".join(fields).encode()).hexdigest()[:16]
