"""Where the running relay answers: as configured, or, on a free port, as it wrote into its data folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec

from relay.cli.outcome import CommandFailed, Exit
from relay.config import Config
from relay.keys.durable import write_durably

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound


class RuntimeFile(msgspec.Struct, frozen=True):
    """pid: of the relay that wrote it; one that was killed leaves the file behind."""

    address: str
    pid: Annotated[int, msgspec.Meta(gt=0, lt=1 << 31)]


def runtime_path(config: Config) -> Path:
    return config.relay.data_dir / "api.json"


def write_runtime_file(config: Config, address: str) -> None:
    """Atomic: whoever reads it finds a whole address or none."""
    write_durably(runtime_path(config), msgspec.json.encode(RuntimeFile(address, os.getpid())) + b"\n")


@contextmanager
def runtime_file_removed(config: Config) -> Iterator[None]:
    """Remove what this process wrote, at its end."""
    try:
        yield
    finally:
        path = runtime_path(config)
        if (found := _read(path)) is not None and found.pid == os.getpid():
            path.unlink(missing_ok=True)


def api_address(config: Config) -> str:
    """Raises CommandFailed."""
    if config.api.port == 0:
        found = _read(runtime_path(config))
        # A relay that was killed leaves its file, and somebody else may listen on its port by now.
        if found is None or not _is_alive(found.pid):
            hint = f"start the relay with: causeway run --config {config.file}"
            raise CommandFailed(f"no relay runs that {runtime_path(config)} speaks of", hint, Exit.UNREACHABLE)
        return found.address
    host = _EVERYWHERE.get(config.api.host, config.api.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{config.api.port}"


def _read(path: Path) -> RuntimeFile | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=RuntimeFile)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True
