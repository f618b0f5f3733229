"""Settings: every wrong one is refused with its key, what was got and what was expected."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random

import pytest

from adapters.contract.errors import IdentityChanged
from adapters.contract.plugin import SettingRefused, load_plugin
from adapters.evm.plugin import PLUGIN
from adapters.evm.settings import Checkpoint, Finality, Quorum, read_settings
from tests.adapters.evm.ledger_world import evm_world
from tests.nodes.anvil import AnvilNode

FULL: Mapping[str, object] = {
    "plugin": "evm",
    "chain_id": 31_001,
    "endpoints": [{"name": "one", "url": "https://user:secret@one.example/key"}, "http://two.example", "http://three.example"],
    "host": "0x" + "aB" * 20,
    "mailbox": "0x" + "cd" * 20,
    "host_code": "ef" * 32,
    "host_height": 12,
    "finality": {"depth": 3},
    "trust": {"kind": "endpoint-quorum", "k": 2},
    "checkpoint": {"height": 5, "hash": "0x" + "01" * 32},
    "fees": {"tip_least": 1, "tip_most": 2, "base_fee_factor": 3},
    "limits": {"messages": 10, "bytes": 100_000, "gas": 5_000_000, "in_flight": 4},
    "variant": "plain",
    "log_range": 100,
    "clock_drift_seconds": 5,
}  # fmt: skip


def test_everything_given_is_read() -> None:
    read = read_settings(FULL)
    assert [each.name for each in read.endpoints] == ["one", "endpoint-2", "endpoint-3"]
    assert read.host == b"\xab" * 20
    assert read.host_code == b"\xef" * 32
    assert read.finality == Finality(None, 3)
    assert read.trust == Quorum(2)
    assert read.checkpoint == Checkpoint(5, b"\x01" * 32)
    assert read.limits.messages == 10
    assert read.variant == "plain"
    assert "secret" not in repr(read)


def test_little_is_enough_before_a_host_is_deployed() -> None:
    read = read_settings({"chain_id": 1, "endpoints": ["http://127.0.0.1:8545"]})
    assert read.host is None
    assert read.finality == Finality("finalized")
    assert read.limits.bytes == 128 * 1024
    assert read.limits.gas == 2**24


WRONG: dict[str, tuple[str, object, str]] = {
    "unknown key": ("hots", 1, "hots"),
    "another plugin": ("plugin", "cosmos", "plugin"),
    "chain id as text": ("chain_id", "1", "chain_id"),
    "chain id as truth": ("chain_id", True, "chain_id"),
    "no endpoints": ("endpoints", [], "endpoints"),
    "too many endpoints": ("endpoints", [f"http://e{each}" for each in range(17)], "endpoints"),
    "not an address": ("endpoints", ["ftp://one"], "endpoints[0]"),
    "an endpoint that is a number": ("endpoints", [1], "endpoints[0]"),
    "an endpoint without a name": ("endpoints", [{"url": "http://a"}], "endpoints[0].name"),
    "an endpoint with a strange key": ("endpoints", [{"name": "a", "url": "http://a", "key": 1}], "endpoints[0].key"),
    "one name twice": ("endpoints", [{"name": "a", "url": "http://a"}, {"name": "a", "url": "http://b"}], "endpoints"),
    "one address twice": ("endpoints", ["http://a", "http://a"], "endpoints"),
    "a short host": ("host", "0x12", "host"),
    "a long code hash": ("host_code", "00" * 33, "host_code"),
    "negative height": ("host_height", -1, "host_height"),
    "two finalities": ("finality", {"tag": "safe", "depth": 1}, "finality"),
    "no finality": ("finality", {}, "finality"),
    "a tag nodes do not know": ("finality", {"tag": "latest"}, "finality.tag"),
    "a depth below zero": ("finality", {"depth": -1}, "finality.depth"),
    "another kind of trust": ("trust", {"kind": "blind", "k": 2}, "trust.kind"),
    "half of the endpoints and less": ("trust", {"kind": "endpoint-quorum", "k": 1}, "trust.k"),
    "more than there are": ("trust", {"kind": "endpoint-quorum", "k": 4}, "trust.k"),
    "no trust": ("trust", None, "trust"),
    "trust as text": ("trust", "endpoint-quorum", "trust"),
    "a checkpoint without hash": ("checkpoint", {"height": 1}, "checkpoint.hash"),
    "tips that cross": ("fees", {"tip_least": 3, "tip_most": 2}, "fees.tip_least"),
    "no room for the base fee": ("fees", {"base_fee_factor": 0}, "fees.base_fee_factor"),
    "more bytes than nodes take": ("limits", {"bytes": 131_073}, "limits.bytes"),
    "no messages": ("limits", {"messages": 0}, "limits.messages"),
    "another variant": ("variant", "signed", "variant"),
    "an empty range": ("log_range", 0, "log_range"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings_are_refused_by_key(name: str) -> None:
    key, value, refused = WRONG[name]
    with pytest.raises(SettingRefused) as refusal:
        PLUGIN.check_settings({**FULL, key: value})
    assert refusal.value.key == refused
    assert refusal.value.expected


def test_a_refused_address_is_not_shown() -> None:
    with pytest.raises(SettingRefused) as refusal:
        read_settings({**FULL, "endpoints": ["ws://user:secret@host"]})
    assert "secret" not in str(refusal.value)


def test_a_host_needs_the_hash_of_its_code() -> None:
    with pytest.raises(SettingRefused) as refusal:
        read_settings({key: value for key, value in FULL.items() if key != "host_code"})
    assert refusal.value.key == "host_code"


def test_one_endpoint_is_development_trust() -> None:
    one = {**FULL, "endpoints": ["http://a"], "trust": {"kind": "endpoint-quorum", "k": 1}}
    assert PLUGIN.is_development_trust(one)
    assert not PLUGIN.is_development_trust(FULL)


def test_the_plugin_is_found_by_its_name() -> None:
    assert load_plugin("evm").name == "evm"


async def test_before_a_host_is_deployed_only_setup_is_there() -> None:
    settings = {"chain_id": 1, "endpoints": ["http://127.0.0.1:1"]}
    async with PLUGIN.open(settings, clock=time.time, chance=Random(0)) as ledger:
        assert ledger.setup is not None
        assert ledger.destination is None
        assert ledger.sender is None
        with pytest.raises(SettingRefused):
            await ledger.bootstrap()


@pytest.mark.nodes
async def test_trust_is_said_aloud(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        assert world.ledger.trust == "endpoint-quorum"
        assert world.ledger.trust_shown == "1 of 1 endpoints (development)"
        assert world.ledger.endpoints == ("anvil",)


@pytest.mark.nodes
async def test_bootstrap_believes_the_configured_checkpoint_and_no_other(anvil: AnvilNode) -> None:
    block = anvil.ask("eth_getBlockByNumber", "0x0", False)
    async with evm_world(anvil, checkpoint={"height": 0, "hash": block["hash"]}) as world:
        client = await world.ledger.bootstrap()
        assert client.latest().number == 0
        assert world.ledger.decode_client(client.encode()) == client
        assert (await world.ledger.source.identity()).root == block["hash"][2:]
    async with evm_world(anvil, checkpoint={"height": 0, "hash": "0x" + "11" * 32}) as world:
        for ask in (world.ledger.bootstrap, world.ledger.source.identity):
            with pytest.raises(IdentityChanged) as refusal:
                await ask()
            assert refusal.value.part == "checkpoint hash"


@pytest.mark.nodes
async def test_a_host_with_other_code_is_another_host(anvil: AnvilNode) -> None:
    async with evm_world(anvil, host_code="22" * 32) as world:
        with pytest.raises(IdentityChanged) as refusal:
            await world.ledger.source.identity()
        assert refusal.value.part == "host code"


@pytest.mark.nodes
async def test_code_behind_a_proxy_is_part_of_the_identity(anvil: AnvilNode) -> None:
    async with evm_world(anvil) as world:
        before = await world.ledger.source.identity()
        slot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
        host = world.settings["host"]
        anvil.ask("anvil_setStorageAt", host, slot, "0x" + "00" * 12 + str(world.settings["mailbox"])[2:])
        after = await world.ledger.source.identity()
        anvil.ask("anvil_setStorageAt", host, slot, "0x" + "00" * 32)
        assert after.code != before.code
        assert (after.root, after.host, after.chain_id) == (before.root, before.host, before.chain_id)
