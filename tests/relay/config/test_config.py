"""A configuration is refused with everything that is wrong with it, by file, key, what stands there and what should."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from relay.config import ConfigRefused, load_attestor_config, load_config
from relay.config.example import ATTESTOR_SECTIONS, RELAY_SECTIONS, render_attestor_example, render_example
from relay.config.limits import Limits
from relay.config.options import options_of
from relay.config.toml import write_toml
from relay.pipeline.limits import PipelineLimits

ROOT = Path(__file__).parents[3]
ONE = "0x" + "11" * 20
Content = dict[str, Any]


def ledger(name: str, **more: Any) -> Content:
    return {
        "plugin": "embedded",
        "chain_id": f"{name}-1",
        "endpoints": ["http://127.0.0.1:9545"],
        "checkpoint": {"height": 1, "hash": "ab" * 32},
        "accounts": {"fee": f"{name}-fee", "send": f"{name}-send", "setup": f"{name}-setup"},
        **more,
    }


def member(number: int) -> Content:
    address = "0x" + f"{number:02x}" * 20
    return {"name": f"m{number}", "url": f"http://127.0.0.1:{9000 + number}", "address": address, "token_file": "t"}


def group(source: str = "x", destination: str = "y", *, threshold: int = 2, first: int = 1, count: int = 3) -> Content:
    members = [member(first + number) for number in range(count)]
    return {"source": source, "destination": destination, "threshold": threshold, "members": members}


def link(a: str = "attestations-0", b: str = "attestations-1") -> Content:
    return {"a": {"ledger": "x", "client": a}, "b": {"ledger": "y", "client": b}}


def good() -> Content:
    return {
        "relay": {"data_dir": "data"},
        "keys": {"folder": "keys"},
        "api": {"token_file": "api.token"},
        "ledgers": {"x": ledger("x"), "y": ledger("y")},
        "links": [link()],
        "attestors": [group()],
    }


def write(folder: Path, content: Mapping[str, Any]) -> Path:
    path = folder / "causeway.toml"
    path.write_text(write_toml(content))
    return path


def refusal_of(folder: Path, content: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    with pytest.raises(ConfigRefused) as refused:
        load_config(write(folder, content))
    assert all(problem.file == folder / "causeway.toml" for problem in refused.value.problems)
    return {problem.key: (problem.got, problem.expected) for problem in refused.value.problems}


def put(content: Content, path: str, value: object) -> Content:
    """Set one key, given as ledgers.x.accounts.fee or links.0.a.client; None removes it."""
    *above, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place: Any = content
    for part in above:
        place = place[part] if isinstance(part, int) else place.setdefault(part, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


def test_a_good_file_becomes_frozen_types(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, good()))
    assert config.relay.data_dir == tmp_path / "data"
    assert config.ledgers["x"].settings["chain_id"] == "x-1"
    assert "accounts" not in config.ledgers["x"].settings
    assert [lane.id for lane in config.lanes()] == [
        "x.attestations-0~y.attestations-1",
        "y.attestations-1~x.attestations-0",
    ]
    found = config.group(source="x", destination="y", variant="tagged")
    assert found is not None
    assert found.members[0].address == b"\x01" * 20
    assert config.group(source="y", destination="x", variant="tagged") is None


def test_a_lane_keeps_its_own_policy(tmp_path: Path) -> None:
    content = good()
    content["links"][0]["a_to_b"] = {"ports": ["mailbox"], "payload_bytes_max": 10, "fee_per_day": "7", "paused": True}
    config = load_config(write(tmp_path, content))
    there, back = config.lanes()
    assert (there.policy.ports, there.policy.payload_bytes_max, there.policy.fee_per_day) == (
        frozenset({"mailbox"}),
        10,
        7,
    )
    assert (back.policy.ports, back.policy.fee_per_day) == (frozenset(), None)
    assert config.paused_lanes() == {there.id}


WRONG: dict[str, tuple[str, object, str, str]] = {
    # name: (path to set, value, key that is named, part of what was expected)
    "unknown section": ("relays", {"x": 1}, "relays", "'relay': did you mean that?"),
    "misspelt option": ("api.token_fil", "x", "api.token_fil", "'token_file': did you mean that?"),
    "misspelt member option": ("attestors.0.members.0.adress", ONE, "attestors[0].members[0].adress", "'address'"),
    "missing option": ("relay.data_dir", None, "relay.data_dir", "a path"),
    "missing section": ("api", None, "api.token_file", "a path"),
    "section that is no table": ("log", 5, "log", "a table"),
    "flag as text": ("relay.development", "yes", "relay.development", "true or false"),
    "number as text": ("limits.poll_seconds", "1", "limits.poll_seconds", "a number of seconds"),
    "number as flag": ("limits.attempts_max", True, "limits.attempts_max", "a whole number of attempts"),
    "number too large": ("limits.round_claims", 257, "limits.round_claims", "from 1 to 256"),
    "number that is none": ("limits.poll_seconds", float("nan"), "limits.poll_seconds", "a number of seconds"),
    "delays crossed": ("limits.retry_max_seconds", 1.0, "", ""),
    "port out of range": ("api.port", 70_000, "api.port", "0 to 65535"),
    "listening to the world": ("api.host", "0.0.0.0", "api.host", "allow_remote = true"),  # noqa: S104 - refused
    "unknown log level": ("log.level", "loud", "log.level", '"debug" or "info"'),
    "unknown plugin": ("ledgers.x.plugin", "abacus", "ledgers.x.plugin", "embedded"),
    "setting its plugin refuses": ("ledgers.x.chain_id", 7, "ledgers.x.chain_id", "a text"),
    "setting nested below": ("ledgers.x.checkpoint.height", 0, "ledgers.x.checkpoint.height", "from 1 on"),
    "ledger name with a dot": ("ledgers.a.b", ledger("z"), "", ""),
    "negative fee": ("ledgers.x.budget.fee_per_day", -1, "ledgers.x.budget.fee_per_day", "whole number"),
    "fee with a fraction": ("ledgers.x.budget.fee_per_day", "1.5", "ledgers.x.budget.fee_per_day", "whole number"),
    "fee beyond every ledger": ("ledgers.x.budget.fee_per_day", "9" * 79, "ledgers.x.budget.fee_per_day", "whole"),
    "one key in two roles": ("ledgers.y.accounts.send", "x-fee", "ledgers.y.accounts.send", "ledgers.x.accounts.fee"),
    "fee key as set-up key": (
        "ledgers.x.accounts.setup",
        "x-fee",
        "ledgers.x.accounts.setup",
        "ledgers.x.accounts.fee",
    ),
    "link to an unknown ledger": ("links.0.b.ledger", "z", "links[0].b.ledger", "x, y"),
    "link to itself": ("links.0.b.ledger", "x", "links[0].b.ledger", "another ledger"),
    "malformed client id": ("links.0.a.client", "client", "links[0].a.client", "ending in a number"),
    "attestors of an unknown ledger": ("attestors.0.source", "z", "attestors[0].source", "x, y"),
    "half is no quorum": ("attestors.0.threshold", 1, "attestors[0].threshold", "more than half, at least 2"),
    "more than all": ("attestors.0.threshold", 4, "attestors[0].threshold", "at most as many"),
    "short address": ("attestors.0.members.0.address", "0x11", "attestors[0].members[0].address", "20 bytes"),
    "address with a password": (
        "attestors.0.members.0.url",
        "http://u:p@h",
        "attestors[0].members[0].url",
        "without user",
    ),
    "unknown variant": ("attestors.0.variant", "odd", "attestors[0].variant", '"tagged" or "plain"'),
    "members that are no tables": ("attestors.0.members", ["a"], "attestors[0].members[0]", "a table"),
}
CROSSED = {"delays crossed", "ledger name with a dot"}  # have tests of their own below


@pytest.mark.parametrize("name", sorted(WRONG.keys() - CROSSED))
def test_each_fault_is_named_by_key_with_what_was_expected(tmp_path: Path, name: str) -> None:
    path, value, key, expected = WRONG[name]
    problems = refusal_of(tmp_path, put(good(), path, value))
    assert key in problems, problems
    assert expected in problems[key][1]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    content = put(put(put(good(), "api.port", -1), "links.0.a.ledger", "z"), "relay.data_dir", None)
    assert refusal_of(tmp_path, content).keys() == {"api.port", "links[0].a.ledger", "relay.data_dir"}


def test_a_longest_delay_below_the_first_is_refused(tmp_path: Path) -> None:
    content = put(put(good(), "limits.retry_first_seconds", 30.0), "limits.retry_max_seconds", 10.0)
    assert refusal_of(tmp_path, content)["limits.retry_max_seconds"][1] == "at least retry_first_seconds, 30"


def test_a_ledger_name_that_would_break_lane_names_is_refused(tmp_path: Path) -> None:
    content = good()
    content["ledgers"]["x.y"] = ledger("z")
    assert "ledgers.x.y" in refusal_of(tmp_path, content)


def test_a_client_in_two_links_is_refused(tmp_path: Path) -> None:
    content = good()
    content["links"].append(link("attestations-0", "attestations-9"))
    assert refusal_of(tmp_path, content)["links[1].a.client"][0] == "'attestations-0'"


def test_an_attestor_key_shared_by_two_ledgers_or_variants_is_refused(tmp_path: Path) -> None:
    for second in (group("y", "x", first=3), group("x", "y", first=3) | {"variant": "plain"}):
        content = good()
        content["attestors"].append(second)
        problems = refusal_of(tmp_path, content)
        assert problems.keys() == {"attestors[1].members[0].address"}
        assert "attestors[0].members[2].address uses it for x" in problems["attestors[1].members[0].address"][1]


def test_one_key_may_attest_one_ledger_for_two_destinations(tmp_path: Path) -> None:
    content = good()
    content["ledgers"]["z"] = ledger("z")
    content["attestors"].append(group("x", "z"))
    assert len(load_config(write(tmp_path, content)).attestors) == 2


def test_the_same_key_twice_in_a_group_is_refused(tmp_path: Path) -> None:
    content = good()
    content["attestors"][0]["members"][1]["address"] = member(1)["address"].upper().replace("0X", "0x")
    keys = {"attestors[0].members[0].address", "attestors[0].members[1].address"}
    assert refusal_of(tmp_path, content).keys() == keys


def test_two_groups_for_the_same_ledgers_are_refused(tmp_path: Path) -> None:
    content = good()
    content["attestors"].append(group(first=9))
    assert "attestors[1]" in refusal_of(tmp_path, content)


def test_one_attestor_alone_needs_development(tmp_path: Path) -> None:
    content = good()
    content["attestors"] = [group(threshold=1, count=1)]
    assert refusal_of(tmp_path, content)["attestors[0].threshold"] == (
        "1 of 1",
        "several attestors, or development = true",
    )
    assert load_config(write(tmp_path, put(content, "relay.development", value=True))).relay.development


def evm(endpoints: int) -> Content:
    return {
        "plugin": "evm",
        "chain_id": 31337,
        "host": "0x" + "11" * 20,
        "host_code": "0x" + "22" * 32,
        "endpoints": [{"name": f"e{n}", "url": f"http://127.0.0.1:{8545 + n}"} for n in range(endpoints)],
        "trust": {"kind": "endpoint-quorum", "k": endpoints},
    }


def test_a_single_endpoint_needs_development(tmp_path: Path) -> None:
    content = put(good(), "ledgers.y", evm(1))
    assert refusal_of(tmp_path, content)["ledgers.y"][0] == "the trust of a single endpoint"
    assert load_config(write(tmp_path, put(content, "relay.development", value=True))).ledgers["y"].plugin == "evm"
    assert load_config(write(tmp_path, put(good(), "ledgers.y", evm(2)))).ledgers["y"].plugin == "evm"


@pytest.mark.parametrize(
    "content", (b"[relay", b"\xff", b"a = 1\na = 2\n", b"x" * ((1 << 20) + 1), b"a = " + b"[" * 5000)
)
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "causeway.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigRefused) as refused:
        load_config(path)
    assert [problem.file for problem in refused.value.problems] == [path]


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"nowhere\.toml: got No such file"):
        load_config(tmp_path / "nowhere.toml")


def test_credentials_in_a_refused_address_are_not_shown(tmp_path: Path) -> None:
    content = put(good(), "ledgers.x.endpoints", ["http://user:hunter2@127.0.0.1"])
    content = put(content, "attestors.0.members.0.url", "http://user:hunter2@127.0.0.1")
    assert "hunter2" not in str(refusal_of(tmp_path, content))


def test_every_limit_of_the_pipeline_can_be_set(tmp_path: Path) -> None:
    assert {each.name for each in fields(PipelineLimits)} <= options_of(Limits).keys()
    content = put(good(), "limits.poll_seconds", 0.25)
    assert load_config(write(tmp_path, content)).limits.pipeline().poll_seconds == 0.25
    assert Limits().pipeline() == PipelineLimits(), "defaults agree"


EXAMPLES = {
    "causeway.example.toml": (render_example, RELAY_SECTIONS, load_config),
    "attestor.example.toml": (render_attestor_example, ATTESTOR_SECTIONS, load_attestor_config),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_is_the_written_one_loads_and_has_every_option(name: str, tmp_path: Path) -> None:
    render, sections, load = EXAMPLES[name]
    written = ROOT / "deploy" / "config" / name
    assert written.read_text() == render(), "write it again: python -m relay.config.example deploy/config"
    load(written)
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line and line.startswith("# ") and line[2].islower() else line
        for line in written.read_text().splitlines()
    )
    parsed = tomllib.loads(uncommented)
    for header, section in sections:
        table: Any = parsed
        for part in header.strip("[]").split("."):
            table = table[part]
            table = table[0] if isinstance(table, list) else table
        assert options_of(section).keys() <= table.keys(), header
    path = tmp_path / name
    path.write_text(uncommented)
    load(path)


@pytest.mark.parametrize(
    "content",
    (
        good(),
        {"a": {'odd "key" \\ \n': 'text "with" \\ and \x01 \x7f and ß'}},
        {"a": [], "b": [[1, 2], [True]], "c": 1.5, "d": {"e": {"f": {}}}, "g": [{}, {"h": [{"i": 1}]}]},
    ),
)
def test_what_is_written_is_read_back(content: Content) -> None:
    assert tomllib.loads(write_toml(content)) == content


ATTESTOR: Content = {
    "attestor": {"data_dir": "d", "signed_log": "d/signed.db", "token_file": "t"},
    "keys": {"folder": "keys"},
    "ledgers": {"x": ledger("x"), "y": ledger("y")},
    "attests": [{"ledger": "x", "key": "k1"}, {"ledger": "y", "key": "k2"}],
}
WRONG_ATTESTOR: dict[str, tuple[str, object, str]] = {
    "one key for two ledgers": ("attests.1.key", "k1", "attests[1].key"),
    "one subject twice": ("attests.1.ledger", "x", "attests[1].ledger"),
    "unknown ledger": ("attests.1.ledger", "z", "attests[1].ledger"),
    "nothing to attest": ("attests", [], "attests"),
    "no network": ("attestor.allow_from", ["everyone"], "attestor.allow_from"),
    "listening to the world": ("attestor.host", "example.org", "attestor.host"),
    "single endpoint": ("ledgers.x", evm(1), "ledgers.x"),
    "a section of the relay's": ("links", [link()], "links"),
}


@pytest.mark.parametrize("name", WRONG_ATTESTOR)
def test_each_fault_of_an_attestors_file_is_named(tmp_path: Path, name: str) -> None:
    path, value, key = WRONG_ATTESTOR[name]
    content = tomllib.loads(write_toml(ATTESTOR))
    assert load_attestor_config(write(tmp_path, content)).attests[0].variant == "tagged"
    with pytest.raises(ConfigRefused) as refused:
        load_attestor_config(write(tmp_path, put(content, path, value)))
    assert key in {problem.key for problem in refused.value.problems}
