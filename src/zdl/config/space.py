"""The values that trials can have under the settings, and the number of points of a grid."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zdl.config.hyperparameters import Declarations, unused

Axes = Mapping[str, Sequence[Any]]  # hyper-parameter -> its values in a grid
Settings = Mapping[str, Any]

OTHER = ("problem", "data", "split", "search", "replicate", "report")  # sections without hyper-parameters


def fixed(settings: Settings) -> dict[str, Any]:
    """The values in params.yaml. A trial has them where the search draws no other value."""
    sections = (values for section, values in settings.items() if section not in OTHER)
    return {name: value for values in sections for name, value in values.items()}


def possible(settings: Settings, name: str) -> list[Any]:
    """The values that a setting can have in a trial: its value, its options, or the ends of its range."""
    spec = settings["search"]["space"].get(name) or {"options": [fixed(settings)[name]]}
    return list(spec["options"]) if "options" in spec else [spec["low"], spec["high"]]


def resolve(settings: Settings, point: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the trial with the drawn values `point`.

    Settings that play no part are left out, such as momentum under plain SGD.
    """
    values = {**fixed(settings), **point}
    idle = unused(settings["search"]["hyperparameters"], {name: [value] for name, value in values.items()})
    return {name: value for name, value in values.items() if name not in idle}


def shared(settings: Settings) -> dict[str, Any]:
    """The settings that all trials have in common, without those that play no part in any trial."""
    values, search = fixed(settings), settings["search"]
    idle = unused(search["hyperparameters"], {name: possible(settings, name) for name in values})
    return {name: values[name] for name in values if name not in search["space"].keys() | idle}


def grid_parts(axes: Axes, declarations: Declarations) -> Iterator[dict[str, Sequence[Any]]]:
    """The grid as a series of full products: for each, the values of each hyper-parameter.

    There is one product for each combination of the values that decide which hyper-parameters play a part,
    such as the optimizer. It has only the hyper-parameters that play a part there.
    """
    deciding = [name for name in axes if any(name in each["when"] for each in declarations.values())]
    for values in itertools.product(*(axes[name] for name in deciding)):
        choices = dict(zip(deciding, ([value] for value in values), strict=True))
        idle = unused(declarations, choices)
        if any(choices[name] != axes[name][:1] for name in idle & choices.keys()):
            continue  # values that play no part give the same trials: only the first counts
        yield {name: choices.get(name, axis) for name, axis in axes.items() if name not in idle}


def grid_size(axes: Axes, declarations: Declarations) -> int:
    """The number of points of the grid, computed without building it."""
    return sum(math.prod(map(len, part.values())) for part in grid_parts(axes, declarations))
