"""The compiled host contracts: read by the plugin, compiled anew by `python -m adapters.evm.artifacts`.

Artefacts are committed, so that running needs no compiler. Compilation is reproducible to the byte: the compiler is
pinned, and no metadata hash is appended to the code.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from adapters.evm.toolchain import Toolchain, find_toolchain, node_program
from proofs.primitives.hashing import keccak256

CONTRACTS: Final = Path(__file__).parent / "contracts"
ARTIFACTS: Final = CONTRACTS / "artifacts"

_COMPILED: Final = {
    "Host": "Host.sol",
    "AttestationClient": "AttestationClient.sol",
    "Mailbox": "Mailbox.sol",
    "UnrulyApp": "testing/UnrulyApp.sol",
}
_COMPILE_SECONDS_MAX: Final = 120  # it takes 3 s


@dataclass(frozen=True, slots=True)
class Artifact:
    """creation: the code that deploys it, before constructor arguments. code_hash: keccak256 of the deployed code."""

    name: str
    compiler: str
    abi: tuple[Mapping[str, Any], ...]
    creation: bytes
    code_hash: bytes


@cache
def load_artifact(name: str) -> Artifact:
    stored = json.loads((ARTIFACTS / f"{name}.json").read_text())
    return Artifact(
        name=stored["contract"],
        compiler=stored["compiler"],
        abi=tuple(stored["abi"]),
        creation=bytes.fromhex(stored["creation"]),
        code_hash=bytes.fromhex(stored["code_hash"]),
    )


@dataclass(eq=False)
class DoesNotCompile(Exception):
    said: str

    def __str__(self) -> str:
        return self.said


def compile_all(toolchain: Toolchain) -> Mapping[str, str]:
    """Compile every contract; return the text of each artefact file by its name. Raises DoesNotCompile."""
    answer = _run_compiler(toolchain, _compiler_input())
    said = [entry["formattedMessage"] for entry in answer.get("errors", ())]
    if said:  # Warnings too: our contracts have none.
        raise DoesNotCompile("\n".join(said))
    compiler = json.loads((toolchain.solc / "package.json").read_text())["version"]
    return {
        f"{name}.json": _artifact_text(name, answer["contracts"][source][name], compiler=compiler)
        for name, source in _COMPILED.items()
    }


def _compiler_input() -> Mapping[str, object]:
    sources = {path.relative_to(CONTRACTS).as_posix(): path.read_text() for path in sorted(CONTRACTS.rglob("*.sol"))}
    outputs = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]
    return {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {
            "evmVersion": "cancun",
            "optimizer": {"enabled": True, "runs": 200},
            "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
            "outputSelection": {source: {name: outputs} for name, source in _COMPILED.items()},
        },
    }


def _run_compiler(toolchain: Toolchain, request: Mapping[str, object]) -> Mapping[str, Any]:
    # Into a file: the compiler exits without waiting for a pipe to take what it wrote.
    with tempfile.TemporaryFile("w+") as output:
        ended = subprocess.run(  # noqa: S603 - the program is the pinned compiler
            [node_program("node"), toolchain.solc / "solc.js", "--standard-json"],
            input=json.dumps(request),
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            timeout=_COMPILE_SECONDS_MAX,
            check=False,
        )
        output.seek(0)
        said = output.read()
    start = said.find("{")  # A line about SMT solvers comes first.
    if ended.returncode != 0 or start < 0:
        raise DoesNotCompile(f"solc ended with {ended.returncode}: {(ended.stderr or said)[-500:]}")
    answer: Mapping[str, Any] = json.loads(said[start:])
    return answer


def _artifact_text(name: str, compiled: Mapping[str, Any], *, compiler: str) -> str:
    runtime = bytes.fromhex(compiled["evm"]["deployedBytecode"]["object"])
    fields = {
        "contract": json.dumps(name),
        "compiler": json.dumps(f"solc {compiler}"),
        "code_hash": json.dumps(keccak256(runtime).hex()),
        "creation": json.dumps(compiled["evm"]["bytecode"]["object"]),
        # An entry a line: what a change of a contract changes in its interface is seen in a review.
        "abi": "[\n" + ",\n".join(json.dumps(entry) for entry in compiled["abi"]) + "\n]",
    }
    return "{\n" + ",\n".join(f'"{key}": {text}' for key, text in fields.items()) + "\n}\n"


def main() -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    for name, text in compile_all(find_toolchain()).items():
        (ARTIFACTS / name).write_text(text)


if __name__ == "__main__":
    main()
