"""The table of ARCHITECTURE.md as a test: layers, purity, no cycles, no dead modules, and documents that do not rot."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from relay.lifecycle import DeliveryState, PacketLife, WaitReason

ROOT = Path(__file__).parent.parent
PACKAGES = ("proofs", "adapters", "relay")
LEDGERS = sorted(path.name for path in (ROOT / "adapters").iterdir() if path.is_dir() and path.name != "contract")
IMPURE = {
    "asyncio", "aiohttp", "logging", "socket", "time", "random", "secrets", "os", "io", "pathlib", "subprocess",
    "threading", "urllib", "sqlite3", "tempfile",
}  # fmt: skip
# Modules that nothing imports because something else starts them.
ENTRANCES = {
    "relay.cli.main",
    "relay.config.example",
    "relay.demo.janitor",
    "adapters.embedded.__main__",
    "adapters.embedded.plugin",
    "adapters.evm.plugin",
    "adapters.evm.artifacts",
    "adapters.contract.conformance",
    "adapters.contract.tether",
}


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path
    return found


@cache
def imports_of(module: str) -> frozenset[str]:
    """Every module that is imported at run time or for types, as written."""
    tree = ast.parse(modules()[module].read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            assert node.module is not None
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def own_imports(module: str) -> Iterator[str]:
    for name in imports_of(module):
        if name in modules() and name != module:
            yield name


def allowed(module: str, imported: str) -> bool:
    layer, target = module.split("."), imported.split(".")
    if layer[0] == "proofs":
        return target[0] == "proofs"
    if layer[0] == "adapters":
        own = len(layer) > 1 and target[:2] == layer[:2]
        return target[0] == "proofs" or target[:2] in (["adapters", "contract"], ["adapters"]) or own
    return target[0] in ("relay", "proofs") or target[:2] == ["adapters", "contract"] or target == ["adapters"]


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_follow_the_layers(module: str) -> None:
    forbidden = sorted(name for name in own_imports(module) if not allowed(module, name))
    assert not forbidden


@pytest.mark.parametrize("module", sorted(name for name in modules() if name.startswith("proofs")))
def test_proofs_are_pure(module: str) -> None:
    roots = {name.split(".")[0] for name in imports_of(module)}
    assert not roots & IMPURE
    # Times of certificates are read as values; the time of day is nobody's to ask for.
    assert not re.search(r"\.(now|utcnow|today)\(", modules()[module].read_text())


@pytest.mark.parametrize("module", sorted(name for name in modules() if name.startswith("proofs")))
def test_proofs_name_no_ledger_of_ours_and_swallow_nothing(module: str) -> None:
    text = modules()[module].read_text()
    assert "embedded" not in text.lower()
    assert not re.search(r"except\s*(Exception|BaseException)?\s*:", text)


def test_the_relay_names_no_ledger() -> None:
    named = re.compile(rf"\b({'|'.join(LEDGERS)})\b", re.IGNORECASE)
    # The demo chooses which real nodes it starts; the example shows how a ledger's table looks.
    excused = ("relay.demo", "relay.config.example", "relay.config.sections", "relay.cli")
    guilty = {
        name
        for name, path in modules().items()
        if name.startswith("relay") and not name.startswith(excused)
        if named.search(_code_only(path.read_text()))
    }
    assert not guilty


def _code_only(text: str) -> str:
    """Without comments and docstrings: people may name ledgers."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                first.value.value = ""
    return ast.unparse(tree)


def test_there_are_no_import_cycles() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"a cycle: {' -> '.join((*path, module))}"
        if module not in done:
            for name in own_imports(module):
                visit(name, (*path, module))
            done.add(module)

    for module in modules():
        visit(module, ())


def test_there_are_no_dead_modules() -> None:
    used = {name for module in modules() for name in own_imports(module)}
    packages = {name.rsplit(".", 1)[0] for name in modules() if "." in name}
    clients = {name for name in modules() if re.fullmatch(r"proofs\.[\w.]+\.client", name)}
    dead = set(modules()) - used - packages - ENTRANCES - clients - set(PACKAGES)
    # A family whose folder has no tests yet is still being built.
    dead = {name for name in dead if not name.startswith("proofs.") or any(_tests_of(name))}
    tested = {name for name in dead if name.startswith("proofs") and _is_imported_by_tests(name)}
    assert not dead - tested


def _tests_of(module: str) -> Iterator[Path]:
    return (ROOT / "tests" / "proofs" / module.split(".")[1]).glob("test_*.py")


def _is_imported_by_tests(module: str) -> bool:
    """A verifier that waits for its adapter is alive as long as it is held to something."""
    package, _, name = module.rpartition(".")
    wanted = re.compile(rf"(from {re.escape(module)} import|from {re.escape(package)} import [^\n]*\b{name}\b)")
    return any(wanted.search(path.read_text()) for path in (ROOT / "tests").rglob("*.py"))


def test_files_have_names_that_say_what_is_in_them() -> None:
    nameless = {"utils", "helpers", "common", "base", "misc", "manager", "service_manager"}
    assert not [name for name in modules() if name.rsplit(".", 1)[-1] in nameless]


def test_nothing_is_marked_as_unfinished() -> None:
    marks = re.compile(r"NotImplementedError|\bTODO\b|\bFIXME\b|\bXXX\b")
    assert not [name for name, path in modules().items() if marks.search(path.read_text())]


@pytest.mark.parametrize("word", sorted([*DeliveryState, *WaitReason, *PacketLife]))
def test_the_api_explains_every_state_and_reason(word: str) -> None:
    assert f"`{word}`" in (ROOT / "docs" / "api.md").read_text()


def test_the_architecture_page_names_every_folder() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    folders = {path.name for path in (ROOT / "relay").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert not [name for name in folders if f"relay/{name}/" not in page]


def test_every_metric_is_named_in_its_one_form() -> None:
    """causeway_<thing>_<unit>; a metric is defined once."""
    names: list[str] = []
    for path in modules().values():
        names += re.findall(r"(?:Counter|Gauge|Histogram)\(\s*\"(\w+)\"", path.read_text())
    assert names
    assert all(name.startswith("causeway_") for name in names)
    assert len(set(names)) == len(names)
