"""docs/verification.md, made from the predicates themselves: `make docs` writes it, a test keeps it true.

A family says in the docstring of its modules what its trust starts from and what it does not check, in paragraphs that
begin with "Trust root:" and "Not checked:".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.find import predicates

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "verification.md"

_HEAD = """# What is verified

Made by `make docs` from the predicates in `proofs/`; do not edit it by hand. Each rule is one function: it returns
nothing, or refuses with an error of `proofs/errors.py`. Whatever no rule below speaks of is not checked.
"""
_STATEMENTS = ("Trust root", "Not checked")


def render() -> str:
    folders = sorted(each for each in (CHECKOUT / "proofs").iterdir() if each.is_dir())
    return "\n".join([_HEAD, *(text for folder in folders if (text := family(folder)))])


def family(folder: Path) -> str:
    modules = {file: ast.parse(file.read_bytes()) for file in sorted(folder.rglob("*.py"))}
    rules = [line for file, tree in modules.items() for line in rules_of(file, tree)]
    if not rules:
        return ""
    lines = [f"## {folder.name}", ""]
    for title in _STATEMENTS:
        found = [text for tree in modules.values() if (text := statement(tree, title))]
        lines += [f"**{title}.** {text}\n" for text in found]
    return "\n".join([*lines, "| rule | where | says |", "|---|---|---|", *rules, ""])


def statement(tree: ast.Module, title: str) -> str:
    """The paragraph of the module's docstring that begins with the title."""
    paragraphs = (ast.get_docstring(tree) or "").split("\n\n")
    return next((one_line(each).removeprefix(f"{title}: ") for each in paragraphs if each.startswith(f"{title}:")), "")


def rules_of(file: Path, tree: ast.Module) -> Iterator[str]:
    where = file.relative_to(CHECKOUT / "proofs")
    for name, function in predicates(tree):
        if function.name != "check":
            yield f"| `{name}` | {where} | {said(ast.get_docstring(function) or '')} |"


def said(docstring: str) -> str:
    """The first sentence and the source, in brackets."""
    text = one_line(docstring.split("\n\n", maxsplit=1)[0])
    source = re.search(r"(?:^|\s)Source: (.+)$", one_line(docstring))
    rule = re.split(r"(?:^|\s)Source: ", text)[0]
    first = re.split(r"(?<=[.!?])\s+(?=[A-Z\[])", rule, maxsplit=1)[0]
    shown = first + (f" [{source.group(1).rstrip('.')}]" if source else "")
    return shown.strip().replace("|", "\\|")


def one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(render())
