"""Find the code that a function reaches, by static analysis of the source of a package.

A closure contains the definitions that a function reaches by name, as in R's `targets`. The module that holds
a definition does not count, so moving a definition to another module changes nothing.

The types of objects need not be known: code that uses an object got it from code that names its class, and a
class counts with all its methods. For objects passed in from outside, the type hints of the entry function
are followed.

In doubt, a closure includes too much: all of a module that is passed on as an object, and everything that
importing a module does besides defining names.
"""

import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from zdl import Error
from zdl.artifacts.encoding import digest
from zdl.artifacts.source import IMPORTING, Definition, Module, Target

# Library features that static analysis cannot follow: they import by name, read code or files, or create
# objects of any class.
UNSEEN = (
    *("importlib", "builtins.", "pickle", "pkgutil", "inspect.getsource", "sys.modules"),
    *("typing.get_type_hints", "jinja2.PackageLoader"),
)

Key = tuple[str, str]  # a module, and the name of one of its definitions


class Source:
    """The modules of packages, each parsed on first use."""

    def __init__(self, *packages: Path) -> None:
        self.paths = {}
        for package in packages:
            for path in sorted(package.rglob("*.py")):
                parts = path.relative_to(package.parent).with_suffix("").parts
                self.paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        self.module = cache(self._module)

    def _module(self, name: str) -> Module:
        return Module(name, self.paths[name])

    def resolve(self, target: Target, visited: frozenset[Target] = frozenset()) -> Iterator[Key | str]:
        """Yield what a target refers to: (module, name) if these packages define it, else a dotted name."""
        module, names = target
        if target in visited:
            return
        if module not in self.paths:
            yield ".".join((module, *names))
            return
        code, name, visited = self.module(module), names[0] if names else "", visited | {target}
        inside = f"{module}.{name}"
        if inside in self.paths:
            yield from self.resolve((inside, names[1:]), visited)
        if name in code.nodes:
            yield module, name
        for base, first in code.imports.get(name, ()):
            yield from self.resolve((base, (*first, *names[1:])), visited)
        known = inside in self.paths or name in code.nodes or name in code.imports
        if not known and not (name.startswith("__") and name.endswith("__")):
            for each in [*code.nodes, *code.imports]:  # the module is passed on as an object
                yield from self.resolve((module, (each,)), visited)

    def imports_of(self, module: str) -> list[str]:
        """The modules that are imported with this one, including itself and the packages that contain it."""
        order: dict[str, None] = {}
        stack = [module]
        while stack:
            name = stack.pop()
            if name not in order and name in self.paths:
                order[name] = None
                code = self.module(name)
                for base, first in chain.from_iterable(code.imports.values()):
                    stack += [base, ".".join((base, *first))]
                stack += [name.rpartition(".")[0], *sorted(code.modules)]
        return list(order)


class Closure:
    """All definitions that a function reaches, each once, in the order in which the analysis finds them.

    definitions  the definitions, by (module, name)
    libraries    the top-level packages that they import, without Python's own
    digest       a digest of their syntax, of what each refers to, and of the files that they may read

    Raises `Error` if there is no function of that name, or if it reaches code that cannot be followed.
    """

    def __init__(self, source: Source, entry: str) -> None:
        self.source = source
        self.definitions: dict[Key, Definition] = {}
        self.libraries: set[str] = set()
        self._modules: set[str] = set()
        module, _, name = entry.partition(":")
        if module not in source.paths or name not in source.module(module).nodes:
            raise Error(f"{entry}: is not a definition of the project")
        self._to_do: list[Key] = []
        self._numbers: dict[Key, int] = {}
        self._number((module, name))
        edges = []
        for key in self._to_do:  # the loop appends to this list
            definition = self.definitions[key] = source.module(key[0]).definitions[key[1]]
            targets = definition.targets + (definition.hints if len(self.definitions) == 1 else [])
            edges.append([self._number(each) for target in targets for each in source.resolve(target)])
        parts = [[d.syntax, e] for d, e in zip(self.definitions.values(), edges, strict=True)]
        self.digest = digest([parts, [[name, sum_] for name, sum_ in self._files()]])

    def _number(self, key: Key | str) -> int | str:
        """The index of a definition in the closure; a new one is added. A dotted name stays as it is."""
        if isinstance(key, str):
            if key.startswith(UNSEEN):
                raise Error(f"{key}: cannot be followed, in code that makes files")
            self.libraries |= {key.partition(".")[0]} - sys.stdlib_module_names
            return key
        if key not in self._numbers:
            self._numbers[key] = len(self._to_do)
            self._to_do.append(key)
            if key[0] not in self._modules:  # importing its module may run more code
                self._modules.add(key[0])
                for module in self.source.imports_of(key[0]):
                    if IMPORTING in self.source.module(module).nodes:
                        self._number((module, IMPORTING))
        return self._numbers[key]

    def _files(self) -> Iterator[tuple[str, str]]:
        folders = {
            self.source.paths[module].parent for (module, _), d in self.definitions.items() if d.reads_files
        }
        for folder in sorted(folders):
            for path in sorted(folder.rglob("*")):
                code = path.suffix == ".py" or path.parent.name == "__pycache__"
                other = code or path.name[0] == "." or path.name[-1] == "~"
                if path.is_file() and not other:
                    yield str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()
