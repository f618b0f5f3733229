"""One path, height, client and value, proved for another chain, contract, revision or height: refused by name.

Blocks, votes by the block's hash, and transactions all name their chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proofs.chainmaker.client import ChainMakerClient
from proofs.chainmaker.host import HostLayout
from proofs.errors import (
    InsufficientVotingPower,
    InvalidSignature,
    RootMismatch,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.light_client import Claim, Height, Position
from tests.proofs.chainmaker.builders import (
    CHAIN_ID,
    LAYOUT,
    NOW,
    PATH,
    VALUE,
    Block,
    block,
    genesis,
    proof,
    seal,
    started,
    step,
    transaction,
    vote,
    with_certificates,
    with_keys,
    with_votes,
    written,
)

NETWORK = with_certificates()
FIRST = genesis(NETWORK)
SENT = transaction(10, [written()])
BLOCK = block(NETWORK, FIRST, txs=[transaction(1), SENT])
SECOND = block(NETWORK, BLOCK, txs=[transaction(2), SENT])
AT = Height(0, 1)
CLAIM = Claim(PATH, VALUE)
OTHER: dict[str, Any] = {"chain_id": "other"}


def believing(*blocks: Block) -> ChainMakerClient:
    return started(NETWORK).update(step(*blocks), now=NOW)


def hosted(layout: HostLayout) -> ChainMakerClient:
    return ChainMakerClient(replace(believing(BLOCK).belief, layout=layout))


def elsewhere() -> Block:
    """The same block, of another chain of the same validators; what it carries names that chain."""
    return block(NETWORK, FIRST, txs=[transaction(1, **OTHER), transaction(10, [written()], **OTHER)], **OTHER)


def test_the_honest_proofs_pass() -> None:
    client = believing(BLOCK, SECOND)
    client.check([CLAIM], at=AT, proof=proof(BLOCK, (1, 0)))
    client.check([CLAIM], at=Height(0, 2), proof=proof(SECOND, (1, 0)))


# --- another chain of the same validators


def test_a_block_of_another_chain() -> None:
    with pytest.raises(WrongLedger) as refused:
        believing(elsewhere())
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("chain id", "other", CHAIN_ID)


def test_a_block_of_another_chain_under_this_chains_name() -> None:
    """Renamed, it has another hash, which is what was signed and voted on."""
    foreign = elsewhere()
    renamed = replace(foreign, header=foreign.header | {"chain_id": CHAIN_ID})
    with pytest.raises(RootMismatch) as refused:
        believing(renamed)
    assert (refused.value.part, refused.value.expected) == ("block hash", foreign.hash)
    hashed = {**seal(renamed.header, NETWORK.signers[0], "SHA256"), "signature": foreign.header["signature"]}
    with pytest.raises(InvalidSignature):
        believing(replace(renamed, header=hashed))


def test_votes_for_another_chain_count_nothing_here() -> None:
    """Votes name a hash, and by it the chain."""
    foreign = [vote(each, elsewhere().header) for each in NETWORK.signers]
    spliced = with_votes(BLOCK, foreign)
    with pytest.raises(InsufficientVotingPower) as refused:
        believing(spliced)
    assert (refused.value.signed, refused.value.total) == (0, 4)


def test_blocks_of_two_chains_convict_nobody() -> None:
    with pytest.raises(WrongLedger) as refused:
        started(NETWORK).misbehaviour(step(BLOCK), step(elsewhere()), now=NOW)
    assert refused.value.part == "chain id"


def test_a_checkpoint_of_another_chain() -> None:
    with pytest.raises(WrongLedger) as refused:
        started(NETWORK, elsewhere())
    assert (refused.value.part, refused.value.got) == ("chain id", "other")


def test_a_proof_of_another_chain_at_the_same_place() -> None:
    with pytest.raises(RootMismatch) as refused:
        believing(BLOCK).check([CLAIM], at=AT, proof=proof(elsewhere(), (1, 0)))
    assert refused.value.part == "tx_root"


def test_a_transaction_of_another_chain_in_a_block_of_this_one() -> None:
    carried = block(NETWORK, FIRST, txs=[transaction(1), transaction(10, [written()], **OTHER)])
    with pytest.raises(WrongLedger) as refused:
        believing(carried).check([CLAIM], at=AT, proof=proof(carried, (1, 0)))
    assert (refused.value.part, refused.value.got) == ("chain id of a transaction", b"other")


def test_a_chain_of_the_same_name_with_other_validators() -> None:
    strangers = with_keys(hash_name="SHA256")
    with pytest.raises(ValueMismatch) as refused:
        believing(block(strangers, genesis(strangers)))
    assert (refused.value.part, refused.value.expected) == ("pre_block_hash", FIRST.hash)
    with pytest.raises(UnsupportedProof) as unsupported:
        believing(block(strangers, FIRST))
    assert unsupported.value.part == "member type"


def test_a_block_that_hangs_on_another_past() -> None:
    past = block(NETWORK, FIRST, dag_hash=b"\x55" * 32)
    with pytest.raises(ValueMismatch) as refused:
        believing(BLOCK).update(step(block(NETWORK, past)), now=NOW)
    assert (refused.value.part, refused.value.got) == ("pre_block_hash", past.hash)


# --- another host


@pytest.mark.parametrize(
    ("layout", "part"),
    ((HostLayout("OTHER", "1.0"), "host contract"), (HostLayout(LAYOUT.contract, "1.1"), "host contract version")),
)
def test_an_event_of_another_contract_or_of_other_code(layout: HostLayout, part: str) -> None:
    with pytest.raises(WrongLedger) as refused:
        hosted(layout).check([CLAIM], at=AT, proof=proof(BLOCK, (1, 0)))
    assert refused.value.part == part


# --- another revision or height


def test_a_proof_at_another_revision() -> None:
    with pytest.raises(WrongLedger) as refused:
        believing(BLOCK).check([CLAIM], at=Height(1, 1), proof=proof(BLOCK, (1, 0)))
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("revision", 1, 0)


def test_a_proof_off_by_one_height() -> None:
    client = believing(BLOCK, SECOND)
    for at, of in ((Height(0, 2), BLOCK), (AT, SECOND)):
        with pytest.raises(RootMismatch) as refused:
            client.check([CLAIM], at=at, proof=proof(of, (1, 0)))
        assert refused.value.part == "tx_root"
    with pytest.raises(UnknownHeight) as unknown:
        client.check([CLAIM], at=Height(0, 3), proof=proof(SECOND, (1, 0)))
    assert unknown.value.number == 3
    written_elsewhere = replace(CLAIM, written=Position(Height(0, 2), 1, 0))
    with pytest.raises(ValueMismatch) as position:
        client.check([written_elsewhere], at=AT, proof=proof(BLOCK, (1, 0)))
    assert position.value.part == "position of the claim"
