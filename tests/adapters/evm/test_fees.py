"""Fees: room for the base fee to rise, never above the cap, and replacements that nodes take."""

from __future__ import annotations

import pytest

from adapters.contract.errors import RefusedForNow
from adapters.contract.messages import Rule
from adapters.evm.fees import (
    FeeRules,
    GasPrice,
    check_bumped_within_cap,
    compute_price,
    compute_replacement,
    fit_into_cap,
)

RULES = FeeRules(tip_least=10, tip_most=1_000)


@pytest.mark.parametrize(("suggested", "tip"), ((0, 10), (500, 500), (10**12, 1_000)))
def test_the_tip_stays_between_its_bounds(suggested: int, tip: int) -> None:
    assert compute_price(7, suggested, RULES) == GasPrice(14 + tip, tip)


def test_room_is_given_up_before_the_cap_is_broken() -> None:
    price = GasPrice(210, 10)
    assert fit_into_cap(price, gas=10, fee_cap=2_100, base_fee=100) == price
    assert fit_into_cap(price, gas=10, fee_cap=1_500, base_fee=100) == GasPrice(150, 10)
    assert fit_into_cap(price, gas=10, fee_cap=1_100, base_fee=100) == GasPrice(110, 10)
    with pytest.raises(RefusedForNow) as refusal:
        fit_into_cap(price, gas=10, fee_cap=1_099, base_fee=100)
    assert refusal.value.rule == Rule.FEE_CAP
    assert "1100 wei" in refusal.value.detail


@pytest.mark.parametrize("before", (GasPrice(1, 0), GasPrice(8, 8), GasPrice(1_001, 3), GasPrice(10**12, 10**9)))
def test_a_replacement_raises_both_fees_by_an_eighth_at_least(before: GasPrice) -> None:
    after = compute_replacement(before, GasPrice(0, 0))
    assert after.most * 8 >= before.most * 9
    assert after.tip * 8 >= before.tip * 9
    assert after.tip <= after.most


def test_a_replacement_is_never_below_the_price_of_now() -> None:
    assert compute_replacement(GasPrice(100, 1), GasPrice(5_000, 70)) == GasPrice(5_000, 70)


def test_a_replacement_has_no_room_to_give() -> None:
    check_bumped_within_cap(GasPrice(100, 1), gas=10, fee_cap=1_000)
    with pytest.raises(RefusedForNow) as refusal:
        check_bumped_within_cap(GasPrice(100, 1), gas=10, fee_cap=999)
    assert refusal.value.rule == Rule.FEE_CAP
