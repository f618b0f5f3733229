"""The devnet: real, alone in its folder, and gone with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapters.contract.plugin import SettingRefused
from adapters.evm.devnet import EvmDevnet, read_options
from adapters.evm.transactions import address_of_secret
from tests.nodes.anvil import AnvilNode, require_anvil, running_anvil

pytestmark = pytest.mark.nodes


def is_running(pid: int) -> bool:
    """Whether the process is there and not merely unreaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


async def test_two_devnets_with_equal_options_share_neither_genesis_nor_port(tmp_path: Path) -> None:
    require_anvil()
    options = {"chain_id": 31337, "genesis_time": 1_700_000_000}
    async with (
        EvmDevnet().start(tmp_path / "a", name="same", options=options) as first,
        EvmDevnet().start(tmp_path / "b", name="same", options=options) as second,
    ):
        nodes = (AnvilNode(first), AnvilNode(second))
        assert len({node.ask("eth_getBlockByNumber", "0x0", False)["hash"] for node in nodes}) == 2
        assert len({node.url for node in nodes}) == 2
        assert {node.ask("eth_chainId") for node in nodes} == {hex(31337)}


async def test_it_ends_with_its_context_and_writes_in_its_folder_only(tmp_path: Path) -> None:
    require_anvil()
    async with EvmDevnet().start(tmp_path / "node", name="short", options={}) as running:
        (pid,) = running.pids
        assert is_running(pid)
        assert AnvilNode(running).ask("eth_accounts") == [], "only generated keys are funded, never well-known ones"
    assert not is_running(pid)
    assert {path.name for path in (tmp_path / "node").rglob("*")} == {"genesis.json", "anvil.log"}


async def test_a_relative_folder_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_anvil()
    monkeypatch.chdir(tmp_path)
    async with EvmDevnet().start(Path("here"), name="relative", options={}) as running:
        assert AnvilNode(running).ask("eth_chainId") == hex(AnvilNode(running).chain_id)
    assert (tmp_path / "here" / "genesis.json").is_file()


async def test_funded_keys_have_funds_and_no_two_are_equal(tmp_path: Path) -> None:
    require_anvil()
    async with EvmDevnet().start(tmp_path, name="rich", options={"accounts": 3}) as running:
        addresses = {address_of_secret(key.secret).hex() for key in running.funded}
        assert len(addresses) == 3
        for address in addresses:
            assert int(AnvilNode(running).ask("eth_getBalance", f"0x{address}", "latest"), 16) == 10**22


def test_final_is_two_below_latest_and_state_is_provable_hundreds_of_blocks_back(tmp_path: Path) -> None:
    with running_anvil(tmp_path, name="old", block_seconds=3600) as node:
        node.ask("anvil_mine", hex(600))
        latest = int(node.ask("eth_blockNumber"), 16)
        assert int(node.ask("eth_getBlockByNumber", "finalized", False)["number"], 16) == latest - 2
        for back in (0, 100, 250):
            address = "0x" + address_of_secret(node.funded[0].secret).hex()
            proof = node.ask("eth_getProof", address, [], hex(latest - back))
            assert int(proof["balance"], 16) == 10**22
            assert proof["accountProof"]


def test_it_dies_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    require_anvil()
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from adapters.evm.devnet import EvmDevnet\n"
        "async def main():\n"
        "    async with EvmDevnet().start(Path(sys.argv[1]), name='orphan', options={}) as running:\n"
        "        print(running.pids[0], flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert is_running(pid)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    survived = is_running(pid)
    if survived:
        os.kill(pid, signal.SIGKILL)
    assert not survived


@pytest.mark.parametrize(
    ("options", "key"),
    (
        ({"block_time": 1}, "block_time"),
        ({"chain_id": 0}, "chain_id"),
        ({"block_seconds": 0}, "block_seconds"),
        ({"accounts": 0}, "accounts"),
        ({"hardfork": "frontier"}, "hardfork"),
        ({"genesis_time": "now"}, "genesis_time"),
    ),
)
def test_an_option_that_is_wrong_is_refused_by_its_key(options: dict[str, object], key: str) -> None:
    with pytest.raises(SettingRefused) as refusal:
        read_options(options)
    assert refusal.value.key == key
