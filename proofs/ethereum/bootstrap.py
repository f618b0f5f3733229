"""From a block root that an operator trusts to a header and a committee: the only way in.

Source: consensus-specs, specs/altair/light-client/sync-protocol.md, `initialize_light_client_store`.
"""

from __future__ import annotations

from proofs.ethereum.forks import Chain
from proofs.ethereum.predicates import check_current_committee_branch, check_header, check_trusted_root
from proofs.ethereum.types import Bootstrap


def verify_bootstrap(bootstrap: Bootstrap, chain: Chain, *, trusted_block_root: bytes) -> None:
    """Return only if `bootstrap` is the committee and header of the trusted block. Raises VerificationError."""
    check_header(bootstrap.header, chain)
    check_trusted_root(bootstrap.header, trusted_block_root)
    check_current_committee_branch(bootstrap, chain)
