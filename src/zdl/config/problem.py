"""Loads and checks the problem that params.yaml names.

A problem is a module of `zdl.problems`, or one of the user's own under problems/.
"""

import inspect
import re
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from zdl import Error
from zdl.artifacts.fingerprint import OWN, load_module
from zdl.config.hyperparameters import Hyperparameter, Setting
from zdl.config.messages import show
from zdl.data.scores import ACCURACY, Score, score_error

NEEDED = ("HYPERPARAMETERS", "load", "train")
FUNCTIONS = {  # function -> the arguments that it is called with
    "load": "data, files",
    "train": "config, split, rng, say",
    "files": "data",
    "fetch": "data, say",
    "prepare": "x",
    "weights": "predictor",
    "linear": "",
    "check": "settings",
    "notes": "settings",
    "words": "settings",
}
DISTRIBUTIONS: Mapping[Any, tuple[str, ...]] = {
    float: ("log_uniform", "uniform"),
    int: ("int_uniform",),
    None: (),
}
BUILT_IN = Path(__file__).parents[1] / "problems"


class UnknownProblem(Error):
    """There is no problem of this name."""


class Problem(NamedTuple):
    """A problem and its parts, as `zdl.problems` describes them."""

    name: str
    module: Any

    @classmethod
    def named(cls, name: object) -> "Problem":
        """The problem of this name. Raises `Error` if there is none, or if its module is wrong."""
        known = sorted({*_modules(OWN), *_modules(BUILT_IN)})
        if not isinstance(name, str) or name not in known:
            raise UnknownProblem(f"problem: {show(name)} is not one of these (allowed: {', '.join(known)})")
        own = name in _modules(OWN)
        problem = cls(name, _load_module(f"{OWN.name if own else 'zdl.problems'}.{name}"))
        problem._check()
        return problem

    def get(self, part: str, default: Any = None) -> Any:
        return getattr(self.module, part, default)

    def function(self, part: str) -> str | None:
        """The name of a function as `zdl.artifacts.fingerprint` takes it; None if the problem lacks it.

        It may be a function of another problem.
        """
        function = self.get(part)
        return function and f"{function.__module__}:{function.__qualname__}"

    @property
    def hyperparameters(self) -> Mapping[str, Setting]:
        """The settings of a training. The title of a setting without one is its name."""
        return _with_titles(self.module.HYPERPARAMETERS)

    @property
    def data(self) -> Mapping[str, Setting]:
        return _with_titles(self.get("DATA", {}))

    @property
    def score(self) -> Score:
        """The score of its trials."""
        return Score(self.get("SCORE", ACCURACY))

    def _check(self) -> None:
        where = self.module.__name__
        for part in NEEDED:
            if not hasattr(self.module, part):
                raise Error(f"{where}: has no {part} (needed: {', '.join(NEEDED)})")
        for part, arguments in FUNCTIONS.items():
            if hasattr(self.module, part) and not _can_be_called(self.get(part), arguments):
                raise Error(f"{where}: {part}: is not a function of ({arguments})")
        for part in ("HYPERPARAMETERS", "DATA"):
            for text in _mistakes(self.get(part, {})):
                raise Error(f"{where}: {part}: {text}")
        if refusal := score_error(self.score.name):
            raise Error(f"{where}: {refusal}")


def _can_be_called(function: Any, arguments: str) -> bool:
    try:
        inspect.signature(function).bind(*filter(None, arguments.split(", ")))
    except TypeError:
        return False
    return True


def _mistakes(declarations: Any) -> Iterator[str]:
    """The mistakes in declarations, one line each."""
    if not isinstance(declarations, Mapping):
        yield f"{show(declarations)} is not a mapping (needed: a Setting by each name)"
        return
    choices: dict[str, Collection[Any]] = {}
    for name, setting in declarations.items():
        if not isinstance(setting, Setting) or not re.fullmatch("[a-z][a-z0-9_]{0,39}", str(name)):
            needed = "a name of small letters, and real, whole, choice"
            yield f"{name}: is not a declared setting (needed: {needed})"
        elif setting.section not in ("model", "training"):
            yield f"{name}: section: {setting.section!r} is not one of these (allowed: model, training)"
        elif not all(isinstance(value, str | int | float) for value in setting.names):
            yield f"{name}: {show(list(setting.names))} are not names (needed: texts or numbers)"
        elif not setting.names and setting.number is None:
            yield f"{name}: has no values (needed: names, or a number)"
        elif isinstance(setting, Hyperparameter):
            yield from (f"{name}: {text}" for text in (*_of_sampling(setting), *_of_when(setting, choices)))
        if isinstance(setting, Setting) and setting.names and setting.number is None:
            choices[name] = setting.names


def _of_sampling(parameter: Hyperparameter) -> Iterator[str]:
    for kind, (low, high) in parameter.sampling.items():
        if kind not in (allowed := DISTRIBUTIONS[parameter.number]):
            yield f"{kind} is not one of these (allowed: {', '.join(allowed)})"
        elif not low < high or (kind == "log_uniform" and low <= 0):
            needed = "0 < low < high" if kind == "log_uniform" else "low < high"
            yield f"{low} to {high} is not a range ({kind} needs: {needed})"
        elif kind == "int_uniform" and not isinstance(low, int) & isinstance(high, int):
            yield f"{low} to {high} is not a range ({kind} needs: whole numbers)"


def _of_when(parameter: Hyperparameter, choices: Mapping[str, Collection[Any]]) -> Iterator[str]:
    for other, values in parameter.when.items():
        if other not in choices:
            yield f"when: {other} is not an earlier choice (allowed: {', '.join(choices) or 'none'})"
        elif unknown := [value for value in values if value not in choices[other]]:
            allowed = ", ".join(map(str, choices[other]))
            yield f"when: {other}: {unknown[0]!r} is not one of these (allowed: {allowed})"


def declarations_of(name: object) -> dict[str, Setting]:
    """The settings that a problem declares; empty if the problem cannot be loaded, such as a deleted one."""
    try:
        problem = Problem.named(name)
    except Error:
        return {}
    return {**problem.data, **problem.hyperparameters}


def _with_titles(declarations: Mapping[str, Setting]) -> dict[str, Setting]:
    names = {name: name.replace("_", " ").capitalize() for name in declarations}
    return {
        name: replace(each, title=(each.title[0] or names[name], each.title[1] or names[name]))
        for name, each in declarations.items()
    }


def _modules(folder: Path) -> Iterable[str]:
    """The modules in a folder, by name."""
    paths = [*folder.glob("[a-z]*.py"), *(path.parent for path in folder.glob("[a-z]*/__init__.py"))]
    return [path.stem for path in paths if path.stem.isidentifier() and path.stem != "__init__"]


def _load_module(name: str) -> Any:
    if not name.startswith(f"{OWN.name}."):
        return load_module(name)
    try:
        return load_module(name)
    except Error:
        raise
    except Exception as error:  # a user's module can raise any error
        path = f"{name.replace('.', '/')}.py"
        frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.endswith(path)]
        line = f"line {frames[-1].lineno}: " if frames else ""
        raise Error(f"{path}: {line}cannot be imported ({type(error).__name__}: {error})") from None
