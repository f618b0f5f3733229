"""What a client starts from and is stored as: checkpoints, configuration, and the one encoding of each belief."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proofs.encoding.scale import encode_u64
from proofs.errors import (
    DuplicateSigner,
    HeightNotIncreasing,
    LimitExceeded,
    MalformedProof,
    RootMismatch,
    TimeNotIncreasing,
    UnsupportedProof,
    VerificationError,
    WrongLedger,
)
from proofs.substrate import membership
from proofs.substrate.authorities import encode_authorities
from proofs.substrate.belief import Belief, encode_belief
from proofs.substrate.client import SubstrateClient, bootstrap, decode_client
from proofs.substrate.evidence import EVIDENCE_BYTES_MAX, Checkpoint, encode_checkpoint
from proofs.substrate.headers import header_hash
from proofs.substrate.host import HostLayout
from proofs.substrate.types import Authorities, Change
from tests.proofs.substrate.builders import (
    LAYOUT,
    NOW,
    PARAMETERS,
    SET_ID,
    START,
    Chain,
    authorities,
    chain_of,
    keys,
)

PENDING = Change(START + 1, START + 9, authorities(keys(2, first=30)))


def with_state(**entries: Any) -> Chain:
    """A chain whose second block has another state."""
    chain = chain_of(1)
    chain.grow(entries={getattr(membership, name): value for name, value in entries.items()})
    return chain


def start(chain: Chain, **changed: Any) -> SubstrateClient:
    header = chain.header(chain.last)
    given: dict[str, Any] = {
        "evidence": chain.checkpoint(chain.last),
        "checkpoint_hash": header_hash(header),
        "parameters": PARAMETERS,
        "layout": LAYOUT,
        **changed,
    }
    return bootstrap(given.pop("evidence"), **given)


def test_a_checkpoint_says_who_votes_next() -> None:
    chain = chain_of(3)
    believed = start(chain).belief
    assert believed.sets[0].authorities == authorities(keys())
    assert (believed.sets[0].set_id, believed.sets[0].since) == (SET_ID, START + 2)
    assert start(with_state(GRANDPA_SET_ID=None)).belief.sets[0].set_id == 0


def test_a_client_starts_in_the_middle_of_changes() -> None:
    chain = chain_of(2)
    chain.change(keys(5, first=20))
    chain.grow(2)
    client = chain.client(chain.last - 1)
    assert client.belief.sets[0].set_id == SET_ID + 1
    assert client.update(chain.step(chain.last, chain.last, by=range(4)), now=NOW).latest().number == chain.last


def other_header(chain: Chain) -> bytes:
    header = replace(chain.header(chain.last), extrinsics_root=b"\x77" * 32)
    return encode_checkpoint(Checkpoint(header, chain.state(chain.last).nodes(membership.CHECKPOINT_KEYS)))


def stale_state(chain: Chain) -> bytes:
    nodes = chain.state(START).nodes(membership.CHECKPOINT_KEYS)
    return encode_checkpoint(Checkpoint(chain.header(chain.last), nodes))


def parameters_with(**changed: Any) -> SubstrateClient:
    return start(chain_of(1), parameters=replace(PARAMETERS, **changed))


CHECKPOINTS: dict[str, tuple[Callable[[], object], type[VerificationError], str]] = {
    "another hash": (lambda: start(chain_of(1), checkpoint_hash=b"\x77" * 32), WrongLedger, "checkpoint"),
    "another header": (lambda: start(c := chain_of(1), evidence=other_header(c)), WrongLedger, "checkpoint"),
    "another chain": (lambda: start(with_state(GENESIS_HASH=b"\x77" * 32)), WrongLedger, "genesis hash"),
    "no chain": (lambda: start(with_state(GENESIS_HASH=None)), WrongLedger, "genesis hash"),
    "a change on its way": (lambda: start(with_state(GRANDPA_PENDING=b"\x00")), UnsupportedProof, "checkpoint"),
    "no authorities": (lambda: start(with_state(GRANDPA_AUTHORITIES=None)), MalformedProof, "Grandpa.Authorities"),
    "nobody": (lambda: start(with_state(GRANDPA_AUTHORITIES=b"\x00")), MalformedProof, "authorities"),
    "no weight": (
        lambda: start(with_state(GRANDPA_AUTHORITIES=encode_authorities(authorities(keys(1), (0,))))),
        MalformedProof,
        "authority weight",
    ),
    "bytes behind authorities": (
        lambda: start(with_state(GRANDPA_AUTHORITIES=encode_authorities(authorities(keys())) + b"\x00")),
        MalformedProof,
        "Grandpa.Authorities",
    ),
    "a short set id": (lambda: start(with_state(GRANDPA_SET_ID=bytes(7))), MalformedProof, "Grandpa.CurrentSetId"),
    "a long set id": (lambda: start(with_state(GRANDPA_SET_ID=bytes(9))), MalformedProof, "Grandpa.CurrentSetId"),
    "a set id that nobody reaches": (
        lambda: start(with_state(GRANDPA_SET_ID=encode_u64(1 << 32))),
        LimitExceeded,
        "set id",
    ),
    "no time": (lambda: start(with_state(TIMESTAMP_NOW=None)), MalformedProof, "Timestamp.Now"),
    "the state of another block": (
        lambda: start(c := chain_of(2), evidence=stale_state(c)),
        RootMismatch,
        "",
    ),
    "bytes behind it": (
        lambda: start(c := chain_of(1), evidence=c.checkpoint() + b"\x00"),
        MalformedProof,
        "checkpoint",
    ),
    "too long": (lambda: start(chain_of(1), evidence=bytes(EVIDENCE_BYTES_MAX + 1)), LimitExceeded, "evidence"),
    "no period": (lambda: parameters_with(trusting_period=0), MalformedProof, "trusting period"),
    "an endless drift": (lambda: parameters_with(clock_drift=1 << 32), MalformedProof, "clock drift"),
    "a short genesis": (lambda: parameters_with(genesis_hash=b""), MalformedProof, "genesis hash"),
    "a short prefix": (lambda: start(chain_of(1), layout=HostLayout(bytes(31))), MalformedProof, "storage prefix"),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_invalid_checkpoint(name: str) -> None:
    make, error, part = CHECKPOINTS[name]
    with pytest.raises(error) as refused:
        make()
    assert part in (getattr(refused.value, "part", ""), "")


def test_a_repeated_authority_in_a_checkpoint() -> None:
    doubled = encode_authorities(authorities((*keys(2), *keys(1))))
    with pytest.raises(DuplicateSigner):
        start(with_state(GRANDPA_AUTHORITIES=doubled))


def test_the_last_set_id_has_no_next() -> None:
    chain = Chain(set_id=(1 << 32) - 1)
    old = chain.signers
    chain.change(keys(4, first=20))
    with pytest.raises(LimitExceeded) as refused:
        chain.client().update(chain.step(chain.last, chain.last, signers=old, set_id=(1 << 32) - 1), now=NOW)
    assert (refused.value.part, refused.value.got) == ("set id", 1 << 32)


# --- encoding


def believed() -> Belief:
    """Three blocks, two sets, and a change on its way."""
    chain = chain_of(2)
    old = chain.signers
    chain.change(keys(4, first=20))
    chain.grow(1)
    client = chain.client().update(chain.step(chain.last - 1, chain.last - 1, signers=old, set_id=SET_ID), now=NOW)
    client = client.update(chain.step(chain.last, chain.last), now=NOW)
    latest = client.belief.latest.number
    pending = Change(latest, latest + 4, authorities(keys(2, first=30)))
    return replace(client.belief, pending=pending)


def with_(**changed: Any) -> bytes:
    return encode_belief(replace(believed(), **changed))


def with_block(index: int, **changed: Any) -> bytes:
    blocks = list(believed().blocks)
    blocks[index] = replace(blocks[index], **changed)
    return with_(blocks=tuple(blocks))


def with_set(index: int, **changed: Any) -> bytes:
    sets = list(believed().sets)
    sets[index] = replace(sets[index], **changed)
    return with_(sets=tuple(sets))


LATEST = START + 3

ENCODINGS: dict[str, tuple[Callable[[], bytes], type[VerificationError], dict[str, object]]] = {
    "nothing": (lambda: b"", UnsupportedProof, {"part": "client version"}),
    "another version": (lambda: b"\x02" + with_()[1:], UnsupportedProof, {"part": "client version", "expected": 1}),
    "too long": (lambda: b"\x01" + bytes(1 << 20), LimitExceeded, {"part": "client"}),
    "bytes behind it": (lambda: with_() + b"\x00", MalformedProof, {"part": "client"}),
    "no period": (
        lambda: with_(parameters=replace(PARAMETERS, trusting_period=0)), MalformedProof, {"part": "trusting period"},
    ),
    "no blocks": (lambda: with_(blocks=()), MalformedProof, {"part": "blocks", "got": 0}),
    "a block twice": (
        lambda: with_block(1, number=START), HeightNotIncreasing, {"got": START, "trusted": START},
    ),
    "time that runs backwards": (lambda: with_block(2, time_ms=1), TimeNotIncreasing, {"got": 1}),
    "time in another unit": (lambda: with_block(2, time_ms=1 << 60), MalformedProof, {"part": "time"}),
    "no sets": (lambda: with_(sets=()), MalformedProof, {"part": "authority sets", "got": 0}),
    "too many sets": (lambda: with_(sets=believed().sets * 3), LimitExceeded, {"got": 6, "limit": 4}),
    "too many blocks": (lambda: with_(blocks=believed().blocks * 342), LimitExceeded, {"got": 1_026, "limit": 1_024}),
    "a set left out": (
        lambda: with_set(1, set_id=SET_ID + 2), MalformedProof, {"part": "set id", "got": SET_ID + 2},
    ),
    "sets that begin together": (
        lambda: with_set(1, since=START), HeightNotIncreasing, {"got": START, "trusted": START},
    ),
    "a set of a block that is not final": (
        lambda: with_set(1, since=LATEST + 1), MalformedProof, {"part": "authority set"},
    ),
    "a set id that nobody reaches": (
        lambda: with_(sets=(replace(believed().sets[1], set_id=1 << 32),)), LimitExceeded, {"part": "set id"},
    ),
    "a set of nobody": (
        lambda: with_set(1, authorities=Authorities((), ())), MalformedProof, {"part": "authorities"},
    ),
    "a change that has come to pass": (
        lambda: with_(pending=replace(PENDING, effective=LATEST)), MalformedProof, {"part": "pending change"},
    ),
    "a change that was announced by nobody": (
        lambda: with_(pending=replace(PENDING, announced=LATEST + 1)), MalformedProof, {"part": "pending change"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODINGS)
def test_invalid_client(name: str) -> None:
    make, error, fields = ENCODINGS[name]
    with pytest.raises(error) as refused:
        decode_client(make())
    assert {each: getattr(refused.value, each) for each in fields} == fields


def test_every_belief_has_one_encoding() -> None:
    for belief in (believed(), replace(believed(), pending=None), replace(believed(), frozen_at=3)):
        assert decode_client(encode_belief(belief)).belief == belief


def test_a_client_of_the_largest_sets_fits() -> None:
    many = Authorities(tuple(n.to_bytes(32, "big") for n in range(4_096)), (1,) * 4_096)
    belief = believed()
    sets = tuple(replace(belief.sets[0], set_id=n, since=n, authorities=many) for n in range(4))
    pending = replace(PENDING, authorities=many)
    full = replace(belief, sets=sets, pending=pending)
    encoded = encode_belief(full)
    assert decode_client(encoded).belief == full
    assert len(encoded) + 1_024 * 76 < 1 << 20
