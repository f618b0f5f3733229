"""The containers of each fork against remerkleable: the same bytes, the same roots.

No postponed annotations here: the oracle reads those of its containers at run time.
"""

import random
from dataclasses import fields, replace
from typing import Any

import pytest
from remerkleable import basic, byte_arrays
from remerkleable import complex as composite

from proofs.encoding.ssz import Container
from proofs.errors import VerificationError
from proofs.ethereum.containers import (
    BEACON_BLOCK_HEADER,
    CAPELLA_EXECUTION_HEADER,
    DENEB_EXECUTION_HEADER,
    containers_of,
    sync_committee_type,
)
from proofs.ethereum.forks import MAINNET_PRESET, Fork
from proofs.ethereum.types import (
    BeaconBlockHeader,
    ExecutionPayloadHeader,
    LightClientHeader,
    SyncAggregate,
    SyncCommittee,
    Update,
)
from tests.proofs.ethereum.beacon_builders import bootstrap_at, chain_at, keys_of, update_of


class OracleBeaconHeader(composite.Container):  # type: ignore[misc]  # the oracle ships no types
    slot: basic.uint64
    proposer_index: basic.uint64
    parent_root: byte_arrays.ByteVector[32]
    state_root: byte_arrays.ByteVector[32]
    body_root: byte_arrays.ByteVector[32]


class OracleCapella(composite.Container):  # type: ignore[misc]  # as above
    parent_hash: byte_arrays.ByteVector[32]
    fee_recipient: byte_arrays.ByteVector[20]
    state_root: byte_arrays.ByteVector[32]
    receipts_root: byte_arrays.ByteVector[32]
    logs_bloom: byte_arrays.ByteVector[256]
    prev_randao: byte_arrays.ByteVector[32]
    block_number: basic.uint64
    gas_limit: basic.uint64
    gas_used: basic.uint64
    timestamp: basic.uint64
    extra_data: byte_arrays.ByteList[32]
    base_fee_per_gas: basic.uint256
    block_hash: byte_arrays.ByteVector[32]
    transactions_root: byte_arrays.ByteVector[32]
    withdrawals_root: byte_arrays.ByteVector[32]


class OracleDeneb(OracleCapella):
    blob_gas_used: basic.uint64
    excess_blob_gas: basic.uint64


class OracleCommittee(composite.Container):  # type: ignore[misc]  # as above
    pubkeys: composite.Vector[byte_arrays.ByteVector[48], 512]
    aggregate_pubkey: byte_arrays.ByteVector[48]


def random_execution(rng: random.Random) -> ExecutionPayloadHeader:
    empty = ExecutionPayloadHeader()
    values: dict[str, Any] = {}
    for field in fields(empty):
        default = getattr(empty, field.name)
        values[field.name] = rng.getrandbits(64) if isinstance(default, int) else rng.randbytes(len(default))
    values["extra_data"] = rng.randbytes(rng.randrange(33))
    values["base_fee_per_gas"] = rng.getrandbits(256)
    return ExecutionPayloadHeader(**values)


@pytest.mark.parametrize("seed", range(20))
def test_headers_agree_with_the_oracle(seed: int) -> None:
    rng = random.Random(seed)
    beacon = BeaconBlockHeader(
        rng.getrandbits(64), rng.getrandbits(64), rng.randbytes(32), rng.randbytes(32), rng.randbytes(32)
    )
    execution = random_execution(rng)
    agreeing: list[tuple[Container[Any], Any, Any]] = [
        (BEACON_BLOCK_HEADER, OracleBeaconHeader, beacon),
        (CAPELLA_EXECUTION_HEADER, OracleCapella, replace(execution, blob_gas_used=0, excess_blob_gas=0)),
        (DENEB_EXECUTION_HEADER, OracleDeneb, execution),
    ]
    for kind, oracle_kind, value in agreeing:
        oracle = oracle_kind(**{name: getattr(value, name) for name in kind.fields})
        assert kind.encode(value) == oracle.encode_bytes()
        assert kind.decode(oracle.encode_bytes()) == value
        assert kind.root(value) == bytes(oracle.hash_tree_root())


def test_a_committee_of_512_agrees_with_the_oracle() -> None:
    rng = random.Random(1)
    keys = [rng.randbytes(48) for _ in range(512)]
    oracle = OracleCommittee(pubkeys=keys, aggregate_pubkey=keys[0])
    kind = sync_committee_type(MAINNET_PRESET)
    committee = SyncCommittee(b"".join(keys), keys[0])
    assert kind.encode(committee) == oracle.encode_bytes()
    assert kind.root(committee) == bytes(oracle.hash_tree_root())


@pytest.mark.parametrize(
    ("fork", "update_bytes"),
    # From the field lists of the specification: two headers, a committee, two branches, an aggregate, a slot.
    (
        (Fork.ALTAIR, 2 * 112 + 513 * 48 + 5 * 32 + 6 * 32 + 160 + 8),
        (Fork.BELLATRIX, 2 * 112 + 513 * 48 + 5 * 32 + 6 * 32 + 160 + 8),
        (Fork.CAPELLA, 2 * (4 + 112 + 4 + 568 + 128) + 513 * 48 + 5 * 32 + 6 * 32 + 160 + 8),
        (Fork.DENEB, 2 * (4 + 112 + 4 + 584 + 128) + 513 * 48 + 5 * 32 + 6 * 32 + 160 + 8),
        (Fork.ELECTRA, 2 * (4 + 112 + 4 + 584 + 128) + 513 * 48 + 6 * 32 + 7 * 32 + 160 + 8),
        (Fork.FULU, 2 * (4 + 112 + 4 + 584 + 128) + 513 * 48 + 6 * 32 + 7 * 32 + 160 + 8),
    ),
)
def test_an_update_of_each_fork_has_the_size_of_its_fields(fork: Fork, update_bytes: int) -> None:
    kind = containers_of(fork, MAINNET_PRESET).update
    committee = SyncCommittee(bytes(512 * 48), bytes(48))
    depth = 1 if fork >= Fork.ELECTRA else 0
    update = Update(
        LightClientHeader(),
        committee,
        (bytes(32),) * (5 + depth),
        LightClientHeader(),
        (bytes(32),) * (6 + depth),
        SyncAggregate((False,) * 512, bytes(96)),
        0,
    )
    assert len(kind.encode(update)) == update_bytes
    with pytest.raises(VerificationError):
        kind.decode(kind.encode(update)[:-1])


@pytest.mark.parametrize("newest", list(Fork)[1:])
def test_objects_of_each_fork_survive_their_encoding(newest: Fork) -> None:
    chain = chain_at(newest)
    containers = containers_of(newest, chain.preset)
    start = bootstrap_at(16, chain=chain)
    assert containers.bootstrap.decode(containers.bootstrap.encode(start)) == start
    full = update_of(18, finalized=17, brings=keys_of(3), chain=chain)
    assert containers.update.decode(containers.update.encode(full)) == full
    finality = update_of(18, finalized=17, chain=chain)
    assert containers.finality_update.decode(containers.finality_update.encode(finality)) == finality
    optimistic = update_of(18, finalized=None, chain=chain)
    assert containers.optimistic_update.decode(containers.optimistic_update.encode(optimistic)) == optimistic
