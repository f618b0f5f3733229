"""The rules of Bitcoin's headers, one function each. None returns anything: it passes, or refuses with a name.

Source: Bitcoin Core validation.cpp (CheckBlockHeader, ContextualCheckBlockHeader), pow.cpp (CheckProofOfWork).
"""

from __future__ import annotations

from typing import Final

from proofs.bitcoin.networks import Network
from proofs.bitcoin.types import HEIGHT_LIMIT, Header, Parameters
from proofs.errors import (
    ClientFrozen,
    HeaderFromFuture,
    MalformedProof,
    NotYetFinal,
    TimeNotIncreasing,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    WrongLedger,
)
from proofs.light_client import Height

# How far a block may be ahead of the clock of whoever judges it (chain.h, MAX_FUTURE_BLOCK_TIME).
FUTURE_SECONDS_MAX: Final = 2 * 60 * 60
# A week of blocks. More would not make belief safer, but the window of kept headers larger.
CONFIRMATIONS_MAX: Final = 1_008


def check_target_is_positive(target: int) -> None:
    """pow.cpp, DeriveTarget: no hash is below a target of zero but zero itself."""
    if target == 0:
        raise MalformedProof("target", got=0, expected="above 0")


def check_target_is_hard_enough(target: int, network: Network) -> None:
    """pow.cpp, DeriveTarget: no target is easier than the network's limit."""
    if target > network.pow_limit:
        raise UnsupportedProof("target", got=target, expected=f"at most {network.pow_limit:#x}")


def check_proof_of_work(digest: bytes, target: int) -> None:
    """pow.cpp, CheckProofOfWork: the hash, read as a little-endian number, is at most the target."""
    if int.from_bytes(digest, "little") > target:
        raise ValueMismatch("proof of work", got=digest[::-1], expected=f"at most {target:#066x}")


def check_parent(header: Header, parent_hash: bytes) -> None:
    """Every header names the one before it: that is what makes them a chain."""
    if header.previous != parent_hash:
        raise ValueMismatch("previous block", got=header.previous[::-1], expected=parent_hash[::-1])


def check_bits(header: Header, required: int) -> None:
    """ContextualCheckBlockHeader, bad-diffbits: difficulty follows from the blocks before, nobody chooses it."""
    if header.bits != required:
        raise ValueMismatch("difficulty bits", got=f"{header.bits:#010x}", expected=f"{required:#010x}")


def check_after_median_time(header: Header, median_time: int) -> None:
    """ContextualCheckBlockHeader, time-too-old: later than the median of the eleven blocks before."""
    if header.time <= median_time:
        raise TimeNotIncreasing(got=header.time, trusted=median_time)


def check_not_from_future(header: Header, now: int) -> None:
    """ContextualCheckBlockHeader, time-too-new. It becomes valid by itself, later."""
    if header.time > now + FUTURE_SECONDS_MAX:
        raise HeaderFromFuture(header_time=header.time, now=now, drift=FUTURE_SECONDS_MAX)


def check_version(header: Header, height: int, network: Network) -> None:
    """ContextualCheckBlockHeader, bad-version: BIP 34, 66 and 65 retired the versions 1, 2 and 3."""
    for version, since in network.version_heights:
        if height >= since and header.version < version:
            raise UnsupportedProof("block version", got=header.version, expected=f"at least {version}")


def check_no_timewarp(header: Header, parent_time: int, network: Network) -> None:
    """BIP 94, time-timewarp-attack: a period does not begin long before the last one ended."""
    if network.timewarp_grace is not None and header.time < parent_time - network.timewarp_grace:
        raise TimeNotIncreasing(got=header.time, trusted=parent_time - network.timewarp_grace)


def check_period_is_ordered(header: Header, first_time: int, network: Network) -> None:
    """BIP 54: a period does not end before it began."""
    if network.ordered_periods and header.time < first_time:
        raise TimeNotIncreasing(got=header.time, trusted=first_time)


def check_more_work(work: int, *, best: int) -> None:
    """The chain of most work counts; of two with the same work, the one that was seen first."""
    if work <= best:
        raise NotYetFinal("chain work", got=work, needed=best + 1)


def check_checkpoint_hash(computed: bytes, expected: bytes) -> None:
    """The first block is believed because an operator named its hash, nothing else."""
    if computed != expected:
        raise WrongLedger("checkpoint", got=computed[::-1], expected=expected[::-1])


def check_genesis_hash(computed: bytes, network: Network) -> None:
    """Where the kept headers reach back to height 0, it is the network's own."""
    if computed != network.genesis_hash:
        raise WrongLedger("genesis block", got=computed[::-1], expected=network.genesis_hash[::-1])


def check_run_reaches_back(count: int, needed: int) -> None:
    """A client cannot judge the next block without the first one of its period and the last eleven."""
    if count < needed:
        raise MalformedProof("headers up to the checkpoint", got=count, expected=f"at least {needed}")


def check_run_begins_in_time(count: int, height: int) -> None:
    """There are only so many blocks below a height."""
    if count > height + 1:
        raise MalformedProof("headers up to the checkpoint", got=count, expected=f"at most {height + 1}")


def check_confirmations(parameters: Parameters) -> None:
    """Every block is the tip for a while, and tips change: at least one more has to follow."""
    if not 1 <= parameters.confirmations <= CONFIRMATIONS_MAX:
        raise MalformedProof("confirmations", got=parameters.confirmations, expected=f"1 to {CONFIRMATIONS_MAX}")


def check_fork_is_kept(count: int, needed: int, height: int) -> None:
    """A branch that leaves the chain so far below that the blocks which judge it are forgotten is not looked at."""
    if count < needed:
        raise UnknownHeight(0, height - needed + 1)


def check_height_has_sequences(height: int) -> None:
    """Sequences have room for so many blocks: more than a century of them."""
    if not 0 <= height < HEIGHT_LIMIT:
        raise MalformedProof("height", got=height, expected=f"below {HEIGHT_LIMIT}")


def check_not_frozen(frozen_at: int | None) -> None:
    """A final block was replaced: every other one may be, too, until an operator has looked."""
    if frozen_at is not None:
        raise ClientFrozen(frozen_at)


def check_revision(height: Height) -> None:
    """Bitcoin counts no revisions."""
    if height.revision:
        raise WrongLedger("revision", got=height.revision, expected=0)


def check_final(height: Height, final: int) -> None:
    """Enough blocks must follow the block of a claim."""
    if height.number > final:
        raise NotYetFinal("height", got=final, needed=height.number)


def check_kept(height: Height, oldest: int) -> None:
    """Old headers are forgotten: what was written there can no longer be proved to this client."""
    if height.number < oldest:
        raise UnknownHeight(0, height.number)
