"""The configuration table of an embedded ledger, read strictly: an unknown key is a mistake, not a wish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from adapters.contract.plugin import SettingRefused
from adapters.embedded.genesis import is_chain_id
from adapters.embedded.node import EmbeddedNode
from proofs.cometbft.types import SECOND, Parameters

# Two weeks of trust in a set whose stake is bound for three: what most Cosmos chains use.
_TRUSTING_SECONDS: Final = 14 * 86_400
# Hosts compare with their newest block, which may be some seconds old on an idle ledger.
_DRIFT_SECONDS: Final = 60
_SECONDS_MAX: Final = 10 * 365 * 86_400
_ENDPOINTS_MAX: Final = 16
_KEYS: Final = frozenset(
    {"chain_id", "endpoints", "nodes", "checkpoint", "trusting_period_seconds", "max_clock_drift_seconds"}
)


@dataclass(frozen=True, slots=True)
class Settings:
    """nodes: in this process, for simulations. checkpoint: height and header hash."""

    chain_id: str
    endpoints: tuple[str, ...]
    nodes: tuple[EmbeddedNode, ...]
    checkpoint: tuple[int, bytes]
    parameters: Parameters


def read_settings(settings: Mapping[str, object]) -> Settings:
    """Raises SettingRefused."""
    for key in sorted(settings.keys() - _KEYS):
        raise SettingRefused(key, settings[key], f"one of {', '.join(sorted(_KEYS))}")
    endpoints = _endpoints(settings.get("endpoints", ()))
    nodes = _nodes(settings.get("nodes", ()))
    if bool(endpoints) is bool(nodes):
        raise SettingRefused("endpoints", list(endpoints), "at least one address of a node")
    trusting = _seconds(settings, "trusting_period_seconds", _TRUSTING_SECONDS)
    drift = _seconds(settings, "max_clock_drift_seconds", _DRIFT_SECONDS)
    parameters = Parameters(trusting * SECOND, trusting * SECOND * 3 // 2, drift * SECOND)
    return Settings(
        _chain_id(settings.get("chain_id")), endpoints, nodes, _checkpoint(settings.get("checkpoint")), parameters
    )


def _chain_id(got: object) -> str:
    if not isinstance(got, str) or not is_chain_id(got):
        raise SettingRefused("chain_id", got, "a text of 1 to 50 bytes")
    return got


def _endpoints(got: object) -> tuple[str, ...]:
    if not isinstance(got, list | tuple) or len(got) > _ENDPOINTS_MAX:
        raise SettingRefused("endpoints", got, f"a list of at most {_ENDPOINTS_MAX} addresses")
    for index, each in enumerate(got):
        if not isinstance(each, str) or not _is_address(each):
            raise SettingRefused(f"endpoints[{index}]", each, "http://host:port or https://host:port")
        if each in got[:index]:
            raise SettingRefused(f"endpoints[{index}]", each, "each address once")
    return tuple(got)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None and not parts.query
    except ValueError:
        return False


def _nodes(got: object) -> tuple[EmbeddedNode, ...]:
    if not isinstance(got, Sequence):
        raise SettingRefused("nodes", got, "a list of nodes in this process")
    for index, each in enumerate(got):
        if not isinstance(each, EmbeddedNode):
            raise SettingRefused(f"nodes[{index}]", each, "a node in this process")
    return tuple(got)


def _checkpoint(got: object) -> tuple[int, bytes]:
    if not isinstance(got, Mapping):
        raise SettingRefused("checkpoint", got, "a table with height and hash")
    for key in sorted(got.keys() - {"height", "hash"}):
        raise SettingRefused(f"checkpoint.{key}", got[key], "height or hash")
    height, block_hash = got.get("height"), got.get("hash")
    if not isinstance(height, int) or isinstance(height, bool) or not 1 <= height < 1 << 63:
        raise SettingRefused("checkpoint.height", height, "a whole number from 1 on")
    if not isinstance(block_hash, str) or not _is_hash(block_hash):
        raise SettingRefused("checkpoint.hash", block_hash, "64 hex digits")
    return height, bytes.fromhex(block_hash)


def _is_hash(text: str) -> bool:
    return len(text) == 64 and set(text.lower()) <= set("0123456789abcdef")


def _seconds(settings: Mapping[str, object], key: str, default: int) -> int:
    got = settings.get(key, default)
    if not isinstance(got, int) or isinstance(got, bool) or not 1 <= got <= _SECONDS_MAX:
        raise SettingRefused(key, got, f"whole seconds from 1 to {_SECONDS_MAX}")
    return got
