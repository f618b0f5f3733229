"""Each rule of headers, and the one corruption that only it catches; difficulty against a naive reference."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

import pytest

from proofs.bitcoin import predicates as rules
from proofs.bitcoin.client import BitcoinClient, bootstrap
from proofs.bitcoin.compact import decode_compact, encode_compact
from proofs.bitcoin.headers import HEADERS_MAX, decode_header, decode_run, encode_header
from proofs.bitcoin.networks import MAINNET, REGTEST, TESTNET3, Network, network_named
from proofs.bitcoin.spec import MEDIAN_BLOCKS, median_time, required_bits, retarget, verify_next, verify_work
from proofs.bitcoin.types import HEIGHT_LIMIT, Block, Header, Parameters
from proofs.commitment import ClientId
from proofs.errors import (
    HeaderFromFuture,
    LimitExceeded,
    MalformedProof,
    NotYetFinal,
    TimeNotIncreasing,
    UnknownHeight,
    UnsupportedProof,
    ValueMismatch,
    VerificationError,
    WrongLedger,
)
from proofs.light_client import Height
from tests.proofs.bitcoin.builders import (
    ROUTE,
    SMALL_LIMIT,
    SPACING,
    block_on,
    client_at,
    evidence,
    first_block,
    mine,
    mined,
    next_header,
    now_after,
    small_network,
    unmined,
)

CHAIN = mine([first_block(REGTEST)], 12)
LATE = 1 << 40

Refusal = TypeVar("Refusal", bound=VerificationError)


def refused(
    error: type[Refusal], header: Header, *, chain: Sequence[Block] = CHAIN, network: Network = REGTEST, now: int = LATE
) -> Refusal:
    with pytest.raises(error) as refusal:
        verify_next(chain, header, block_on(chain, header).hash, network=network, now=now)
    return refusal.value


def test_a_header_on_another_block() -> None:
    error = refused(ValueMismatch, next_header(CHAIN, REGTEST, previous=b"\x33" * 32))
    assert (error.part, error.got) == ("previous block", b"\x33" * 32)


def test_a_header_without_work() -> None:
    error = refused(ValueMismatch, unmined(next_header(CHAIN, REGTEST)))
    assert error.part == "proof of work"


def test_a_header_that_chooses_its_own_difficulty() -> None:
    error = refused(ValueMismatch, next_header(CHAIN, REGTEST, bits=0x207FFFFE))
    assert (error.part, error.got, error.expected) == ("difficulty bits", "0x207ffffe", "0x207fffff")


def test_a_header_no_later_than_the_median() -> None:
    error = refused(TimeNotIncreasing, next_header(CHAIN, REGTEST, time=median_time(CHAIN)))
    assert error.got == error.trusted == median_time(CHAIN)
    header = next_header(CHAIN, REGTEST, time=median_time(CHAIN) + 1)
    assert verify_next(CHAIN, header, block_on(CHAIN, header).hash, network=REGTEST, now=LATE).height == 13


def test_a_header_more_than_two_hours_ahead() -> None:
    header = next_header(CHAIN, REGTEST)
    error = refused(HeaderFromFuture, header, now=header.time - 7_201)
    assert (error.header_time, error.drift) == (header.time, 7_200)
    verify_next(CHAIN, header, block_on(CHAIN, header).hash, network=REGTEST, now=header.time - 7_200)


def test_a_retired_version() -> None:
    error = refused(UnsupportedProof, next_header(CHAIN, REGTEST, version=3))
    assert (error.part, error.got) == ("block version", 3)
    refused(UnsupportedProof, next_header(CHAIN, REGTEST, version=-1))


def test_versions_retire_at_their_heights() -> None:
    old = replace(CHAIN[-1].header, version=2)
    rules.check_version(old, 363_724, MAINNET)
    with pytest.raises(UnsupportedProof):
        rules.check_version(old, 363_725, MAINNET)


@pytest.mark.parametrize(
    ("bits", "expected"),
    (
        (0x01FEDCBA, "no sign"),
        (0xFF123456, "at most 256 bits"),
        (0x22000100, "at most 256 bits"),
        (0x01003456, "above 0"),
    ),
)
def test_bits_that_are_no_target(bits: int, expected: str) -> None:
    with pytest.raises(MalformedProof) as refusal:
        verify_work(replace(CHAIN[-1].header, bits=bits), b"\0" * 32, replace(MAINNET, pow_limit=1 << 300))
    assert refusal.value.expected == expected


def test_a_target_easier_than_the_networks_limit() -> None:
    with pytest.raises(UnsupportedProof) as refusal:
        verify_work(replace(CHAIN[-1].header, bits=0x1D010000), b"\0" * 32, MAINNET)
    assert refusal.value.got == 1 << 224


@pytest.mark.parametrize("seed", range(50))
def test_compact_form_keeps_the_first_digits(seed: int) -> None:
    target = random.Random(seed).getrandbits(random.Random(seed).randrange(1, 256))
    again = decode_compact(encode_compact(target))
    assert again <= target
    assert encode_compact(again) == encode_compact(target)
    assert target - again <= target >> 15


@pytest.mark.parametrize("seed", range(100))
def test_retarget_is_the_exact_ratio_of_times_within_a_factor_of_four(seed: int) -> None:
    chance = random.Random(seed)
    bits, seconds = encode_compact(chance.getrandbits(220) + 1), chance.randrange(-10_000, 6_000_000)
    share = min(max(Fraction(seconds, 14 * 86_400), Fraction(1, 4)), Fraction(4))
    expected = min(int(decode_compact(bits) * share), MAINNET.pow_limit)
    assert retarget(bits, seconds=seconds, network=MAINNET) == encode_compact(expected)


@pytest.mark.parametrize("seed", range(20))
def test_an_honest_chain_is_taken_whatever_its_pace(seed: int) -> None:
    """Over several periods, with times that jump about, on both kinds of networks."""
    chance = random.Random(seed)
    network = small_network(min_difficulty=seed % 2 == 1, retarget_on_first=seed % 3 == 1)
    chain = [first_block(network)]
    for _ in range(26):
        time = max(median_time(chain) + 1, chain[-1].header.time + chance.randrange(-300, 1_400))
        header = next_header(chain, network, time=time)
        chain.append(verify_next(chain, header, block_on(chain, header).hash, network=network, now=LATE))
    assert all(each.header.bits == naive_bits(chain[: each.height], each.header.time, network) for each in chain[1:])
    client = client_at(chain[:1], network, confirmations=2)
    assert client.update(evidence(chain[1:]), now=LATE).latest() == Height(0, 24)


def naive_bits(chain: Sequence[Block], time: int, network: Network) -> int:
    """The rules read literally, for a chain kept from the genesis block on."""
    easiest, last = encode_compact(network.pow_limit), chain[-1]
    if len(chain) % network.period == 0:
        first = chain[len(chain) - network.period]
        old = decode_compact((first if network.retarget_on_first else last).header.bits)
        span = network.period * network.spacing
        taken = sorted((span // 4, last.header.time - first.header.time, span * 4))[1]
        return encode_compact(min(old * taken // span, network.pow_limit))
    if not network.min_difficulty:
        return last.header.bits
    if time > last.header.time + 20 * 60:
        return easiest
    while last.height % network.period and last.header.bits == easiest:
        last = chain[last.height - 1]
    return last.header.bits


def test_the_last_real_difficulty_returns_after_an_easy_block() -> None:
    hard = encode_compact(SMALL_LIMIT >> 2)
    network = small_network(min_difficulty=True)
    times = [CHAIN[0].header.time + SPACING * index for index in range(3)]
    chain = [
        Block(16 + index, b"", Header(4, b"", b"", time, bits, 0), 0)
        for index, (time, bits) in enumerate(zip(times, (hard, hard, encode_compact(SMALL_LIMIT)), strict=True))
    ]
    assert required_bits(chain, times[-1] + 1_200, network) == hard
    assert required_bits(chain, times[-1] + 1_201, network) == encode_compact(SMALL_LIMIT)


def _period(last_but_one: int, **changes: object) -> tuple[list[Block], Network]:
    network = small_network(**changes)
    return mine([first_block(network)], last_but_one, network), network


def test_a_period_that_begins_before_the_last_one_ended() -> None:
    chain, network = _period(7, timewarp_grace=600)
    time = chain[-1].header.time - 601
    error = refused(TimeNotIncreasing, next_header(chain, network, time=time), chain=chain, network=network)
    assert (error.got, error.trusted) == (time, time + 1)
    plain = small_network()
    header = next_header(chain, plain, time=time)
    verify_next(chain, header, block_on(chain, header).hash, network=plain, now=LATE)


def test_a_period_that_ends_before_it_began() -> None:
    network = small_network(ordered_periods=True)
    chain = mine([first_block(network)], 7, network)
    chain.append(block_on(chain, next_header(chain, network, time=chain[-1].header.time + 50_000)))
    chain = mine_slowly(chain, 6, network)
    error = refused(
        TimeNotIncreasing, next_header(chain, network, time=median_time(chain) + 1), chain=chain, network=network
    )
    assert error.trusted == chain[8].header.time


def mine_slowly(chain: Sequence[Block], count: int, network: Network) -> list[Block]:
    """Each block one second after the median of those before."""
    grown = list(chain)
    for _ in range(count):
        grown.append(block_on(grown, next_header(grown, network, time=median_time(grown) + 1)))
    return grown


# --- runs of headers, and where a client begins ---


def test_bytes_that_are_no_run_of_headers() -> None:
    for wrong in (b"", evidence(CHAIN)[:-1], evidence(CHAIN) + b"\0"):
        with pytest.raises(MalformedProof) as refusal:
            decode_run(wrong)
        assert refusal.value.part == "block headers"
    with pytest.raises(MalformedProof) as refusal:
        decode_header(b"\0" * 81)
    assert refusal.value.part == "block header"
    assert encode_header(decode_header(evidence(CHAIN[3:4]))) == evidence(CHAIN[3:4])


def test_too_many_headers_are_refused_unread() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        decode_run(b"\0" * (80 * HEADERS_MAX + 1))
    assert refusal.value.limit == 80 * HEADERS_MAX


def start(chain: Sequence[Block], **changes: object) -> BitcoinClient:
    arguments: dict[str, object] = {
        "headers": evidence(chain),
        "checkpoint_height": chain[-1].height,
        "checkpoint_hash": chain[-1].hash,
        "parameters": Parameters(REGTEST, 3, ROUTE),
    }
    return bootstrap(**(arguments | changes))  # type: ignore[arg-type] # the names are those of the arguments


TOO_FEW = "headers up to the checkpoint"
BROKEN = [*CHAIN[:4], CHAIN[3], *CHAIN[4:]]
UNSURE, SLOW = (Parameters(REGTEST, count, ROUTE) for count in (0, 1_009))
NAMELESS = Parameters(REGTEST, 3, replace(ROUTE, dest_client=ClientId("short")))
STARTS: dict[str, tuple[Callable[[], BitcoinClient], type[VerificationError], str]] = {
    "another_block": (lambda: start(CHAIN, checkpoint_hash=CHAIN[3].hash), WrongLedger, "checkpoint"),
    "too_short": (lambda: start(CHAIN[1:]), MalformedProof, TOO_FEW),
    "longer_than_its_height": (
        lambda: start(CHAIN, checkpoint_height=11),
        MalformedProof,
        TOO_FEW,
    ),
    "broken_link": (
        lambda: start(BROKEN, checkpoint_height=13),
        ValueMismatch,
        "previous block",
    ),
    "another_genesis": (
        lambda: start(mine([first_block(small_network())], 12, REGTEST)),
        WrongLedger,
        "genesis block",
    ),
    "no_confirmation": (
        lambda: start(CHAIN, parameters=UNSURE),
        MalformedProof,
        "confirmations",
    ),
    "too_many": (lambda: start(CHAIN, parameters=SLOW), MalformedProof, "confirmations"),
    "nameless_route": (lambda: start(CHAIN, parameters=NAMELESS), MalformedProof, "client id"),
    "height_without_sequences": (lambda: start(CHAIN, checkpoint_height=HEIGHT_LIMIT), MalformedProof, "height"),
}


@pytest.mark.parametrize("case", STARTS)
def test_a_client_does_not_begin(case: str) -> None:
    begin, error, part = STARTS[case]
    with pytest.raises(error) as refusal:
        begin()
    assert getattr(refusal.value, "part", None) == part


def test_a_branch_that_leaves_below_the_window() -> None:
    """The blocks that would judge it are forgotten: the window of the small network has eleven blocks below final."""
    network = small_network()
    chain = mine([first_block(network)], 30, network)
    client = client_at(chain[:1], network, confirmations=2).update(evidence(chain[1:]), now=now_after(chain))
    oldest = client.belief.chain[0].height
    assert oldest == 28 + 1 - MEDIAN_BLOCKS
    branch = mine(chain[: oldest + 1], 1, network, merkle_root=b"\x11" * 32)
    with pytest.raises(UnknownHeight) as refusal:
        client.update(evidence(branch[oldest + 1 :]), now=now_after(chain))
    assert refusal.value.number < oldest


def test_heights_that_a_client_does_not_answer_for() -> None:
    client = client_at(CHAIN).update(evidence(mine(CHAIN, 5)[13:]), now=LATE)
    with pytest.raises(WrongLedger):
        client.timestamp_at(Height(1, 12))
    with pytest.raises(NotYetFinal) as refusal:
        client.timestamp_at(Height(0, 15))
    assert (refusal.value.part, refusal.value.got, refusal.value.needed) == ("height", 14, 15)


def test_networks_by_name() -> None:
    assert network_named("testnet3") is TESTNET3
    with pytest.raises(UnsupportedProof):
        network_named("signet")


def test_a_header_is_mined_anew_for_each_change() -> None:
    header = mined(replace(CHAIN[-1].header, merkle_root=b"\x44" * 32))
    verify_work(header, block_on(CHAIN[:-1], header).hash, REGTEST)
