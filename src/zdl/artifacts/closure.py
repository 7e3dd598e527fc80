"""The code that a function reaches, found by analysing the source of a package.

A closure is over definitions: functions, classes and assignments at the top level of a module, by names, as
in R's `targets`. Comments, docstrings, type hints of functions, and the module in which a definition lives do
not count.

Objects need no types: whoever has one got it from code that names its class, which counts with all its
methods. What a caller from outside hands in is told by the type hints of the function itself, so those of the
entry are followed.

It errs on the side of too much: a module that is handed on as a whole counts whole, and so does everything
that importing a module does besides defining. What cannot be followed is an `Error`.
"""

import ast
import copy
import hashlib
import symtable
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from zdl import Error
from zdl.artifacts.io import digest

IMPORTING = "<importing>"  # stands for what importing a module does besides defining
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
REFUSED = {"__import__", "import_module", "exec", "eval", "globals", "vars", "__doc__", "__path__"}
REFUSED |= {"__annotations__", "__init_subclass__", "__subclasses__", "register"}
# Of libraries: what imports by name, reads code or files, or makes objects of any class.
UNSEEN = (
    *("importlib", "builtins.", "pickle", "pkgutil", "inspect.getsource", "sys.modules"),
    *("typing.get_type_hints", "jinja2.PackageLoader"),
)

Target = tuple[str, tuple[str, ...]]  # a module, and the attributes that follow it
Chain = tuple[str, tuple[str, ...]]  # a name, and the attributes that are taken of it
Key = tuple[str, str]  # a module, and the name of one of its definitions


class Definition(NamedTuple):
    """What one name of a module is bound to: its syntax, and what that refers to."""

    syntax: Any
    targets: list[Target]
    hints: list[Target]  # of a function's type hints
    reads_files: bool  # it names `__file__`, and may read what lies beside its module


class Module:
    """The names that a module defines or imports; the definitions are analysed when they are asked for."""

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
        """Note what a statement at the top level defines, or that importing the module runs it."""
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
            for inner in node.orelse:  # what is under it never runs
                self._enter(inner)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            self.nodes[IMPORTING].append(node)
            for inner in _statements(node):
                self._enter(inner)

    def _is_own(self, name: str) -> bool:
        own = self.name.partition(".")[0]
        imported = (module.partition(".")[0] for module, _ in self.imports.get(name, ()))
        return name in self.nodes or own in imported

    def _bindings(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Target]]:
        """The names that an import statement binds, and to what."""
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
        taken: dict[str, int] = defaultdict(int)
        parts: dict[str, list[Definition]] = defaultdict(list)
        for name, nodes in self.nodes.items():
            for node in nodes:
                scope = None
                if isinstance(node, DEFINITIONS) and name != IMPORTING:
                    scope = self.scopes[name][taken[name]]
                    taken[name] += 1
                if (
                    name == IMPORTING
                ):  # the same statement may define a name, too, and is analysed there as well
                    node = copy.deepcopy(node)  # noqa: PLW2901
                parts[name].append(self._analysed(node, scope))
        return {name: _joined(definitions) for name, definitions in parts.items()}

    def _analysed(self, node: ast.stmt, scope: symtable.SymbolTable | None) -> Definition:
        inner: dict[str, list[Target]] = defaultdict(list)  # imports within the definition
        for part in ast.walk(node):
            self._refuse(part)
            if isinstance(part, ast.Import | ast.ImportFrom):
                for name, target in self._bindings(part):
                    inner[name].append(target)
        hints = [name for hint in _taken_hints(node) for name in _chains(hint)]
        chains = list(_chains(node))
        if scope:
            visible = {*_globals(scope), *_outer_names(node), *inner}
            chains = [(name, attributes) for name, attributes in chains if name in visible]
        targets = [target for each in inner.values() for target in each] + self._targets(chains, inner)
        reads = any(name == "__file__" for name in _names(node))
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
        """What names lead to, if to something of the project or of a library."""
        targets: list[Target] = []
        for name, attributes in chains:
            for module, first in [*self.imports.get(name, ()), *inner.get(name, ())]:
                targets.append((module, (*first, *attributes)))
            if name in self.nodes:
                targets.append((self.name, (name,)))
        return targets


def _joined(parts: list[Definition]) -> Definition:
    """One definition of all that is bound to one name."""
    syntax, targets, hints, reads = zip(*parts, strict=True)
    return Definition(
        list(syntax), list(chain.from_iterable(targets)), list(chain.from_iterable(hints)), any(reads)
    )


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements within one, such as those under `try:` and `except:`."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.stmt):
            yield part
        elif isinstance(part, ast.ExceptHandler | ast.match_case):
            yield from _statements(part)


def _names(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _chains(node: ast.AST) -> Iterator[Chain]:
    """Each name in a syntax tree, with the attributes that are taken of it: `np.linalg.norm`."""
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
    """The names that a function or class takes from its module, wherever in it."""
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


def _taken_hints(node: ast.AST) -> list[ast.expr]:
    """Take the type hints of functions, which nothing evaluates for its result, out of a syntax tree."""
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
    """A syntax tree without positions, docstrings, hints, imports and empty fields: the same on every Python
    from 3.11 to 3.13, which `ast.dump` is not."""
    if isinstance(node, list):
        return [_skeleton(item) for item in node if not isinstance(item, ast.Import | ast.ImportFrom)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, DEFINITIONS) and ast.get_docstring(node) is not None:
        fields["body"] = fields["body"][1:]
    return [type(node).__name__, {name: _skeleton(value) for name, value in fields.items()}]


class Source:
    """The modules of a package, each parsed when it is asked for."""

    def __init__(self, package: Path) -> None:
        self.paths = {}
        for path in sorted(package.rglob("*.py")):
            parts = path.relative_to(package.parent).with_suffix("").parts
            self.paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        self.module = cache(self._module)

    def _module(self, name: str) -> Module:
        return Module(name, self.paths[name])

    def resolve(self, target: Target, met: frozenset[Target] = frozenset()) -> Iterator[Key | str]:
        """What a target leads to: definitions, as (module, name), or, outside of the package, a dotted
        name."""
        module, names = target
        if target in met:
            return
        if module not in self.paths:
            yield ".".join((module, *names))
            return
        here, name, met = self.module(module), names[0] if names else "", met | {target}
        inside = f"{module}.{name}"
        if inside in self.paths:
            yield from self.resolve((inside, names[1:]), met)
        if name in here.nodes:
            yield module, name
        for base, first in here.imports.get(name, ()):
            yield from self.resolve((base, (*first, *names[1:])), met)
        known = inside in self.paths or name in here.nodes or name in here.imports
        if not known and not (name.startswith("__") and name.endswith("__")):
            for each in [*here.nodes, *here.imports]:  # the module as a whole: it is handed on
                yield from self.resolve((module, (each,)), met)

    def imported(self, module: str) -> list[str]:
        """The modules of the package that are imported with this one, itself and its packages among them."""
        order: dict[str, None] = {}
        to_do = [module]
        while to_do:
            name = to_do.pop()
            if name not in order and name in self.paths:
                order[name] = None
                here = self.module(name)
                for base, first in chain.from_iterable(here.imports.values()):
                    to_do += [base, ".".join((base, *first))]
                to_do += [name.rpartition(".")[0], *sorted(here.modules)]
        return list(order)


class Closure:
    """All that a function reaches, each definition once, in the order in which they are met.

    definitions  by (module, name)
    libraries    the packages that they import, Python's own left out
    digest       of their syntax, of what each refers to, and of the files that they may read
    """

    def __init__(self, source: Source, entry: str) -> None:
        self.source = source
        self.definitions: dict[Key, Definition] = {}
        self.libraries: set[str] = set()
        self._modules: set[str] = set()
        module, _, name = entry.partition(":")
        if module not in source.paths or name not in source.module(module).nodes:
            raise Error(f"{entry}: is no definition of the project")
        self._to_do: list[Key] = []
        self._numbers: dict[Key, int] = {}
        self._number((module, name))
        edges = []
        for key in self._to_do:  # which grows on the way
            definition = self.definitions[key] = source.module(key[0]).definitions[key[1]]
            targets = definition.targets + (definition.hints if len(self.definitions) == 1 else [])
            edges.append([self._number(each) for target in targets for each in source.resolve(target)])
        parts = [[d.syntax, e] for d, e in zip(self.definitions.values(), edges, strict=True)]
        self.digest = digest([parts, [[name, sum_] for name, sum_ in self._files()]])

    def _number(self, met: Key | str) -> int | str:
        """The place of a definition in the closure, which it gets when it is first met."""
        if isinstance(met, str):
            if met.startswith(UNSEEN):
                raise Error(f"{met}: cannot be followed, in code that makes files")
            self.libraries |= {met.partition(".")[0]} - sys.stdlib_module_names
            return met
        if met not in self._numbers:
            self._numbers[met] = len(self._to_do)
            self._to_do.append(met)
            if met[0] not in self._modules:  # and what is done besides when its module is imported
                self._modules.add(met[0])
                for module in self.source.imported(met[0]):
                    if IMPORTING in self.source.module(module).nodes:
                        self._number((module, IMPORTING))
        return self._numbers[met]

    def _files(self) -> Iterator[tuple[str, str]]:
        folders = {
            self.source.paths[module].parent for (module, _), d in self.definitions.items() if d.reads_files
        }
        for folder in sorted(folders):
            for path in sorted(folder.rglob("*")):
                other = path.suffix in (".py", ".pyc") or path.name[0] == "." or path.name[-1] == "~"
                if path.is_file() and not other:
                    yield str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()
