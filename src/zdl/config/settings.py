"""The settings of params.yaml as the rest of zdl takes them: checked, in one spelling, as plain Python.

`zdl.config.models` declares the settings, `zdl.config.hyperparameters` those of them that can be searched.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zdl.config.checks import across
from zdl.config.messages import SettingsError, explain
from zdl.config.models import Settings
from zdl.config.reading import normalise, read


def load(path: str | Path = "params.yaml") -> dict[str, Any]:
    """The settings of a params.yaml, complete, with keys in the order of the models. (Those of the search
    space keep the file's order, which points and the report follow.)

    Raises SettingsError, with one line, for any other file.
    """
    raw = read(path)
    try:
        settings = Settings.model_validate(normalise(raw)).model_dump(exclude_unset=True)
    except ValidationError as error:
        from zdl.config.schema import schema  # here, since no other start needs it

        raise SettingsError.first_of(path, explain(error.errors(), raw, schema())) from None
    space = settings["search"]["space"]
    settings["search"]["space"] = {name: space[name] for name in raw["search"]["space"]}
    if problems := list(across(settings)):
        raise SettingsError.first_of(path, problems)
    return settings
