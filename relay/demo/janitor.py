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

_PATIENCE_SECONDS = 3.0


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main(folder: str) -> None:
    # Ctrl-C in the demo's terminal is for the demo: the janitor is needed after it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pids = [int(line) for line in sys.stdin]
    until = time.monotonic() + _PATIENCE_SECONDS
    for signalled in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signalled)
        while any(map(is_alive, pids)) and time.monotonic() < until:
            time.sleep(0.05)
        until += _PATIENCE_SECONDS
        if not any(map(is_alive, pids)):
            break
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
