"""What people see while a demo runs: ledgers, lanes, how far everything is, and why something waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from relay.demo.report import Progress, percentile


def render(address: str, ledgers: Sequence[Mapping[str, Any]], found: Sequence[Progress]) -> Group:
    return Group(_ledgers(ledgers), _lanes(found), _foot(address))


def _ledgers(ledgers: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="Ledgers", title_justify="left", expand=False)
    for title in ("ledger", "state", "final", "latest", "what we trust"):
        table.add_column(title, justify="right" if title in ("final", "latest") else "left")
    for each in ledgers:
        final, latest = each["final"], each["latest"]
        table.add_row(each["name"], each["state"], str(final), str(latest), each["trust_shown"])
    return table


def _lanes(found: Sequence[Progress]) -> Table:
    table = Table(title="Lanes", title_justify="left", expand=False)
    for title in ("from → to", "sent", "received", "acknowledged", "timed out", "p50 s", "p95 s", "waiting for"):
        table.add_column(title, justify="left" if title in ("from → to", "waiting for") else "right")
    for each in found:
        p50, p95 = percentile(each.latencies, 0.5), percentile(each.latencies, 0.95)
        table.add_row(
            f"{each.lane.source} → {each.lane.destination}",
            f"{each.sent}/{each.asked}",
            str(each.received),
            str(each.acknowledged),
            str(each.timed_out),
            "" if p50 is None else f"{p50:.1f}",
            "" if p95 is None else f"{p95:.1f}",
            "; ".join(each.waits)[:60],
        )
    return table


def _foot(address: str) -> Text:
    return Text(f"status page: {address}/   (Ctrl-C ends everything)", style="bold")


def one_line(found: Sequence[Progress]) -> str:
    """For output that is no terminal."""
    ended, asked = sum(each.ended for each in found), sum(each.asked for each in found)
    waits = sorted({wait for each in found for wait in each.waits})
    return f"{ended} of {asked} packets ended" + (f"; waiting for {', '.join(waits)}" if waits else "")
