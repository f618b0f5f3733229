"""The relay's file: read strictly, checked as a whole, refused with everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from adapters.contract.plugin import Plugin, SettingRefused, UnknownPlugin, load_plugin
from relay.config.limits import Limits
from relay.config.options import is_loopback
from relay.config.problems import Words
from relay.config.sections import (
    Accounts,
    Budget,
    Bundles,
    GroupConfig,
    GroupTable,
    Keys,
    LaneTable,
    LedgerConfig,
    LedgerPlugin,
    LinkConfig,
    LinkEnd,
    Listen,
    Log,
    MemberConfig,
    Relay,
)
from relay.config.table import Table, read_file
from relay.lanes import Lane, LaneId, LanePolicy

OWN_LEDGER_KEYS: Final = ("plugin", "accounts", "budget")  # everything else in [ledgers.*] is its plugin's
AnyListen = TypeVar("AnyListen", bound=Listen)

_SECTIONS: Final = ("relay", "keys", "api", "log", "bundles", "limits", "ledgers", "links", "attestors")
_ROLES: Final = ("fee", "send", "setup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    file: Path
    relay: Relay
    keys: Keys
    api: Listen
    log: Log
    bundles: Bundles
    limits: Limits
    ledgers: Mapping[str, LedgerConfig]
    links: tuple[LinkConfig, ...]
    attestors: tuple[GroupConfig, ...]

    def lanes(self) -> tuple[Lane, ...]:
        """Two per link."""
        return tuple(lane for link in self.links for lane, _ in _lanes_of(link))

    def paused_lanes(self) -> frozenset[LaneId]:
        """Those that the file starts paused."""
        return frozenset(lane.id for link in self.links for lane, table in _lanes_of(link) if table.paused)

    def group(self, *, source: str, destination: str, variant: str | None = None) -> GroupConfig | None:
        """Who attests `source` for clients on `destination`: in this variant, or the first in any."""
        of_pair = (group for group in self.attestors if (group.source, group.destination) == (source, destination))
        return next((group for group in of_pair if variant in (None, group.variant)), None)


def load_config(path: Path) -> Config:
    """Raises ConfigRefused. Touches no network and no other file."""
    root = read_file(path)
    root.refuse_unknown(_SECTIONS)
    relay = root.table("relay").read(Relay)
    development = relay is None or relay.development  # where it could not be read, that is the problem to name
    keys = root.table("keys").read(Keys)
    api = read_listen(root.table("api"), Listen)
    log = root.table("log").read(Log)
    bundles = root.table("bundles").read(Bundles)
    limits = read_limits(root.table("limits"))
    ledgers = {name: read_ledger(table, name, development=development) for name, table in root.named_tables("ledgers")}
    _check_roles_apart(root, ledgers)
    links = [_read_link(table, ledgers) for table in root.list_of_tables("links")]
    _check_links_differ(root, links)
    groups = [_read_group(table, ledgers, development=development) for table in root.list_of_tables("attestors")]
    _check_attestor_keys_apart(root, groups)
    root.problems.refuse_any()
    assert relay is not None
    assert keys is not None
    assert api is not None
    assert log is not None
    assert bundles is not None
    assert limits is not None
    return Config(
        file=path,
        relay=relay,
        keys=keys,
        api=api,
        log=log,
        bundles=bundles,
        limits=limits,
        ledgers={name: ledger for name, ledger in ledgers.items() if ledger is not None},
        links=tuple(link for link in links if link is not None),
        attestors=tuple(group for group in groups if group is not None),
    )


def read_listen(table: Table, section: type[AnyListen]) -> AnyListen | None:
    listen = table.read(section)
    if listen is not None and not listen.allow_remote and not is_loopback(listen.host):
        table.refuse("host", got=listen.host, expected="a loopback address, or allow_remote = true")
    return listen


def read_limits(table: Table) -> Limits | None:
    limits = table.read(Limits)
    if limits is not None and limits.retry_first_seconds > limits.retry_max_seconds:
        expected = f"at least retry_first_seconds, {limits.retry_first_seconds:g}"
        table.refuse("retry_max_seconds", got=limits.retry_max_seconds, expected=expected)
    return limits


def read_ledger(table: Table, name: str, *, development: bool) -> LedgerConfig | None:
    settings = {key: value for key, value in table.content.items() if key not in OWN_LEDGER_KEYS}
    own = {key: value for key, value in table.content.items() if key in OWN_LEDGER_KEYS}
    own_table = Table(own, table.key, table.problems)
    header = own_table.read(LedgerPlugin, tables=("accounts", "budget"))
    accounts = own_table.table("accounts").read(Accounts)
    budget = own_table.table("budget").read(Budget)
    if header is None or accounts is None or budget is None:
        return None
    try:
        _check_plugin(table, load_plugin(header.plugin), settings, development=development)
    except UnknownPlugin as unknown:
        table.refuse("plugin", got=unknown.name, expected=f"one of {', '.join(unknown.known) or 'none installed'}")
        return None
    return LedgerConfig(name=name, plugin=header.plugin, settings=settings, accounts=accounts, budget=budget)


def _check_plugin(table: Table, plugin: Plugin, settings: Mapping[str, Any], *, development: bool) -> None:
    try:
        plugin.check_settings(settings)
    except SettingRefused as refusal:
        table.refuse(refusal.key, got=refusal.got, expected=refusal.expected)
        return
    if plugin.is_development_trust(settings) and not development:
        expected = "more than one endpoint, so that no one is trusted alone, or development = true"
        table.refuse("", got=Words("the trust of a single endpoint"), expected=expected)


def _check_roles_apart(root: Table, ledgers: Mapping[str, LedgerConfig | None]) -> None:
    """A key that leaks in one role must be worthless in the others."""
    held: dict[str, tuple[str, str]] = {}
    for name, ledger in ledgers.items():
        for role in _ROLES if ledger is not None else ():
            key = getattr(ledger.accounts, role) if ledger is not None else None
            if key is None:
                continue
            place = f"ledgers.{name}.accounts.{role}"
            other, first = held.setdefault(key, (role, place))
            if other != role:
                root.refuse(place, got=key, expected=f"a key of its own: {first} uses it for another role")


def _read_link(table: Table, ledgers: Mapping[str, object]) -> LinkConfig | None:
    table.refuse_unknown(("a", "b", "a_to_b", "b_to_a"))
    ends = [_read_end(table.table(name), ledgers) for name in ("a", "b")]
    lanes = [table.table(name).read(LaneTable) for name in ("a_to_b", "b_to_a")]
    if None in ends or None in lanes:
        return None
    (a, b), (a_to_b, b_to_a) = ends, lanes
    assert a is not None
    assert b is not None
    assert a_to_b is not None
    assert b_to_a is not None
    if a.ledger == b.ledger:
        table.refuse("b.ledger", got=b.ledger, expected="another ledger than a.ledger")
        return None
    return LinkConfig(a=a, b=b, a_to_b=a_to_b, b_to_a=b_to_a)


def _read_end(table: Table, ledgers: Mapping[str, object]) -> LinkEnd | None:
    end = table.read(LinkEnd)
    if end is not None and end.ledger not in ledgers:
        _refuse_ledger(table, "ledger", end.ledger, ledgers)
        return None
    return end


def _refuse_ledger(table: Table, key: str, got: str, ledgers: Mapping[str, object]) -> None:
    known = ", ".join(ledgers) or "none is configured"
    table.refuse(key, got=got, expected=f"the name of a configured ledger: {known}")


def _check_links_differ(root: Table, links: Sequence[LinkConfig | None]) -> None:
    """A client follows one counterparty: it belongs to one link."""
    first: dict[tuple[str, str], str] = {}
    for index, link in enumerate(links):
        for side, end in (("a", link.a), ("b", link.b)) if link is not None else ():
            place = f"links[{index}].{side}.client"
            other = first.setdefault((end.ledger, end.client), place)
            if other != place:
                root.refuse(place, got=end.client, expected=f"a client in no other link: {other} names it too")


def _read_group(table: Table, ledgers: Mapping[str, object], *, development: bool) -> GroupConfig | None:
    header = table.read(GroupTable, tables=("members",))
    read = [each.read(MemberConfig) for each in table.list_of_tables("members")]
    members = tuple(member for member in read if member is not None)
    if header is None or len(members) != len(read):
        return None
    for key, ledger in (("source", header.source), ("destination", header.destination)):
        if ledger not in ledgers:
            _refuse_ledger(table, key, ledger, ledgers)
    _check_threshold(table, header.threshold, len(members), development=development)
    for key in ("name", "address"):
        counts = Counter(getattr(member, key) for member in members)
        for index, member in enumerate(members):
            if counts[getattr(member, key)] > 1:
                got = table.content["members"][index][key]
                table.refuse(f"members[{index}].{key}", got=got, expected=f"a {key} that no other member has")
    return GroupConfig(
        source=header.source,
        destination=header.destination,
        threshold=header.threshold,
        variant=header.variant,
        members=members,
    )


def _check_threshold(table: Table, threshold: int, count: int, *, development: bool) -> None:
    got = Words(f"{threshold} of {count}")
    if threshold > count:
        table.refuse("threshold", got=got, expected="at most as many as there are members")
    elif threshold * 2 <= count:
        expected = f"more than half, at least {count // 2 + 1}: else two disjoint quorums could contradict each other"
        table.refuse("threshold", got=got, expected=expected)
    elif count == 1 and not development:
        table.refuse("threshold", got=got, expected="several attestors, or development = true")


def _check_attestor_keys_apart(root: Table, groups: Sequence[GroupConfig | None]) -> None:
    """Signatures name neither ledger nor host: a key used for two would let one pass as the other."""
    held: dict[bytes, tuple[tuple[str, str], str]] = {}
    seen: dict[tuple[str, str, str], str] = {}
    for index, group in enumerate(groups):
        if group is None:
            continue
        subject = (group.source, group.variant)
        place = f"attestors[{index}]"
        first = seen.setdefault((group.source, group.destination, group.variant), place)
        if first != place:
            root.refuse(place, got=Words("the same ledgers and variant again"), expected=f"one group: {first} is it")
        for number, member in enumerate(group.members):
            where = f"{place}.members[{number}].address"
            other, holder = held.setdefault(member.address, (subject, where))
            if other != subject:
                expected = (
                    f"a key for this ledger, host and variant alone: {holder} uses it for {other[0]} ({other[1]})"
                )
                root.refuse(where, got=f"0x{member.address.hex()}", expected=expected)


def _lanes_of(link: LinkConfig) -> tuple[tuple[Lane, LaneTable], ...]:
    def lane(source: LinkEnd, destination: LinkEnd, table: LaneTable) -> tuple[Lane, LaneTable]:
        policy = LanePolicy(
            ports=frozenset(table.ports),
            denied_ports=frozenset(table.denied_ports),
            payload_bytes_max=table.payload_bytes_max,
            fee_per_day=table.fee_per_day,
        )
        return Lane(source.ledger, source.client, destination.ledger, destination.client, policy), table

    return lane(link.a, link.b, link.a_to_b), lane(link.b, link.a, link.b_to_a)
