"""`causeway init`: a folder to begin with. It never overwrites anything."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from relay.cli.options import AsJson, examples
from relay.cli.outcome import CommandFailed, Exit
from relay.cli.output import print_json, print_line
from relay.config.example import render_attestor_example, render_example
from relay.keys.durable import write_durably

INIT_EPILOG: Final = examples(
    "causeway init relay                      relay/causeway.toml, relay/keys, relay/api.token",
    "causeway init relay --passphrase-file    also a passphrase drawn at random: no prompt at start",
    "causeway init ada --attestor             ada/attestor.toml, for an attestor of its own",
)
_PROMPT_LINE: Final = '# passphrase = "file:passphrase"\n'  # as the example says it

_FolderArgument = Annotated[Path, typer.Argument(help="Made where it is missing.", show_default="this folder")]


def init(
    folder: _FolderArgument = Path(),
    *,
    attestor: Annotated[bool, typer.Option("--attestor", help="For an attestor instead of a relay.")] = False,
    passphrase_file: Annotated[
        bool,
        typer.Option(
            "--passphrase-file", help="Also write a passphrase (mode 0600): whoever reads this folder has the keys."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a commented configuration with every option, a folder for keys and an API token."""
    name = "attestor.toml" if attestor else "causeway.toml"
    text = render_attestor_example() if attestor else render_example()
    if passphrase_file:
        assert text.count(_PROMPT_LINE) == 1, "the example names the passphrase once"
        text = text.replace(_PROMPT_LINE, _PROMPT_LINE.removeprefix("# "))
    files = {name: (text.encode(), 0o644), "api.token": (f"{secrets.token_urlsafe(32)}\n".encode(), 0o600)}
    if passphrase_file:
        files["passphrase"] = (f"{secrets.token_urlsafe(32)}\n".encode(), 0o600)
    _check_nothing_there(folder, files)
    written = _write(folder, files)
    config = folder / name
    steps = _attestor_steps(config) if attestor else _relay_steps(config)
    if as_json:
        print_json({"config": str(config), "written": written, "next": steps})
        return
    for path in written:
        print_line(f"wrote {path}")
    print_line("\nnext:")
    for number, step in enumerate(steps, 1):
        print_line(f"  {number}. {step}")


def _check_nothing_there(folder: Path, names: dict[str, tuple[bytes, int]]) -> None:
    there = [str(folder / each) for each in names if (folder / each).exists()]
    if there:
        hint = "nothing is overwritten: name another folder, or move it away"
        raise CommandFailed(f"{', '.join(there)} is there already: nothing was written", hint, Exit.USAGE)


def _write(folder: Path, files: dict[str, tuple[bytes, int]]) -> list[str]:
    keys = folder / "keys"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each, (content, mode) in files.items():
        write_durably(folder / each, content, mode=mode, replace=False)
    return [*(str(folder / each) for each in files), f"{keys}/"]


def _relay_steps(config: Path) -> list[str]:
    return [
        f"edit {config}: name your ledgers, and take out [[links]]: `link create` writes your own",
        f"causeway keys create harbour-fee --scheme secp256k1 --config {config}   (one key per account)",
        f"causeway config check --live --config {config}",
        f"causeway link create harbour meadow --append --config {config}",
        f"causeway run --config {config}",
    ]


def _attestor_steps(config: Path) -> list[str]:
    return [
        f"edit {config}: name your own node, the host, and a checkpoint you trust",
        f"causeway keys create attest-harbour --scheme secp256k1 --config {config}",
        f"causeway attest --config {config}",
        "give the relay's operator the key's address and, on a safe way, the token",
    ]
