"""A CometBFT block of 150 validators: of the next height, over a gap, and by two threads at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Thread

from nacl.bindings import crypto_sign_open

from proofs.cometbft import canonical, spec
from proofs.cometbft.belief import KnownHeight
from proofs.cometbft.client import CometBftClient
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import encode_client_header
from proofs.cometbft.types import ClientHeader
from tests.bench.measure import Aim, Subject, Work
from tests.proofs.cometbft.builders import CHAIN_ID, PARAMETERS, START, block, header, members, step

VALIDATORS = 150
NEEDED = VALIDATORS * 2 // 3 + 1
NOW = START + 1000
COMMITS = 4


def subjects() -> Sequence[Subject]:
    committee = members(*(f"validator {number}" for number in range(VALIDATORS)))
    first = block(header(1, committee), committee)
    client = CometBftClient(
        CHAIN_ID, PARAMETERS, HostLayout(), (KnownHeight(1, spec.consensus_state(first.signed_header)),)
    )
    next_step = step(block(header(2, committee), committee), trusted=committee)
    far_step = step(block(header(5, committee), committee), trusted=committee)
    # The set whose order and proposer changed meanwhile: other bytes, so nothing is read or checked only once.
    rotated = replace(
        far_step,
        trusted_validators=replace(far_step.trusted_validators, proposer=far_step.trusted_validators.validators[9]),
    )

    def subject(name: str, taken: ClientHeader) -> Subject:
        evidence = encode_client_header(taken)
        return Subject(
            name,
            lambda: client.update(evidence, now=NOW),
            signatures_of(taken),
            f"{NEEDED} Ed25519 signatures by libsodium; {len(evidence)} bytes",
            Aim(ratio_max=1.15),
        )

    return (
        subject("CometBFT commit of 150, next height", next_step),
        subject("CometBFT commit of 150, over a gap", far_step),
        subject("CometBFT commit of 150, trusted set differs", rotated),
        two_threads(client, encode_client_header(far_step)),
        two_threads_of_the_library(signatures_of(far_step)),
    )


def signatures_of(taken: ClientHeader) -> Work:
    signed = taken.block.signed_header
    votes = canonical.CommitVotes(CHAIN_ID, signed.commit)
    pairs = list(zip(signed.commit.signatures[:NEEDED], taken.block.validators.validators, strict=False))
    signatures = [(vote.signature + votes.sign_bytes(vote), each.public_key.data) for vote, each in pairs]

    def verify() -> None:
        for message, key in signatures:
            crypto_sign_open(message, key)

    return verify


def two_threads(client: CometBftClient, evidence: bytes) -> Subject:
    one, both = alone_and_side_by_side(lambda: client.update(evidence, now=NOW))
    return Subject(
        "CometBFT commits, one thread against two",
        one,
        both,
        f"the same {2 * COMMITS} commits, half in each of two threads",
        Aim(ratio_min=1.7),
        by_clock=True,
    )


def two_threads_of_the_library(verify: Work) -> Subject:
    """What two threads can gain on this machine at this moment: below 2 where others use its processors."""
    one, both = alone_and_side_by_side(verify)
    return Subject("signatures alone, one thread against two", one, both, "nothing but libsodium", by_clock=True)


def alone_and_side_by_side(work: Work) -> tuple[Work, Work]:
    def several(count: int) -> None:
        for _ in range(count):
            work()

    def side_by_side() -> None:
        threads = [Thread(target=several, args=(COMMITS,)) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    return lambda: several(2 * COMMITS), side_by_side
