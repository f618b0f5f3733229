"""`causeway demo`: a small world on this machine, to look at and to measure."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.contract.errors import LedgerError
from relay.cli.outcome import CommandFailed, Exit

if TYPE_CHECKING:
    from rich.console import Console

    from relay.demo.run import Wish

EPILOG = """
Examples:

  causeway demo                                       runs until Ctrl-C; open the address it prints

  causeway demo --packets 20 --exit --report r.json   sends 20 per direction, waits for all, writes figures

Starts two real EVM nodes and one embedded ledger, joins them into a triangle, starts three attestors (two must sign)
and one relay, each a process of its own. Nothing is left behind when it ends.
"""


def demo(
    *,
    packets: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Messages per direction; one of each ten is made to time out.")
    ] = None,
    exit_: Annotated[bool, typer.Option("--exit", help="End when every packet has ended.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write figures as JSON to this file.")] = None,
) -> None:
    """Start a small world of real ledgers, carry messages across it, and show what happens."""
    if exit_ and packets is None:
        raise typer.BadParameter("--exit needs --packets: messages without a number never end")
    if not exit_ and (packets is not None or report is not None):
        raise typer.BadParameter("--packets and --report need --exit: without it messages are sent until Ctrl-C")
    if report is not None and not report.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder of {report} does not exist")
    from rich.console import Console

    from relay.demo.processes import ProcessFailed
    from relay.demo.run import NothingMoves, Wish

    console = Console()
    wish = Wish(packets, report)
    try:
        ended_well = asyncio.run(_until_signal(wish, console))
    except* (ProcessFailed, NothingMoves, LedgerError) as errors:
        # What a process said of its end is text, whatever brackets it holds.
        raise CommandFailed(str(_first(errors)), code=Exit.UNREACHABLE) from None
    if ended_well is False:
        raise CommandFailed("not every packet ended as it should")


def _first(errors: BaseExceptionGroup[Exception]) -> Exception:
    """Of groups in groups, the first error that is none."""
    error: Exception | BaseExceptionGroup[Exception] = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _until_signal(wish: Wish, console: Console) -> bool | None:
    """None when a signal ended it, which is no failure."""
    from relay.demo.run import run_demo

    task = asyncio.ensure_future(run_demo(wish, console))
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    console.print("ended; nothing is left behind")
    return None
