"""Chains whose headers are mined, or sealed by a few known signers: what their honest bundles hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from proofs.bitcoin.client import decode_client as decode_bitcoin
from proofs.bundle.types import claim_of
from proofs.light_client import LightClient
from proofs.poa.clique.client import decode_client as decode_clique
from proofs.poa.qbft.client import decode_client as decode_qbft
from tests.fuzz.target import Target, check_claims_of
from tests.proofs.bundle import samples as bundles
from tests.proofs.bundle.samples import Sample


def targets() -> Iterator[Target]:
    yield from _targets("poa", "clique ", bundles.clique(), decode_clique)
    yield from _targets("poa", "qbft ", bundles.qbft(), decode_qbft)
    yield from _targets("bitcoin", "", bundles.bitcoin(), decode_bitcoin)


def _targets(family: str, name: str, made: Sample, decode: Callable[[bytes], LightClient]) -> Iterator[Target]:
    client, evidence, now = made.client, made.bundle.evidence, made.now
    believed = client
    for step in evidence:
        believed = believed.update(step, now=now)
    accuse = partial(client.misbehaviour, evidence[0], now=now)
    prove = partial(check_claims_of, believed, [claim_of(made.bundle)], made.bundle.at)
    yield Target(family, name + "update", partial(client.update, now=now), evidence)
    yield Target(family, name + "misbehaviour", accuse, evidence)
    yield Target(family, name + "check", prove, [made.bundle.proof])
    yield Target(family, name + "client", decode, [client.encode(), believed.encode()])
