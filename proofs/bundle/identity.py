"""A checkpoint in words: whom it believes, and what names its ledger and its block.

Somebody who was given no digest can hold these marks against a node of his own, or a block explorer.
"""

from __future__ import annotations

from proofs.attestation.client import AttestationClient
from proofs.bitcoin.client import BitcoinClient
from proofs.bundle.families import family_of
from proofs.chainmaker.client import ChainMakerClient
from proofs.cometbft.client import CometBftClient
from proofs.ethereum.client import EthereumClient
from proofs.ethereum.containers import beacon_root
from proofs.fabric.client import FabricClient
from proofs.fisco_bcos.client import FiscoBcosClient
from proofs.light_client import LightClient
from proofs.poa.clique.client import CliqueClient
from proofs.poa.qbft.client import QbftClient
from proofs.substrate.beefy.client import BeefyClient
from proofs.substrate.client import SubstrateClient

Marks = tuple[tuple[str, str], ...]


def trust_in(client: LightClient) -> str:
    """In one line: whom a verdict believes, beside mathematics."""
    if isinstance(client, AttestationClient):
        return _attestors(client)
    trusted = family_of(client.family).trusted
    return f"{trusted} of {client.chain_id}" if isinstance(client, CometBftClient) else trusted


def marks_of(client: LightClient) -> Marks:  # noqa: C901, PLR0911 - one line per family
    """(what, value) pairs of the newest block of a checkpoint; bytes in hex. Attestors have signed none yet."""
    match client:
        case CometBftClient(chain_id=chain_id, known=known):
            state = known[-1].state
            return ("chain id", chain_id), ("app hash", state.root.hex()), _next(state.next_validators_hash)
        case EthereumClient(belief=belief):
            root = beacon_root(belief.trust.finalized_header)
            chain = belief.chain.genesis_validators_root
            return ("genesis validators root", chain.hex()), ("finalized beacon block", root.hex())
        case CliqueClient(belief=poa):
            return _block(poa.history.latest().hash)
        case QbftClient(belief=bft):
            return _block(bft.history.latest().hash)
        case BitcoinClient(belief=work):
            return _block(work.block(work.final).hash[::-1])
        case FabricClient(parameters=parameters, known=blocks):
            return ("channel", parameters.channel_id), *_block(blocks[-1].header_hash)
        case FiscoBcosClient(belief=group):
            return ("chain id", group.parameters.chain_id), *_block(group.blocks[-1].hash)
        case ChainMakerClient(belief=network):
            return ("chain id", network.chain_id), *_block(network.latest().hash)
        case SubstrateClient(belief=grandpa):
            return _genesis(grandpa.parameters.genesis_hash), *_block(grandpa.latest.hash)
        case BeefyClient(belief=beefy):
            return _genesis(beefy.parameters.genesis_hash), *_block(beefy.latest.hash)
        case _:
            return ()


def _block(digest: bytes) -> Marks:
    return (("block hash", digest.hex()),)


def _genesis(digest: bytes) -> tuple[str, str]:
    return "genesis hash", digest.hex()


def _next(digest: bytes) -> tuple[str, str]:
    return "next validators hash", digest.hex()


def _attestors(client: AttestationClient) -> str:
    addresses, needed = client.attestors.addresses, client.attestors.threshold
    named = ", ".join(f"0x{address.hex()}" for address in addresses)
    alone = ": one party's word, which nobody checks" if needed == 1 else ""
    return f"{needed} of {len(addresses)} attestors ({named}){alone}"
