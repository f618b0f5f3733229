"""A mebibyte of hostile bytes buys a stranger little: calls, hashes and signatures are counted, never the time.

What is counted is the same on every machine. The profile hook of the interpreter sees every call of Python and of C.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType

import pytest

from proofs.cometbft.codec import VALIDATORS_MAX
from proofs.encoding import rlp
from proofs.encoding.proof_batch import split_batch
from proofs.errors import LimitExceeded, MalformedProof, NotEnoughTrust
from proofs.fisco_bcos.client import FiscoBcosClient
from tests.proofs import hostile
from tests.proofs.hostile import MEBIBYTE, SHAPES, attacks, targets

# The dearest attack takes 105,000 calls, some 30 milliseconds.
CALLS_MAX = 150_000
# A set of the largest size is hashed once, leaves, nodes and addresses; and a header, and the set that is trusted.
HASHES_MAX = 3 * VALIDATORS_MAX + 256
# One header of proof of authority may have as many seals.
SIGNATURES_MAX = 256
FRAMES_MAX = 60

HASHES = ("openssl_sha256", "keccak256", "new", "copy", "blake2b")
SIGNATURES = ("secp256k1_ecdsa_recover", "secp256k1_ecdsa_verify", "crypto_sign_open", "verify", "pairing_check")


class Work:
    """What a piece of work calls, by the names of C functions, and how deep it nests."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()
        self.calls = self.frames = self.deepest = 0

    @property
    def hashes(self) -> int:
        return sum(self.names[name] for name in HASHES)

    @property
    def signatures(self) -> int:
        return sum(self.names[name] for name in SIGNATURES)

    def see(self, _frame: FrameType, event: str, called: object) -> None:
        if event == "c_call":
            self.calls += 1
            self.names[getattr(called, "__name__", "")] += 1
        elif event == "call":
            self.calls += 1
            self.frames += 1
            self.deepest = max(self.deepest, self.frames)
        elif event == "return":
            self.frames -= 1


def counted(work: Callable[[], object]) -> Work:
    done = Work()
    before = sys.getprofile()
    sys.setprofile(done.see)
    try:
        work()
    finally:
        sys.setprofile(before)
    return done


@pytest.mark.parametrize("family", targets())
def test_a_mebibyte_is_refused_before_the_work_grows(family: str) -> None:
    tried = 0
    for attack in attacks():
        if not attack.name.startswith(family):
            continue
        tried += 1
        done = counted(attack.refused)
        assert done.calls <= CALLS_MAX, attack.name
        assert done.hashes <= HASHES_MAX, attack.name
        assert done.signatures <= SIGNATURES_MAX, attack.name
        assert done.deepest <= FRAMES_MAX, attack.name
    assert tried >= 2 * len(SHAPES)


def test_hashes_and_signatures_are_seen() -> None:
    """The same counter on what does take work: it would notice if the bounds above were not kept."""
    client, _, now = targets()["qbft"]
    sealed = hostile.Attack("seals", client, hostile.sealed_by_strangers(), None, now)
    done = counted(sealed.refused)
    assert (done.signatures, done.hashes > 256) == (256, True)
    client, _, now = targets()["cometbft"]
    thousands = hostile.Attack("set", client, hostile.thousands_of_validators(), None, now)
    done = counted(thousands.refused)
    assert (done.signatures, done.hashes > VALIDATORS_MAX) == (0, True)


def test_a_batch_of_empty_proofs_is_left_at_the_second_one_too_many() -> None:
    with pytest.raises(LimitExceeded) as refused:
        split_batch(SHAPES["tiny fields"], count=3)
    assert (refused.value.part, refused.value.got, refused.value.limit) == ("proof batch ProofBatch.proofs", 5, 4)


def test_a_state_proof_has_no_more_items_than_its_paths_can_have() -> None:
    client, at, now = targets()["ethereum"]
    refusal = hostile.Attack("items", client, SHAPES["tiny lists"], at, now).refused()
    assert isinstance(refusal, LimitExceeded)
    assert (refusal.part, refusal.got, refusal.limit) == ("RLP items", 135, 134)


def test_a_step_of_fisco_bcos_has_a_bounded_number_of_items() -> None:
    client, _, now = targets()["fisco_bcos"]
    assert isinstance(client, FiscoBcosClient)
    refusal = hostile.Attack("items", client, SHAPES["tiny lists"], None, now).refused()
    assert isinstance(refusal, LimitExceeded)
    assert (refusal.part, refusal.got, refusal.limit) == ("RLP items", 20_001, 20_000)


def test_a_set_that_nobody_trusts_is_refused_for_its_lack_of_trust() -> None:
    client, _, now = targets()["cometbft"]
    refusal = hostile.Attack("set", client, hostile.thousands_of_validators(), None, now).refused()
    assert isinstance(refusal, NotEnoughTrust)


def test_the_general_limit_of_items_is_kept_where_nobody_gives_another() -> None:
    with pytest.raises(LimitExceeded) as refused:
        rlp.decode(SHAPES["tiny items"])
    assert refused.value.got == rlp.ITEM_LIMIT + 1
    with pytest.raises(MalformedProof):
        rlp.decode(bytes(MEBIBYTE))
