"""Find what a module defines, and what each definition refers to, by static analysis of its source.

A definition is a function, a class or an assignment at the top level of a module. Comments, docstrings and
the type hints of functions do not count. Code that cannot be followed raises an `Error`: `import *`, imports
by name, names that are set from outside.
"""

import ast
import copy
import symtable
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from zdl import Error

IMPORTING = "<importing>"  # stands for what importing a module does besides defining names
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
REFUSED = {"__import__", "import_module", "exec", "eval", "globals", "vars", "__doc__", "__path__"}
REFUSED |= {"__annotations__", "__init_subclass__", "__subclasses__", "register"}

Target = tuple[str, tuple[str, ...]]  # a module, and the attributes that are taken from it
Chain = tuple[str, tuple[str, ...]]  # a name, and the attributes that are taken from it


class Definition(NamedTuple):
    """The syntax of all that a name of a module is bound to, and what that syntax refers to."""

    syntax: Any
    targets: list[Target]
    hints: list[Target]  # what the type hints of a function refer to
    reads_files: bool  # it uses `__file__`, so it may read files beside its module


class Module:
    """The names that a module defines or imports. Definitions are analysed on first use."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        text = path.read_text("utf-8")
        self.nodes: dict[str, list[ast.stmt]] = defaultdict(list)
        self.imports: dict[str, list[Target]] = defaultdict(list)
        self.modules: set[str] = set()  # imported by their dotted names
        self.scopes: dict[str, list[symtable.SymbolTable]] = defaultdict(list)
        for scope in symtable.symtable(text, str(path), "exec").get_children():
            self.scopes[scope.get_name()].append(scope)
        for node in ast.parse(text).body:
            self._enter(node)

    def _enter(self, node: ast.stmt) -> None:
        """Record what a statement at the top level defines, or that importing the module runs it."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name, bound in self._bindings(node):
                self.imports[name].append(bound)
        elif isinstance(node, DEFINITIONS):
            self.nodes[node.name].append(node)
            decorators = [d for part in ast.walk(node) for d in getattr(part, "decorator_list", ())]
            if any(self._is_own(name) for decorator in decorators for name in _names(decorator)):
                self.nodes[IMPORTING].append(node)  # a decorator may register what it decorates
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                plain = isinstance(target, ast.Name | ast.Tuple) and not isinstance(node, ast.AugAssign)
                for name in [*_names(target), *(() if plain else (IMPORTING,))]:
                    self.nodes[name].append(node)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for inner in node.orelse:  # its body never runs
                self._enter(inner)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            self.nodes[IMPORTING].append(node)
            for inner in _statements(node):
                self._enter(inner)

    def _is_own(self, name: str) -> bool:
        own = {self.name.partition(".")[0], "zdl"}
        packages = {module.partition(".")[0] for module, _ in self.imports.get(name, ())}
        return name in self.nodes or bool(own & packages)

    def _bindings(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Target]]:
        """The names that an import statement binds, each with its target."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.modules.add(alias.name)
                root = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or root, (root, ())
            return
        base = node.module or ""
        if node.level:
            above = self.name.split(".")[: -node.level + (self.path.name == "__init__.py") or None]
            base = ".".join([*above, base] if base else above)
        for alias in node.names:
            if alias.name == "*":
                raise Error(f"{self.path}: line {node.lineno}: import * cannot be followed (needed: names)")
            yield alias.asname or alias.name, (base, (alias.name,))

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        next_scope: dict[str, int] = defaultdict(int)
        parts: dict[str, list[Definition]] = defaultdict(list)
        for name, nodes in self.nodes.items():
            for node in nodes:
                scope = None
                if isinstance(node, DEFINITIONS) and name != IMPORTING:
                    scope = self.scopes[name][next_scope[name]]
                    next_scope[name] += 1
                if name == IMPORTING:  # copied, since the node may also define a name and analysis edits it
                    node = copy.deepcopy(node)  # noqa: PLW2901
                parts[name].append(self._analyse(node, scope))
        return {name: _merge(definitions) for name, definitions in parts.items()}

    def _analyse(self, node: ast.stmt, scope: symtable.SymbolTable | None) -> Definition:
        inner: dict[str, list[Target]] = defaultdict(list)  # imports within the definition
        for part in ast.walk(node):
            self._refuse(part)
            if isinstance(part, ast.Import | ast.ImportFrom):
                for name, target in self._bindings(part):
                    inner[name].append(target)
        hints = [name for hint in _pop_hints(node) for name in _chains(hint)]
        chains = list(_chains(node))
        reads = any(name == "__file__" for name, _ in chains)
        if scope:
            visible = {*_globals(scope), *_outer_names(node), *inner}
            chains = [(name, attributes) for name, attributes in chains if name in visible]
        targets = [target for each in inner.values() for target in each] + self._targets(chains, inner)
        return Definition(_skeleton(node), targets, self._targets(hints, inner), reads)

    def _refuse(self, part: ast.AST) -> None:
        """Raise an `Error` for what cannot be followed."""
        name = getattr(part, "id", getattr(part, "attr", getattr(part, "name", None)))
        if isinstance(part, ast.Global):
            name = f"global {', '.join(part.names)}"
        elif not isinstance(part, ast.Name | ast.Attribute | ast.FunctionDef) or name not in REFUSED:
            return
        raise Error(f"{self.path}: line {part.lineno}: {name} cannot be followed (needed: names)")

    def _targets(self, chains: Iterable[Chain], inner: Mapping[str, list[Target]]) -> list[Target]:
        """What names refer to in the project or in a library; other names are left out."""
        targets: list[Target] = []
        for name, attributes in chains:
            for module, first in [*self.imports.get(name, ()), *inner.get(name, ())]:
                targets.append((module, (*first, *attributes)))
            if name in self.nodes:
                targets.append((self.name, (name,)))
        return targets


def _merge(parts: list[Definition]) -> Definition:
    """Merge all definitions of one name into one."""
    syntax, targets, hints, reads = zip(*parts, strict=True)
    return Definition(
        list(syntax), list(chain.from_iterable(targets)), list(chain.from_iterable(hints)), any(reads)
    )


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements directly inside a statement, such as those under `try:` and `except:`."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.stmt):
            yield part
        elif isinstance(part, ast.ExceptHandler | ast.match_case):
            yield from _statements(part)


def _names(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _chains(node: ast.AST) -> Iterator[Chain]:
    """Each name in a syntax tree, with the attributes that are taken from it: `np.linalg.norm`."""
    inner: set[int] = set()
    for part in ast.walk(node):
        attributes: tuple[str, ...] = ()
        base = part
        while isinstance(base, ast.Attribute):
            attributes, base = (base.attr, *attributes), base.value
        if isinstance(base, ast.Name) and id(base) not in inner:
            inner.add(id(base))  # the walk meets the longest chain first
            yield base.id, attributes


def _globals(scope: symtable.SymbolTable) -> Iterator[str]:
    """The names that a function or class, or any scope inside it, takes from its module."""
    for symbol in scope.get_symbols():
        if symbol.is_global() or (scope.get_type() == "class" and symbol.is_referenced()):
            yield symbol.get_name()
    for inner in scope.get_children():
        yield from _globals(inner)


def _outer_names(node: ast.stmt) -> Iterator[str]:
    """The names in what is evaluated outside of a definition's own scope: decorators, defaults, bases."""
    parts: list[ast.AST] = [*getattr(node, "decorator_list", ())]
    if isinstance(node, ast.ClassDef):
        parts += [*node.bases, *node.keywords]
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parts += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    return (name for part in parts for name in _names(part))


def _pop_hints(node: ast.AST) -> list[ast.expr]:
    """Remove the type hints of functions, which affect no result, from a syntax tree, and return them."""
    hints = []
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(part):
                if isinstance(inner, ast.AnnAssign):
                    inner.annotation = ast.Constant(None)
            arguments = [*part.args.posonlyargs, *part.args.args, *part.args.kwonlyargs]
            for argument in [*arguments, *filter(None, (part.args.vararg, part.args.kwarg))]:
                hints.append(argument.annotation)
                argument.annotation = None
            part.returns = None
    return [hint for hint in hints if hint is not None]


def _skeleton(node: Any) -> Any:
    """A syntax tree without positions, docstrings, hints, imports and empty fields. Unlike `ast.dump`, it is
    the same on Python 3.11 to 3.13."""
    if isinstance(node, list):
        return [_skeleton(item) for item in node if not isinstance(item, ast.Import | ast.ImportFrom)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, DEFINITIONS) and ast.get_docstring(node) is not None:
        fields["body"] = fields["body"][1:]
    return [type(node).__name__, {name: _skeleton(value) for name, value in fields.items()}]
