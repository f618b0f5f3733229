"""Where a host on a CometBFT ledger keeps what IBC v2 speaks of: the store, the prefix, and the send counter's form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof
from proofs.light_client import Claim

# ibc-go: the store is named "ibc", and nothing stands before a path inside it.
DEFAULT_PREFIX: Final = (b"ibc", b"")

_SEND_COUNTER: Final = b"nextSequenceSend/"
_PREFIX_PART_BYTES_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class HostLayout:
    """prefix: the key of the store in the multistore, then what stands before every path in the store."""

    prefix: tuple[bytes, bytes] = DEFAULT_PREFIX

    @property
    def store(self) -> bytes:
        return self.prefix[0]

    def stored(self, claim: Claim) -> tuple[tuple[bytes, bytes], bytes | None]:
        """Return where the claim's value is, as store and key, and what is kept there; None for absence.

        The host keeps the *next* sequence, a claim speaks of the last one sent. Raises MalformedProof.
        """
        where = (self.store, self.prefix[1] + claim.path)
        if claim.value is None or not claim.path.startswith(_SEND_COUNTER):
            return where, claim.value
        return where, next_sequence(claim.value)


def next_sequence(last_sent: bytes) -> bytes:
    """Count one further.

    >>> next_sequence((7).to_bytes(8, "big")).hex()
    '0000000000000008'
    """
    if len(last_sent) != 8 or last_sent == b"\xff" * 8:
        raise MalformedProof("send counter", got=last_sent, expected="8 bytes, below the largest number")
    return (int.from_bytes(last_sent, "big") + 1).to_bytes(8, "big")


def check_layout(layout: HostLayout) -> None:
    """A store has a name, and both parts are short, as every proof carries them."""
    if not layout.store:
        raise MalformedProof("store name", got=b"", expected="at least 1 byte")
    longest = max(len(part) for part in layout.prefix)
    if longest > _PREFIX_PART_BYTES_MAX:
        raise LimitExceeded("prefix", got=longest, limit=_PREFIX_PART_BYTES_MAX)
