"""`causeway keys`: keys in encrypted files. A secret enters by standard input and never leaves."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from proofs.primitives.secp256k1 import address_of
from relay.cli.opening import open_ledger, passphrase_for
from relay.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, examples
from relay.cli.outcome import CommandFailed, Exit
from relay.cli.output import print_json, print_line, print_table
from relay.config import LedgerConfig, load_attestor_config, load_config
from relay.config.table import read_file
from relay.keys.keystore import KeyRefused, StoredKey, check_name, create_key, list_keys, read_key
from relay.keys.secret import Secret
from relay.keys.signer import ED25519, SCHEMES, SECP256K1

# What signs for accounts on the hosts that there are.
_SCHEME_OF_HOST: Final[Mapping[str, str]] = {"evm": SECP256K1, "cosmos": SECP256K1, "native": ED25519}
_SECRET_HEX: Final = re.compile(rb"(?:0x)?([0-9a-fA-F]{64})")
_STDIN_BYTES_MAX: Final = 1024

_Scheme = Annotated[str, typer.Option("--scheme", help=f"What its ledger signs with: {' or '.join(SCHEMES)}.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="As an account in the configuration names it.")]


def keys_app() -> typer.Typer:
    app = typer.Typer(help="Create, import and show keys. They lie encrypted in the keys folder.", no_args_is_help=True)
    app.command(
        "create",
        epilog=examples(
            "causeway keys create harbour-fee --scheme secp256k1",
            "causeway keys create meadow-fee --scheme ed25519",
        ),
    )(create)
    app.command("list", epilog=examples("causeway keys list", "causeway keys list --json"))(list_all)
    app.command("show", epilog=examples("causeway keys show harbour-fee     where to send funds to"))(show)
    app.command(
        "import",
        epilog=examples(
            "causeway keys import harbour-fee --scheme secp256k1 < secret.hex", "32 bytes in hex, one line"
        ),
    )(import_)
    return app


@dataclass(frozen=True, slots=True)
class _Keystore:
    """What both kinds of configuration say of keys."""

    file: Path
    folder: Path
    passphrase: str
    ledgers: Mapping[str, LedgerConfig]


def _keystore(file: Path) -> _Keystore:
    """An attestor's file will do as well as a relay's."""
    if "attestor" in read_file(file).content:
        attestor = load_attestor_config(file)
        return _Keystore(file, attestor.keys.folder, attestor.keys.passphrase, attestor.ledgers)
    relay = load_config(file)
    return _Keystore(file, relay.keys.folder, relay.keys.passphrase, relay.ledgers)


def create(
    name: _Name, *, scheme: _Scheme = SECP256K1, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Make a new key. Nothing is ever overwritten."""
    _make(_keystore(config), name, scheme, secret=None, as_json=as_json)


def import_(
    name: _Name, *, scheme: _Scheme = SECP256K1, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Take over a key whose secret stands in standard input, in hex. Never in an argument: others could see it."""
    store = _keystore(config)
    _check_new(store, name, scheme)
    given = sys.stdin.buffer.read(_STDIN_BYTES_MAX).strip()
    match = _SECRET_HEX.fullmatch(given)
    if match is None:
        raise CommandFailed("standard input holds no secret: expected 64 hex digits, one line", code=Exit.USAGE)
    _make(store, name, scheme, secret=Secret(bytes.fromhex(match[1].decode())), as_json=as_json)


def _make(store: _Keystore, name: str, scheme: str, *, secret: Secret | None, as_json: bool) -> None:
    _check_new(store, name, scheme)
    passphrase = passphrase_for(store.file, store.passphrase, confirm=True)
    key = create_key(store.folder, name, scheme=scheme, passphrase=passphrase, secret=secret)
    if as_json:
        print_json(_shape(key))
    else:
        print_line(f"wrote {key.path}\npublic key {key.public_key.hex()}")
        if key.scheme == SECP256K1:
            print_line(f"address    {_address(key)}")


def _check_new(store: _Keystore, name: str, scheme: str) -> None:
    """Before anyone types a passphrase or a secret."""
    check_name(name)
    if scheme not in SCHEMES:
        raise KeyRefused(name, got=f"scheme {scheme!r}", expected=" or ".join(SCHEMES))
    if any(each.name == name for each in list_keys(store.folder)):
        raise KeyRefused(name, got="an existing key", expected="a new name: keys are never overwritten")


def list_all(*, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """List keys with what uses them."""
    store = _keystore(config)
    keys = list_keys(store.folder)
    if as_json:
        print_json({"keys": [_shape(key) | {"roles": _roles(store, key.name)} for key in keys]})
        return
    rows = [(key.name, key.scheme, key.public_key.hex(), ", ".join(_roles(store, key.name)) or "–") for key in keys]
    empty = f"no keys in {store.folder}: causeway keys create NAME makes one"
    print_table("Keys", ("name", "scheme", "public key", "used by"), rows, empty=empty)


def show(name: _Name, *, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show a key's public half, and its account on each ledger that signs with its scheme."""
    store = _keystore(config)
    key = read_key(store.folder, name)
    accounts = asyncio.run(_accounts(store, key))
    if as_json:
        print_json(_shape(key) | {"roles": _roles(store, name), "accounts": accounts})
        return
    print_line(f"name       {key.name}\nscheme     {key.scheme}\npublic key {key.public_key.hex()}")
    if key.scheme == SECP256K1:
        print_line(f"address    {_address(key)}   (as an attestor, and on EVM ledgers)")
    for ledger, account in accounts.items():
        print_line(f"account    {account} on {ledger}")


async def _accounts(store: _Keystore, key: StoredKey) -> dict[str, str]:
    """Nothing is asked of a node: an account follows from its key."""
    accounts = {}
    async with AsyncExitStack() as stack:
        for name, table in store.ledgers.items():
            destination = (await stack.enter_async_context(open_ledger(table))).destination
            if destination is not None and _SCHEME_OF_HOST.get(destination.host_kind) == key.scheme:
                accounts[name] = str(destination.account_of(key.public_key))
    return accounts


def _roles(store: _Keystore, name: str) -> list[str]:
    return [
        f"{ledger}.{role}"
        for ledger, table in store.ledgers.items()
        for role in ("fee", "send", "setup")
        if getattr(table.accounts, role) == name
    ]


def _shape(key: StoredKey) -> dict[str, object]:
    shape: dict[str, object] = {"name": key.name, "scheme": key.scheme, "public_key": key.public_key.hex()}
    if key.scheme == SECP256K1:
        shape["address"] = _address(key)
    return shape | {"file": str(key.path)}


def _address(key: StoredKey) -> str:
    """What an attestation client knows a signer by, and most EVM ledgers an account."""
    return f"0x{address_of(key.public_key).hex()}"
