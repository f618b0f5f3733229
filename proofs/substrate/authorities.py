"""Lists of authorities, and how a header announces the next one.

A change is a consensus item of the engine FRNK in the digest of a header: the authorities after it, and after how many
blocks it takes effect. Forced changes, which nodes apply after *imported* blocks, are refused: no vote makes them
final.
Source: Polkadot specification, section 3.3.2.1 "Consensus Message Digest"; sp-consensus-grandpa, ConsensusLog.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.encoding.scale import ScaleReader, encode_u64, encode_vector
from proofs.errors import DuplicateSigner, LimitExceeded, MalformedProof, UnsupportedProof
from proofs.substrate.types import KEY_BYTES, Authorities, Change, DigestItem, DigestKind, Header

GRANDPA_ENGINE: Final = b"FRNK"
# Several times what any chain has. Bounds the signatures of one justification.
AUTHORITIES_MAX: Final = 4_096
NUMBER_MAX: Final = (1 << 32) - 1
_TOTAL_WEIGHT_MAX: Final = (1 << 64) - 1

_SCHEDULED_CHANGE: Final = 1
_FORCED_CHANGE: Final = 2
# A disabled authority, a pause, a resumption: who may vote stays the same.
_WITHOUT_CHANGE: Final = (3, 4, 5)


def encode_authorities(authorities: Authorities) -> bytes:
    pairs = zip(authorities.keys, authorities.weights, strict=True)
    return encode_vector([key + encode_u64(weight) for key, weight in pairs])


def read_authorities(reader: ScaleReader) -> Authorities:
    """Raises MalformedProof, LimitExceeded, DuplicateSigner."""
    pairs = reader.vector(lambda: (reader.fixed(KEY_BYTES), reader.u64()), limit=AUTHORITIES_MAX)
    authorities = Authorities(tuple(key for key, _ in pairs), tuple(weight for _, weight in pairs))
    check_authorities(authorities)
    return authorities


def check_authorities(authorities: Authorities) -> None:
    """Somebody votes, everybody with some weight, nobody in two places. Nodes leave out zeros and add up repeated keys.

    Source: finality-grandpa, VoterSet::new, where the total is bounded to 64 bits.
    """
    if not authorities.keys:
        raise MalformedProof("authorities", got=0, expected="at least 1")
    seen: set[bytes] = set()
    for key, weight in zip(authorities.keys, authorities.weights, strict=True):
        if key in seen:
            raise DuplicateSigner(key)
        seen.add(key)
        if weight < 1:
            raise MalformedProof("authority weight", got=weight, expected="at least 1")
    if authorities.total_weight > _TOTAL_WEIGHT_MAX:
        raise LimitExceeded("total weight", got=authorities.total_weight, limit=_TOTAL_WEIGHT_MAX)


def announced_change(header: Header) -> Change | None:
    """The change of authorities that a header announces. Raises MalformedProof, LimitExceeded, UnsupportedProof."""
    found = [change for item in header.digest if (change := _change_of(item, header.number))]
    check_one_change(found)
    return found[0] if found else None


def _change_of(item: DigestItem, number: int) -> Change | None:
    if item.kind is not DigestKind.CONSENSUS or item.engine != GRANDPA_ENGINE:
        return None
    reader = ScaleReader(item.data, "GRANDPA message")
    kind = reader.u8()
    check_not_forced(kind, number)
    check_message_kind(kind)
    if kind != _SCHEDULED_CHANGE:
        return None
    authorities, delay = read_authorities(reader), reader.u32()
    reader.end()
    check_delay(number, delay)
    return Change(number, number + delay, authorities)


def check_not_forced(kind: int, number: int) -> None:
    """A forced change counts imported blocks, not final ones: only an operator can say that it happened."""
    if kind == _FORCED_CHANGE:
        raise UnsupportedProof("authority change", got=f"forced in block {number}", expected="a scheduled change")


def check_message_kind(kind: int) -> None:
    """What is not known might change who votes. Source: sp-consensus-grandpa, ConsensusLog."""
    if kind != _SCHEDULED_CHANGE and kind not in _WITHOUT_CHANGE:
        raise UnsupportedProof("GRANDPA message", got=kind, expected="1 to 5")


def check_one_change(changes: Sequence[Change]) -> None:
    """Nodes respect the first of several; no runtime writes two."""
    if len(changes) > 1:
        raise UnsupportedProof("authority changes", got=len(changes), expected="at most 1 in a header")


def check_delay(number: int, delay: int) -> None:
    """The block that ends a set has a number."""
    if number + delay > NUMBER_MAX:
        raise LimitExceeded("authority change", got=number + delay, limit=NUMBER_MAX)
