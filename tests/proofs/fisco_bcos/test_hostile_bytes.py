"""Whatever bytes come: refusals of our own, nothing else; and never after much work."""

from __future__ import annotations

from time import process_time

import pytest

from proofs.encoding import rlp
from proofs.encoding.proof_batch import join_batch
from proofs.errors import VerificationError
from proofs.fisco_bcos import membership
from proofs.fisco_bcos.client import decode_client
from proofs.fisco_bcos.spec import EVIDENCE_BYTES_MAX
from proofs.fisco_bcos.types import Generation
from tests.proofs.fisco_bcos.builders import NOW, SENT, SM, V3, Chain, world
from tests.proofs.fuzzing import assert_only_refusals

CASES = 600


@pytest.mark.parametrize("generation", Generation)
def test_evidence(generation: Generation) -> None:
    chain = Chain(generation)
    chain.grow(3)
    client = chain.client()
    seeds = [chain.step(2, 2), chain.step(2, 4)]
    taken = assert_only_refusals(lambda data: client.update(data, now=NOW), seeds, CASES)
    # A signature that was not needed may be anything that leaves the others alone; nothing else may change.
    assert taken == 0


def test_evidence_of_sm_chains() -> None:
    chain = Chain(V3, SM)
    chain.grow()
    assert assert_only_refusals(lambda data: chain.client().update(data, now=NOW), [chain.step(2, 2)], 60) == 0


@pytest.mark.parametrize("generation", Generation)
def test_proofs(generation: Generation) -> None:
    honest = world(generation)

    def check(data: bytes) -> None:
        honest.client.check([SENT], at=honest.at, proof=join_batch([data]))

    decode = membership.decode_v2 if generation is Generation.V2 else membership.decode_v3
    assert assert_only_refusals(check, [honest.encoded()], CASES) == 0
    assert_only_refusals(decode, [honest.encoded()], CASES)


def test_clients() -> None:
    honest = world(V3).client

    def use(data: bytes) -> None:
        client = decode_client(data)
        assert decode_client(client.encode()) == client

    assert_only_refusals(use, [honest.encode(), honest.frozen(2).encode()], CASES)


@pytest.mark.parametrize("piece", (b"\x80", b"\xc0", b"\xc1\xc0", b"\xb8\x38" + b"\xff" * 56))
def test_large_nonsense_is_refused_before_the_work_grows(piece: bytes) -> None:
    client = Chain().client()
    nonsense = rlp.encode_list_of([piece * ((EVIDENCE_BYTES_MAX - 8) // len(piece))])
    started = process_time()
    for attempt in (
        lambda: client.update(nonsense, now=NOW),
        lambda: client.check([SENT], at=client.latest(), proof=join_batch([nonsense])),
        lambda: decode_client(b"\x01" + nonsense),
    ):
        with pytest.raises(VerificationError):
            attempt()
    assert process_time() - started < 0.5
