"""`python -m tests.mutants [--family F] [--only NAME] [--each-refusal] [--json]`: exit 1 if a mutant survives.

The checkout is copied first and tried there: the working tree stays as it is, and may change meanwhile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = ("proofs", "adapters", "relay", "tests")


def main() -> int:
    vectors = os.environ.get("CAUSEWAY_VECTORS", str(CHECKOUT.parent / "shared" / "vectors"))
    with tempfile.TemporaryDirectory(prefix="causeway-mutants-") as name:
        copy = Path(name)
        for folder in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(CHECKOUT / folder, copy / folder, ignore=ignored)
        shutil.copy(CHECKOUT / "pyproject.toml", copy)
        environment = os.environ | {"PYTHONPATH": name, "CAUSEWAY_VECTORS": vectors}
        command = [sys.executable, "-m", "tests.mutants.run", *sys.argv[1:]]
        return subprocess.run(command, cwd=copy, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
