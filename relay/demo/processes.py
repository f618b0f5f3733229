"""Processes of a demo: each dies with it, and a janitor removes what it leaves, even after SIGKILL."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.contract import tether
from relay.demo import janitor

_STOP_SECONDS: Final = 5.0
_START_SECONDS: Final = 60.0


@dataclass(eq=False)
class ProcessFailed(Exception):
    """A process of the demo ended, or did not say that it is ready."""

    name: str
    said: str

    def __str__(self) -> str:
        return f"{self.name} did not start: {self.said or 'it said nothing'}"


@dataclass(slots=True)
class Workshop:
    """A folder of its own for one demo, and the janitor that watches over it."""

    folder: Path
    _janitor: asyncio.subprocess.Process
    started: dict[str, int] = field(default_factory=dict)

    def watch(self, name: str, pid: int) -> None:
        """Tell the janitor of a process, so that it is ended when we cannot."""
        self.started[name] = pid
        assert self._janitor.stdin is not None, "it was opened as a pipe"
        self._janitor.stdin.write(f"{pid}\n".encode())


@asynccontextmanager
async def open_workshop() -> AsyncIterator[Workshop]:
    """Everything in the folder is gone when the context ends, or shortly after this process was killed.

    It is the last thing an event loop does: its threads end with it.
    """
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="causeway-demo-"))
    # In a session of its own: a signal to the terminal's group must not end who cleans up.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", janitor.__file__, str(folder), stdin=asyncio.subprocess.PIPE, start_new_session=True
    )
    workshop = Workshop(folder, process)
    try:
        yield workshop
    finally:
        assert process.stdin is not None, "it was opened as a pipe"
        process.stdin.close()
        await process.wait()
        # A step that was cancelled goes on in its thread, and would write into a folder that is gone.
        await asyncio.get_running_loop().shutdown_default_executor()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def run_causeway(
    workshop: Workshop, name: str, arguments: Sequence[str], *, log: Path
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run `causeway` as a process of its own. Yields the address it prints first. Raises ProcessFailed."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            tether.__file__,
            str(os.getpid()),
            sys.executable,
            "-m",
            "relay.cli.main",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    workshop.watch(name, process.pid)
    try:
        yield await _address(process, name, log), process
    finally:
        await stop(process)


async def _address(process: asyncio.subprocess.Process, name: str, log: Path) -> str:
    """The first address the process prints is where it answers."""
    assert process.stdout is not None, "it was opened as a pipe"
    try:
        async with asyncio.timeout(_START_SECONDS):
            while line := (await process.stdout.readline()).decode(errors="replace"):
                for word in line.replace('"', " ").split():
                    if word.startswith("http://"):
                        return word.rstrip("/.,")
    except TimeoutError:
        pass
    said = (await asyncio.to_thread(log.read_text))[-800:]
    raise ProcessFailed(name, said)


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask, then force. Ended processes are left alone."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


@dataclass(frozen=True, slots=True)
class Usage:
    """None where the system does not tell."""

    cpu_seconds: float | None
    peak_rss_bytes: int | None


def usage_of(pid: int) -> Usage:
    """What a running process has used, as Linux tells it."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return Usage(None, None)
    cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    peak = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), None)
    return Usage(round(cpu, 2), peak)
