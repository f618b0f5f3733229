"""Clients that start at a genesis block of the builders'."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from proofs.ethereum.execution import ExecutionHeader
from proofs.ethereum.storage_layout import RouterLayout
from proofs.poa.clique import client as clique
from proofs.poa.clique.client import CliqueClient
from proofs.poa.qbft import client as qbft
from proofs.poa.qbft.client import QbftClient
from tests.proofs.poa.builders import BFT_PARAMETERS, LAYOUT, PARAMETERS, bft_hash


def bft_client(genesis: ExecutionHeader, *, layout: RouterLayout = LAYOUT, **changes: Any) -> QbftClient:
    """changes: of the parameters."""
    parameters = replace(BFT_PARAMETERS, **changes)
    checkpoint_hash = bft_hash(genesis, parameters.flavour)
    return qbft.bootstrap(genesis.encode(), checkpoint_hash=checkpoint_hash, parameters=parameters, layout=layout)


def clique_client(genesis: ExecutionHeader, *, layout: RouterLayout = LAYOUT, **changes: Any) -> CliqueClient:
    """changes: of the parameters."""
    parameters = replace(PARAMETERS, **changes)
    return clique.bootstrap(genesis.encode(), checkpoint_hash=genesis.hash(), parameters=parameters, layout=layout)
