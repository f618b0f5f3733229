"""The families whose evidence convinces a stranger: how their clients are read, and what believing them means.

A quorum of endpoints is none of them: what endpoints said to somebody else proves nothing to you.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from proofs.attestation import client as attestation
from proofs.bitcoin import client as bitcoin
from proofs.chainmaker import client as chainmaker
from proofs.cometbft import client as cometbft
from proofs.errors import UnsupportedProof
from proofs.ethereum import client as ethereum
from proofs.fabric import client as fabric
from proofs.fisco_bcos import client as fisco_bcos
from proofs.light_client import LightClient
from proofs.poa.clique import client as clique
from proofs.poa.qbft import client as qbft
from proofs.substrate import client as substrate
from proofs.substrate.beefy import client as substrate_beefy


@dataclass(frozen=True, slots=True)
class Family:
    """trusted: what a checkpoint of this family rests on, for people.

    reads_positions: whether its membership proofs are of transactions, so that a claim says where it was written.
    """

    decode: Callable[[bytes], LightClient]
    trusted: str
    reads_positions: bool = False


FAMILIES: Final[Mapping[str, Family]] = {
    "attestation": Family(attestation.decode_client, "the attestors"),
    "bitcoin": Family(bitcoin.decode_client, "the most work since a known block", reads_positions=True),
    "chainmaker": Family(chainmaker.decode_client, "two thirds of the consensus nodes", reads_positions=True),
    "clique": Family(clique.decode_client, "a majority of the signers"),
    "cometbft": Family(cometbft.decode_client, "two thirds of the validators' power"),
    "ethereum": Family(ethereum.decode_client, "two thirds of the sync committee"),
    "fabric": Family(fabric.decode_client, "the channel's orderers and endorsing organisations", reads_positions=True),
    "fisco-bcos": Family(fisco_bcos.decode_client, "two thirds of the sealers", reads_positions=True),
    "qbft": Family(qbft.decode_client, "two thirds of the validators"),
    "substrate": Family(substrate.decode_client, "two thirds of the GRANDPA authorities"),
    "substrate-beefy": Family(substrate_beefy.decode_client, "two thirds of the BEEFY authorities"),
}


def family_of(name: str) -> Family:
    """Raises UnsupportedProof."""
    found = FAMILIES.get(name)
    if found is None:
        expected = "one whose evidence convinces a stranger: " + ", ".join(FAMILIES)
        raise UnsupportedProof("family", got=name, expected=expected)
    return found
