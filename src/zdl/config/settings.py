"""Loads and checks params.yaml. The rest of zdl takes the settings as plain Python, in one spelling.

`zdl.config.models` declares the settings; the problem declares those of data, model and training.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zdl.config.checks import HALVINGS, across
from zdl.config.hyperparameters import plain
from zdl.config.messages import SettingsError, explain
from zdl.config.models import settings_of
from zdl.config.problem import Problem, UnknownProblem
from zdl.config.reading import normalise, read
from zdl.config.space import fixed


def load(path: str | Path = "params.yaml") -> dict[str, Any]:
    """The checked settings of a params.yaml, with keys in the order of the models.

    The search space keeps the file's order, which points and the report follow. `search` also gets

        hyperparameters  the problem's declarations, as `plain` returns them
        score            the name of the problem's score, if that is not accuracy
        epochs           the epochs of a whole training, if the method stops trials early

    Raises SettingsError, with a message of one line, if the file cannot be used.
    """
    raw = read(path)
    problem = problem_of(raw, path)
    declarations = {**problem.data, **problem.hyperparameters}
    model = settings_of(problem)
    try:
        settings: dict[str, Any] = model.model_validate(normalise(raw, declarations)).model_dump(
            exclude_unset=True
        )
    except ValidationError as error:
        from zdl.config.schema import schema  # here, since only an error needs it

        raise SettingsError.first_of(path, explain(error.errors(), raw, schema(problem))) from None
    space = settings["search"]["space"]
    settings["search"]["space"] = {name: space[name] for name in raw["search"]["space"]}
    settings["search"]["hyperparameters"] = plain(problem.hyperparameters)
    if settings["search"]["method"] in HALVINGS:
        settings["search"]["epochs"] = fixed(settings).get("epochs")
    if not problem.score.counts:
        settings["search"]["score"] = problem.score.name
    if mistakes := [*problem.get("check", lambda settings: ())(settings), *across(settings)]:
        raise SettingsError.first_of(path, mistakes)
    return settings


def problem_of(raw: Any, path: str | Path) -> Problem:
    """The problem that the settings name. Raises SettingsError if they name none."""
    if not isinstance(raw, dict) or "problem" not in raw:
        raise SettingsError(path, "problem: is missing (needed: the name of what is searched, such as book)")
    try:
        return Problem.named(raw["problem"])
    except UnknownProblem as error:  # other errors are in the problem's module
        raise SettingsError(path, str(error)) from None
