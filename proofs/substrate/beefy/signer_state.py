"""Who signs for BEEFY, as the state of a block says: the present and the next set, each by number and Merkle root.

Source: pallet-beefy-mmr, BeefyAuthorities and BeefyNextAuthorities; keys are twox128 of the pallet's name, then of the
item's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.encoding.scale import ScaleReader
from proofs.merkle import substrate_trie
from proofs.substrate.beefy.belief import verify_trust
from proofs.substrate.beefy.messages import SignerSet, read_signers
from proofs.substrate.beefy.spec import Trust
from proofs.substrate.membership import STEP_KEYS, check_chain, check_stored, read_time

_BEEFY_MMR_LEAF: Final = bytes.fromhex("2ecf93be7260df120a495bd3855c0e60")
BEEFY_AUTHORITIES: Final = _BEEFY_MMR_LEAF + bytes.fromhex("c52aa943bf0908860a3eea0fad707cdc")
BEEFY_NEXT_AUTHORITIES: Final = _BEEFY_MMR_LEAF + bytes.fromhex("0c98535b82c72faf3c64974094af4643")
CHECKPOINT_KEYS: Final = (*STEP_KEYS, BEEFY_AUTHORITIES, BEEFY_NEXT_AUTHORITIES)


def checkpoint_state(state_root: bytes, nodes: Sequence[bytes], *, genesis_hash: bytes) -> tuple[int, Trust]:
    """Return the time and who signs. Raises InvalidProof."""
    time, genesis, current, following = substrate_trie.values_at(state_root, CHECKPOINT_KEYS, nodes)
    check_chain(genesis, genesis_hash)
    trust = Trust(
        _read_signers(current, "BeefyMmrLeaf.BeefyAuthorities"),
        _read_signers(following, "BeefyMmrLeaf.BeefyNextAuthorities"),
    )
    verify_trust(trust)
    return read_time(time), trust


def _read_signers(found: bytes | None, item: str) -> SignerSet:
    check_stored(found, item)
    reader = ScaleReader(found or b"", item)
    signers = read_signers(reader)
    reader.end()
    return signers
