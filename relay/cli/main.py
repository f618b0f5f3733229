"""The command line `causeway`: it registers one module per group of commands, and ends every error in one message."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import typer

from relay.cli.checkpoints import checkpoints_app
from relay.cli.config_check import CHECK_EPILOG, check
from relay.cli.demo import EPILOG as DEMO_EPILOG
from relay.cli.demo import demo
from relay.cli.init import INIT_EPILOG, init
from relay.cli.keys import keys_app
from relay.cli.lanes import lanes_app
from relay.cli.ledgers import LEDGERS_EPILOG, ledger_app, ledgers
from relay.cli.links import link_app
from relay.cli.options import paragraphs
from relay.cli.outcome import EXIT_CODES, CommandFailed, as_failure
from relay.cli.output import note
from relay.cli.packets import packets_app
from relay.cli.run import ATTEST_EPILOG, RUN_EPILOG, attest
from relay.cli.run import run as run_command
from relay.cli.send import SEND_EPILOG, send
from relay.cli.verify import VERIFY_EPILOG, verify

_ABOUT: Final = (
    "Carry messages between ledgers, and believe no node: what one ledger says is verified before it is signed for "
    "another."
)
_FIRST_STEPS: Final = paragraphs(
    "First steps:",
    "causeway demo     a small world on this machine",
    "causeway init     a configuration of your own; it names the steps that follow",
    EXIT_CODES,
)


def build_app() -> typer.Typer:
    app = typer.Typer(
        name="causeway",
        help=_ABOUT,
        epilog=_FIRST_STEPS,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    config_app = typer.Typer(help="Check a configuration.", no_args_is_help=True)
    config_app.command("check", epilog=CHECK_EPILOG)(check)
    app.command("demo", epilog=DEMO_EPILOG)(demo)
    app.command("init", epilog=INIT_EPILOG)(init)
    app.add_typer(config_app, name="config")
    app.add_typer(keys_app(), name="keys")
    app.add_typer(ledger_app(), name="ledger")
    app.command("ledgers", epilog=LEDGERS_EPILOG)(ledgers)
    app.add_typer(link_app(), name="link")
    app.command("run", epilog=RUN_EPILOG)(run_command)
    app.command("attest", epilog=ATTEST_EPILOG)(attest)
    app.command("send", epilog=SEND_EPILOG)(send)
    app.add_typer(packets_app(), name="packets")
    app.add_typer(lanes_app(), name="lanes")
    app.add_typer(checkpoints_app(), name="checkpoints")
    app.command("verify", epilog=VERIFY_EPILOG)(verify)
    return app


@cache
def _command() -> Callable[..., object]:
    """Read from the signatures once."""
    return typer.main.get_command(build_app())


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns its exit code."""
    try:
        _command()(args=list(arguments), prog_name="causeway")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        failure = as_failure(error)
        if failure is None:
            raise
        return _tell(failure)
    return 0


def _tell(failure: CommandFailed) -> int:
    for line in failure.message.splitlines():
        note(f"error: {line}")
    if failure.hint:
        note(f"hint: {failure.hint}")
    return int(failure.code)


def run() -> None:
    """The entry point."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
