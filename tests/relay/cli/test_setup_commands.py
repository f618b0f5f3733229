"""Links, keys, deployment and `config check --live`, over real nodes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from adapters.contract.ledger import AttestationSpec
from adapters.contract.plugin import load_plugin
from proofs.light_client import Height
from relay.attestor.service import open_attestor
from relay.config import load_attestor_config, load_config
from relay.config.toml import write_toml
from relay.keys.secret import Secret
from tests.relay.cli.world import (
    PASSPHRASE,
    ROLES,
    Beside,
    World,
    content,
    unused_port,
    with_config,
    write_attestor,
)


@pytest.fixture
def fresh(world: World, tmp_path: Path) -> Path:
    """The configuration of the world's nodes, with keys, before anything is linked."""
    for name in ("passphrase", "api.token"):
        shutil.copy(world.path / name, tmp_path / name)
    shutil.copytree(world.path / "keys", tmp_path / "keys")
    config = tmp_path / "causeway.toml"
    config.write_text("# by hand, without a line end" + "\n" + write_toml(content(world.nodes)).rstrip("\n"))
    return config


def test_a_link_is_created_and_appended_with_every_other_byte_kept(world: World, fresh: Path) -> None:
    fresh.chmod(0o640)
    before = fresh.read_bytes()
    linked = with_config(fresh, "link", "create", "left", "right", "--append")
    assert linked.code == 0, linked.err
    after = fresh.read_bytes()
    assert after.startswith(before + b"\n")
    assert after.endswith(linked.out.encode())
    assert fresh.stat().st_mode & 0o777 == 0o640
    (link,) = load_config(fresh).links
    assert (link.a.ledger, link.b.ledger) == ("left", "right")
    assert link.a.client.startswith("07-tendermint-")
    listed = with_config(fresh, "link", "list", "--json").json["links"]
    assert listed[0]["lanes"][0] == f"left.{link.a.client}~right.{link.b.client}"
    assert sorted(each.name for each in fresh.parent.iterdir() if each.name.startswith(".")) == []

    again = with_config(fresh, "link", "create", "right", "left")
    assert again.code == 2
    assert "are linked already" in again.err
    assert fresh.read_bytes() == after


def test_a_link_without_append_leaves_the_file_alone(world: World, fresh: Path) -> None:
    before = fresh.read_bytes()
    linked = with_config(fresh, "link", "create", "left", "right", "--json")
    assert linked.json["appended"] is False
    assert fresh.read_bytes() == before
    fresh.write_text(fresh.read_text() + "\n" + linked.json["toml"])
    assert len(load_config(fresh).links) == 1


def test_clients_that_were_paid_for_are_told_also_where_the_file_cannot_be_written(world: World, fresh: Path) -> None:
    # So long a name leaves no room for that of the draft beside it; the one for validation lies beside the link.
    behind = fresh.with_name("c" * 240)
    fresh.rename(behind)
    fresh.symlink_to(behind)
    before = behind.read_bytes()
    linked = with_config(fresh, "link", "create", "left", "right", "--append", "--json")
    assert linked.code == 1
    assert linked.json["appended"] is False
    assert "07-tendermint-" in linked.json["toml"]
    assert "by hand" in linked.err
    assert behind.read_bytes() == before


def test_a_file_that_would_not_take_the_link_is_found_out_before_anything_is_paid(world: World, fresh: Path) -> None:
    fresh.write_text("links = []\n" + fresh.read_text())
    before = client_count(world)
    linked = with_config(fresh, "link", "create", "left", "right", "--append")
    assert linked.code == 2
    assert "expected TOML" in linked.err
    assert client_count(world) == before


def client_count(world: World) -> str:
    """What the next client would be called: it counts those that there are."""

    async def ask() -> str:
        settings = world.nodes["left"].settings
        async with load_plugin("embedded").open(settings, clock=time.time, chance=Random(1)) as ledger:
            assert ledger.setup is not None
            return await ledger.setup.next_client_id(AttestationSpec((), 0, Height(0, 1), 1))

    return world.beside.call(ask())


@pytest.mark.parametrize(
    ("ends", "said"),
    ((("left", "nowhere"), "no ledger is called 'nowhere'"), (("left", "left"), "cannot be linked to itself")),
)
def test_a_link_that_cannot_be_is_refused(fresh: Path, ends: tuple[str, str], said: str) -> None:
    linked = with_config(fresh, "link", "create", *ends)
    assert linked.code == 2
    assert said in linked.err


def test_a_ledger_without_a_setup_key_is_named(fresh: Path) -> None:
    fresh.write_text(fresh.read_text().replace('setup = "right-setup"\n', "").replace('setup = "right-setup"', ""))
    linked = with_config(fresh, "link", "create", "left", "right")
    assert linked.code == 2
    assert "ledger right has no setup key" in linked.err


def test_a_ledger_that_brings_its_host_has_nothing_to_deploy(fresh: Path) -> None:
    assert "nothing to deploy" in with_config(fresh, "ledger", "deploy", "left").out
    assert with_config(fresh, "ledger", "deploy", "left", "--json").json == {"ledger": "left", "settings": {}}
    unknown = with_config(fresh, "ledger", "deploy", "nowhere")
    assert (unknown.code, "no ledger is called 'nowhere'" in unknown.err) == (2, True)


def test_a_live_check_of_a_sound_world_is_all_well(world: World) -> None:
    checked = world.run("config", "check", "--live", "--json")
    assert checked.code == 0, checked.out
    report = checked.json
    assert report["ok"] is True
    assert [each["identity"]["chain_id"] for each in report["ledgers"]] == ["left-1", "right-1"]
    assert [(each["state"], each["counterparty"]) for each in report["clients"]] == [
        ("active", "07-tendermint-0"),
        ("active", "07-tendermint-0"),
    ]
    assert {(each["role"], each["state"]) for each in report["accounts"]} == {(role, "ok") for role in ROLES}
    table = world.run("config", "check", "--live")
    for part in ("Ledgers", "left-1", "Accounts", "left-setup", "Clients", "active"):
        assert part in table.out


def test_a_live_check_finds_what_is_not_well(world: World, fresh: Path) -> None:
    """A client that is not there, an account that is too poor, a key that is missing, a node that is down."""
    made = content(world.nodes)
    ledgers = cast("dict[str, Any]", made["ledgers"])
    ledgers["left"]["budget"] = {"fee_per_transaction": str(10**30)}
    ledgers["right"]["accounts"] = {"fee": "not-there"}
    nowhere = f"http://127.0.0.1:{unused_port()}"
    ledgers["dark"] = {"plugin": "embedded", **world.nodes["left"].settings, "endpoints": [nowhere]}
    ends = {
        "a": {"ledger": "left", "client": "07-tendermint-777"},
        "b": {"ledger": "right", "client": "07-tendermint-0"},
    }
    fresh.write_text(write_toml({**made, "links": [ends]}))
    checked = with_config(fresh, "config", "check", "--live", "--json")
    assert checked.code == 3
    report = checked.json
    wrong = {each["ledger"]: each["error"] for each in report["ledgers"] if not each["ok"]}
    assert list(wrong) == ["dark"]
    assert "EndpointUnavailable" in wrong["dark"]
    accounts = {each["key"]: each["state"] for each in report["accounts"]}
    assert accounts == {"left-fee": "low", "left-send": "low", "left-setup": "low", "not-there": "unknown"}
    assert [each["error"].split(",")[0] for each in report["clients"]] == [
        "client_mismatch: client 07-tendermint-0",
        "client_mismatch: client 07-tendermint-777",
    ]
    assert "key not-there" in report["not_ready"][0]
    assert "EndpointUnavailable" in with_config(fresh, "config", "check", "--live").out


def test_a_live_check_asks_attestors_for_a_signature_of_the_configured_key(world: World, fresh: Path) -> None:
    """Of three members one is as configured, one signs with another key than configured, one is down."""
    settings = world.nodes["left"].settings
    config, address = write_attestor(fresh.parent, dict(settings))
    members = [
        {"name": name, "url": url, "address": f"0x{signer.hex()}", "token_file": "attestor.token"}
        for name, url, signer in (
            ("ada", "http://placeholder.invalid", address),
            ("grace", "http://placeholder.invalid", b"\x22" * 20),
            ("alan", f"http://127.0.0.1:{unused_port()}", b"\x33" * 20),
        )
    ]
    group = {"source": "left", "destination": "right", "threshold": 2, "members": members}
    text = write_toml({**content(world.nodes), "attestors": [group]})  # type: ignore[list-item]  # plain values only
    with attestor_beside(world.beside, config) as url:
        fresh.write_text(text.replace("http://placeholder.invalid", url))
        checked = with_config(fresh, "config", "check", "--live", "--json")
    assert checked.code == 3
    rows = {each["attestor"]: each for each in checked.json["attestors"]}
    assert (rows["ada"]["ok"], rows["ada"]["error"]) == (True, "")
    assert rows["grace"]["error"].startswith("bad_signature")
    assert rows["alan"]["error"].startswith("unavailable")


@contextmanager
def attestor_beside(beside: Beside, config: Path) -> Iterator[str]:
    passphrase = Secret(PASSPHRASE.encode())
    opened = open_attestor(load_attestor_config(config), clock=time.time, chance=Random(1), passphrase=passphrase)
    url = beside.call(opened.__aenter__())
    try:
        yield url
    finally:
        beside.call(opened.__aexit__(None, None, None))
