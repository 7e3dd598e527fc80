"""Grid search: every combination of a few values of each hyper-parameter.

A range says how many: `points` of them, evenly spaced on its distribution's own scale, both ends included;
a choice lists them. The combinations come in the order of nested loops, the last hyper-parameter innermost;
if the optimizer is searched, its loop is the outermost, and under each one only those hyper-parameters are
combined that it uses (momentum plays no part under plain SGD: one trial, and not one for each momentum).

A point is identified by its values (`zdl.search.plan.enroll`), so one that stays in the grid keeps its trial,
whatever else comes, goes, or changes places.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from zdl.search.distributions import EXACT, unused, value
from zdl.search.samplers.base import History, Proposal

Axes = dict[str, list[Any]]


class Grid:
    """`size` points and no more; it never builds them all to count them."""

    batch = None

    def __init__(self, search: Mapping[str, Any]) -> None:
        self.axes = {name: values(spec) for name, spec in search["space"].items()}
        self.size = sum(math.prod(map(len, part.values())) for part in _parts(self.axes))

    def propose(self, history: History, n: int) -> list[Proposal]:
        return list(itertools.islice(self._points(), len(history), len(history) + n))

    def _points(self) -> Iterator[Proposal]:
        for part in _parts(self.axes):
            for combined in itertools.product(*part.values()):
                point = dict(zip(part, combined, strict=True))
                yield Proposal({name: point[name] for name in self.axes if name in point})


def values(spec: Mapping[str, Any]) -> list[Any]:
    """A hyper-parameter's values in a grid, in order: a range's from `low` to `high`."""
    if "options" in spec:
        return list(spec["options"])
    low, high, last = spec["low"], spec["high"], spec["points"] - 1
    if spec["distribution"] == "int_uniform":
        return [low + (2 * (high - low) * k + last) // (2 * last) for k in range(last + 1)]
    inner = (EXACT.divide(Decimal(k), Decimal(last)) for k in range(1, last))
    return [low, *(value(spec["distribution"], u, low, high) for u in inner), high]


def _parts(axes: Axes) -> Iterator[Axes]:
    """The grid as full products, one for each optimizer that is searched."""
    if "optimizer" not in axes:
        yield axes
        return
    for optimizer in axes["optimizer"]:
        left_out = unused(optimizer) | {"optimizer"}
        yield {
            "optimizer": [optimizer],
            **{name: axis for name, axis in axes.items() if name not in left_out},
        }
