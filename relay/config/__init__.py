"""The configuration: TOML, read strictly into frozen types; every limit has a unit, a range and a reason."""

from relay.config.attestor import AttestorConfig, AttestorService, AttestsConfig, load_attestor_config
from relay.config.limits import Limits
from relay.config.load import Config, load_config
from relay.config.problems import ConfigRefused, Problem
from relay.config.sections import Accounts, Budget, GroupConfig, LedgerConfig, LinkConfig, LinkEnd, Listen, MemberConfig

__all__ = [
    "Accounts",
    "AttestorConfig",
    "AttestorService",
    "AttestsConfig",
    "Budget",
    "Config",
    "ConfigRefused",
    "GroupConfig",
    "LedgerConfig",
    "Limits",
    "LinkConfig",
    "LinkEnd",
    "Listen",
    "MemberConfig",
    "Problem",
    "load_attestor_config",
    "load_config",
]
