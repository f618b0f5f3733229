"""A sync committee's keys, decompressed once: 512 of them cost 45 ms, and a committee signs for 27 hours.

What is cached follows from the key bytes alone, so the cache changes how long an answer takes, never the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import compress
from operator import add, not_, sub
from typing import Final

from py_arkworks_bls12381 import G1Point

from proofs.errors import InsufficientVotingPower, ValueMismatch
from proofs.ethereum.types import SyncAggregate, SyncCommittee
from proofs.primitives.bls import KEY_BYTES, decompress_key, verify_aggregate_key

# Two per client (current and next), for as many chains as one process follows; about 100 kB each.
_COMMITTEES_CACHED: Final = 16

MIN_PARTICIPANTS: Final = 1


@dataclass(frozen=True, slots=True)
class CommitteeKeys:
    keys: tuple[G1Point, ...]
    total: G1Point

    def sum_of(self, bits: tuple[bool, ...]) -> G1Point:
        """Return the sum of the keys whose bit is set: mostly, the fewer additions are those of who is missing."""
        assert len(bits) == len(self.keys), "check_committee_size has refused what does not fit"
        if bits.count(True) * 2 < len(bits):
            return reduce(add, compress(self.keys, bits))
        return reduce(sub, compress(self.keys, map(not_, bits)), self.total)


@lru_cache(maxsize=_COMMITTEES_CACHED)
def committee_keys(pubkeys: bytes) -> CommitteeKeys:
    """Raises MalformedProof when a key is not a point of the subgroup, or is infinity."""
    keys = tuple(decompress_key(pubkeys[at : at + KEY_BYTES]) for at in range(0, len(pubkeys), KEY_BYTES))
    return CommitteeKeys(keys, total=reduce(add, keys))


def check_some_participate(aggregate: SyncAggregate) -> None:
    """[MIN_SYNC_COMMITTEE_PARTICIPANTS] Nobody's signature is no signature, even where the infinity point verifies."""
    if aggregate.participants < MIN_PARTICIPANTS:
        raise InsufficientVotingPower(aggregate.participants, len(aggregate.bits), signers="sync committee")


def check_committee_size(committee: SyncCommittee, aggregate: SyncAggregate) -> None:
    """One bit for each key."""
    keys = len(committee.pubkeys) // KEY_BYTES
    if keys != len(aggregate.bits):
        raise ValueMismatch("participation bits", got=len(aggregate.bits), expected=keys)


def check_committee_signature(committee: SyncCommittee, aggregate: SyncAggregate, *, signing_root: bytes) -> None:
    """The participants' keys, and no other, signed `signing_root`.

    Source: specs/altair/light-client/sync-protocol.md, the end of `validate_light_client_update`.
    """
    check_some_participate(aggregate)
    check_committee_size(committee, aggregate)
    key = committee_keys(committee.pubkeys).sum_of(aggregate.bits)
    verify_aggregate_key(key, signing_root, aggregate.signature)
