"""The configuration table of an EVM ledger, read strictly: unknown keys are errors, and every error names its key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from adapters.contract.ledger import Endpoint, Limits
from adapters.contract.plugin import SettingRefused
from adapters.evm.connection import EndpointAddress
from adapters.evm.fees import FeeRules

# EIP-7825: a transaction of more than 2^24 gas is invalid from Osaka on.
GAS_CAP: Final = 1 << 24
# geth-family pools refuse larger transactions.
TRANSACTION_BYTES: Final = 128 * 1024
_ENDPOINTS_MOST: Final = 16
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Finality:
    """tag: the node's own word. depth: blocks below the latest, for chains whose nodes know no finality."""

    tag: Literal["finalized", "safe"] | None = "finalized"
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Quorum:
    """k of the configured endpoints must agree on a header."""

    k: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    height: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class EvmSettings:
    """host, host_code and mailbox are None before they are deployed; trust may be then.

    host_code: keccak256 of the host account's own code, as its state proof shows it.
    """

    chain_id: int
    endpoints: tuple[EndpointAddress, ...]
    host: bytes | None = None
    mailbox: bytes | None = None
    host_code: bytes | None = None
    host_height: int = 0  # the block that created the host: nothing is read below it
    finality: Finality = field(default_factory=Finality)
    trust: Quorum | None = None
    checkpoint: Checkpoint | None = None
    fees: FeeRules = field(default_factory=FeeRules)
    limits: Limits = field(default_factory=lambda: Limits(60, TRANSACTION_BYTES, GAS_CAP, 16))
    variant: Literal["tagged", "plain"] = "tagged"  # which form the attestation clients on this host verify
    log_range: int = 2_000  # blocks per eth_getLogs: what most providers accept
    clock_drift_seconds: int = 60

    @property
    def ledger(self) -> str:
        return f"evm-{self.chain_id}"


_KEYS: Final = (
    "plugin",
    "chain_id",
    "endpoints",
    "host",
    "mailbox",
    "host_code",
    "host_height",
    "finality",
    "trust",
    "checkpoint",
    "fees",
    "limits",
    "variant",
    "log_range",
    "clock_drift_seconds",
)


def read_settings(table: Mapping[str, object]) -> EvmSettings:
    """Raises SettingRefused."""
    _refuse_unknown(table, _KEYS, "")
    if table.get("plugin", "evm") != "evm":
        raise SettingRefused("plugin", table["plugin"], "evm")
    endpoints = _endpoints(table.get("endpoints"))
    host = _address(table, "host")
    trust = _trust(table.get("trust"), len(endpoints))
    if host is not None and trust is None:
        # Which trust a ledger has is said aloud, never assumed.
        raise SettingRefused("trust", None, '{ kind = "endpoint-quorum", k = … }')
    if host is not None and "host_code" not in table:
        raise SettingRefused("host_code", None, "keccak256 of the host's code, 64 hex digits")
    return EvmSettings(
        chain_id=_whole(table, "chain_id", least=1, most=2**63 - 1),
        endpoints=endpoints,
        host=host,
        mailbox=_address(table, "mailbox"),
        host_code=_hash(table["host_code"], "host_code") if "host_code" in table else None,
        host_height=_whole(table, "host_height", least=0, most=2**63 - 1, default=0),
        finality=_finality(table.get("finality")),
        trust=trust,
        checkpoint=_checkpoint(table.get("checkpoint")),
        fees=_fees(table.get("fees")),
        limits=_limits(table.get("limits")),
        variant=_variant(table.get("variant", "tagged")),
        log_range=_whole(table, "log_range", least=1, most=1_000_000, default=2_000),
        clock_drift_seconds=_whole(table, "clock_drift_seconds", least=0, most=86_400, default=60),
    )


def _endpoints(value: object) -> tuple[EndpointAddress, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= _ENDPOINTS_MOST:
        raise SettingRefused("endpoints", value, f"a list of 1 to {_ENDPOINTS_MOST} endpoints")
    read = tuple(_endpoint(each, position) for position, each in enumerate(value))
    names = [each.name for each in read]
    if len(set(names)) != len(names):
        raise SettingRefused("endpoints", names, "names that differ")
    if len({each.url for each in read}) != len(read):
        raise SettingRefused("endpoints", names, "addresses that differ: one endpoint has one voice")
    return read


def _endpoint(value: object, position: int) -> EndpointAddress:
    """An address alone is named by its place in the list: an address may hold a key, a name never does."""
    key = f"endpoints[{position}]"
    if isinstance(value, str):
        return EndpointAddress(Endpoint(f"endpoint-{position + 1}"), _url(value, key))
    if not isinstance(value, Mapping):
        raise SettingRefused(key, value, "an http address, or { name = …, url = … }")
    _refuse_unknown(value, ("name", "url"), f"{key}.")
    name = value.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingRefused(f"{key}.name", name, "1 to 64 letters, digits, dots, dashes or underscores")
    return EndpointAddress(Endpoint(name), _url(value.get("url"), f"{key}.url"))


def _url(value: object, key: str) -> str:
    # What is wrong is not shown: an address may hold a key.
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        good = parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise SettingRefused(key, type(value).__name__, "an http or https address")
    return str(value)


def _finality(value: object) -> Finality:
    if value is None:
        return Finality()
    table = _table(value, "finality", ("tag", "depth"))
    if ("tag" in table) == ("depth" in table):
        raise SettingRefused("finality", dict(table), "either tag or depth")
    if "depth" in table:
        return Finality(tag=None, depth=_whole(table, "depth", least=0, most=100_000, within="finality."))
    if table["tag"] == "finalized":
        return Finality()
    if table["tag"] == "safe":
        return Finality(tag="safe")
    raise SettingRefused("finality.tag", table["tag"], "finalized or safe")


def _trust(value: object, endpoints: int) -> Quorum | None:
    if value is None:
        return None
    table = _table(value, "trust", ("kind", "k"))
    if table.get("kind") != "endpoint-quorum":
        raise SettingRefused("trust.kind", table.get("kind"), "endpoint-quorum")
    k = _whole(table, "k", least=1, most=endpoints, within="trust.")
    if k * 2 <= endpoints:
        raise SettingRefused("trust.k", k, f"more than half of the {endpoints} endpoints")
    return Quorum(k)


def _checkpoint(value: object) -> Checkpoint | None:
    if value is None:
        return None
    table = _table(value, "checkpoint", ("height", "hash"))
    height = _whole(table, "height", least=0, most=2**63 - 1, within="checkpoint.")
    return Checkpoint(height, _hash(table.get("hash"), "checkpoint.hash"))


def _fees(value: object) -> FeeRules:
    if value is None:
        return FeeRules()
    table = _table(value, "fees", ("tip_least", "tip_most", "base_fee_factor"))
    plain = FeeRules()
    least = _whole(table, "tip_least", least=0, most=10**18, default=plain.tip_least, within="fees.")
    most = _whole(table, "tip_most", least=0, most=10**18, default=plain.tip_most, within="fees.")
    if least > most:
        raise SettingRefused("fees.tip_least", least, f"at most tip_most ({most})")
    factor = _whole(table, "base_fee_factor", least=1, most=16, default=plain.base_fee_factor, within="fees.")
    return FeeRules(least, most, factor)


def _limits(value: object) -> Limits:
    table = {} if value is None else _table(value, "limits", ("messages", "bytes", "gas", "in_flight"))
    return Limits(
        messages=_whole(table, "messages", least=1, most=500, default=60, within="limits."),
        bytes=_whole(table, "bytes", least=4_096, most=TRANSACTION_BYTES, default=TRANSACTION_BYTES, within="limits."),
        gas=_whole(table, "gas", least=1_000_000, most=1_000_000_000, default=GAS_CAP, within="limits."),
        in_flight=_whole(table, "in_flight", least=1, most=64, default=16, within="limits."),
    )


def _variant(value: object) -> Literal["tagged", "plain"]:
    if value == "tagged":
        return "tagged"
    if value == "plain":
        return "plain"
    raise SettingRefused("variant", value, "tagged or plain")


def _table(value: object, key: str, known: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise SettingRefused(key, value, "a table")
    _refuse_unknown(value, known, f"{key}.")
    return value


def _refuse_unknown(table: Mapping[str, object], known: tuple[str, ...], within: str) -> None:
    for key in table:
        if key not in known:
            raise SettingRefused(f"{within}{key}", table[key], f"one of {', '.join(known)}")


def _whole(
    table: Mapping[str, object], key: str, *, least: int, most: int, default: int | None = None, within: str = ""
) -> int:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SettingRefused(f"{within}{key}", value, f"a whole number from {least} to {most}")
    return value


def _address(table: Mapping[str, object], key: str) -> bytes | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        raise SettingRefused(key, value, "0x and 40 hex digits")
    return bytes.fromhex(value[2:])


def _hash(value: object, key: str) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", value):
        raise SettingRefused(key, value, "64 hex digits")
    return bytes.fromhex(value[-64:])
