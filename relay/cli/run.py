"""`causeway run` and `causeway attest`: the two services, until a signal ends them in good order."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

from relay.cli.api_client import read_token
from relay.cli.logs import configure_logging
from relay.cli.opening import check_keys, passphrase_for
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, examples
from relay.cli.output import print_json_line, print_line
from relay.cli.runtime_file import runtime_file_removed, write_runtime_file
from relay.config import Config, load_attestor_config, load_config

RUN_EPILOG: Final = examples(
    "causeway run                                  with causeway.toml of this folder",
    "causeway run --config /etc/causeway.toml",
    "Ctrl-C or SIGTERM ends it in good order; after a crash it goes on where it was.",
)
ATTEST_EPILOG: Final = examples(
    "causeway attest --config attestor.toml        its own nodes, keys and checkpoint: it trusts no relay",
    "causeway init --attestor                      writes a file to begin with",
)
DEFAULT_ATTESTOR_CONFIG: Final = Path("attestor.toml")


def run(*, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Run the relay: follow the ledgers, verify, deliver, and answer at the API."""
    from relay.app import run_relay

    loaded = load_config(config)
    # What can be found wrong before anything runs is found, and told at the terminal, not in the log.
    read_token(loaded.api.token_file)
    check_keys(loaded)
    passphrase = passphrase_for(loaded.file, loaded.keys.passphrase)
    configure_logging(loaded.log)

    def started(address: str) -> None:
        _announce_relay(loaded, address, as_json=as_json)

    relay = run_relay(loaded, clock=time.time, chance=SystemRandom(), passphrase=passphrase, started=started)
    with runtime_file_removed(loaded):
        asyncio.run(until_signalled(relay))


def _announce_relay(config: Config, address: str, *, as_json: bool) -> None:
    if config.api.port == 0:
        write_runtime_file(config, address)
    if as_json:
        print_json_line({"address": address})
    else:
        print_line(f"status page: {address}/")


def attest(*, config: ConfigFile = DEFAULT_ATTESTOR_CONFIG, as_json: AsJson = False) -> None:
    """Run an attestor: it signs what its own light clients verified, and nothing else."""
    from relay.attestor.service import serve_attestor

    loaded = load_attestor_config(config)
    read_token(loaded.attestor.token_file)
    passphrase = passphrase_for(loaded.file, loaded.keys.passphrase)
    configure_logging(loaded.log)

    def started(address: str) -> None:
        if as_json:
            print_json_line({"address": address})
        else:
            print_line(f"attestor: {address}/")

    service = serve_attestor(loaded, clock=time.time, chance=SystemRandom(), passphrase=passphrase, started=started)
    asyncio.run(until_signalled(service))


async def until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until SIGTERM or SIGINT; then it is cancelled, cleans up, and we return. A second signal kills."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    # A scope whose time comes with the signal: only what runs inside is cancelled.
    scope = asyncio.timeout(None)

    def stop() -> None:
        for each in signals:
            loop.remove_signal_handler(each)
        scope.reschedule(loop.time())

    try:
        async with scope:
            for each in signals:
                loop.add_signal_handler(each, stop)
            await work
    except TimeoutError:
        if not scope.expired():
            raise
