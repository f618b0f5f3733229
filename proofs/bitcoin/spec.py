"""The order in which the rules of headers apply, and the difficulty that each block must have.

A block is judged by the blocks before it, given as a sequence of consecutive heights that ends with its parent. How
far back it must reach is told by `context_needed`.

Source: Bitcoin Core pow.cpp (GetNextWorkRequired, CalculateNextWorkRequired), validation.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proofs.bitcoin import predicates as rules
from proofs.bitcoin.compact import decode_compact, encode_compact, work_of
from proofs.bitcoin.networks import Network
from proofs.bitcoin.types import Block, Header

# The median is taken over this many blocks (chain.h, nMedianTimeSpan).
MEDIAN_BLOCKS: Final = 11
# A period may count as four times shorter or longer than it should be, not more.
_RETARGET_FACTOR_MAX: Final = 4


def verify_next(chain: Sequence[Block], header: Header, digest: bytes, *, network: Network, now: int) -> Block:
    """Return the block that `header` puts on top of `chain`. digest: hash of the header. now: unix seconds."""
    parent = chain[-1]
    height = parent.height + 1
    rules.check_parent(header, parent.hash)
    target = verify_work(header, digest, network)
    rules.check_bits(header, required_bits(chain, header.time, network))
    rules.check_after_median_time(header, median_time(chain))
    if height % network.period == 0:
        rules.check_no_timewarp(header, parent.header.time, network)
    if (height + 1) % network.period == 0:
        rules.check_period_is_ordered(header, chain[1 - network.period].header.time, network)
    rules.check_not_from_future(header, now)
    rules.check_version(header, height, network)
    return Block(height, digest, header, parent.work + work_of(target))


def verify_work(header: Header, digest: bytes, network: Network) -> int:
    """What a header shows by itself: that somebody worked for it. Returns the target."""
    target = decode_compact(header.bits)
    rules.check_target_is_positive(target)
    rules.check_target_is_hard_enough(target, network)
    rules.check_proof_of_work(digest, target)
    return target


def required_bits(chain: Sequence[Block], time: int, network: Network) -> int:
    """The difficulty of the block after `chain`, if it is made at `time`."""
    parent = chain[-1]
    if not network.retargets:
        return parent.header.bits
    if (parent.height + 1) % network.period:
        return _bits_within_period(chain, time, network) if network.min_difficulty else parent.header.bits
    first = chain[-network.period].header
    start = first.bits if network.retarget_on_first else parent.header.bits
    return retarget(start, seconds=parent.header.time - first.time, network=network)


def _bits_within_period(chain: Sequence[Block], time: int, network: Network) -> int:
    """Test networks: the easiest target for a late block, else that of the last block which did not use this rule."""
    easiest = encode_compact(network.pow_limit)
    if time > chain[-1].header.time + 2 * network.spacing:
        return easiest
    for block in reversed(chain):
        if block.height % network.period == 0 or block.header.bits != easiest:
            return block.header.bits
    return easiest


def retarget(bits: int, *, seconds: int, network: Network) -> int:
    """The bits of the next period. seconds: from the first to the last block of this one, which may be negative."""
    least = network.timespan // _RETARGET_FACTOR_MAX
    most = network.timespan * _RETARGET_FACTOR_MAX
    target = decode_compact(bits) * min(max(seconds, least), most) // network.timespan
    return encode_compact(min(target, network.pow_limit))


def median_time(chain: Sequence[Block]) -> int:
    """The middle one of the last eleven times, or of as many as there are after the genesis block. Never decreases."""
    times = sorted([block.header.time for block in chain[-MEDIAN_BLOCKS:]])
    return times[len(times) // 2]


def context_needed(height: int, network: Network) -> int:
    """How many consecutive blocks, the one at `height` included, judge its successors until the next period begins.

    From the first block of its period on, as the retarget measures from there, and eleven for the median of times.
    """
    return min(height + 1, max(height % network.period + 1, MEDIAN_BLOCKS))
