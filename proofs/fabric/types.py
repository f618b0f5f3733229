"""What an operator pins, and what is believed about one block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proofs.errors import LimitExceeded, MalformedProof
from proofs.fabric.block_messages import BlockHeader

ORGANISATIONS_MAX: Final = 64
_CHANNEL_ID_BYTES_MAX: Final = 249  # common/configtx/validator.go


@dataclass(frozen=True, slots=True)
class Parameters:
    """channel_id: of the ledger. orderer_organisations: how many distinct organisations of the ordering
    service must have signed.

    The channel's own block policy holds in any case; where it is met by any one certificate of any one organisation
    (the usual Raft configuration), a larger number takes the trust off the single organisation.
    """

    channel_id: str
    orderer_organisations: int = 1


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """A header of the channel, verified. header_hash follows from the header and is kept beside it."""

    header: BlockHeader
    header_hash: bytes

    @property
    def number(self) -> int:
        return self.header.number


def check_parameters(parameters: Parameters) -> None:
    size = len(parameters.channel_id.encode(errors="replace"))
    if not 1 <= size <= _CHANNEL_ID_BYTES_MAX:
        raise MalformedProof("channel id", got=size, expected=f"1 to {_CHANNEL_ID_BYTES_MAX} bytes")
    if not 1 <= parameters.orderer_organisations <= ORGANISATIONS_MAX:
        raise LimitExceeded("orderer organisations", got=parameters.orderer_organisations, limit=ORGANISATIONS_MAX)
