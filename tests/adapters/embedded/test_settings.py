"""Each wrong setting is refused with its key, what was seen and what was expected."""

from __future__ import annotations

from random import Random

import pytest

from adapters.contract.errors import EndpointWrong
from adapters.contract.plugin import SettingRefused
from adapters.embedded.plugin import PLUGIN
from tests.adapters.embedded.world import Clock, Side

GOOD: dict[str, object] = {
    "chain_id": "harbour-1",
    "endpoints": ["http://127.0.0.1:8080"],
    "checkpoint": {"height": 1, "hash": "ab" * 32},
}

WRONG: dict[str, tuple[dict[str, object], str]] = {
    "unknown_key": ({"colour": "blue"}, "colour"),
    "no_chain_id": ({"chain_id": None}, "chain_id"),
    "empty_chain_id": ({"chain_id": ""}, "chain_id"),
    "long_chain_id": ({"chain_id": "x" * 51}, "chain_id"),
    "no_endpoint": ({"endpoints": []}, "endpoints"),
    "one_text": ({"endpoints": "http://127.0.0.1:8080"}, "endpoints"),
    "no_scheme": ({"endpoints": ["127.0.0.1:8080"]}, "endpoints[0]"),
    "twice": ({"endpoints": ["http://a:1", "http://a:1"]}, "endpoints[1]"),
    "credentials": ({"endpoints": ["http://me:secret@a:1"]}, "endpoints[0]"),
    "not_a_node": ({"nodes": [1]}, "nodes[0]"),
    "no_checkpoint": ({"checkpoint": None}, "checkpoint"),
    "checkpoint_key": ({"checkpoint": {"height": 1, "hash": "ab" * 32, "time": 1}}, "checkpoint.time"),
    "height_zero": ({"checkpoint": {"height": 0, "hash": "ab" * 32}}, "checkpoint.height"),
    "height_true": ({"checkpoint": {"height": True, "hash": "ab" * 32}}, "checkpoint.height"),
    "short_hash": ({"checkpoint": {"height": 1, "hash": "ab"}}, "checkpoint.hash"),
    "not_hex": ({"checkpoint": {"height": 1, "hash": "xy" * 32}}, "checkpoint.hash"),
    "no_trust": ({"trusting_period_seconds": 0}, "trusting_period_seconds"),
    "half_a_second": ({"max_clock_drift_seconds": 0.5}, "max_clock_drift_seconds"),
}


def test_good_settings_are_taken() -> None:
    PLUGIN.check_settings(GOOD)
    assert not PLUGIN.is_development_trust(GOOD)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_refused_by_its_key(case: str) -> None:
    changes, key = WRONG[case]
    with pytest.raises(SettingRefused) as refused:
        PLUGIN.check_settings({**GOOD, **changes})
    assert refused.value.key == key
    assert refused.value.expected


async def test_the_configured_hash_decides_what_is_trusted_first() -> None:
    side = Side("ledger-a", Clock())
    table: dict[str, object] = {"chain_id": "ledger-a-1", "nodes": [side.node], "checkpoint": side.checkpoint}
    async with PLUGIN.open(table, clock=lambda: side.clock.now, chance=Random(1)) as ledger:
        client = await ledger.bootstrap()
        assert client.latest().number == 1
        assert ledger.decode_client(client.encode()) == client
    table["checkpoint"] = {"height": 1, "hash": "00" * 32}
    async with PLUGIN.open(table, clock=lambda: side.clock.now, chance=Random(1)) as ledger:
        with pytest.raises(EndpointWrong) as wrong:
            await ledger.bootstrap()
        assert wrong.value.what == "checkpoint"
