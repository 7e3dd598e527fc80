"""Bayesian search: each round tries the points that should improve on the scores so far the most.

A Gaussian process models the scores. The first round is that of the random search. After it, a point has the
greatest expected improvement of some 3,000 candidates (D. R. Jones, M. Schonlau and W. J. Welch, "Efficient
Global Optimization of Expensive Black-Box Functions", 1998). The points of a round are chosen one after
another. Each choice assumes that the points before it have the scores that the model expects: the kriging
believer of D. Ginsbourger, R. Le Riche and L. Carraro, "Kriging is well-suited to parallelize optimization",
2010. On Hartmann's function (60 points, 10 a round, median of 40 seeds) it ended 0.13 below the maximum, and
their constant liar 0.16.

Scores are noisy, and the best score is partly luck. So improvement is measured from the best score that the
model expects at a point tried.

Every machine proposes the same points, though the last bits of the computation differ: values are rounded
before they are compared (`gaussian_process.fit`, `first_best`).
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zdl.search.distributions import shares, stream, value
from zdl.search.samplers.base import History, Point
from zdl.search.samplers.gaussian_process import Array, expected_improvement, fit, posterior, standard
from zdl.search.samplers.in_rounds import InRounds

ANYWHERE = 2000  # candidates in the whole space; the others are near the best points tried
LEADERS, NEARBY, REACHES = 5, 60, (0.1, 0.03, 0.01)  # best points, candidates in a box, half its width
BELOW_1 = 1 - 2**-53  # the greatest share that has a value


class Bayes(InRounds):
    """Rounds of `batch` points.

    A round depends on the scores of earlier rounds only, so it is the same whether its points are proposed at
    once or in parts.
    """

    def __init__(self, search: Mapping[str, Any]) -> None:
        super().__init__(search)
        self.axes = [Axis(name, self.space[name]) for name in self.declarations if name in self.space]

    def _round(self, number: int, scored: History, pending: list[Point], n: int) -> list[dict[str, Any]]:
        places, scores = self.places([point for point, _ in scored]), standard(scored)[0]
        kernel, noise = fit(self.columns(places), scores)
        candidates = self._candidates(number, places[np.argsort(-scores, kind="stable")[:LEADERS]])
        columns = self.columns(candidates)
        new_points: list[dict[str, Any]] = []
        while len(new_points) < n:
            model = posterior(kernel, noise, self.columns(places), scores)
            if pending:
                point, *pending = pending
            else:
                point = self._point(candidates[most_promising(model, columns)])
                new_points.append(point)
            next_place = self.places([point])
            places, scores = (
                np.vstack([places, next_place]),
                np.append(scores, model.predict(self.columns(next_place))),
            )
        return new_points

    def places(self, points: Sequence[Point]) -> Array:
        """Points as shares of each axis (points, axes), with NaN for a value that plays no part."""
        return self._without_unused(
            [[axis.share(point.get(axis.name)) for axis in self.axes] for point in points]
        )

    def _without_unused(self, places: ArrayLike) -> Array:
        """The places, with NaN for each hyper-parameter that plays no part there."""
        places, columns = np.array(places), {axis.name: i for i, axis in enumerate(self.axes)}
        idle: dict[str, NDArray[np.bool_]] = {}  # also of fixed ones, which may depend on searched ones
        for name, each in self.declarations.items():
            idle[name] = np.zeros(len(places), bool)
            for other, allowed in each["when"].items():
                if other in idle:
                    idle[name] |= idle[other]
                if other in columns:
                    axis, column = self.axes[columns[other]], np.nan_to_num(places[:, columns[other]])
                    allows = np.array([option in allowed for option in axis.options])
                    idle[name] |= ~allows[axis.cell(column)]
            if name in columns:
                idle[name] |= np.isnan(places[:, columns[name]])
                places[idle[name], columns[name]] = np.nan
        return places

    def columns(self, places: Array) -> Array:
        """Places as columns for the model (points, columns)."""
        return np.hstack([axis.columns(places[:, i]) for i, axis in enumerate(self.axes)])

    def _point(self, place: Array) -> dict[str, Any]:
        """The values at a place, without those that play no part."""
        point = {
            axis.name: axis.value(share)
            for axis, share in zip(self.axes, place.tolist(), strict=True)
            if not math.isnan(share)
        }
        return {name: point[name] for name in self.space if name in point}

    def _candidates(self, number: int, leaders: Array) -> Array:
        """The places that round `number` chooses from.

        These are all places if they are few. Otherwise they are random places in the whole space, and in
        smaller and smaller boxes around the best places tried.
        """
        cells = [axis.cells for axis in self.axes]
        if 0 not in cells and math.prod(cells) <= ANYWHERE:
            middles = itertools.product(*[(np.arange(count) + 0.5) / count for count in cells])
            return self._without_unused(list(middles))
        centres = np.repeat(np.nan_to_num(leaders, nan=0.5), NEARBY, axis=0)
        shape = (ANYWHERE + len(REACHES) * len(centres), len(self.axes))
        bits = stream(self.seed, "bayes", number).random_raw(math.prod(shape)).reshape(shape)
        u = (bits >> np.uint64(11)) * np.float64(2**-53)
        boxes = np.split(2 * u[ANYWHERE:] - 1, len(REACHES))
        nearby = [centres + reach * box for reach, box in zip(REACHES, boxes, strict=True)]
        return self._without_unused(np.clip(np.vstack([u[:ANYWHERE], *nearby]), 0, BELOW_1))


class Axis:
    """A hyper-parameter that is searched.

    A share in [0, 1] stands for a value in the range, on the scale of its distribution, or for an option.
    `cells` is the number of values, or 0 for a range of real numbers.
    """

    def __init__(self, name: str, spec: Mapping[str, Any]) -> None:
        self.name, self.kind = name, spec["distribution"]
        self.options: Sequence[Any] = spec.get("options", ())
        self.low, self.high = spec.get("low", 0), spec.get("high", 0)
        self.cells: int = len(self.options)
        if self.kind == "int_uniform":
            self.cells = self.high - self.low + 1

    def share(self, value: Any) -> float:
        """The share of a value, in the middle of its cell if there are cells; NaN for None."""
        if value is None:
            return math.nan
        if self.cells:
            cell: int = self.options.index(value) if self.options else value - self.low
            return (cell + 0.5) / self.cells
        return shares(self.kind, (self.low, self.high), value, value)[0]

    def value(self, share: float) -> Any:
        """The value at a share below 1."""
        if self.options:
            return self.options[int(share * self.cells)]
        # Rounding may move a value out of a range whose ends have more digits.
        return min(max(value(self.kind, share, self.low, self.high), self.low), self.high)

    def cell(self, places: Array) -> NDArray[np.int64]:
        """The cells of shares."""
        return (places * self.cells).astype(np.int64)

    def columns(self, places: Array) -> Array:
        """The columns of the model (points, columns) for shares (points,).

        A number is one column, a whole number in the middle of its cell. A choice is a column of 0 and 1 for
        each option. A value that plays no part is 0.5 in every column.
        """
        columns = places[:, None]
        if self.cells:
            cells = np.floor(columns * self.cells)
            columns = cells == np.arange(self.cells) if self.options else (cells + 0.5) / self.cells
        return np.where(np.isnan(places)[:, None], 0.5, columns)


def most_promising(model: Any, columns: Array) -> int:
    """The index of the candidate with the greatest expected improvement.

    Candidates that were tried already count only if there are no others.
    """
    mean, deviation = model.predict(columns, return_std=True)
    best = model.predict(model.X_train_).max()
    gains = expected_improvement(mean, deviation, best)
    new = is_new(columns, model.X_train_)
    return first_best(np.where(new, gains, -1.0) if new.any() else gains)


def is_new(columns: Array, known: Array) -> NDArray[np.bool_]:
    """Whether each row of `columns` is missing from `known`, compared to 9 decimals."""
    known_rows = set(map(tuple, np.round(known, 9).tolist()))
    return np.array([tuple(row) not in known_rows for row in np.round(columns, 9).tolist()])


def first_best(gains: Array) -> int:
    """The index of the greatest gain; of gains that agree to nine digits, the first.

    Some gains are equal by symmetry, and the machine decides which of them has the greatest last bits.
    """
    return int(np.argmax(gains >= gains.max() * (1 - 1e-9)))
