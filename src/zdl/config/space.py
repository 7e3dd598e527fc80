"""Questions about a search space that both the checks of params.yaml and the search ask."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zdl.config.hyperparameters import unused

Axes = Mapping[str, Sequence[Any]]  # the values that a grid has of each hyper-parameter


def possible(settings: Mapping[str, Any], name: str) -> list[Any]:
    """What a setting of training can be in some trial: its value, its options, or the ends of its range."""
    spec = settings["search"]["space"].get(name, {"options": [settings["training"][name]]})
    return list(spec["options"]) if "options" in spec else [spec["low"], spec["high"]]


def grid_parts(axes: Axes) -> Iterator[dict[str, Sequence[Any]]]:
    """The grid as full products, one for each optimizer that is searched, of what that optimizer uses."""
    if "optimizer" not in axes:
        yield dict(axes)
        return
    for optimizer in axes["optimizer"]:
        left_out = unused(optimizer) | {"optimizer"}
        yield {
            "optimizer": [optimizer],
            **{name: axis for name, axis in axes.items() if name not in left_out},
        }


def grid_size(axes: Axes) -> int:
    """The number of points of the grid; it is not built for that."""
    return sum(math.prod(map(len, part.values())) for part in grid_parts(axes))
