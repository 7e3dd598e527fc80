"""Edits planted in the code at random: what they change has to be noticed, by names and so by both
engines."""

import ast
import random
from collections.abc import Iterator
from pathlib import Path

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def plant(src: Path, definition: str, rng: random.Random) -> str:
    """Change one constant or comparison in a definition ("zdl.search.trial:run") of the package in `src`;
    what it was and what it is now. Nothing, if there is none in it."""
    module, _, name = definition.partition(":")
    path = source(src, module)
    tree = ast.parse(path.read_text("utf-8"))
    places = [part for node in tree.body if name in _names(node) for part in _places(node)]
    if not places:
        return ""
    place = rng.choice(places)
    before = ast.unparse(place)
    _change(place)
    path.write_text(ast.unparse(tree), "utf-8")
    return f"{definition}: {before} -> {ast.unparse(place)}"


def source(src: Path, module: str) -> Path:
    """The file of a module."""
    path = src / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, DEFINITIONS):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _places(node: ast.AST) -> Iterator[ast.expr]:
    """What can be changed: no docstring, no type hint, no constant that format strings are made of."""
    left_out = set()
    for part in ast.walk(node):
        if isinstance(part, DEFINITIONS) and ast.get_docstring(part) is not None:
            left_out.add(part.body[0].value)
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            hints = [
                part.returns,
                *(arg.annotation for arg in ast.walk(part.args) if isinstance(arg, ast.arg)),
            ]
            left_out |= {inner for hint in hints if hint for inner in ast.walk(hint)}
        if isinstance(part, ast.JoinedStr | ast.AnnAssign):
            left_out |= set(ast.walk(part if isinstance(part, ast.JoinedStr) else part.annotation))
    for part in ast.walk(node):
        constant = isinstance(part, ast.Constant) and type(part.value) in (bool, int, float, str)
        if (constant or isinstance(part, ast.Compare)) and part not in left_out:
            yield part


def _change(place: ast.expr) -> None:
    if isinstance(place, ast.Compare):
        place.ops[0] = ast.Eq() if isinstance(place.ops[0], ast.NotEq) else ast.NotEq()
    elif isinstance(place.value, bool):
        place.value = not place.value
    elif isinstance(place.value, str):
        place.value += "?"
    else:
        place.value = place.value * 2 + 1
