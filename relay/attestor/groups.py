"""The groups that a relay asks, wired from its configuration: one per lane whose destination counts signatures."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from adapters.contract.ledger import LedgerIdentity
from relay.attestor.client import AttestorClient
from relay.attestor.quorum import AttestorGroup
from relay.config.load import Config
from relay.config.sections import GroupConfig
from relay.keys.secret import secret_from_file
from relay.lanes import LaneId


def groups_of(
    config: Config,
    identities: Mapping[str, LedgerIdentity],
    *,
    session: aiohttp.ClientSession,
    variants: Mapping[LaneId, str] | None = None,
) -> dict[LaneId, AttestorGroup]:
    """Lanes without a configured group are left out: their clients verify by themselves.

    identities: of the source ledgers, by name.
    variants:   what each lane's client verifies, where its host says it; "tagged" elsewhere.

    Raises SecretRefused for a token file that cannot be used.
    """
    groups = {}
    for lane in config.lanes():
        variant = (variants or {}).get(lane.id) or "tagged"
        group = config.group(source=lane.source, destination=lane.destination, variant=variant)
        if group is not None and lane.source in identities:
            groups[lane.id] = _group(config, group, identities[lane.source], session)
    return groups


def _group(
    config: Config, group: GroupConfig, identity: LedgerIdentity, session: aiohttp.ClientSession
) -> AttestorGroup:
    members = tuple(
        AttestorClient(
            name=each.name,
            url=each.url,
            address=each.address,
            token=secret_from_file(each.token_file),
            session=session,
            timeout_seconds=config.limits.attestor_timeout_seconds,
        )
        for each in group.members
    )
    return AttestorGroup(
        ledger=group.source,
        chain_id=identity.chain_id,
        host=identity.host,
        variant=group.variant,
        threshold=group.threshold,
        members=members,
        grace_seconds=config.limits.attestor_grace_seconds,
    )
