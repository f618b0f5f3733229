"""An attestor's file: the same format, its own ledgers, its own keys. It shares nothing with a relay's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.config.load import read_ledger, read_listen
from relay.config.options import FLAG, KEY_NAME, NETWORKS, PATH, TEXT, number, option, whole
from relay.config.sections import VARIANT, Keys, LedgerConfig, Listen, Log
from relay.config.table import Table, read_file

_SECTIONS: Final = ("attestor", "keys", "log", "ledgers", "attests")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestorService(Listen):
    """The attestor's process."""

    data_dir: Path = option(PATH, "Where its light clients lie.", example='"attestor-data"')
    signed_log: Path = option(
        PATH,
        "Durable log of signed heights, written before each signature. Restoring an old copy makes it refuse much.",
        example='"attestor-data/signed.db"',
    )
    development: bool = option(FLAG, "Permits ledgers that trust a single endpoint.", default=False, example="false")
    allow_from: tuple[str, ...] = option(
        NETWORKS,
        "Networks that may ask, besides holding the token; empty permits all.",
        default=(),
        example='["127.0.0.0/8"]',
    )
    requests_at_once: int = option(
        whole(1, 256, "requests"),
        "Requests worked on together; further ones are told to come again: each costs calls to our nodes.",
        default=16,
        example="16",
    )
    head_wait_seconds: float = option(
        number(0, 60, "seconds"),
        "How long a request waits for our own node to see a height as final: it may be a block behind the relay's.",
        default=4.0,
        example="4.0",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestsConfig:
    """What is signed with which key: one key per ledger, host and variant."""

    ledger: str = option(
        TEXT, "Name of a [ledgers.*] table; its host is the one that is attested.", example='"harbour"'
    )
    variant: str = option(VARIANT, "As in the relay's [[attestors]].", default="tagged", example='"tagged"')
    key: str = option(
        KEY_NAME, "Key that signs for this ledger, host and variant, and for nothing else.", example='"attest-harbour"'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestorConfig:
    file: Path
    attestor: AttestorService
    keys: Keys
    log: Log
    ledgers: Mapping[str, LedgerConfig]
    attests: tuple[AttestsConfig, ...]


def load_attestor_config(path: Path) -> AttestorConfig:
    """Raises ConfigRefused. Touches no network and no other file."""
    root = read_file(path)
    root.refuse_unknown(_SECTIONS)
    service = read_listen(root.table("attestor"), AttestorService)
    keys = root.table("keys").read(Keys)
    log = root.table("log").read(Log)
    development = service is None or service.development
    ledgers = {name: read_ledger(table, name, development=development) for name, table in root.named_tables("ledgers")}
    attests = [_read_attests(table, ledgers) for table in root.list_of_tables("attests")]
    if not attests:
        root.refuse("attests", got=[], expected="at least one [[attests]] table: what is signed with which key")
    _check_one_key_each(root, [each for each in attests if each is not None])
    root.problems.refuse_any()
    assert service is not None
    assert keys is not None
    assert log is not None
    return AttestorConfig(
        file=path,
        attestor=service,
        keys=keys,
        log=log,
        ledgers={name: ledger for name, ledger in ledgers.items() if ledger is not None},
        attests=tuple(each for each in attests if each is not None),
    )


def _read_attests(table: Table, ledgers: Mapping[str, object]) -> AttestsConfig | None:
    attests = table.read(AttestsConfig)
    if attests is not None and attests.ledger not in ledgers:
        known = ", ".join(ledgers) or "none is configured"
        table.refuse("ledger", got=attests.ledger, expected=f"the name of a configured ledger: {known}")
    return attests


def _check_one_key_each(root: Table, attests: list[AttestsConfig]) -> None:
    """A key for two subjects lets what it said of one pass as the other's."""
    by_key: dict[str, int] = {}
    by_subject: dict[tuple[str, str], int] = {}
    for index, each in enumerate(attests):
        first = by_key.setdefault(each.key, index)
        if first != index:
            root.refuse(f"attests[{index}].key", got=each.key, expected=f"a key of its own: attests[{first}] uses it")
        first = by_subject.setdefault((each.ledger, each.variant), index)
        if first != index:
            expected = f"another ledger or variant than attests[{first}]"
            root.refuse(f"attests[{index}].ledger", got=each.ledger, expected=expected)
