"""Honest chains from a seed: signers come and go by votes, some stay away, and clients follow whatever comes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from proofs.errors import InvalidProof, NotYetFinal
from proofs.ethereum.execution import ExecutionHeader
from proofs.light_client import Height
from proofs.poa.clique.client import decode_client as decode_clique
from proofs.poa.headers import encode_evidence
from proofs.poa.qbft.client import decode_client as decode_qbft
from proofs.poa.qbft.types import Flavour
from tests.proofs.poa.builders import (
    START,
    Signer,
    bft_block,
    bft_genesis,
    bft_hash,
    clique_block,
    clique_genesis,
    clique_vote,
    signer,
    signers,
)
from tests.proofs.poa.clients import bft_client, clique_client

NOW = START + 10_000
EVERYBODY = {each.address: each for each in map(signer, range(9))}


@dataclass(slots=True)
class Electorate:
    """Who votes for what, on purpose for one subject at a time so that votes pass, and what came of it."""

    members: list[Signer]
    chance: random.Random
    subject: Signer | None = None
    voices: set[bytes] = field(default_factory=set)

    def vote_of(self, voter: Signer) -> tuple[bytes, bool] | None:
        """The vote in the next block, counted at once."""
        if self.subject is None and self.chance.random() < 0.3:
            candidate = self.chance.choice(list(EVERYBODY.values()))
            self.subject = candidate if candidate not in self.members or len(self.members) > 3 else None
        if self.subject is None or self.chance.random() < 0.3:
            return None
        subject, by_in = self.subject, self.subject not in self.members
        self.voices.add(voter.address)
        if len(self.voices) > len(self.members) // 2:
            others = [each for each in self.members if each != subject]
            self.members = sorted([*self.members, subject] if by_in else others)
            self.forget()
        return subject.address, by_in

    def forget(self) -> None:
        self.subject, self.voices = None, set()


def clique_history(chance: random.Random, length: int, epoch: int) -> tuple[ExecutionHeader, list[ExecutionHeader]]:
    electorate = Electorate(signers(chance.randrange(1, 8)), chance)
    genesis = clique_genesis(electorate.members)
    headers: list[ExecutionHeader] = []
    parent, signed = genesis, [genesis.beneficiary]
    for number in range(1, length + 1):
        members = electorate.members
        window = len(members) // 2
        free = [each for each in members if window == 0 or each.address not in signed[-window:]]
        by = free[0] if len(free) == 1 else chance.choice(free)
        if number % epoch == 0:
            electorate.forget()
            parent = clique_block(parent, by, members, checkpoint=True)
        else:
            vote = electorate.vote_of(by)
            changes = {} if vote is None else clique_vote(by_in=vote[1], subject=vote[0])
            parent = clique_block(parent, by, members, **changes)
        signed.append(by.address)
        headers.append(parent)
    return genesis, headers


@pytest.mark.parametrize("seed", range(25))
def test_clique_is_followed_in_pieces_of_any_size(seed: int) -> None:
    chance = random.Random(seed)
    epoch = chance.choice((7, 25, 1_000))
    genesis, headers = clique_history(chance, 60, epoch)
    client = clique_client(genesis, epoch_length=epoch, confirmations=chance.randrange(1, 7))
    parameters = client.belief.parameters
    reached = 0
    while reached < len(headers):
        reached = min(reached + chance.randrange(1, 20), len(headers))
        known = client.latest().number
        try:
            client = client.update(encode_evidence(headers[max(0, known - chance.randrange(3)) : reached]), now=NOW)
        except NotYetFinal:
            assert client.latest().number + parameters.confirmations + 10 > reached
        assert decode_clique(client.encode()) == client
        assert client.latest().number <= max(reached - parameters.confirmations, 0)
    assert client.latest().number >= len(headers) - parameters.confirmations - 10
    latest = client.belief.history.latest()
    assert latest.hash == headers[latest.number - 1].hash()
    wrong = replace(headers[-1], state_root=b"\x66" * 32)
    with pytest.raises(InvalidProof):
        client.update(encode_evidence([*headers[latest.number : -1], wrong]), now=NOW)


def bft_history(
    chance: random.Random, length: int, flavour: Flavour, epoch: int
) -> tuple[ExecutionHeader, list[ExecutionHeader]]:
    electorate = Electorate(signers(chance.randrange(1, 8)), chance)
    genesis = bft_genesis(electorate.members, flavour)
    headers: list[ExecutionHeader] = []
    parent = genesis
    for number in range(1, length + 1):
        members = electorate.members
        proposer = chance.choice(members)
        if number % epoch == 0:
            electorate.forget()
        vote = None if number % epoch == 0 else electorate.vote_of(proposer)
        by = chance.sample(members, chance.randrange(flavour.quorum(len(members)), len(members) + 1))
        rounds = 0 if flavour.is_istanbul else chance.choice((0, 0, 1, 300))
        parent = bft_block(parent, members, flavour=flavour, by=by, vote=vote, proposer=proposer, round_number=rounds)
        headers.append(parent)
    return genesis, headers


@pytest.mark.parametrize("flavour", (Flavour.QBFT, Flavour.IBFT2, Flavour.ISTANBUL))
@pytest.mark.parametrize("seed", range(8))
def test_sealed_chains_are_followed_header_by_header(flavour: Flavour, seed: int) -> None:
    chance = random.Random(seed)
    epoch = chance.choice((7, 25, 1_000))
    genesis, headers = bft_history(chance, 40, flavour, epoch)
    client = bft_client(genesis, flavour=flavour, epoch_length=epoch)
    at = 0
    while at < len(headers):
        piece = headers[at : at + chance.randrange(1, 9)]
        client = client.update(encode_evidence(piece), now=NOW)
        at += len(piece)
        assert client.latest() == Height(0, at)
        assert client.belief.history.latest().hash == bft_hash(headers[at - 1], flavour)
        assert client.belief.history.latest().votes is not None
    assert decode_qbft(client.encode()) == client
    wrong = replace(headers[-1], state_root=b"\x66" * 32)
    with pytest.raises(InvalidProof):
        client.update(encode_evidence([wrong]), now=NOW)
