"""The client follows recorded mainnet periods, as it would follow a node."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from proofs.errors import HeightNotIncreasing, InvalidSignature, UnknownCommittee
from proofs.ethereum.client import EthereumClient, bootstrap, decode_client
from proofs.ethereum.containers import beacon_root, containers_of
from proofs.ethereum.evidence import EvidenceKind
from proofs.ethereum.forks import MAINNET, Fork
from proofs.ethereum.storage_layout import RouterLayout
from proofs.light_client import ClientState, LightClient
from tests.vectors.beacon_files import Found, objects_in
from tests.vectors.files import Files

ROOTS = [
    Path(each)
    for each in os.environ.get(
        "CAUSEWAY_VECTORS", str(Path(__file__).resolve().parents[3].parent / "shared" / "vectors")
    ).split(os.pathsep)
]
LAYOUT = RouterLayout(bytes(20), bytes(32))
TEN_YEARS = 10 * 365 * 86_400


@pytest.fixture(scope="module", params=["capella_862_867", "capella_800_nimbus"])
def recorded(request: pytest.FixtureRequest) -> list[Found]:
    """The bootstrap of a folder, then its updates in their order."""
    files = Files("eth_lc_real", ROOTS)
    inside = list(files.matching(f"mainnet/{request.param}/*"))
    if not inside:
        pytest.skip(f"no vectors of eth_lc_real in {ROOTS[0]}: set CAUSEWAY_VECTORS")
    found = [each for file in inside for each in objects_in(file, MAINNET)]
    start = [each for each in found if each.kind is None][:1]
    return start + sorted((each for each in found if each.kind is EvidenceKind.UPDATE), key=lambda each: each.order)


def start_of(found: Found) -> EthereumClient:
    decoded = containers_of(Fork.CAPELLA, MAINNET.preset).bootstrap.decode(found.data)
    return bootstrap(
        found.data,
        fork=found.fork,
        chain=MAINNET,
        trusted_block_root=beacon_root(decoded.header),
        trusting_period=TEN_YEARS,
        layout=LAYOUT,
    )


def test_every_recorded_period_is_followed(recorded: list[Found]) -> None:
    first, *updates = recorded
    client = start_of(first)
    for each in updates:
        before = client
        client = client.update(each.data, now=MAINNET.time_at(each.signature_slot))
        assert client.belief.trust.next_sync_committee != before.belief.trust.next_sync_committee
    believes: LightClient = client
    assert believes.latest() > start_of(first).latest()
    assert believes.timestamp_at(believes.latest()) == MAINNET.time_at(client.latest_slot())
    assert believes.status(MAINNET.time_at(updates[-1].signature_slot)).state is ClientState.ACTIVE
    assert decode_client(believes.encode()) == client


def test_a_skipped_period_is_fetched_first(recorded: list[Found]) -> None:
    first, one, _, three, *_ = recorded
    client = start_of(first).update(one.data, now=MAINNET.time_at(three.signature_slot))
    with pytest.raises(UnknownCommittee) as refusal:
        client.update(three.data, now=MAINNET.time_at(three.signature_slot))
    assert refusal.value.period == refusal.value.newest + 1


def test_an_update_is_not_believed_twice(recorded: list[Found]) -> None:
    first, one, *_ = recorded
    now = MAINNET.time_at(one.signature_slot)
    client = start_of(first).update(one.data, now=now)
    with pytest.raises(HeightNotIncreasing):
        client.update(one.data, now=now)


def test_a_goerli_client_does_not_follow_mainnet(recorded: list[Found]) -> None:
    """The same bytes under another genesis are signed by nobody."""
    first, one, *_ = recorded
    client = start_of(first)
    elsewhere = replace(MAINNET, genesis_validators_root=bytes(32))
    stranger = EthereumClient(replace(client.belief, chain=elsewhere))
    with pytest.raises(InvalidSignature):
        stranger.update(one.data, now=MAINNET.time_at(one.signature_slot))
