"""One path, height, client and value, proved for another chain, flavour, router, revision or height: refused by name.

No seal names its chain. What tells two chains of one set of signers apart is the checkpoint and the hash links from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs.errors import MalformedProof, RootMismatch, UnknownHeight, ValueMismatch, WrongLedger
from proofs.ethereum.execution import ExecutionHeader
from proofs.ethereum.storage_layout import RouterLayout, encode_state_proof
from proofs.light_client import ClientState, Height
from proofs.poa.clique.client import CliqueClient
from proofs.poa.clique.client import bootstrap as bootstrap_clique
from proofs.poa.headers import encode_evidence
from proofs.poa.qbft.client import QbftClient
from proofs.poa.qbft.client import bootstrap as bootstrap_qbft
from proofs.poa.qbft.client import decode_client as decode_qbft
from proofs.poa.qbft.predicates import BFT_MIX_DIGEST
from proofs.poa.qbft.types import Flavour
from tests.proofs.ethereum.builders import LAYOUT, World, world
from tests.proofs.poa.builders import (
    BFT_PARAMETERS,
    PARAMETERS,
    START,
    bft_block,
    bft_genesis,
    bft_hash,
    clique_chain,
    clique_genesis,
    signers,
)
from tests.proofs.poa.clients import bft_client, clique_client
from tests.proofs.poa.test_membership import SENT

NOW = START + 1_000
FIVE = signers(5)
HERE = world({LAYOUT.slot_of(SENT.path): SENT.value or b""})
LATER = world({LAYOUT.slot_of(SENT.path): SENT.value or b"", b"\x07" * 32: b"\x01"})
AT = Height(0, 2)

# Two chains of one operator: the same signers with the same keys, and genesis blocks that differ in their time.
BFT_GENESIS, BFT_ELSEWHERE = bft_genesis(FIVE), bft_genesis(FIVE, timestamp=START - 60)
CLIQUE_GENESIS = clique_genesis(FIVE)
CLIQUE_ELSEWHERE = replace(CLIQUE_GENESIS, timestamp=START - 60)
ELSEWHERE = replace(LAYOUT, address=b"\x99" * 20)


def bft_headers(genesis: ExecutionHeader, flavour: Flavour = Flavour.QBFT) -> list[ExecutionHeader]:
    """The state of the claim stands in block 2, that of a later day in block 3."""
    one = bft_block(genesis, FIVE, flavour=flavour)
    two = bft_block(one, FIVE, flavour=flavour, state_root=HERE.state_root)
    return [one, two, bft_block(two, FIVE, flavour=flavour, state_root=LATER.state_root)]


def clique_headers(genesis: ExecutionHeader) -> list[ExecutionHeader]:
    chain = clique_chain(genesis, FIVE, 1)
    chain += clique_chain(chain[-1], FIVE, 1, state_root=HERE.state_root)
    chain += clique_chain(chain[-1], FIVE, 1, state_root=LATER.state_root)
    return chain + clique_chain(chain[-1], FIVE, 4)


def qbft(layout: RouterLayout = LAYOUT, flavour: Flavour = Flavour.QBFT) -> QbftClient:
    return bft_client(bft_genesis(FIVE, flavour), layout=layout, flavour=flavour)


def clique(layout: RouterLayout = LAYOUT) -> CliqueClient:
    return clique_client(CLIQUE_GENESIS, layout=layout)


def qbft_at_three(layout: RouterLayout = LAYOUT) -> QbftClient:
    return qbft(layout).update(encode_evidence(bft_headers(BFT_GENESIS)), now=NOW)


def clique_at_three(layout: RouterLayout = LAYOUT) -> CliqueClient:
    headers = clique_headers(CLIQUE_GENESIS)
    return clique(layout).update(encode_evidence(headers[:6]), now=NOW).update(encode_evidence(headers), now=NOW)


BOTH = pytest.mark.parametrize("client_of", (qbft_at_three, clique_at_three), ids=("qbft", "clique"))
ClientOf = Callable[..., QbftClient | CliqueClient]


@BOTH
def test_the_honest_proofs_pass(client_of: ClientOf) -> None:
    client_of().check([SENT], at=AT, proof=HERE.prove([SENT.path]))
    client_of().check([SENT], at=Height(0, 3), proof=LATER.prove([SENT.path]))


@BOTH
@pytest.mark.parametrize(("number", "proved"), ((2, LATER), (3, HERE)), ids=("too_new", "too_old"))
def test_a_proof_off_by_one_height(client_of: ClientOf, number: int, proved: World) -> None:
    with pytest.raises(RootMismatch) as refused:
        client_of().check([SENT], at=Height(0, number), proof=proved.prove([SENT.path]))
    assert (refused.value.part, refused.value.computed) == ("trie", proved.state_root)


@BOTH
@pytest.mark.parametrize("number", (-1, 4))
def test_a_proof_at_a_height_that_nobody_showed(client_of: ClientOf, number: int) -> None:
    with pytest.raises(UnknownHeight) as refused:
        client_of().check([SENT], at=Height(0, number), proof=HERE.prove([SENT.path]))
    assert refused.value.number == number


@BOTH
def test_a_proof_at_another_revision(client_of: ClientOf) -> None:
    with pytest.raises(WrongLedger) as refused:
        client_of().check([SENT], at=Height(1, 2), proof=HERE.prove([SENT.path]))
    assert (refused.value.part, refused.value.got, refused.value.expected) == ("revision", 1, 0)


@BOTH
def test_a_proof_of_another_router_on_the_same_chain(client_of: ClientOf) -> None:
    """Where its own account would be, the state holds nothing: nodes that lead elsewhere are too many."""
    client = client_of(ELSEWHERE)
    with pytest.raises(MalformedProof) as malformed:
        client.check([SENT], at=AT, proof=HERE.prove([SENT.path]))
    assert malformed.value.part == "trie proof"
    nothing_there = encode_state_proof(HERE.account_nodes(ELSEWHERE.address), [HERE.storage_nodes(bytes(32))])
    with pytest.raises(WrongLedger) as refused:
        client.check([SENT], at=AT, proof=nothing_there)
    assert (refused.value.part, refused.value.expected) == ("host account", ELSEWHERE.address)


@BOTH
def test_a_proof_of_other_code_at_the_routers_address(client_of: ClientOf) -> None:
    with pytest.raises(WrongLedger) as refused:
        client_of(replace(LAYOUT, code_hash=b"\x77" * 32)).check([SENT], at=AT, proof=HERE.prove([SENT.path]))
    assert (refused.value.part, refused.value.got) == ("host code hash", LAYOUT.code_hash)


@BOTH
def test_a_proof_of_another_mapping_of_the_router(client_of: ClientOf) -> None:
    with pytest.raises(RootMismatch) as refused:
        client_of(replace(LAYOUT, commitments_slot=5)).check([SENT], at=AT, proof=HERE.prove([SENT.path]))
    assert refused.value.part == "trie node"


# --- another chain of the same signers


def test_a_checkpoint_of_another_chain() -> None:
    with pytest.raises(WrongLedger) as refused:
        bootstrap_qbft(
            BFT_ELSEWHERE.encode(), checkpoint_hash=bft_hash(BFT_GENESIS), parameters=BFT_PARAMETERS, layout=LAYOUT
        )
    assert (refused.value.part, refused.value.got) == ("checkpoint", bft_hash(BFT_ELSEWHERE))
    with pytest.raises(WrongLedger) as refused:
        bootstrap_clique(
            CLIQUE_ELSEWHERE.encode(), checkpoint_hash=CLIQUE_GENESIS.hash(), parameters=PARAMETERS, layout=LAYOUT
        )
    assert (refused.value.part, refused.value.got) == ("checkpoint", CLIQUE_ELSEWHERE.hash())


@pytest.mark.parametrize("first", (0, 3), ids=("from_the_checkpoint", "from_a_later_block"))
def test_clique_blocks_of_another_chain_hang_on_nothing(first: int) -> None:
    client = clique_at_three() if first else clique()
    foreign = clique_headers(CLIQUE_ELSEWHERE)[first:]
    with pytest.raises(ValueMismatch) as refused:
        client.update(encode_evidence(foreign), now=NOW)
    assert (refused.value.part, refused.value.got) == ("parent hash", foreign[0].parent_hash)


def test_qbft_blocks_of_another_chain_hang_on_nothing() -> None:
    with pytest.raises(ValueMismatch) as refused:
        qbft().update(encode_evidence(bft_headers(BFT_ELSEWHERE)), now=NOW)
    assert (refused.value.part, refused.value.got) == ("parent hash", bft_hash(BFT_ELSEWHERE))


def test_over_a_gap_the_seals_of_one_set_count_for_each_of_its_chains() -> None:
    """The trap: nothing that validators sign names their chain. Whoever has one set of keys seal two permits no gaps.

    The first block of the right chain that it is shown ends it: two sealed blocks of one height freeze a client.
    """
    foreign = bft_headers(BFT_ELSEWHERE)
    deceived = qbft().update(encode_evidence(foreign[1:]), now=NOW)
    deceived.check([SENT], at=AT, proof=HERE.prove([SENT.path]))  # passes: no seal speaks of a chain
    own = bft_headers(BFT_GENESIS)
    assert deceived.update(encode_evidence(own[1:]), now=NOW).status(NOW).state is ClientState.FROZEN


def test_without_gaps_no_block_of_another_chain_is_ever_believed() -> None:
    strict = without_gaps(qbft())
    foreign = bft_headers(BFT_ELSEWHERE)
    with pytest.raises(UnknownHeight) as refused:
        strict.update(encode_evidence(foreign[1:]), now=NOW)
    assert refused.value.number == 1
    followed = strict.update(encode_evidence(bft_headers(BFT_GENESIS)), now=NOW)
    for first in (0, 1, 2):
        with pytest.raises(ValueMismatch) as linked:
            followed.update(encode_evidence(foreign[first:]), now=NOW)
        assert linked.value.part == "parent hash"
    with pytest.raises(ValueMismatch):
        strict.misbehaviour(encode_evidence(bft_headers(BFT_GENESIS)), encode_evidence(foreign), now=NOW)
    assert decode_qbft(followed.encode()) == followed


def without_gaps(client: QbftClient) -> QbftClient:
    return QbftClient(replace(client.belief, parameters=replace(client.belief.parameters, gaps=False)))


# --- another flavour of the same signers


FLAVOURS = (
    (Flavour.QBFT, Flavour.IBFT2, "vote"),
    (Flavour.QBFT, Flavour.ISTANBUL, "RLP"),
    (Flavour.IBFT2, Flavour.QBFT, "vote"),
    (Flavour.IBFT2, Flavour.ISTANBUL, "RLP"),
    (Flavour.ISTANBUL, Flavour.QBFT, "RLP"),
    (Flavour.ISTANBUL, Flavour.IBFT2, "RLP"),
)


@pytest.mark.parametrize(("ours", "theirs", "part"), FLAVOURS)
def test_blocks_of_another_flavour(ours: Flavour, theirs: Flavour, part: str) -> None:
    foreign = bft_headers(bft_genesis(FIVE, theirs), theirs)
    with pytest.raises(MalformedProof) as refused:
        qbft(flavour=ours).update(encode_evidence(foreign[1:]), now=NOW)
    assert refused.value.part == part


def test_clique_blocks_are_none_of_qbft_and_the_other_way_round() -> None:
    with pytest.raises(ValueMismatch) as refused:
        qbft().update(encode_evidence(clique_headers(CLIQUE_GENESIS)[1:]), now=NOW)
    assert refused.value.part == "mix digest"
    sealed = clique_chain(CLIQUE_GENESIS, FIVE, 1, mix_hash=BFT_MIX_DIGEST)
    with pytest.raises(ValueMismatch) as refused:
        clique().update(encode_evidence(sealed), now=NOW)
    assert (refused.value.part, refused.value.got) == ("mix digest", BFT_MIX_DIGEST)
