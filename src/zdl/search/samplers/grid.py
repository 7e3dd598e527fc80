"""Grid search: every combination of a few values of each hyper-parameter.

A range has `points` values, evenly spaced on the scale of its distribution, with both ends; a choice lists
its values. Combinations come in the order of nested loops, with the last hyper-parameter innermost. A
searched hyper-parameter on which others depend, such as the optimizer, has an outermost loop. The loops
inside it cover only what plays a part there: plain SGD has one trial, not one for each momentum.

A point is identified by its values (`zdl.search.plan.trials_at`), so a point that stays in the grid keeps its
trial whatever else changes.
"""

import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from zdl.config.space import grid_parts, grid_size
from zdl.search.distributions import EXACT, value
from zdl.search.samplers.base import History, Proposal


class Grid:
    """A grid of `size` points. Only proposed points are built, since a grid may be huge."""

    def __init__(self, search: Mapping[str, Any]) -> None:
        self.axes = {name: values(spec) for name, spec in search["space"].items()}
        self.declarations = search["hyperparameters"]
        self.size = grid_size(self.axes, self.declarations)

    def propose(self, history: History, n: int) -> list[Proposal]:
        return list(itertools.islice(self._points(), len(history), len(history) + n))

    def _points(self) -> Iterator[Proposal]:
        for part in grid_parts(self.axes, self.declarations):
            for combination in itertools.product(*part.values()):
                point = dict(zip(part, combination, strict=True))
                yield Proposal({name: point[name] for name in self.axes if name in point})


def values(spec: Mapping[str, Any]) -> list[Any]:
    """The values of a hyper-parameter in a grid: the options, or values from `low` to `high`."""
    if "options" in spec:
        return list(spec["options"])
    low, high, last = spec["low"], spec["high"], spec["points"] - 1
    if spec["distribution"] == "int_uniform":
        return [low + (2 * (high - low) * k + last) // (2 * last) for k in range(last + 1)]
    inner = (EXACT.divide(Decimal(k), Decimal(last)) for k in range(1, last))
    return [low, *(value(spec["distribution"], u, low, high) for u in inner), high]
