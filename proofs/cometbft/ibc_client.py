"""A client as 07-tendermint keeps it, for the hosts that run that client themselves, and back again.

What we believe about one height becomes the client state and consensus state that create a client on a Cosmos chain;
what such a chain says about its client becomes a client of ours that accepts the same evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.cometbft.belief import KnownHeight, check_known_heights
from proofs.cometbft.chain_id import revision_of
from proofs.cometbft.client import CometBftClient
from proofs.cometbft.configuration import check_configuration
from proofs.cometbft.host import HostLayout
from proofs.cometbft.ibc_messages import (
    TendermintClientState,
    decode_client_state,
    decode_consensus_state,
    encode_client_state,
    encode_consensus_state,
)
from proofs.cometbft.predicates import check_not_frozen, check_revision
from proofs.light_client import Height


@dataclass(frozen=True, slots=True)
class IbcClient:
    """Protobuf of ibc.lightclients.tendermint.v1: ClientState, and the ConsensusState at its latest height."""

    client_state: bytes
    consensus_state: bytes
    latest: Height


def to_ibc(client: CometBftClient) -> IbcClient:
    """What creates such a client on another chain. Raises ClientFrozen: a contradicted belief is not passed on."""
    check_not_frozen(client.frozen_at)
    latest = client.latest()
    state = TendermintClientState(client.chain_id, client.parameters, latest)
    newest = client.consensus_state(latest)
    return IbcClient(encode_client_state(state), encode_consensus_state(newest), latest)


def from_ibc(client_state: bytes, consensus_state: bytes, *, host: HostLayout) -> CometBftClient:
    """The client that a chain says it keeps. Raises VerificationError for one that could not have been created."""
    state = decode_client_state(client_state)
    check_configuration(state.chain_id, state.parameters, host)
    check_revision(state.latest_height, revision_of(state.chain_id))
    known = (KnownHeight(state.latest_height.number, decode_consensus_state(consensus_state)),)
    check_known_heights(known)
    frozen_at = state.frozen_height.number or None
    return CometBftClient(state.chain_id, state.parameters, host, known, frozen_at)
