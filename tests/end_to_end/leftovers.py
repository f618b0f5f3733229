"""What a demo leaves behind: its processes are known by a folder that only they were told of."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


def processes_of(folder: Path) -> dict[int, str]:
    """Process ids and command lines of all that carry the folder in their arguments, environment or place."""
    return {int(each.name): _command(each) for each in Path("/proc").iterdir() if _belongs(each, str(folder).encode())}


def _belongs(process: Path, mark: bytes) -> bool:
    if not process.name.isdigit() or int(process.name) == os.getpid():
        return False
    try:
        told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        return mark in told or mark in os.fsencode((process / "cwd").readlink())
    except OSError:  # It ended meanwhile, or is another user's.
        return False


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "(ended)"


def wait_until(true: Callable[[], bool], *, seconds: float) -> bool:
    """Whether it became true in time."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
