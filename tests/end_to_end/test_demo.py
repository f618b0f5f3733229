"""The demo as a newcomer starts it: a process, a report, an exit code, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.evm.toolchain import cache_folder
from tests.end_to_end.leftovers import processes_of, wait_until
from tests.nodes.anvil import require_anvil

pytestmark = [
    pytest.mark.nodes,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked for in /proc"),
]

PACKETS = 5
DIRECTIONS = 6
DEMO_SECONDS_MAX = 300
PROCESSES = {"node harbour", "node meadow", "node clinic", "attestor ada", "attestor ben", "attestor cyd", "relay"}


@dataclass(frozen=True)
class Demo:
    """home and folder: private to it, and empty when it starts."""

    process: subprocess.Popen[bytes]
    home: Path
    folder: Path
    log: Path

    def said(self) -> str:
        return self.log.read_text()[-3000:]


@contextmanager
def started_demo(place: Path, arguments: Sequence[str]) -> Iterator[Demo]:
    require_anvil()
    home, folder, log = place / "home", place / "temporary", place / "log"
    home.mkdir()
    folder.mkdir()
    environment = {
        "HOME": str(home),
        "TMPDIR": str(folder),
        "CAUSEWAY_CACHE": str(cache_folder()),
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "relay.cli.main", "demo", *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,
        )  # fmt: skip
    try:
        yield Demo(process, home, folder, log)
    finally:
        process.kill()
        process.wait()


def check_nothing_is_left(demo: Demo, *, seconds: float) -> None:
    clean = wait_until(lambda: not processes_of(demo.folder) and not [*demo.folder.iterdir()], seconds=seconds)
    assert clean, f"left: {processes_of(demo.folder)}, {[*demo.folder.iterdir()]}"
    assert [*demo.home.rglob("*")] == []


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, Any]:
    """A demo that ran to its end, and its report."""
    place = tmp_path_factory.mktemp("demo")
    report = place / "report.json"
    with started_demo(place, ["--packets", str(PACKETS), "--exit", "--report", str(report)]) as demo:
        code = demo.process.wait(timeout=DEMO_SECONDS_MAX)
        assert code == 0, demo.said()
    return demo, json.loads(report.read_bytes())


def test_every_packet_ends_as_it_should_and_nothing_is_paid_twice(ended: tuple[Demo, Any]) -> None:
    _, report = ended
    totals = report["totals"]
    assert totals.pop("redundant") <= 3
    assert totals == {
        "sent": DIRECTIONS * PACKETS,
        "received": DIRECTIONS * (PACKETS - 1),
        "acknowledged": DIRECTIONS * (PACKETS - 1),
        "timed_out": DIRECTIONS,
        "lost": 0,
    }
    assert report["as_it_should_be"] is True


def test_the_report_tells_of_every_lane_and_what_is_trusted_on_it(ended: tuple[Demo, Any]) -> None:
    _, report = ended
    lanes = report["lanes"].values()
    names = {"harbour", "meadow", "clinic"}
    assert {(lane["from"], lane["to"]) for lane in lanes} == {(a, b) for a in names for b in names if a != b}
    for lane in lanes:
        counts = {name: lane[name] for name in ("sent", "received", "acknowledged", "timed_out")}
        assert counts == {"sent": PACKETS, "received": PACKETS - 1, "acknowledged": PACKETS - 1, "timed_out": 1}
        assert 0 < lane["latency_seconds"]["p50"] <= lane["latency_seconds"]["p95"]
        trust = lane["trust"]
        assert (trust["client"], trust["attestors"], trust["threshold"]) == ("attestation", 3, 2)
        if lane["from"] == "clinic":
            assert trust["ours"] == "light-client"
        else:
            assert (trust["ours"], trust["ours_shown"]) == ("endpoint-quorum", "1 of 1 endpoints (development)")


def test_the_report_tells_what_every_process_used(ended: tuple[Demo, Any]) -> None:
    _, report = ended
    assert report["processes"].keys() == PROCESSES
    for used in report["processes"].values():
        assert used["cpu_seconds"] > 0
        assert used["peak_rss_bytes"] > 1 << 20
    assert report["rpc_calls_per_packet"] > 0


def test_a_demo_that_ended_leaves_nothing(ended: tuple[Demo, Any]) -> None:
    demo, _ = ended
    check_nothing_is_left(demo, seconds=0)


def test_a_demo_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """Its nodes, attestors and relay end with it, and its folder goes, though it had no chance to clean up."""
    with started_demo(tmp_path, ["--packets", "40", "--exit"]) as demo:
        moving = wait_until(
            lambda: demo.process.poll() is not None or "packets ended" in demo.said(), seconds=DEMO_SECONDS_MAX
        )
        assert moving, demo.said()
        assert demo.process.poll() is None, demo.said()
        running = processes_of(demo.folder)
        assert len(running) >= len(PROCESSES) + 2, f"the demo, its janitor and what they watch: {running}"
        demo.process.send_signal(signal.SIGKILL)
        demo.process.wait()
        check_nothing_is_left(demo, seconds=5)


def test_a_demo_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    """As Ctrl-C does, while the world is still being put together."""
    with started_demo(tmp_path, []) as demo:
        begun = wait_until(
            lambda: demo.process.poll() is not None or "attestors" in demo.said(), seconds=DEMO_SECONDS_MAX
        )
        assert begun, demo.said()
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(timeout=30) == 0, demo.said()
        check_nothing_is_left(demo, seconds=0)
