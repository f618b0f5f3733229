"""Switch a predicate off in this process: its compiled body is replaced in place, so whoever imported it sees it too.

A predicate that returns nothing returns at once. One that returns a value loses its refusals and keeps the rest.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from tests.mutants.find import Function, Mutant, predicates, raises_of


def switch_off(mutant: Mutant, checkout: Path) -> None:
    file = checkout / mutant.path
    tree = ast.parse(file.read_bytes())
    function = next(node for name, node in predicates(tree) if name == mutant.qualified_name)
    _mutate(function, mutant.refusal)
    compiled = compile(ast.fix_missing_locations(tree), str(file), "exec", dont_inherit=True)
    code = next(each for each in _nested(compiled) if each.co_qualname == mutant.qualified_name)
    target = _function(importlib.import_module(mutant.module), mutant.qualified_name)
    target.__code__ = code


def _mutate(function: Function, refusal: int | None) -> None:
    if refusal is not None:
        _Silence({raises_of(function)[refusal]}).visit(function)
    elif any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function)):
        _Silence(set(raises_of(function))).visit(function)
    else:
        function.body = [ast.Return(value=None)]


class _Silence(ast.NodeTransformer):
    def __init__(self, refusals: set[ast.Raise]) -> None:
        self._refusals = refusals

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        return ast.Pass() if node in self._refusals else node


def _nested(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _nested(each)


def _function(module: Any, qualified_name: str) -> FunctionType:
    """Through the class's own dictionary: a static or class method keeps its function inside a wrapper."""
    *classes, name = qualified_name.split(".")
    owner = module
    for each in classes:
        owner = getattr(owner, each)
    found = vars(owner)[name]
    while not isinstance(found, FunctionType):
        found = found.__wrapped__ if hasattr(found, "__wrapped__") else found.__func__
    return found
