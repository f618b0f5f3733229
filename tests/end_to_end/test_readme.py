"""What the README says, done as it says it: its two commands, and the road to a link of one's own, on real nodes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.contract.plugin import RunningLedger
from adapters.embedded.devnet import EmbeddedDevnet
from adapters.evm.toolchain import cache_folder
from relay.config.toml import write_toml
from tests.end_to_end.leftovers import processes_of, wait_until
from tests.nodes.anvil import AnvilNode, require_anvil, running_anvil

pytestmark = [pytest.mark.nodes, pytest.mark.slow]

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = (ROOT / "README.md").read_text()
BIN: Final = ROOT / ".venv" / "bin"
SECONDS_MAX: Final = 180
PLUGINS: Final = {"harbour": "evm", "meadow": "embedded"}

needs_setup = pytest.mark.skipif(
    not (BIN / "causeway").exists(), reason="`make setup` has not been run in this checkout"
)


def commands_under(heading: str) -> list[str]:
    """The lines of the first shell block under a heading, without what is explained beside them."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None, f"no shell block under {heading!r}"
    return [line.split("#", 1)[0].strip() for line in block[1].splitlines() if line.split("#", 1)[0].strip()]


def environment(temporary: Path) -> dict[str, str]:
    temporary.mkdir(exist_ok=True)
    return {
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "CAUSEWAY_CACHE": str(cache_folder()),
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "COLUMNS": "200",
    }


def test_the_readme_has_the_two_commands() -> None:
    assert commands_under("Two commands") == ["make run", "make test"]


@needs_setup
def test_make_run_runs_the_demo_until_it_is_interrupted(tmp_path: Path) -> None:
    require_anvil()
    temporary = tmp_path / "temporary"
    with (tmp_path / "log").open("wb") as output:
        made = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT, env=environment(temporary), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    said = (tmp_path / "log").read_text
    try:
        assert wait_until(lambda: made.poll() is not None or "status page: http://" in said(), seconds=SECONDS_MAX)
        assert made.poll() is None, said()
        # Ctrl-C at a terminal goes to all of the group.
        os.killpg(made.pid, signal.SIGINT)
        made.wait(timeout=60)
    finally:
        made.kill()
    assert "ended; nothing is left behind" in said()
    assert wait_until(lambda: not processes_of(temporary), seconds=5), processes_of(temporary)
    assert [*temporary.iterdir()] == []


@needs_setup
def test_make_test_is_what_runs_the_tests(tmp_path: Path) -> None:
    """It is what runs this one, so here it only says what it would do."""
    planned = subprocess.run(
        ["make", "--dry-run", "test"],
        cwd=ROOT, env=environment(tmp_path / "t"), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert planned.splitlines()[-1].split() == [".venv/bin/pytest"]


@dataclass
class Operator:
    """Somebody at a shell who follows the README. place: where `cd` led them."""

    place: Path
    environment: Mapping[str, str]
    running: ExitStack

    def does(self, command: str, *, given: str = "") -> str:
        """What it prints. It has to succeed."""
        ended = subprocess.run(
            ["sh", "-c", command],
            cwd=self.place, env=dict(self.environment), input=given, capture_output=True, text=True, check=False,
            timeout=SECONDS_MAX,
        )  # fmt: skip
        assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def edit(self, change: Callable[[dict[str, Any]], None], file: str = "causeway.toml") -> None:
        path = self.place / file
        content = tomllib.loads(path.read_text())
        change(content)
        path.write_text(write_toml(content))

    def starts(self, command: str) -> str:
        """A service that runs until the end: the address it prints first."""
        return self.running.enter_context(started(command, self.place, self.environment))


@contextmanager
def started(command: str, place: Path, env: Mapping[str, str]) -> Iterator[str]:
    log = place / f"{command.replace(' ', '-')}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command.split(), cwd=place, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        assert wait_until(lambda: process.poll() is not None or "http://" in log.read_text(), seconds=SECONDS_MAX)
        assert process.poll() is None, log.read_text()
        found = re.search(r"http://[^\s/\"]+", log.read_text())
        assert found is not None
        yield found[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


@contextmanager
def embedded_node(folder: Path) -> Iterator[RunningLedger]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        context = EmbeddedDevnet().start(folder, name="meadow", options={"block_seconds": 0.5})
        node = runner.run(context.__aenter__())
        try:
            yield node
        finally:
            runner.run(context.__aexit__(None, None, None))


def describe_ledgers(operator: Operator, nodes: Mapping[str, RunningLedger]) -> None:
    def change(content: dict[str, Any]) -> None:
        del content["links"]
        content.pop("attestors", None)
        content["relay"]["development"] = True
        content["api"]["port"] = 0
        content["ledgers"] = {
            name: {
                "plugin": PLUGINS[name],
                **node.settings,
                "accounts": {role: f"{name}-{role}" for role in ("setup", "fee", "send")},
            }
            for name, node in nodes.items()
        }

    operator.edit(change)


def create_the_other_keys(operator: Operator, nodes: Mapping[str, RunningLedger]) -> None:
    for role in ("fee", "send"):
        operator.does(f"causeway keys create harbour-{role}")
    for role, key in zip(("setup", "fee", "send"), nodes["meadow"].funded, strict=False):
        operator.does(f"causeway keys import meadow-{role} --scheme {key.scheme}", given=key.secret.hex())


def fund(operator: Operator, node: AnvilNode) -> None:
    for role in ("setup", "fee", "send"):
        shown = json.loads(operator.does(f"causeway keys show harbour-{role} --json"))
        node.ask("anvil_setBalance", shown["address"], hex(10**20))


def name_what_was_deployed(operator: Operator, printed: str) -> None:
    settings = tomllib.loads(printed)
    deployed = settings.get("ledgers", {}).get("harbour", settings)
    operator.edit(lambda content: content["ledgers"]["harbour"].update(deployed))


def run_an_attestor(operator: Operator) -> None:
    """As `Attestors are run by others` says: a folder, nodes, checkpoint and keys of its own."""
    assert "`causeway init ada --attestor`, then `causeway attest`" in README
    ledgers = tomllib.loads((operator.place / "causeway.toml").read_text())["ledgers"]
    ada = Operator(operator.place.parent, operator.environment, operator.running)
    ada.does("causeway init ada --attestor --passphrase-file")
    ada.place /= "ada"

    def change(content: dict[str, Any]) -> None:
        content["attestor"] |= {"port": 0, "development": True}
        content["ledgers"] = {
            name: {key: value for key, value in table.items() if key != "accounts"} for name, table in ledgers.items()
        }
        content["attests"] = [{"ledger": name, "key": f"attest-{name}"} for name in ledgers]

    ada.edit(change, "attestor.toml")
    signs = {}
    for name in ledgers:
        made = json.loads(ada.does(f"causeway keys create attest-{name} --config attestor.toml --json"))
        signs[name] = made["address"]
    url = ada.starts("causeway attest")

    def join(content: dict[str, Any]) -> None:
        content["attestors"] = [
            {
                "source": source,
                "destination": destination,
                "threshold": 1,
                "members": [
                    {"name": "ada", "url": url, "address": signs[source], "token_file": str(ada.place / "api.token")}
                ],
            }
            for source, destination in (("harbour", "meadow"), ("meadow", "harbour"))
        ]

    operator.edit(join)


@needs_setup
def test_two_ledgers_are_linked_by_the_commands_of_the_readme(tmp_path: Path) -> None:
    """Between an EVM chain and an embedded ledger; then a message crosses, followed by the commands it names."""
    require_anvil()
    with ExitStack() as running:
        anvil = running.enter_context(running_anvil(tmp_path / "anvil", name="harbour", block_seconds=1))
        nodes = {"harbour": anvil.running, "meadow": running.enter_context(embedded_node(tmp_path / "embedded"))}
        operator = Operator(tmp_path, environment(tmp_path / "home"), running.enter_context(ExitStack()))
        follow_the_road(operator, nodes, anvil)
        send_and_follow(operator)


def follow_the_road(operator: Operator, nodes: Mapping[str, RunningLedger], anvil: AnvilNode) -> None:
    """Every command of the block, in its order; what a reader has to do between two of them is done here."""
    between: dict[str, Callable[[str], None]] = {
        "causeway init relay --passphrase-file": lambda _: None,
        "cd relay": lambda _: describe_ledgers(operator, nodes),
        "causeway keys create harbour-setup": lambda _: create_the_other_keys(operator, nodes),
        "causeway keys show harbour-setup": lambda _: fund(operator, anvil),
        "causeway ledger deploy harbour": lambda said: deployed(operator, said),
        "causeway config check --live": lambda _: None,
        "causeway link create harbour meadow --append": lambda _: None,
        "causeway run": lambda _: None,
    }
    road = commands_under("Link two ledgers of your own")
    assert road == list(between)
    for command in road:
        said = ""
        if command == "cd relay":
            operator.place /= "relay"
        elif command == "causeway run":
            operator.starts(command)
        else:
            said = operator.does(command)
        between[command](said)


def deployed(operator: Operator, said: str) -> None:
    name_what_was_deployed(operator, said)
    run_an_attestor(operator)


def send_and_follow(operator: Operator) -> None:
    lanes: Sequence[dict[str, Any]] = json.loads(operator.does("causeway lanes list --json"))["lanes"]
    assert {lane["source"] for lane in lanes} == {"harbour", "meadow"}
    for lane in lanes:
        operator.does(f"causeway send {lane['id']} --text hello --wait")

    def packets() -> list[dict[str, Any]]:
        return list(json.loads(operator.does("causeway packets list --json"))["packets"])

    def all_acknowledged() -> bool:
        return [each["state"] for each in packets()] == ["acknowledged"] * len(lanes)

    assert wait_until(all_acknowledged, seconds=SECONDS_MAX), "\n".join(
        operator.does(f"causeway packets show {each['id']}") for each in packets()
    )
    assert "acknowledged" in operator.does(f"causeway packets show {packets()[0]['id']}")
    operator.does(f"causeway lanes pause {lanes[0]['id']}")
