"""The rules by which a block is believed, one function each. None returns anything: it passes, or refuses by a name.

Sources: FISCO BCOS PBFT: quorum and weights; consensus precompile 0x1003 for changes of sealers; ICS-02 for freezing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.errors import (
    ClientFrozen,
    DuplicateSigner,
    HeaderFromFuture,
    HeightNotIncreasing,
    InsufficientVotingPower,
    LimitExceeded,
    MalformedProof,
    NotEnoughTrust,
    NotMisbehaviour,
    TimeNotIncreasing,
    TrustExpired,
    UnknownSigner,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.fisco_bcos.types import Block, Parameters, SealerSet, SealerSignature
from proofs.light_client import Height

# A minute of a busy chain. Longer ways are several steps.
HEADERS_MAX: Final = 128
_TEXT_BYTES_MAX: Final = 64
_SECONDS_MAX: Final = 1 << 32


def check_headers_count(count: int) -> None:
    """A step has at least the block that is signed, and no more than is read in one go."""
    if count < 1:
        raise MalformedProof("headers", got=count, expected="at least 1")
    if count > HEADERS_MAX:
        raise LimitExceeded("headers", got=count, limit=HEADERS_MAX)


def check_number_follows(number: int, *, parent: int) -> None:
    """Blocks are counted without gaps."""
    if number != parent + 1:
        raise HeightNotIncreasing(got=number, trusted=parent)


def check_parent_hash(block: Block, parent_hash: bytes) -> None:
    """A header names the block it builds on. Nothing else tells the groups of one set of nodes apart."""
    if block.parent_hash != parent_hash:
        raise ValueMismatch("parent hash", got=block.parent_hash, expected=parent_hash)


def check_time_order(time_ms: int, *, parent_ms: int) -> None:
    """Time never runs backwards: what is recorded as absent after a timeout must not be received later. Milliseconds.

    The nodes do not hold each other to it: a chain that does it all the same is not followed any further.
    """
    if time_ms < parent_ms:
        raise TimeNotIncreasing(got=time_ms, trusted=parent_ms)


def check_not_from_future(time_ms: int, *, now: int, drift: int) -> None:
    """now: unix seconds."""
    if time_ms >= (now + drift + 1) * 1_000:
        raise HeaderFromFuture(header_time=time_ms // 1_000, now=now, drift=drift)


def check_within_trusting_period(*, expires_at: int, now: int) -> None:
    """Sealers that were removed long ago may have lost their keys. Unix seconds."""
    if now >= expires_at:
        raise TrustExpired(expired_at=expires_at, now=now)


def check_not_frozen(frozen_at: int | None) -> None:
    """After misbehaviour nothing is believed until an operator decides."""
    if frozen_at is not None:
        raise ClientFrozen(frozen_at)


def check_revision(at: Height) -> None:
    """These chains count no revisions."""
    if at.revision != 0:
        raise WrongLedger("revision", got=at.revision, expected=0)


def check_signatures_count(signatures: Sequence[SealerSignature], sealers: SealerSet) -> None:
    """Before any is verified: a sealer signs once."""
    if len(signatures) > len(sealers.keys):
        raise LimitExceeded("signatures", got=len(signatures), limit=len(sealers.keys))


def check_signer_index(index: int, sealers: SealerSet) -> None:
    """A signature names its sealer by his place in the list of the header."""
    if index >= len(sealers.keys):
        raise UnknownSigner(signer=index.to_bytes(8, "big"), signers=f"{len(sealers.keys)} sealers of the header")


def check_not_counted_before(index: int, counted: set[int], sealers: SealerSet) -> None:
    """The node counts signatures; whoever believes must count sealers."""
    if index in counted:
        raise DuplicateSigner(sealers.keys[index])


def check_quorum(*, signed: int, total: int) -> None:
    """Weight of at least total − ⌊(total − 1) / 3⌋, which is more than two thirds. Source: PBFT of 2.x and 3.x."""
    if signed < total - (total - 1) // 3:
        raise InsufficientVotingPower(signed, total, signers="sealers of the header")


def check_trust(*, signed: int, total: int) -> None:
    """More than ⌊(total − 1) / 3⌋ of the weight that is trusted: one honest sealer, who knows his successors."""
    if signed <= (total - 1) // 3:
        raise NotEnoughTrust(signed, total)


def check_checkpoint(block: Block, checkpoint_hash: bytes) -> None:
    """The first block is believed because an operator named its hash, and its own sealers signed it."""
    if block.hash != checkpoint_hash:
        raise WrongLedger("checkpoint", got=block.hash, expected=checkpoint_hash)


def check_checkpoint_is_alone(count: int) -> None:
    """What led to the checkpoint is of no interest: nobody reads it."""
    if count != 1:
        raise MalformedProof("checkpoint headers", got=count, expected=1)


def check_checkpoint_is_sealed(number: int) -> None:
    """Nobody sealed the genesis block, and its list of sealers is part of a text: start from block 1 or later."""
    if number < 1:
        raise UnsupportedProof("checkpoint height", got=number, expected="at least 1")


def check_blocks_conflict(a: dict[int, bytes], b: dict[int, bytes]) -> None:
    """Two pieces of evidence contradict each other at a height that both make final. a, b: number → hash."""
    if all(a[number] == b[number] for number in a.keys() & b.keys()):
        raise NotMisbehaviour("no height at which both are final and differ")


def check_parameters(parameters: Parameters) -> None:
    """A period of zero believes nothing, and a name is part of every transaction."""
    for part, seconds, least in (
        ("trusting period", parameters.trusting_period, 1),
        ("clock drift", parameters.clock_drift, 0),
    ):
        if not least <= seconds < _SECONDS_MAX:
            raise MalformedProof(part, got=seconds, expected=f"{least} to 2^32 - 1 seconds")
    for part, text in (("chain id", parameters.chain_id), ("group id", parameters.group_id)):
        if not 0 < len(text) <= _TEXT_BYTES_MAX or not text.isascii():
            raise MalformedProof(part, got=text, expected=f"1 to {_TEXT_BYTES_MAX} ASCII characters")
