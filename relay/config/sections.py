"""The sections that the relay's file and an attestor's file share, and those of the relay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.commitment import ClientId
from relay.config.options import (
    ADDRESS,
    AMOUNT,
    CLIENT,
    FLAG,
    KEY_NAME,
    OPTIONAL_AMOUNT,
    OPTIONAL_KEY_NAME,
    OPTIONAL_PATH,
    PATH,
    TEXT,
    TEXTS,
    URL,
    choice,
    option,
    whole,
)
from relay.pipeline.limits import Keeping

LEVELS = choice("debug", "info", "warning", "error")
VARIANT = choice("tagged", "plain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The process itself."""

    data_dir: Path = option(PATH, "Where the store and its lock lie; one relay process owns it.", example='"data"')
    development: bool = option(
        FLAG,
        "Permits what trusts one party alone: a single endpoint, a single attestor. Never with anything of value.",
        default=False,
        example="false",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Where keys lie and what opens them."""

    folder: Path = option(PATH, "Folder of the encrypted key files.", example='"keys"')
    passphrase: str = option(
        TEXT,
        'Where the passphrase comes from: "file:PATH" (mode 0600), "env:NAME", or "prompt" at a terminal.',
        default="prompt",
        example='"file:passphrase"',
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where a service answers."""

    host: str = option(TEXT, "Address to listen on.", default="127.0.0.1", example='"127.0.0.1"')
    port: int = option(whole(0, 65535, "port"), "Port to listen on; 0 takes a free one.", default=8420, example="8420")
    allow_remote: bool = option(
        FLAG,
        "Permits a host that others can reach. Put TLS in front of it.",
        default=False,
        example="false",
    )
    token_file: Path = option(
        PATH, "File with the bearer token (mode 0600). Whoever has it may write.", example='"api.token"'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is written about the work, to standard error or to a file."""

    level: str = option(LEVELS, "The least serious kind of line that is written.", default="info", example='"info"')
    format: str = option(
        choice("text", "json"), "One line per event, for people or machines.", default="text", example='"text"'
    )
    file: Path | None = option(
        OPTIONAL_PATH, "Append to this file; standard error where it is not given.", default=None, example='"relay.log"'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    """What is kept of verified deliveries, so that they can be shown to others: `causeway verify` reads it."""

    enabled: bool = option(
        FLAG, "Whether evidence and proofs are kept; no delivery needs them.", default=True, example="true"
    )
    days: int = option(
        whole(1, 36_500, "days"), "Older ones are deleted: nobody asks any more.", default=30, example="30"
    )
    bytes_max: int = option(
        whole(1 << 20, 1 << 50, "bytes"),
        "When there is more, the oldest are deleted: it lies in the store, beside what the relay cannot do without.",
        default=256 << 20,
        example="268435456",
    )

    def keeping(self) -> Keeping:
        return Keeping(self.enabled, self.days, self.bytes_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Keys by role. A key serves one role only: a lost fee key must not be able to send, nor to change a client."""

    fee: str | None = option(OPTIONAL_KEY_NAME, "Key that pays for deliveries.", default=None, example='"harbour-fee"')
    send: str | None = option(
        OPTIONAL_KEY_NAME, "Key that sends messages of the service's users.", default=None, example='"harbour-send"'
    )
    setup: str | None = option(
        OPTIONAL_KEY_NAME,
        "Key that deploys hosts and creates clients; used by the command line only.",
        default=None,
        example='"harbour-setup"',
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that is spent on this ledger."""

    fee_per_transaction: int = option(
        AMOUNT, "A transaction that could cost more waits.", default=10**17, example='"100000000000000000"'
    )
    fee_per_day: int = option(
        AMOUNT,
        "When a day's fees reach this, deliveries wait for the next day (UTC).",
        default=10**18,
        example='"1000000000000000000"',
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlugin:
    """One ledger. Every further key belongs to its plugin, which checks it."""

    plugin: str = option(TEXT, "Installed plugin that reaches it.", example='"evm"')


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerConfig:
    """settings: what the plugin checked and will be opened with."""

    name: str
    plugin: str
    settings: Mapping[str, Any]
    accounts: Accounts
    budget: Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEnd:
    """One end of a link: a ledger, and the client on it that follows the other."""

    ledger: str = option(TEXT, "Name of a [ledgers.*] table.", example='"harbour"')
    client: ClientId = option(
        CLIENT, "The client on that ledger that follows the other end.", example='"attestations-0"'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTable:
    """What may cross in one direction."""

    ports: tuple[str, ...] = option(
        TEXTS,
        "Only packets whose source and destination ports are listed; empty permits all.",
        default=(),
        example='["mailbox"]',
    )
    denied_ports: tuple[str, ...] = option(
        TEXTS, "Packets of these ports are left alone.", default=(), example='["transfer"]'
    )
    payload_bytes_max: int = option(
        whole(1, 1 << 20, "bytes"),
        "Larger packets are left alone: they would crowd out the others in a transaction.",
        default=65_536,
        example="65536",
    )
    fee_per_day: int | None = option(
        OPTIONAL_AMOUNT,
        "Most this direction may cost in a day, in the destination's smallest unit; without it only the ledger's.",
        default=None,
        example='"500000000000000000"',
    )
    paused: bool = option(FLAG, "Starts paused: packets are seen and wait.", default=False, example="false")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    a: LinkEnd
    b: LinkEnd
    a_to_b: LaneTable
    b_to_a: LaneTable


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """Attestors that sign, for clients on `destination`, what they verified on `source`."""

    source: str = option(TEXT, "The ledger they attest.", example='"harbour"')
    destination: str = option(TEXT, "The ledger whose client counts their signatures.", example='"meadow"')
    threshold: int = option(
        whole(1, 64, "signatures"),
        "How many must sign; more than half, or two disjoint quorums could say opposite things.",
        example="2",
    )
    variant: str = option(
        VARIANT,
        'What the client verifies: "tagged" (current) or "plain" (older deployments).',
        default="tagged",
        example='"tagged"',
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberConfig:
    """One attestor of a group."""

    name: str = option(KEY_NAME, "Its name in metrics and on the status page.", example='"ada"')
    url: str = option(URL, "Where it answers.", example='"https://ada.example.org:8421"')
    address: bytes = option(
        ADDRESS,
        "Address of its key for this ledger, host and variant alone: signatures do not name their ledger.",
        example='"0x1111111111111111111111111111111111111111"',
    )
    token_file: Path = option(PATH, "File with the bearer token it asks for (mode 0600).", example='"ada.token"')


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupConfig:
    source: str
    destination: str
    threshold: int
    variant: str
    members: tuple[MemberConfig, ...] = field(default=())
