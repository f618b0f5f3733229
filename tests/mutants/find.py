"""The predicates of `proofs`, found in its source: whatever is called `check…`, function or method, private or not."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One predicate to switch off, or with `refusal` only its so-manieth `raise`.

    errors: the classes that it raises itself. lines: of all that is switched off, the first and the last.
    """

    path: str  # of its file below the checkout
    qualified_name: str
    lines: tuple[int, int]
    errors: tuple[str, ...]
    refusal: int | None = None

    @property
    def family(self) -> str:
        return family_of(self.path)

    @property
    def module(self) -> str:
        return ".".join(Path(self.path).with_suffix("").parts)

    @property
    def name(self) -> str:
        return self.qualified_name.rsplit(".", 1)[-1]

    def __str__(self) -> str:
        part = "" if self.refusal is None else f" refusal {self.refusal + 1}"
        return f"{self.path}:{self.lines[0]} {self.qualified_name}{part}"


def family_of(path: str) -> str:
    parts = Path(path).parts
    return parts[1] if len(parts) > 2 else Path(path).stem


def find_mutants(checkout: Path, *, families: Collection[str] | None, each_refusal: bool) -> list[Mutant]:
    """families: None for all."""
    found = []
    for file in sorted((checkout / "proofs").rglob("*.py")):
        path = str(file.relative_to(checkout))
        if families is not None and family_of(path) not in families:
            continue
        for qualified_name, function in predicates(ast.parse(file.read_bytes())):
            refusals = raises_of(function)
            found.append(Mutant(path, qualified_name, _lines(function), _errors(refusals)))
            if each_refusal and len(refusals) > 1:
                found += [
                    Mutant(path, qualified_name, _lines(each), _errors([each]), number)
                    for number, each in enumerate(refusals)
                ]
    return found


def predicates(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from predicates(node, f"{prefix}{node.name}.")
        elif isinstance(node, Function):
            if is_predicate(node):
                yield prefix + node.name, node
            yield from predicates(node, f"{prefix}{node.name}.<locals>.")
        else:
            yield from predicates(node, prefix)


def is_predicate(function: Function) -> bool:
    """A body of `...` declares a protocol: there is nothing to switch off."""
    name = function.name.lstrip("_")
    declares = isinstance(function.body[-1], ast.Expr) and isinstance(function.body[-1].value, ast.Constant)
    return (name == "check" or name.startswith("check_")) and not declares


def raises_of(function: Function) -> list[ast.Raise]:
    return sorted((each for each in ast.walk(function) if isinstance(each, ast.Raise)), key=lambda each: each.lineno)


def _lines(node: Function | ast.Raise) -> tuple[int, int]:
    return node.lineno, node.end_lineno or node.lineno


def _errors(refusals: list[ast.Raise]) -> tuple[str, ...]:
    called = (each.exc.func if isinstance(each.exc, ast.Call) else each.exc for each in refusals)
    return tuple(sorted({each.id for each in called if isinstance(each, ast.Name)}))
