"""What a client of FISCO BCOS believes, refuses and remembers, on chains with sealers of our own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    InvalidSignature,
    LimitExceeded,
    MalformedProof,
    NotEnoughTrust,
    NotMisbehaviour,
    TimeNotIncreasing,
    TrustExpired,
    UnknownHeight,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.fisco_bcos.belief import BLOCKS_MAX, SEALER_LISTS_MAX, encode_belief, newest
from proofs.fisco_bcos.client import FiscoBcosClient, bootstrap, decode_client
from proofs.fisco_bcos.headers import Header, HeaderV2, HeaderV3
from proofs.fisco_bcos.host import HostLayout
from proofs.fisco_bcos.spec import EVIDENCE_BYTES_MAX, Step, encode_step
from proofs.fisco_bcos.types import Generation, SealerSet, SealerSignature, Suite
from proofs.light_client import ClientState, Height, LightClient
from tests.proofs.fisco_bcos.builders import (
    LAYOUT,
    NOW,
    SM,
    STANDARD,
    START_MS,
    V2,
    V3,
    Chain,
    evidence,
    header,
    parameters,
    sealer,
    sealers,
    signed,
)

KINDS = tuple((generation, suite) for generation in Generation for suite in Suite)


def chain_of(length: int = 4, generation: Generation = V2, suite: Suite = STANDARD) -> Chain:
    chain = Chain(generation, suite)
    chain.grow(length - 1)
    return chain


@pytest.mark.parametrize(("generation", "suite"), KINDS)
def test_it_follows_an_honest_chain_and_survives_its_encoding(generation: Generation, suite: Suite) -> None:
    chain = chain_of(4, generation, suite)
    client: LightClient = chain.client().update(chain.step(2, 3), now=NOW).update(chain.step(4, 4), now=NOW)
    assert client.latest() == Height(0, 4)
    assert [client.timestamp_at(Height(0, each)) for each in (1, 4)] == [1_700_000_001, 1_700_000_004]
    assert client.status(NOW).state is ClientState.ACTIVE
    assert client.status(1_700_000_004 + 86_400).state is ClientState.EXPIRED
    assert decode_client(client.encode()) == client
    assert (client.family, client.portable) == ("fisco-bcos", True)


def test_seals_of_sm_chains_may_leave_out_the_key() -> None:
    chain = chain_of(2, V3, SM)
    step = signed(chain.headers[1:], chain.keys, suite=SM)
    bare = replace(step, signatures=tuple(SealerSignature(e.index, e.signature[:64]) for e in step.signatures))
    assert chain.client().update(encode_step(bare), now=NOW).latest().number == 2
    swapped = replace(bare, signatures=tuple(replace(each, index=3 - each.index) for each in bare.signatures))
    with pytest.raises(InvalidSignature):
        chain.client().update(encode_step(swapped), now=NOW)


def test_what_is_known_already_changes_nothing() -> None:
    chain = chain_of(3)
    client = chain.follower()
    assert client.update(chain.step(2, 3), now=NOW) == client
    assert client.update(chain.step(2, 2), now=NOW) == client


# --- quorum


@pytest.mark.parametrize(
    ("count", "quorum"), ((1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (10, 7), (13, 9))
)
def test_quorum_of_equal_sealers(count: int, quorum: int) -> None:
    chain = Chain(keys=sealers(count=count))
    step = signed(chain.headers, chain.keys, range(quorum))
    given: dict[str, Any] = {
        "checkpoint_hash": chain.headers[0].hash(STANDARD),
        "parameters": parameters(),
        "layout": LAYOUT,
    }
    assert bootstrap(encode_step(step), **given).latest().number == 1
    with pytest.raises(InsufficientVotingPower) as refused:
        bootstrap(encode_step(signed(chain.headers, chain.keys, range(quorum - 1))), **given)
    assert (refused.value.signed, refused.value.total) == (quorum - 1, count)


@pytest.mark.parametrize("seed", range(20))
def test_quorum_is_counted_by_weight(seed: int) -> None:
    chance = random.Random(seed)
    keys = sealers(count=chance.randrange(1, 8))
    weights = tuple(chance.randrange(1, 100) for _ in keys)
    by = [each for each in range(len(keys)) if chance.random() < 0.8]
    top = header(V3, 1, b"\x0a" * 32, keys, weights=weights)
    enough = 3 * sum(weights[each] for each in by) > 2 * sum(weights)
    given: dict[str, Any] = {"checkpoint_hash": top.hash(STANDARD), "parameters": parameters(V3), "layout": LAYOUT}
    if enough:
        assert bootstrap(evidence([top], keys, by), **given).latest().number == 1
        return
    with pytest.raises(InsufficientVotingPower) as refused:
        bootstrap(evidence([top], keys, by), **given)
    assert (refused.value.signed, refused.value.total) == (sum(weights[each] for each in by), sum(weights))


def test_no_signature_at_all_is_no_quorum() -> None:
    """As on Raft chains, or in a sync of blocks without transactions."""
    chain = chain_of(2)
    with pytest.raises(InsufficientVotingPower):
        chain.client().update(chain.step(2, 2, by=()), now=NOW)


# --- each rule of a step


def changed_header(**fields: Any) -> bytes:
    chain = chain_of(3)
    top = replace(chain.headers[1], **fields)
    return evidence([top], chain.keys)


def changed_v3(**fields: Any) -> bytes:
    chain = chain_of(2, V3)
    return evidence([replace(chain.headers[1], **fields)], chain.keys)


def changed_signatures(change: Callable[[Step], tuple[SealerSignature, ...]]) -> bytes:
    chain = chain_of(2)
    step = signed(chain.headers[1:], chain.keys)
    return encode_step(replace(step, signatures=change(step)))


def many_headers(count: int) -> bytes:
    chain = chain_of(count + 1)
    return chain.step(2, count + 1)


STRANGER = sealer(STANDARD, 99)
KEYS = tuple(each.public for each in sealers())
OTHER_HASH = b"\x0b" * 32
MANY_KEYS = tuple(each.to_bytes(64, "big") for each in range(200))

V2_REFUSED: dict[str, tuple[Callable[[], bytes], type[VerificationError], dict[str, Any]]] = {
    "another parent": (lambda: changed_header(parent_hash=OTHER_HASH), ValueMismatch, {"part": "parent hash"}),
    "a gap": (
        lambda: evidence([chain_of(4).headers[1], chain_of(4).headers[3]], sealers()),
        HeightNotIncreasing,
        {"got": 4, "trusted": 2},
    ),
    "time runs backwards": (lambda: changed_header(time_ms=START_MS + 999), TimeNotIncreasing, {"got": START_MS + 999}),
    "time in the future": (
        lambda: changed_header(time_ms=(NOW + 11) * 1_000),
        HeaderFromFuture,
        {"header_time": NOW + 11, "now": NOW, "drift": 10},
    ),
    "time in another unit": (lambda: changed_header(time_ms=START_MS * 1_000), MalformedProof, {"part": "time"}),
    "no sealers": (
        lambda: evidence([replace(chain_of(2).headers[1], sealers=())], ()[:0], ()),
        MalformedProof,
        {"part": "sealers"},
    ),
    "a sealer twice": (lambda: changed_header(sealers=(*KEYS, KEYS[0])), DuplicateSigner, {"signer": KEYS[0]}),
    "too many sealers": (
        lambda: changed_header(sealers=tuple(each.to_bytes(64, "big") for each in range(257))),
        LimitExceeded,
        {"part": "sealers", "got": 257, "limit": 256},
    ),
    "a proposer outside": (lambda: changed_header(sealer=4), MalformedProof, {"part": "proposer", "got": 4}),
    "a short key": (lambda: changed_header(sealers=(*KEYS[:3], KEYS[3][1:])), MalformedProof, {"part": "sealer"}),
    "no headers": (lambda: encode_step(Step((), ())), MalformedProof, {"part": "headers", "got": 0}),
    "too many headers": (lambda: many_headers(129), LimitExceeded, {"part": "headers", "got": 129, "limit": 128}),
    "too many bytes": (
        lambda: bytes(EVIDENCE_BYTES_MAX + 1),
        LimitExceeded,
        {"part": "evidence", "got": EVIDENCE_BYTES_MAX + 1},
    ),
    "a header of 3.x": (lambda: evidence(chain_of(2, V3).headers[1:], sealers()), MalformedProof, {"part": "header"}),
    "one signer twice": (
        lambda: changed_signatures(lambda step: (*step.signatures[:2], step.signatures[1])),
        DuplicateSigner,
        {"signer": KEYS[1]},
    ),
    "an index outside": (
        lambda: changed_signatures(lambda step: (*step.signatures[:2], replace(step.signatures[2], index=4))),
        UnknownSigner,
        {"signers": "4 sealers of the header"},
    ),
    "somebody else's index": (
        lambda: changed_signatures(lambda step: (*step.signatures[:2], replace(step.signatures[2], index=3))),
        UnknownSigner,
        {"signer": KEYS[2], "signers": "the sealer of this index"},
    ),
    "more signatures than sealers": (
        lambda: changed_signatures(lambda step: step.signatures * 2),
        LimitExceeded,
        {"part": "signatures", "got": 6, "limit": 4},
    ),
    "a signature of another hash": (
        lambda: changed_signatures(
            lambda step: (*step.signatures[:2], SealerSignature(2, sealers()[2].sign(OTHER_HASH)))
        ),
        UnknownSigner,
        {"signers": "the sealer of this index"},
    ),
    "a short signature": (
        lambda: changed_signatures(lambda step: (SealerSignature(0, step.signatures[0].signature[:64]),)),
        InvalidSignature,
        {"scheme": "secp256k1: 64 bytes, not 65"},
    ),
    "a start that is not known": (
        lambda: chain_of(4).step(4, 4),
        UnknownHeight,
        {"number": 3},
    ),
}

V3_REFUSED: dict[str, tuple[Callable[[], bytes], type[VerificationError], dict[str, Any]]] = {
    "version of zero": (lambda: changed_v3(version=0), MalformedProof, {"part": "header version", "got": 0}),
    "a negative version": (lambda: changed_v3(version=1 << 31), MalformedProof, {"part": "header version"}),
    "two parents": (lambda: changed_v3(parents=((1, OTHER_HASH),) * 2), MalformedProof, {"part": "parents", "got": 2}),
    "a parent of another height": (
        lambda: changed_v3(parents=((0, chain_of(1, V3).headers[0].hash(STANDARD)),)),
        ValueMismatch,
        {"part": "parent number", "got": 0, "expected": 1},
    ),
    "gas that is no number": (lambda: changed_v3(gas_used="021000"), MalformedProof, {"part": "gas used"}),
    "gas that is empty": (lambda: changed_v3(gas_used=""), MalformedProof, {"part": "gas used"}),
    "gas with a line end": (lambda: changed_v3(gas_used="21000\n"), MalformedProof, {"part": "gas used"}),
    "extra data": (lambda: changed_v3(extra_data=b"\x00"), UnsupportedProof, {"part": "extra data"}),
    "fewer weights": (lambda: changed_v3(weights=(1, 1, 1)), MalformedProof, {"part": "weights", "got": 3}),
    "a weight of zero": (lambda: changed_v3(weights=(1, 1, 1, 0)), MalformedProof, {"part": "weight", "got": 0}),
    "weights beyond 64 bits": (
        lambda: changed_v3(sealers=MANY_KEYS, weights=((1 << 56) - 1,) * len(MANY_KEYS)),
        LimitExceeded,
        {"part": "total weight"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("generation", "name"), (*((V2, name) for name in V2_REFUSED), *((V3, name) for name in V3_REFUSED))
)
def test_invalid_step(generation: Generation, name: str) -> None:
    make, error, fields = (V2_REFUSED if generation is V2 else V3_REFUSED)[name]
    with pytest.raises(error) as refused:
        chain_of(1, generation).client().update(make(), now=NOW)
    assert type(refused.value) is error
    assert {name: getattr(refused.value, name) for name in fields} == fields


def test_text_of_gas_is_ascii() -> None:
    honest = chain_of(2, V3).step(2, 2)
    with pytest.raises(MalformedProof) as refused:
        chain_of(1, V3).client().update(honest.replace(b"21000", b"2100\xff"), now=NOW)
    assert refused.value.expected == "ASCII text"


def test_a_key_that_came_with_an_sm2_signature_is_not_believed() -> None:
    chain = chain_of(2, V3, SM)
    step = signed(chain.headers[1:], chain.keys, suite=SM)
    digest = chain.headers[1].hash(SM)
    forged = SealerSignature(1, sealer(SM, 99).sign(digest))
    with pytest.raises(UnknownSigner):
        chain.client().update(encode_step(replace(step, signatures=(step.signatures[0], forged))), now=NOW)
    long = SealerSignature(0, step.signatures[0].signature + b"\x00")
    with pytest.raises(InvalidSignature) as refused:
        chain.client().update(encode_step(replace(step, signatures=(long,))), now=NOW)
    assert refused.value.scheme == "sm2: 129 bytes, not 128"


def test_time_may_stand_still() -> None:
    assert chain_of(1).client().update(changed_header(time_ms=START_MS + 1_000), now=NOW).latest().number == 2


def test_the_last_second_of_the_drift_counts() -> None:
    step = changed_header(time_ms=(NOW + 11) * 1_000 - 1)
    assert chain_of(1).client().update(step, now=NOW).latest().number == 2


# --- sealers change


@pytest.mark.parametrize("generation", Generation)
def test_one_sealer_more_or_less_is_followed(generation: Generation) -> None:
    chain = chain_of(2, generation)
    chain.keys = sealers(count=5)
    chain.grow()
    client = chain.client().update(chain.step(2, 3, by=(0, 1, 2, 4)), now=NOW)
    chain.keys = sealers(count=3, first=2)
    chain.grow()
    client = client.update(chain.step(4, 4), now=NOW)
    assert client.belief.blocks[-1].sealers.keys == tuple(each.public for each in sealers(count=3, first=2))


def test_new_sealers_need_more_than_a_third_of_the_known_ones() -> None:
    """A list in a header proves nothing: its own quorum signed, but only one of four that are known."""
    chain = chain_of(1)
    chain.keys = (*sealers(count=1), *sealers(count=6, first=50))
    chain.grow()
    with pytest.raises(NotEnoughTrust) as refused:
        chain.client().update(chain.step(2, 2, by=range(7)), now=NOW)
    assert (refused.value.signed, refused.value.total) == (1, 4)


def test_strangers_are_not_believed() -> None:
    chain = chain_of(1)
    chain.keys = sealers(count=4, first=50)
    chain.grow()
    with pytest.raises(NotEnoughTrust):
        chain.client().update(chain.step(2, 2), now=NOW)


def test_trust_is_counted_by_the_weight_that_was_known() -> None:
    """The one old sealer that stays had 30 of 33 before, and has 1 of 7 now."""
    chain = Chain(V3, weights=(30, 1, 1, 1))
    client = bootstrap(
        chain.step(1, 1), checkpoint_hash=chain.headers[0].hash(STANDARD), parameters=parameters(V3), layout=LAYOUT
    )
    chain.keys, chain.weights = (*sealers(count=1), *sealers(count=6, first=50)), (1,) * 7
    chain.grow()
    assert client.update(chain.step(2, 2, by=range(5)), now=NOW).latest().number == 2
    with pytest.raises(NotEnoughTrust) as refused:
        client.update(chain.step(2, 2, by=(1, 2, 3, 4, 5)), now=NOW)
    assert (refused.value.signed, refused.value.total) == (0, 33)


def test_a_rotation_is_followed_in_shorter_steps() -> None:
    chain = chain_of(1)
    for first in (2, 3, 4, 5):
        chain.keys = sealers(count=4, first=first)
        chain.grow()
    client = chain.client()
    with pytest.raises(NotEnoughTrust):
        client.update(chain.step(2, 5), now=NOW)
    chain.keys = sealers(count=4, first=3)
    client = client.update(chain.step(2, 3), now=NOW)
    chain.keys = sealers(count=4, first=5)
    assert client.update(chain.step(4, 5), now=NOW).latest().number == 5


def test_another_group_of_the_same_sealers_is_another_chain() -> None:
    """No header names its group. A block of the other group is signed by the right keys, and builds on other blocks."""
    other = Chain()
    other.headers = [header(V2, 1, b"\x0c" * 32, other.keys)]
    other.grow()
    with pytest.raises(ValueMismatch) as refused:
        chain_of(1).client().update(other.step(2, 2), now=NOW)
    assert refused.value.part == "parent hash"


# --- status, misbehaviour, checkpoint


def fork(chain: Chain) -> Chain:
    other = Chain(chain.generation, chain.suite)
    other.headers = chain.headers[:1]
    other.grow(receipts_root=b"\x33" * 32)
    return other


@pytest.mark.parametrize("generation", Generation)
def test_a_second_final_block_freezes(generation: Generation) -> None:
    chain = chain_of(3, generation)
    client = chain.follower()
    frozen = client.update(fork(chain).step(2, 2), now=NOW)
    assert frozen.belief.frozen_at == 2
    assert frozen.status(NOW).state is ClientState.FROZEN
    assert decode_client(frozen.encode()) == frozen
    for use in (
        lambda: frozen.update(chain.step(2, 2), now=NOW),
        lambda: frozen.check([], at=Height(0, 2), proof=b""),
        lambda: frozen.misbehaviour(b"", b"", now=NOW),
    ):
        with pytest.raises(ClientFrozen) as refused:
            use()
        assert refused.value.frozen_at == 2


def test_misbehaviour() -> None:
    chain = chain_of(3)
    client, other = chain.client(), fork(chain)
    client.misbehaviour(chain.step(2, 3), other.step(2, 2), now=NOW)
    with pytest.raises(NotMisbehaviour):
        client.misbehaviour(chain.step(2, 3), chain.step(2, 2), now=NOW)
    with pytest.raises(InsufficientVotingPower):
        client.misbehaviour(chain.step(2, 3), other.step(2, 2, by=(0, 1)), now=NOW)


def test_old_trust_expires() -> None:
    chain = chain_of(2)
    expiry = 1_700_000_001 + 86_400
    chain.client().update(chain.step(2, 2), now=expiry - 1)
    with pytest.raises(TrustExpired) as refused:
        chain.client().update(chain.step(2, 2), now=expiry)
    assert (refused.value.expired_at, refused.value.now) == (expiry, expiry)


def test_heights_of_another_revision_or_unknown() -> None:
    with pytest.raises(WrongLedger) as refused:
        chain_of(1).client().timestamp_at(Height(1, 1))
    assert refused.value.part == "revision"
    with pytest.raises(UnknownHeight):
        chain_of(1).client().timestamp_at(Height(0, 2))


def start(chain: Chain, **changed: Any) -> FiscoBcosClient:
    given: dict[str, Any] = {
        "evidence": chain.step(1, 1),
        "checkpoint_hash": chain.headers[0].hash(STANDARD),
        "parameters": parameters(chain.generation),
        "layout": LAYOUT,
        **changed,
    }
    return bootstrap(given.pop("evidence"), **given)


def genesis(keys: tuple[bytes, ...] = KEYS) -> bytes:
    return evidence([replace(chain_of(1).headers[0], number=0, sealers=keys)], sealers())


CHECKPOINTS: dict[str, tuple[dict[str, Any], type[VerificationError], str]] = {
    "another hash": ({"checkpoint_hash": OTHER_HASH}, WrongLedger, "checkpoint"),
    "several headers": ({"evidence": chain_of(2).step(1, 2)}, MalformedProof, "checkpoint headers"),
    "genesis": ({"evidence": genesis()}, UnsupportedProof, "checkpoint height"),
    "no period": ({"parameters": replace(parameters(), trusting_period=0)}, MalformedProof, "trusting period"),
    "an endless drift": ({"parameters": replace(parameters(), clock_drift=1 << 32)}, MalformedProof, "clock drift"),
    "no chain id": ({"parameters": replace(parameters(), chain_id="")}, MalformedProof, "chain id"),
    "a long group id": ({"parameters": replace(parameters(), group_id="g" * 65)}, MalformedProof, "group id"),
    "a group id that is no ASCII": ({"parameters": replace(parameters(), group_id="é")}, MalformedProof, "group id"),
    "a short host": ({"layout": HostLayout(bytes(19), STANDARD)}, MalformedProof, "host address"),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_invalid_checkpoint(name: str) -> None:
    changed, error, part = CHECKPOINTS[name]
    with pytest.raises(error) as refused:
        start(chain_of(1), **changed)
    assert refused.value.part == part  # type: ignore[attr-defined]  # all of these have one


# --- encoding


def test_a_client_forgets_its_oldest_blocks() -> None:
    client = chain_of(2).follower()
    first, second = client.belief.blocks
    many = tuple(replace(second, number=each) for each in range(BLOCKS_MAX + 5))
    assert newest(many) == many[5:]
    lists = [SealerSet((each.to_bytes(64, "big"),), (1,)) for each in range(SEALER_LISTS_MAX + 3)]
    rotating = tuple(replace(first, sealers=lists[each // 2], number=each) for each in range(2 * len(lists)))
    assert newest(rotating) == rotating[6:]


def unequal_lists() -> bytes:
    block = chain_of(1).client().belief.blocks[0]
    return belief_with(blocks=(replace(block, sealers=SealerSet(KEYS, (1, 1, 1))),))


def belief_with(**changed: Any) -> bytes:
    return encode_belief(replace(chain_of(3).follower().belief, **changed))


def parameters_with(**changed: Any) -> bytes:
    return belief_with(parameters=replace(parameters(), **changed))


def layout_with(**changed: Any) -> bytes:
    return belief_with(layout=replace(LAYOUT, **changed))


def blocks_with(index: int, **changed: Any) -> bytes:
    blocks = list(chain_of(3).follower().belief.blocks)
    blocks[index] = replace(blocks[index], **changed)
    return belief_with(blocks=tuple(blocks))


def two_lists() -> bytes:
    """Sealers of block 3 in another list than those of the others, then named by the first: not the one encoding."""
    honest = chain_of(3).follower().encode()
    extra = blocks_with(2, sealers=SealerSet((b"\x77" * 64,), (1,)))
    return honest if extra == honest else extra[:-2] + b"\x80" + extra[-1:]


ENCODINGS: dict[str, tuple[Callable[[], bytes], type[VerificationError], str]] = {
    "another version": (lambda: b"\x02" + chain_of(1).client().encode()[1:], UnsupportedProof, "client version"),
    "nothing": (lambda: b"", UnsupportedProof, "client version"),
    "too long": (lambda: b"\x01" + bytes(2 << 20), LimitExceeded, "client"),
    "no blocks": (lambda: belief_with(blocks=()), MalformedProof, "blocks"),
    "a block 0": (lambda: blocks_with(0, number=0), MalformedProof, "block number"),
    "another parent": (lambda: blocks_with(1, parent_hash=OTHER_HASH), ValueMismatch, "parent hash"),
    "time in another unit": (lambda: blocks_with(2, time_ms=1 << 60), MalformedProof, "time"),
    "no weight": (lambda: blocks_with(2, sealers=SealerSet((b"\x77" * 64,), (0,))), MalformedProof, "weight"),
    "one weight less": (unequal_lists, MalformedProof, "weights"),
    "unused list": (two_lists, ValueMismatch, "client encoding"),
    "no period": (lambda: parameters_with(trusting_period=0), MalformedProof, "trusting period"),
    "unknown suite": (lambda: parameters_with(suite=3), UnsupportedProof, "parameters"),
    "unknown compiler": (lambda: layout_with(compiler=3), UnsupportedProof, "compiler"),
    "too many lists": (lambda: belief_with(blocks=many_lists()), LimitExceeded, "sealer lists"),
}  # fmt: skip


def many_lists() -> tuple[Any, ...]:
    block = chain_of(1).client().belief.blocks[0]
    lists = (SealerSet((each.to_bytes(64, "big"),), (1,)) for each in range(SEALER_LISTS_MAX + 1))
    return tuple(replace(block, sealers=each) for each in lists)


@pytest.mark.parametrize("name", ENCODINGS)
def test_invalid_client(name: str) -> None:
    make, error, part = ENCODINGS[name]
    with pytest.raises(error) as refused:
        decode_client(make())
    assert refused.value.part == part  # type: ignore[attr-defined]  # all of these have one


def test_known_blocks_have_no_gaps_and_no_time_that_runs_backwards() -> None:
    with pytest.raises(HeightNotIncreasing):
        decode_client(blocks_with(2, number=4))
    with pytest.raises(TimeNotIncreasing):
        decode_client(blocks_with(2, time_ms=1))


def test_a_sealer_list_that_is_not_there() -> None:
    honest = chain_of(1).client().encode()
    # The last byte of the block is the place of its list, 0; after it stands the empty list of "not frozen".
    assert honest[-2:] == b"\x80\xc0"
    with pytest.raises(MalformedProof) as refused:
        decode_client(honest[:-2] + b"\x01\xc0")
    assert refused.value.part == "sealer list"


def test_hashes_of_headers_cover_every_field() -> None:
    for chain in (chain_of(2), chain_of(2, V3)):
        honest: Header = chain.headers[1]
        for name in type(honest).__dataclass_fields__:
            value: Any = getattr(honest, name)
            changed = replace(honest, **{name: other_than(value)})
            assert changed.hash(STANDARD) != honest.hash(STANDARD), name
    assert isinstance(chain_of(1).headers[0], HeaderV2)
    assert isinstance(chain_of(1, V3).headers[0], HeaderV3)


def other_than(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return bytes((value[0] ^ 1,)) + value[1:] if value else b"\x01"
    if isinstance(value, str):
        return value + "0"
    return (*value[:-1], other_than(value[-1])) if value else (b"\x01",)
