"""Become another program that dies with its parent: `python tether.py PARENT_PID PROGRAM ARGUMENT…`.

A devnet must not outlive the process that started it, not even one killed with SIGKILL. Linux sends a signal to a child
that asked for it; the wish survives exec, so the process id is the program's own. Where the kernel knows no such wish,
the program ends with its devnet's context only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def tether(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # It died before we could ask.
        sys.exit(1)


if __name__ == "__main__":
    tether(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is wanted
