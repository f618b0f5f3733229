"""From a configuration file to a signature: an attestor over a real node of its own, started, asked, and restarted."""

from __future__ import annotations

import time
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
