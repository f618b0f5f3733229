"""The example files, written from the same declarations that are read: no option can be missing or misnamed."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any, Final

from relay.config.attestor import AttestorService, AttestsConfig
from relay.config.limits import Limits
from relay.config.options import options_of
from relay.config.sections import (
    Accounts,
    Budget,
    Bundles,
    GroupTable,
    Keys,
    LaneTable,
    LedgerPlugin,
    LinkEnd,
    Listen,
    Log,
    MemberConfig,
    Relay,
)

_WIDTH: Final = 110

# The sections of the relay's file with the header each stands under, in order.
RELAY_SECTIONS: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("[relay]", Relay),
    ("[keys]", Keys),
    ("[api]", Listen),
    ("[log]", Log),
    ("[ledgers.harbour]", LedgerPlugin),
    ("[ledgers.harbour.accounts]", Accounts),
    ("[ledgers.harbour.budget]", Budget),
    ("[links.a]", LinkEnd),
    ("[links.b]", LinkEnd),
    ("[links.a_to_b]", LaneTable),
    ("[links.b_to_a]", LaneTable),
    ("[[attestors]]", GroupTable),
    ("[[attestors.members]]", MemberConfig),
    ("[bundles]", Bundles),
    ("[limits]", Limits),
)
ATTESTOR_SECTIONS: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("[attestor]", AttestorService),
    ("[keys]", Keys),
    ("[log]", Log),
    ("[[attests]]", AttestsConfig),
)

_HEAD: Final = """\
# Every option of a relay, with its default or, where it has none, a value that shows its form.
# Options in comments are optional; what is not listed here is refused. Paths are relative to this file.
"""
_HARBOUR: Final = """\
# What follows belongs to the plugin; `causeway config check` names what it misses.
chain_id = 31337
host = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
host_code = "0x0000000000000000000000000000000000000000000000000000000000000001"
mailbox = "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512"
trust = { kind = "endpoint-quorum", k = 2 }

[[ledgers.harbour.endpoints]]
name = "north"
url = "http://127.0.0.1:8545"

[[ledgers.harbour.endpoints]]
name = "south"
url = "http://127.0.0.1:8546"

[[ledgers.harbour.endpoints]]
name = "east"
url = "http://127.0.0.1:8547"
"""
_MEADOW: Final = """\
[ledgers.meadow]
plugin = "embedded"
chain_id = "meadow-1"
endpoints = ["http://127.0.0.1:9545"]
checkpoint = { height = 1, hash = "0000000000000000000000000000000000000000000000000000000000000001" }

[ledgers.meadow.accounts]
fee = "meadow-fee"
send = "meadow-send"
setup = "meadow-setup"
"""
_REPLACED: Final = {
    "[links.b]": {"ledger": '"meadow"', "client": '"attestations-1"'},
}
_MORE_MEMBERS: Final = tuple(
    (name, f'"https://{name}.example.org:8421"', f'"0x{digit * 40}"', f'"{name}.token"')
    for name, digit in (("grace", "2"), ("alan", "3"))
)


def render_example() -> str:
    """The relay's example: what `deploy/config/causeway.example.toml` holds."""
    parts = [_HEAD]
    for header, section in RELAY_SECTIONS:
        if header == "[links.a]":
            parts.append("# Two ledgers joined: each end names the client on it that follows the other.\n[[links]]\n")
        parts.append(_render(header, section))
        if header == "[ledgers.harbour]":
            parts.append(_HARBOUR)
        if header == "[ledgers.harbour.budget]":
            parts.append(_MEADOW)
        if header == "[[attestors.members]]":
            parts.extend(
                f'[[attestors.members]]\nname = "{name}"\nurl = {url}\naddress = {address}\ntoken_file = {token}\n'
                for name, url, address, token in _MORE_MEMBERS
            )
    return "\n".join(parts)


def render_attestor_example() -> str:
    """An attestor's example: what `deploy/config/attestor.example.toml` holds."""
    parts = [_HEAD.replace("a relay", "an attestor")]
    parts.extend(_render(header, section) for header, section in ATTESTOR_SECTIONS)
    ledger = '# Its own nodes and its own checkpoint, chosen by whoever runs it.\n[ledgers.harbour]\nplugin = "evm"\n'
    parts.append(ledger + _HARBOUR)
    return "\n".join(parts)


def _render(header: str, section: type[Any]) -> str:
    replaced = _REPLACED.get(header, {})
    lines = [f"# {section.__doc__.splitlines()[0]}", header] if section.__doc__ else [header]
    for name, each in options_of(section).items():
        lines.extend(f"# {line}" for line in textwrap.wrap(f"{each.about} Takes {each.kind.expected}.", _WIDTH))
        mark = "" if each.required or header.endswith("accounts]") else "# "
        lines.append(f"{mark}{name} = {replaced.get(name, each.example)}")
    return "\n".join(lines) + "\n"


def main(folder: str) -> None:
    """Write both examples."""
    examples = {"causeway.example.toml": render_example(), "attestor.example.toml": render_attestor_example()}
    for name, text in examples.items():
        (Path(folder) / name).write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])
