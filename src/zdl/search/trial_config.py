"""What a trial trains with: the values that were drawn for it, and those of params.yaml for all else."""

from collections.abc import Mapping
from typing import Any

from zdl.config.hyperparameters import unused
from zdl.config.space import fixed, possible

Settings = Mapping[str, Any]


def resolve(settings: Settings, point: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the trial whose drawn values are `point`, and only those that play a part: a momentum
    is left out under plain SGD."""
    values = {**fixed(settings), **point}
    idle = unused(settings["search"]["hyperparameters"], {name: [value] for name, value in values.items()})
    return {name: value for name, value in values.items() if name not in idle}


def shared(settings: Settings) -> dict[str, Any]:
    """What all trials have in common, whatever is drawn for them; only what plays a part in some trial."""
    values, search = fixed(settings), settings["search"]
    idle = unused(search["hyperparameters"], {name: possible(settings, name) for name in values})
    return {name: values[name] for name in values if name not in search["space"].keys() | idle}
