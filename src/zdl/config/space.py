"""What the settings say about trials: the values that they can have, and how many points a grid has."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zdl.config.hyperparameters import Declarations, unused

Axes = Mapping[str, Sequence[Any]]  # the values that a grid has of each hyper-parameter
Settings = Mapping[str, Any]

OTHER = ("problem", "data", "split", "search", "replicate", "report")  # sections without hyper-parameters


def fixed(settings: Settings) -> dict[str, Any]:
    """The values of params.yaml that a trial has where none is drawn for it."""
    sections = (values for section, values in settings.items() if section not in OTHER)
    return {name: value for values in sections for name, value in values.items()}


def possible(settings: Settings, name: str) -> list[Any]:
    """What a setting can be in some trial: its value, its options, or the ends of its range."""
    spec = settings["search"]["space"].get(name) or {"options": [fixed(settings)[name]]}
    return list(spec["options"]) if "options" in spec else [spec["low"], spec["high"]]


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


def grid_parts(axes: Axes, declarations: Declarations) -> Iterator[dict[str, Sequence[Any]]]:
    """The grid as full products: one for each combination of the values that decide what plays a part, such
    as each optimizer, of what does so there."""
    deciding = [name for name in axes if any(name in each["when"] for each in declarations.values())]
    for values in itertools.product(*(axes[name] for name in deciding)):
        choices = dict(zip(deciding, ([value] for value in values), strict=True))
        idle = unused(declarations, choices)
        if any(choices[name] != axes[name][:1] for name in idle & choices.keys()):
            continue  # of a value that plays no part, one stands for all
        yield {name: choices.get(name, axis) for name, axis in axes.items() if name not in idle}


def grid_size(axes: Axes, declarations: Declarations) -> int:
    """The number of points of the grid; it is not built for that."""
    return sum(math.prod(map(len, part.values())) for part in grid_parts(axes, declarations))
