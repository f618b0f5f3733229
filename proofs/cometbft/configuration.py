"""What an operator may configure: a client that could be fooled, or could never be stored, is not started."""

from __future__ import annotations

from typing import Final

from proofs.cometbft.host import HostLayout, check_layout
from proofs.cometbft.predicates import check_chain_id_length
from proofs.cometbft.types import SECOND, Parameters, TrustLevel
from proofs.errors import LimitExceeded, MalformedProof

# Unbonding takes weeks; a century is a wrong unit.
PERIOD_MAX: Final = 100 * 365 * 86_400 * SECOND


def check_configuration(chain_id: str, parameters: Parameters, host: HostLayout) -> None:
    check_chain_id_length(chain_id)
    check_trust_level(parameters.trust_level)
    check_periods(parameters)
    check_layout(host)


def check_trust_level(level: TrustLevel) -> None:
    """Between a third and all: below a third, faulty validators alone would do. Source: light.ValidateTrustLevel."""
    if not (level.denominator > 0 and level.numerator <= level.denominator <= level.numerator * 3):
        raise MalformedProof("trust level", got=f"{level.numerator}/{level.denominator}", expected="from 1/3 to 1")


def check_periods(parameters: Parameters) -> None:
    """Trust ends before stake can be withdrawn. Source: 07-tendermint client_state.go, Validate. Nanoseconds."""
    if not 0 < parameters.trusting_period < parameters.unbonding_period:
        raise MalformedProof(
            "trusting period", got=parameters.trusting_period, expected=f"below {parameters.unbonding_period}"
        )
    if parameters.max_clock_drift <= 0:
        raise MalformedProof("max clock drift", got=parameters.max_clock_drift, expected="above 0")
    longest = max(parameters.unbonding_period, parameters.max_clock_drift)
    if longest > PERIOD_MAX:
        raise LimitExceeded("period", got=longest, limit=PERIOD_MAX)
