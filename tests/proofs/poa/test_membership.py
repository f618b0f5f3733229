"""Claims are proved against the state roots that a client of either family believes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proofs.commitment import ClientId, commitment_path, receipt_path
from proofs.errors import RootMismatch, UnknownHeight, ValueMismatch, WrongLedger
from proofs.light_client import Claim, Height, LightClient
from proofs.poa.headers import encode_evidence
from tests.proofs.ethereum.builders import LAYOUT, world
from tests.proofs.poa.builders import (
    START,
    bft_block,
    bft_genesis,
    clique_chain,
    clique_genesis,
    signers,
)
from tests.proofs.poa.clients import bft_client, clique_client

NOW = START + 1_000
FIVE = signers(5)
SENT = Claim(commitment_path(ClientId("client-0"), 7), b"\x00\x01" * 16)
ABSENT = Claim(receipt_path(ClientId("client-0"), 8), None)
WORLD = world({LAYOUT.slot_of(SENT.path): SENT.value or b""})
PROOF = WORLD.prove([SENT.path, ABSENT.path])


def qbft() -> LightClient:
    genesis = bft_genesis(FIVE)
    one = bft_block(genesis, FIVE)
    two = bft_block(one, FIVE, state_root=WORLD.state_root)
    return bft_client(genesis, layout=LAYOUT).update(encode_evidence([one, two]), now=NOW)


def clique() -> LightClient:
    genesis = replace(clique_genesis(FIVE), state_root=bytes(32))
    chain = clique_chain(genesis, FIVE, 1)
    chain += clique_chain(chain[-1], FIVE, 1, state_root=WORLD.state_root)
    chain += clique_chain(chain[-1], FIVE, 4)
    client = clique_client(genesis, layout=LAYOUT)
    return client.update(encode_evidence(chain[:5]), now=NOW).update(encode_evidence(chain), now=NOW)


@pytest.mark.parametrize("make", (qbft, clique))
def test_claims_are_shown_at_the_height_of_their_state(make: Callable[[], LightClient]) -> None:
    client = make()
    assert client.latest() == Height(0, 2)
    client.check([SENT, ABSENT], at=Height(0, 2), proof=PROOF)


@pytest.mark.parametrize("make", (qbft, clique))
def test_nothing_else_is_shown(make: Callable[[], LightClient]) -> None:
    client = make()
    with pytest.raises(RootMismatch):
        client.check([SENT, ABSENT], at=Height(0, 1), proof=PROOF)
    with pytest.raises(UnknownHeight):
        client.check([SENT, ABSENT], at=Height(0, 3), proof=PROOF)
    with pytest.raises(WrongLedger):
        client.check([SENT, ABSENT], at=Height(1, 2), proof=PROOF)
    with pytest.raises(ValueMismatch):
        client.check([replace(SENT, value=b"\x02" * 32), ABSENT], at=Height(0, 2), proof=PROOF)
    with pytest.raises(ValueMismatch):
        client.check([replace(SENT, value=None), ABSENT], at=Height(0, 2), proof=PROOF)
