"""Votes of Kusama and signatures of Polkadot's test network, where the published files are at hand."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofs.errors import InvalidSignature, MalformedProof, RootMismatch, UnknownSigner
from proofs.merkle import mmr
from proofs.substrate.beefy.messages import commitment_hash
from proofs.substrate.beefy.spec import Trust, hand_over, mmr_root_of, verify_leaf, verify_sample
from tests.proofs.substrate import published

_BESIDE = Path(__file__).resolve().parents[4] / "shared" / "vectors"
FOLDER = Path(os.environ.get("CAUSEWAY_VECTORS", str(_BESIDE))) / "substrate"


def content(name: str) -> Any:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no {name}: set CAUSEWAY_VECTORS to the folder of third-party vectors")
    return json.loads(path.read_bytes())


def test_a_commit_of_kusama() -> None:
    file = content("grandpa/commit_kusama_5105457.json")
    encoded = published.raw(file["encoded"])
    commit, set_id = published.decode_commit(encoded)
    assert (published.said(commit), set_id) == (published.said_by_file(file), file["set_id"])
    published.verify_commit(encoded, set_id=set_id)
    with pytest.raises(InvalidSignature):
        published.verify_commit(encoded, set_id=set_id + 1)


def test_a_sample_of_a_hundred_and_eleven_signers() -> None:
    log = content("beefy_snowbridge/beefy-commitment.json")
    params = log["params"]
    commitment, members = published.commitment_of(params), published.members_of(params)
    assert commitment_hash(commitment) == published.raw(log["commitmentHash"])
    signers, sample = published.signers_in_log(params), {each.index for each in members}
    given: dict[str, Any] = {"claimed": published.claimed_in_log(params), "sample": sample, "required": 25}
    assert len(given["claimed"]) == 75
    verify_sample(commitment, members, signers, **given)
    with pytest.raises(MalformedProof):
        verify_sample(commitment, members, signers, **{**given, "required": 26})
    with pytest.raises(UnknownSigner):
        verify_sample(replace(commitment, block_number=1), members, signers, **given)


def test_a_leaf_under_the_signed_root_names_the_next_signers() -> None:
    params = content("beefy_snowbridge/beefy-commitment.json")["params"]
    commitment, (leaf, path) = published.commitment_of(params), published.leaf_of(params)
    root = mmr_root_of(commitment)
    verify_leaf(leaf, path, root=root, block_number=commitment.block_number)
    with pytest.raises(RootMismatch):
        verify_leaf(replace(leaf, parent_number=1), path, root=root, block_number=commitment.block_number)
    signers = published.signers_in_log(params)
    before = Trust(replace(signers, set_id=signers.set_id - 1), signers)
    assert hand_over(before, leaf) == Trust(signers, leaf.next_signers)


def test_a_sample_of_six_hundred_signers() -> None:
    params = content("beefy_snowbridge/beefy-commitment.json")["params"]
    signed = published.final_signers(content("beefy_snowbridge/beefy-validator-set.json"), params)
    members = published.final_members(content("beefy_snowbridge/beefy-final-proof.json"))
    sample = published.final_sample(content("beefy_snowbridge/beefy-final-bitfield.json"))
    commitment = published.commitment_of(params)
    given: dict[str, Any] = {"claimed": signed.claimed, "sample": sample, "required": 28}
    verify_sample(commitment, members, signed.signers, **given)
    with pytest.raises(MalformedProof):
        verify_sample(commitment, members[1:], signed.signers, **given)


def test_fifteen_leaves() -> None:
    file = content("beefy_snowbridge/mmr-fixture-data-15-leaves.json")
    root = published.raw(file["rootHash"])
    for leaf, proof in zip(file["leaves"], file["proofs"], strict=True):
        items = [published.raw(each) for each in proof["items"]]
        assert mmr.root_by_order(published.raw(leaf), items, proof["order"]) == root
