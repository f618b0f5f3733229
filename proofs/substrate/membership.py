"""What is read from the state of a final block: claims of the host, time and chain, and on a checkpoint who votes.

Everything is a key of the state trie, whose root is in the header; a read proof shows what stands there or that nothing
does. One proof serves all claims of a batch, with each node once, and nothing in it that no claim needs.

No vote and no header names its chain. The state of every block after the first does: `System.BlockHash` keeps the hash
of block 0 for ever. So two chains whose authorities use the same keys are told apart at every step.
Source: frame-system (BlockHash), pallet-timestamp (Now), pallet-grandpa 5 (Authorities, CurrentSetId, PendingChange);
keys are twox128 of the pallet's name, then of the item's, then for a block hash twox64 of its number and the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.encoding.proof_batch import check_something_is_claimed
from proofs.encoding.scale import ScaleReader
from proofs.errors import LimitExceeded, MalformedProof, UnsupportedProof, ValueMismatch, WrongLedger
from proofs.light_client import Claim
from proofs.merkle import substrate_trie
from proofs.substrate.authorities import read_authorities
from proofs.substrate.host import HostLayout
from proofs.substrate.predicates import check_set_id, check_time
from proofs.substrate.types import Authorities

TIMESTAMP_NOW: Final = bytes.fromhex("f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb")
GENESIS_HASH: Final = bytes.fromhex(
    "26aa394eea5630e07c48ae0c9558cef7a44704b568d21667356a5a050c118746b4def25cfda6ef3a00000000"
)
_GRANDPA: Final = bytes.fromhex("5f9cc45b7a00c5899361e1c6099678dc")
GRANDPA_AUTHORITIES: Final = _GRANDPA + bytes.fromhex("5e0621c4869aa60c02be9adcc98a0d1d")
GRANDPA_SET_ID: Final = _GRANDPA + bytes.fromhex("8a2d09463effcc78a22d75b9cb87dffc")
GRANDPA_PENDING: Final = _GRANDPA + bytes.fromhex("2ff65991b1c915dd6cc8d4825eacfcb4")

# What a step shows, and what a checkpoint shows.
STEP_KEYS: Final = (TIMESTAMP_NOW, GENESIS_HASH)
CHECKPOINT_KEYS: Final = (*STEP_KEYS, GRANDPA_SET_ID, GRANDPA_AUTHORITIES, GRANDPA_PENDING)

# More than any block of a host has.
CLAIMS_MAX: Final = 1_024
PROOF_BYTES_MAX: Final = 4 << 20


def verify_claims(claims: Sequence[Claim], proof: bytes, *, state_root: bytes, layout: HostLayout) -> None:
    """Return only if `proof`, trie nodes as `state_getReadProof` answers, shows every claim. Raises InvalidProof."""
    check_something_is_claimed(len(claims))
    check_claims_count(len(claims))
    check_proof_size(proof)
    keys = [layout.key(each.path) for each in claims]
    found = substrate_trie.values_at(state_root, keys, substrate_trie.decode_proof(proof))
    for claim, value in zip(claims, found, strict=True):
        check_claimed_value(value, claim)


def time_of(state_root: bytes, nodes: Sequence[bytes], *, genesis_hash: bytes) -> int:
    """Unix milliseconds, as the state of a block of this chain says. Raises InvalidProof."""
    time, genesis = substrate_trie.values_at(state_root, STEP_KEYS, nodes)
    check_chain(genesis, genesis_hash)
    return read_time(time)


def checkpoint_state(state_root: bytes, nodes: Sequence[bytes], *, genesis_hash: bytes) -> tuple[int, int, Authorities]:
    """Return the time, the id of the set that votes on the next block, and its authorities. Raises InvalidProof."""
    found = substrate_trie.values_at(state_root, CHECKPOINT_KEYS, nodes)
    time, genesis, set_id, authorities, pending = found
    check_chain(genesis, genesis_hash)
    check_nothing_pending(pending)
    return read_time(time), _read_set_id(set_id), _read_authorities(authorities)


def check_claims_count(count: int) -> None:
    """Before any is looked at: no block of a host makes more of them provable."""
    if count > CLAIMS_MAX:
        raise LimitExceeded("claims", got=count, limit=CLAIMS_MAX)


def check_proof_size(proof: bytes) -> None:
    """Before it is read: a path for each claim, most of it shared."""
    if len(proof) > PROOF_BYTES_MAX:
        raise LimitExceeded("proof", got=len(proof), limit=PROOF_BYTES_MAX)


def check_claimed_value(found: bytes | None, claim: Claim) -> None:
    """To the byte what the claim says, or nothing where it says so: an empty value is not absence."""
    if found != claim.value:
        raise ValueMismatch("storage value", got=_shown(found), expected=_shown(claim.value))


def check_chain(found: bytes | None, genesis_hash: bytes) -> None:
    """The state is of the configured chain. Source: frame-system, where BlockHash keeps that of block 0."""
    if found != genesis_hash:
        raise WrongLedger("genesis hash", got=_shown(found), expected=genesis_hash)


def check_nothing_pending(pending: bytes | None) -> None:
    """While a change is on its way the state names the old authorities and the new id: take a later block."""
    if pending is not None:
        raise UnsupportedProof("checkpoint", got="a change of authorities on its way", expected="none")


def check_stored(found: bytes | None, item: str) -> None:
    """Every block of a chain with these pallets has it."""
    if found is None:
        raise MalformedProof(item, got="nothing", expected="a value in the state")


def read_time(found: bytes | None) -> int:
    check_stored(found, "Timestamp.Now")
    reader = ScaleReader(found or b"", "Timestamp.Now")
    time_ms = reader.u64()
    reader.end()
    check_time(time_ms)
    return time_ms


def _read_set_id(found: bytes | None) -> int:
    """The first set has the id 0, which is not stored until it changes."""
    if found is None:
        return 0
    reader = ScaleReader(found, "Grandpa.CurrentSetId")
    set_id = reader.u64()
    reader.end()
    check_set_id(set_id)
    return set_id


def _read_authorities(found: bytes | None) -> Authorities:
    check_stored(found, "Grandpa.Authorities")
    reader = ScaleReader(found or b"", "Grandpa.Authorities")
    authorities = read_authorities(reader)
    reader.end()
    return authorities


def _shown(value: bytes | None) -> bytes | str:
    return "nothing" if value is None else value
