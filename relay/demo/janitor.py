"""Cleans up after a demo, however it ended: `python janitor.py FOLDER`, with process ids on standard input.

It lives until its standard input ends, which the death of the demo brings about, also by SIGKILL. Then it ends the
processes it was told of and removes the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

_PATIENCE_SECONDS = 2.0


def born(pid: int) -> int | None:
    """When the process started, in the system's ticks; None when it is gone. Where the system does not tell: 0."""
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        return 0
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    # A dead process whose parent has not asked for it yet is gone for us.
    return None if state in "ZX" else int(fields[18])


def main(folder: str) -> None:
    # Ctrl-C in the demo's terminal is for the demo: the janitor is needed after it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Looked at as soon as it is said: later the number may be another process's.
    watched = {pid: born(pid) for pid in map(int, sys.stdin)}

    def left() -> list[int]:
        return [pid for pid, since in watched.items() if since is not None and born(pid) == since]

    until = time.monotonic() + _PATIENCE_SECONDS
    for signalled in (signal.SIGTERM, signal.SIGKILL):
        for pid in left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signalled)
        while left() and time.monotonic() < until:
            time.sleep(0.05)
        until += _PATIENCE_SECONDS
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
