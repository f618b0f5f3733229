"""Options that commands share, so that they are called and explained alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

DEFAULT_CONFIG: Final = Path("causeway.toml")

ConfigFile: TypeAlias = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The relay's configuration file.", metavar="FILE"),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON for programs, and nothing else, on standard output.")
]
PacketId: TypeAlias = Annotated[
    str, typer.Argument(metavar="PACKET", help="LANE:SEQUENCE, as `causeway packets list` shows it.")
]
OutFile: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", help="Write to this file instead of standard output.", metavar="FILE")
]
LaneName: TypeAlias = Annotated[str, typer.Argument(metavar="LANE", help="A lane, as `causeway lanes list` shows it.")]


def examples(*lines: str) -> str:
    """The end of a help text."""
    return paragraphs("Examples:", *lines)


def paragraphs(*lines: str) -> str:
    """Blank lines keep lines of a help text apart, where everything else is filled."""
    return "\n\n".join(lines)
