"""From an empty EVM node to a link, by commands alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.contract.plugin import RunningLedger
from adapters.evm.devnet import EvmDevnet
from relay.config import load_config
from relay.config.toml import Value, write_toml
from relay.keys.keystore import CHEAPEST, create_key
from relay.keys.secret import Secret
from tests.nodes.anvil import require_anvil
from tests.relay.cli.world import (
    PASSPHRASE,
    Beside,
    World,
    content,
    eventually,
    with_config,
    write_attestor,
    write_secret,
)

pytestmark = pytest.mark.nodes


@contextmanager
def empty_node(beside: Beside, folder: Path) -> Iterator[RunningLedger]:
    node = EvmDevnet().start(folder, name="harbour", options={"block_seconds": 0.2})
    running = beside.call(node.__aenter__())
    try:
        yield running
    finally:
        beside.call(node.__aexit__(None, None, None))


def test_a_host_is_deployed_checked_and_linked_by_what_the_commands_print(world: World, tmp_path: Path) -> None:
    require_anvil()
    passphrase = Secret(PASSPHRASE.encode())
    write_secret(tmp_path / "passphrase", PASSPHRASE)
    write_secret(tmp_path / "api.token", "token")
    attestor, address = write_attestor(tmp_path, dict(world.nodes["left"].settings))
    assert attestor.exists()
    with empty_node(world.beside, tmp_path / "node") as node:
        for name, funded in (("harbour-setup", node.funded[0]), ("left-setup", world.nodes["left"].funded[3])):
            secret = Secret(funded.secret)
            create_key(
                tmp_path / "keys", name, scheme=funded.scheme, passphrase=passphrase, secret=secret, cost=CHEAPEST
            )
        made = cast("dict[str, Any]", content(world.nodes))
        made["relay"]["development"] = True
        made["ledgers"] = {
            "left": {**made["ledgers"]["left"], "accounts": {"setup": "left-setup"}},
            "harbour": {"plugin": "evm", **node.settings, "accounts": {"setup": "harbour-setup"}},
        }
        config = tmp_path / "causeway.toml"
        write(config, made)

        too_early = with_config(config, "link", "create", "left", "harbour")
        assert (too_early.code, "causeway ledger deploy harbour" in too_early.err) == (2, True)
        checked = with_config(config, "config", "check", "--live", "--json")
        assert checked.code == 3
        assert "causeway ledger deploy harbour" in checked.json["ledgers"][1]["error"]

        deployed = with_config(config, "ledger", "deploy", "harbour", "--json")
        assert deployed.code == 0, deployed.err
        made["ledgers"]["harbour"] |= deployed.json["settings"]
        write(config, made)
        checked = with_config(config, "config", "check", "--live", "--json")
        assert checked.code == 0, checked.out
        assert checked.json["ledgers"][1]["trust_shown"] == "1 of 1 endpoints (development)"

        nobody = with_config(config, "link", "create", "left", "harbour")
        assert nobody.code == 2
        assert "no [[attestors]] attest" in nobody.err
        assert "hint: add [[attestors]] with source = " in nobody.err

        made["attestors"] = [group("left", "harbour", address), group("harbour", "left", b"\x44" * 20)]
        write(config, made)
        linked = with_config(config, "link", "create", "left", "harbour", "--append")
        assert linked.code == 0, linked.err
        (link,) = load_config(config).links
        assert link.a.client.startswith("attestations-")
        clients = eventually(lambda: active_clients(config))
        assert clients[0]["signers"] == [f"0x{address.hex()}"]


def active_clients(config: Path) -> Any:
    """Looked at where the host is final, so new ones are seen a little later."""
    clients = with_config(config, "config", "check", "--live", "--json").json["clients"]
    return clients if all(each["ok"] for each in clients) else None


def group(source: str, destination: str, address: bytes) -> dict[str, Value]:
    member: dict[str, Value] = {
        "name": "ada",
        "url": "http://127.0.0.1:1",
        "address": f"0x{address.hex()}",
        "token_file": "attestor.token",
    }
    return {"source": source, "destination": destination, "threshold": 1, "members": [member]}


def write(config: Path, made: dict[str, Value]) -> None:
    config.write_text(write_toml(made))
