"""From a configuration file to a signature: an attestor over a real node of its own, started, asked, and restarted."""

from __future__ import annotations

import asyncio
import time
import tomllib
from pathlib import Path
from random import Random

import aiohttp
import pytest

from adapters.contract.plugin import load_plugin
from proofs.commitment import ClientId, receipt_path
from proofs.light_client import Claim
from proofs.primitives.secp256k1 import address_of
from relay.attestor.client import AttestorClient
from relay.attestor.quorum import AttestorGroup
from relay.attestor.service import open_attestor
from relay.config import load_attestor_config
from relay.config.toml import write_toml
from relay.keys.keystore import CHEAPEST, KeyRefused, WrongPassphrase, create_key
from relay.keys.secret import Secret

PASSPHRASE = Secret(b"correct horse")
TOKEN = Secret(b"a token")


def written(folder: Path, settings: dict[str, object], *, scheme: str = "secp256k1") -> tuple[Path, bytes]:
    key = create_key(folder / "keys", "attest-x", scheme=scheme, passphrase=PASSPHRASE, cost=CHEAPEST)
    token = folder / "token"
    token.write_bytes(TOKEN.reveal())
    token.chmod(0o600)
    content: dict[str, object] = {
        "attestor": {"port": 0, "data_dir": "data", "signed_log": "data/signed.db", "token_file": "token"},
        "keys": {"folder": "keys"},
        "ledgers": {"x": {"plugin": "embedded", **settings}},
        "attests": [{"ledger": "x", "key": "attest-x"}],
    }
    path = folder / "attestor.toml"
    path.write_text(write_toml(content))  # type: ignore[arg-type]  # the node's settings are plain values
    return path, key.public_key


async def test_an_attestor_signs_what_its_own_node_proves_also_after_a_restart(tmp_path: Path) -> None:
    plugin = load_plugin("embedded")
    assert plugin.devnet is not None
    options = {"block_seconds": 0.2}
    async with plugin.devnet.start(tmp_path / "node", name="x", options=options) as running:
        path, public_key = written(tmp_path, dict(running.settings))
        config = load_attestor_config(path)
        for _ in range(2):
            async with (
                open_attestor(config, clock=time.time, chance=Random(1), passphrase=PASSPHRASE) as url,
                plugin.open(running.settings, clock=time.time, chance=Random(2)) as ours,
                aiohttp.ClientSession() as session,
            ):
                at = (await ours.source.head()).final
                client = await ours.bootstrap()
                for step in (await ours.source.evidence(client.latest(), at)).answer:
                    client = client.update(step, now=int(time.time()))
                identity = await ours.source.identity()
                member = AttestorClient("ada", url, address_of(public_key), TOKEN, session, timeout_seconds=10)
                group = AttestorGroup("x", identity.chain_id, identity.host, "tagged", 1, (member,))
                absent = Claim(receipt_path(ClientId("client-0"), 1), None)
                quorum = await group.gather(height=at, timestamp=client.timestamp_at(at), claims=[absent])
                assert quorum.reasons == {}
                assert quorum.state is not None
                assert quorum.missing == 0
        assert len(list((tmp_path / "data" / "clients").iterdir())) == 1


async def test_it_does_not_start_with_a_wrong_passphrase_or_a_key_of_another_scheme(tmp_path: Path) -> None:
    settings: dict[str, object] = {
        "chain_id": "x-1",
        "endpoints": ["http://127.0.0.1:1"],
        "checkpoint": {"height": 1, "hash": "ab" * 32},
    }
    config = load_attestor_config(written(tmp_path, settings)[0])
    with pytest.raises(WrongPassphrase):
        async with open_attestor(config, clock=time.time, chance=Random(1), passphrase=Secret(b"another")):
            raise AssertionError("it started")
    other = tmp_path / "other"
    other.mkdir()
    config = load_attestor_config(written(other, settings, scheme="ed25519")[0])
    with pytest.raises(KeyRefused, match="secp256k1"):
        async with open_attestor(config, clock=time.time, chance=Random(1), passphrase=PASSPHRASE):
            raise AssertionError("it started")


async def test_a_ledger_out_of_reach_is_named_and_the_others_are_signed_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.attestor.service._OPEN_AGAIN_SECONDS", 0.1)
    plugin = load_plugin("embedded")
    assert plugin.devnet is not None
    async with plugin.devnet.start(tmp_path / "node", name="x", options={"block_seconds": 0.2}) as running:
        path, _ = written(tmp_path, dict(running.settings))
        gone = {**running.settings, "chain_id": "gone-1", "endpoints": ["http://127.0.0.1:1"]}
        create_key(tmp_path / "keys", "attest-gone", scheme="secp256k1", passphrase=PASSPHRASE, cost=CHEAPEST)
        content = tomllib.loads(path.read_text())
        content["ledgers"]["gone"] = {"plugin": "embedded", **gone}
        content["attests"].append({"ledger": "gone", "key": "attest-gone"})
        path.write_text(write_toml(content))
        opened = open_attestor(load_attestor_config(path), clock=time.time, chance=Random(1), passphrase=PASSPHRASE)
        async with opened as url, aiohttp.ClientSession() as session:
            async with session.get(f"{url}/readyz") as answer:
                assert answer.status == 503
                reasons = (await answer.json())["reasons"]
            assert set(reasons) == {"gone"}
            assert "127.0.0.1:1" in reasons["gone"]
            headers = {"Authorization": f"Bearer {TOKEN.reveal().decode()}"}
            asked = {"variant": "tagged", "revision": 1, "height": 1, "claims": []}
            statuses = {}
            async with plugin.open(running.settings, clock=time.time, chance=Random(2)) as ours:
                identity = await ours.source.identity()
                client = await ours.bootstrap()
            asked |= {"host": identity.host, "revision": client.latest().revision, "height": client.latest().number}
            for chain in (identity.chain_id, "gone-1"):
                body = {**asked, "chain_id": chain}
                async with session.post(f"{url}/v1/attest", json=body, headers=headers) as answer:
                    statuses[chain] = (answer.status, await answer.text())
            assert statuses[identity.chain_id][0] == 200, statuses
            assert statuses["gone-1"][0] == 503
            assert "gone" in statuses["gone-1"][1]


async def test_an_attestor_that_nobody_asks_follows_its_ledger_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise its trust expires on a quiet lane, and the next packet finds nobody who signs."""
    monkeypatch.setattr("relay.attestor.service._KEEP_UP_SECONDS", 0.2)
    plugin = load_plugin("embedded")
    assert plugin.devnet is not None
    async with plugin.devnet.start(tmp_path / "node", name="x", options={"block_seconds": 0.2}) as running:
        path, _ = written(tmp_path, dict(running.settings))
        opened = open_attestor(load_attestor_config(path), clock=time.time, chance=Random(1), passphrase=PASSPHRASE)
        clients = tmp_path / "data" / "clients"
        async with opened, plugin.open(running.settings, clock=time.time, chance=Random(2)) as ours:
            start = (await ours.bootstrap()).latest()

            def followed() -> bool:
                return any(ours.decode_client(each.read_bytes()).latest() > start for each in clients.glob("[!.]*"))

            async with asyncio.timeout(60):  # no speed is asked of the machine
                while not followed():  # noqa: ASYNC110 - a file tells
                    await asyncio.sleep(0.1)
