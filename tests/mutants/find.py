"""The predicates of `proofs`, found in its source: whatever is called `check…`, function or method, private or not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One predicate to switch off, or with `refusal` only its so-manieth `raise`."""

    path: str  # of its file below the checkout
    qualified_name: str
    line: int
    errors: tuple[str, ...]
    refusal: int | None = None

    @property
    def family(self) -> str:
        parts = Path(self.path).parts
        return parts[1] if len(parts) > 2 else Path(self.path).stem

    @property
    def module(self) -> str:
        return ".".join(Path(self.path).with_suffix("").parts)

    @property
    def name(self) -> str:
        return self.qualified_name.rsplit(".", 1)[-1]

    def __str__(self) -> str:
        part = "" if self.refusal is None else f" refusal {self.refusal + 1}"
        return f"{self.path}:{self.line} {self.qualified_name}{part}"


def find_mutants(checkout: Path, *, each_refusal: bool) -> list[Mutant]:
    found = []
    for file in sorted((checkout / "proofs").rglob("*.py")):
        path = str(file.relative_to(checkout))
        for qualified_name, function in predicates(ast.parse(file.read_bytes())):
            refusals = raises_of(function)
            errors = tuple(sorted({name for each in refusals if (name := error_name(each))}))
            found.append(Mutant(path, qualified_name, function.lineno, errors))
            if each_refusal and len(refusals) > 1:
                found += [Mutant(path, qualified_name, each.lineno, errors, n) for n, each in enumerate(refusals)]
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


def error_name(refusal: ast.Raise) -> str | None:
    called = refusal.exc.func if isinstance(refusal.exc, ast.Call) else refusal.exc
    return called.id if isinstance(called, ast.Name) else None
