"""The problem that params.yaml names: a module of `zdl.problems`, or of the user's own under problems/."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from zdl import Error
from zdl.artifacts.fingerprint import OWN, imported
from zdl.config.hyperparameters import Hyperparameter, Setting

BUILT_IN = Path(__file__).parents[1] / "problems"


class Problem(NamedTuple):
    """A problem and its parts, as `zdl.problems` describes them."""

    name: str
    module: Any

    @classmethod
    def named(cls, name: object) -> "Problem":
        """The problem of that name; an `Error` if there is none, or if its module is wrong."""
        known = sorted({*_modules(OWN), *_modules(BUILT_IN)})
        if not isinstance(name, str) or name not in known:
            raise Error(f"problem: {name!r} is not one of these (allowed: {', '.join(known)})")
        own = name in _modules(OWN)
        problem = cls(name, _imported(f"{OWN.name if own else 'zdl.problems'}.{name}"))
        problem._check()
        return problem

    def get(self, part: str, default: Any = None) -> Any:
        return getattr(self.module, part, default)

    def function(self, part: str) -> str | None:
        """The name of a function, as `zdl.artifacts.fingerprint` takes it; it may be another problem's."""
        function = self.get(part)
        return function and f"{function.__module__}:{function.__qualname__}"

    @property
    def hyperparameters(self) -> Mapping[str, Setting]:
        """The settings of a training. One without a title has its name for that."""
        return _titled(self.module.HYPERPARAMETERS)

    @property
    def data(self) -> Mapping[str, Setting]:
        return _titled(self.get("DATA", {}))

    def _check(self) -> None:
        for part in ("HYPERPARAMETERS", "load", "train"):
            if not hasattr(self.module, part):
                raise Error(f"{self.module.__name__}: has no {part} (needed: HYPERPARAMETERS, load, train)")
        known: dict[str, Setting] = {}
        for name, each in self.hyperparameters.items():
            where = f"{self.module.__name__}: {name}"
            if not isinstance(each, Setting) or not re.fullmatch("[a-z][a-z0-9_]{0,39}", name):
                raise Error(
                    f"{where}: is no declared setting (needed: a name of small letters, and a Setting)"
                )
            if each.section not in ("model", "training"):
                raise Error(
                    f"{where}: section: {each.section!r} is not one of these (allowed: model, training)"
                )
            for other in each.when if isinstance(each, Hyperparameter) else ():
                if other not in known or not known[other].names:
                    choices = [earlier for earlier, setting in known.items() if setting.names]
                    raise Error(f"{where}: when: {other} is not an earlier choice (allowed: {choices})")
            known[name] = each


def _titled(declared: Mapping[str, Setting]) -> dict[str, Setting]:
    names = {name: name.replace("_", " ").capitalize() for name in declared}
    return {
        name: replace(each, title=(each.title[0] or names[name], each.title[1] or names[name]))
        if isinstance(each, Setting)
        else each
        for name, each in declared.items()
    }


def _modules(folder: Path) -> Iterable[str]:
    """The modules in a folder, by name."""
    paths = [*folder.glob("[a-z]*.py"), *(path.parent for path in folder.glob("[a-z]*/__init__.py"))]
    return [path.stem for path in paths if path.stem.isidentifier() and path.stem != "__init__"]


def _imported(name: str) -> Any:
    try:
        return imported(name)
    except Error:
        raise
    except Exception as error:  # whatever is wrong with a user's module
        path = f"{name.replace('.', '/')}.py"
        raise Error(f"{path}: cannot be imported ({type(error).__name__}: {error})") from None
