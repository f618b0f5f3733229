"""What a transaction may cost: EIP-1559 fees, with room for the base fee to double before it is included.

The base fee changes by at most an eighth per block, so twice the present one lasts for six full blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from adapters.contract.errors import RefusedForNow
from adapters.contract.messages import Rule

# Nodes replace a pooled transaction only when both fees rise by at least a tenth (geth's price bump; others an eighth).
_BUMP_NUMERATOR: Final = 1125
_BUMP_DENOMINATOR: Final = 1000


@dataclass(frozen=True, slots=True)
class FeeRules:
    """wei per gas. tip_least: below it block builders ignore us. tip_most: more is a mistake of the endpoint's."""

    tip_least: int = 1
    tip_most: int = 50_000_000_000
    base_fee_factor: int = 2


@dataclass(frozen=True, slots=True)
class GasPrice:
    """wei per gas: `most` all included, of which `tip` goes to the block's builder."""

    most: int
    tip: int

    def __post_init__(self) -> None:
        assert 0 <= self.tip <= self.most, "a tip is part of the whole"


def compute_price(base_fee: int, suggested_tip: int, rules: FeeRules) -> GasPrice:
    """Price a new transaction.

    >>> compute_price(100, 7, FeeRules())
    GasPrice(most=207, tip=7)
    """
    tip = min(max(suggested_tip, rules.tip_least), rules.tip_most)
    return GasPrice(base_fee * rules.base_fee_factor + tip, tip)


def compute_replacement(before: GasPrice, now: GasPrice) -> GasPrice:
    """Price a transaction that replaces one in the same slot: at least an eighth more, in both fees.

    >>> compute_replacement(GasPrice(1000, 1), GasPrice(900, 1))
    GasPrice(most=1125, tip=2)
    """
    most, tip = _bumped(before.most), _bumped(before.tip)
    tip = max(tip, now.tip)
    return GasPrice(max(most, now.most, tip), tip)


def fit_into_cap(price: GasPrice, *, gas: int, fee_cap: int, base_fee: int) -> GasPrice:
    """Lower the room for a rising base fee until the whole fits into `fee_cap` wei.

    Raises RefusedForNow when not even the present base fee and the tip fit.
    """
    if price.most * gas <= fee_cap:
        return price
    most = fee_cap // gas
    if most < base_fee + price.tip:
        needed = (base_fee + price.tip) * gas
        raise RefusedForNow(Rule.FEE_CAP, f"costs {needed} wei now, {fee_cap} allowed")
    return replace(price, most=most)


def check_bumped_within_cap(price: GasPrice, *, gas: int, fee_cap: int) -> None:
    """A replacement has no room to give: less than its bump and nodes refuse it."""
    if price.most * gas > fee_cap:
        raise RefusedForNow(Rule.FEE_CAP, f"a replacement costs up to {price.most * gas} wei, {fee_cap} allowed")


def _bumped(fee: int) -> int:
    return -(-fee * _BUMP_NUMERATOR // _BUMP_DENOMINATOR)
