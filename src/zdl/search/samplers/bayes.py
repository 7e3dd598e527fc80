"""Bayesian search: each round goes where a model of the scores so far expects the most of it.

The first round is the random search's. After it the model is a Gaussian process (C. E. Rasmussen and
C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006) with a Matern kernel of nu = 5/2, and a
length scale for each column, so that it can tell what matters. A point has the greatest expected improvement
of some thousand candidates (D. R. Jones, M. Schonlau and W. J. Welch, "Efficient Global Optimization of
Expensive Black-Box Functions", 1998). The points of a round are chosen one after another, each as if those
before it had scored what the model expects of them: the kriging believer of D. Ginsbourger, R. Le Riche and
L. Carraro, "Kriging is well-suited to parallelize optimization", 2010. Their constant liar, for whom all
scored the worst so far, or the best, comes less near: on the functions of Branin (40 points, 4 a round) and
Hartmann (6 axes, 60 points, 10 a round) the best point misses the maximum, at the median of 40 seeds, by
0.017 and 0.40, or 0.001 and 0.16, and the believer's by 0.001 and 0.13.

Scores are noisy, so the process has a noise term, and what is to be improved on is the best that it expects
at a point tried: the best score would be the luckiest.

Every machine proposes the same, though the last bits of what it computes are its own: the parameters of the
kernel are rounded (`fit`), and so are the improvements that are compared (`first_best`).
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zdl.search.distributions import SAMPLING_BOUNDS, shares, stream, unused, value
from zdl.search.samplers.base import History, Point, Proposal
from zdl.search.samplers.random import Random

Array = NDArray[np.float64]

ANYWHERE = 2000  # candidates in the whole space, and more of them around the best points tried:
LEADERS, NEARBY, REACHES = 5, 60, (0.1, 0.03, 0.01)  # so many points, around each so many so far from it
BELOW_1 = 1 - 2**-53  # the greatest share that has a value


class Bayes:
    """Rounds of `batch` points. One learns from the rounds before it and from nothing of its own, so it comes
    out the same however it is asked for: at once, in parts, or what a shorter one had left out."""

    size = None

    def __init__(self, search: Mapping[str, Any]) -> None:
        self.space, self.seed, self.batch = search["space"], search["seed"], search["batch"]
        self.first = Random(search)
        self.axes = [Axis(name, self.space[name]) for name in SAMPLING_BOUNDS if name in self.space]

    def propose(self, history: History, n: int) -> list[Proposal]:
        """The next `n` points, or as many as are left of the round."""
        number, begun = divmod(len(history), self.batch)
        n = min(n, self.batch - begun)
        if number == 0:
            return self.first.propose(history, n)
        pending = [point for point, _ in history[number * self.batch :]]
        return [Proposal(point) for point in self._next(number, history[: number * self.batch], pending, n)]

    def _next(self, number: int, known: History, pending: list[Point], n: int) -> list[dict[str, Any]]:
        """The next `n` points of a round, after those of it that are pending: their scores are not told."""
        tried, scores = self.places([point for point, _ in known]), standard(known)[0]
        kernel, noise = fit(self.columns(tried), scores)
        candidates = self._candidates(number, tried[np.argsort(-scores, kind="stable")[:LEADERS]])
        columns = self.columns(candidates)
        chosen: list[dict[str, Any]] = []
        while len(chosen) < n:
            model = posterior(kernel, noise, self.columns(tried), scores)
            if pending:
                point, *pending = pending
            else:
                point = self._point(candidates[most_promising(model, columns)])
                chosen.append(point)
            place = self.places([point])
            tried, scores = np.vstack([tried, place]), np.append(scores, model.predict(self.columns(place)))
        return chosen

    def places(self, points: Sequence[Point]) -> Array:
        """Where points lie, as shares of each axis, (points, axes); NaN for a value that plays no part."""
        return self._played([[axis.share(point.get(axis.name)) for axis in self.axes] for point in points])

    def _played(self, places: ArrayLike) -> Array:
        """The places, NaN wherever the optimizer has no such knob."""
        places, names = np.array(places), [axis.name for axis in self.axes]
        if "optimizer" in names:
            choice = self.axes[names.index("optimizer")]
            idle = [[name in unused(option) for name in names] for option in choice.options]
            places[np.array(idle)[choice.cell(places[:, names.index("optimizer")])]] = np.nan
        return places

    def columns(self, places: Array) -> Array:
        """Places as the model sees them."""
        return np.hstack([axis.columns(places[:, i]) for i, axis in enumerate(self.axes)])

    def _point(self, place: Array) -> dict[str, Any]:
        """The values at a place, of those that play a part."""
        point = {
            axis.name: axis.value(share)
            for axis, share in zip(self.axes, place.tolist(), strict=True)
            if not math.isnan(share)
        }
        return {name: point[name] for name in self.space if name in point}

    def _candidates(self, number: int, leaders: Array) -> Array:
        """The places that a round chooses from: all there are if they are few; else some drawn from all of
        the space, and some from boxes around the best places tried, which get smaller and smaller."""
        cells = [axis.cells for axis in self.axes]
        if 0 not in cells and math.prod(cells) <= ANYWHERE:
            every = itertools.product(*[(np.arange(count) + 0.5) / count for count in cells])
            return self._played(list(every))
        centres = np.repeat(np.nan_to_num(leaders, nan=0.5), NEARBY, axis=0)
        shape = (ANYWHERE + len(REACHES) * len(centres), len(self.axes))
        bits = stream(self.seed, "bayes", number).random_raw(math.prod(shape)).reshape(shape)
        u = (bits >> np.uint64(11)) * np.float64(2**-53)
        boxes = np.split(2 * u[ANYWHERE:] - 1, len(REACHES))
        near = [centres + reach * box for reach, box in zip(REACHES, boxes, strict=True)]
        return self._played(np.clip(np.vstack([u[:ANYWHERE], *near]), 0, BELOW_1))


class Axis:
    """A searched hyper-parameter. A share u in [0, 1] says where in its range a value lies, on the scale of
    its distribution, or which option it is; `cells` is how many values there are, 0 if there is no end of
    them."""

    def __init__(self, name: str, spec: Mapping[str, Any]) -> None:
        self.name, self.kind = name, spec["distribution"]
        self.options: Sequence[Any] = spec.get("options", ())
        self.low, self.high = spec.get("low", 0), spec.get("high", 0)
        self.cells: int = len(self.options)
        if self.kind == "int_uniform":
            self.cells = self.high - self.low + 1

    def share(self, known: Any) -> float:
        """Where a value lies: an option or a whole number in the middle of its cell; NaN if there is none."""
        if known is None:
            return math.nan
        if self.cells:
            cell: int = self.options.index(known) if self.options else known - self.low
            return (cell + 0.5) / self.cells
        return shares(self.kind, (self.low, self.high), known, known)[0]

    def value(self, share: float) -> Any:
        """The value at a share below 1."""
        if self.options:
            return self.options[int(share * self.cells)]
        # a value is rounded, and may so leave a range whose ends have more digits than it
        return min(max(value(self.kind, share, self.low, self.high), self.low), self.high)

    def cell(self, places: Array) -> NDArray[np.int64]:
        return (places * self.cells).astype(np.int64)

    def columns(self, places: Array) -> Array:
        """Shares as the model sees them: a number as it is, a whole one in the middle of its cell, an option
        as a column of its own; and in the middle of every column what plays no part."""
        columns = places[:, None]
        if self.cells:
            cells = np.floor(columns * self.cells)
            columns = cells == np.arange(self.cells) if self.options else (cells + 0.5) / self.cells
        return np.where(np.isnan(places)[:, None], 0.5, columns)


def standard(history: History) -> tuple[Array, float, float]:
    """Scores with mean 0 and variance 1, and the mean and deviation that they had.

    A trial that diverged counts as one deviation of those that finished below the worst of them: as bad as
    that alone, where all that finished were as good, would be nothing to learn from.
    """
    finished = [score for _, score in history if score is not None]
    failed = min(finished, default=0.0) - spread(finished)
    scores = np.array([failed if score is None else score for _, score in history])
    mean, deviation = float(scores.mean()), spread(scores)
    standardised: Array = (scores - mean) / deviation
    return standardised, mean, deviation


def spread(scores: Sequence[float] | Array) -> float:
    """The standard deviation, 1 where there is none."""
    return float(np.std(scores)) if len(set(scores)) > 1 else 1.0


def fit(columns: Array, scores: Array) -> tuple[Any, float]:
    """The kernel and the variance of the noise that are most probable of standard scores.

    scikit-learn maximises the likelihood alone, which of ten points is often greatest where they are all
    noise, or none, and flat in what does not matter; a prior, log-normal in each parameter, has an answer
    there. The logarithms of the parameters are rounded to 3 decimals: two machines agree on 6.
    """
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    kernel = ConstantKernel() * Matern(np.ones(columns.shape[1]), nu=2.5) + WhiteKernel()
    fitted = GaussianProcessRegressor(kernel, optimizer=most_probable).fit(columns, scores).kernel_
    return fitted.k1, fitted.k2.noise_level


# Logarithms: of the variance of the scores, of each length scale, of the variance of their noise
CENTRE, WIDTH = (0.0, math.log(0.5), math.log(0.01)), (1.0, 1.0, 2.0)
STARTS = (0.0, -1.0)  # of the length scales, in widths from their centre


def most_probable(
    likelihood: Callable[[Array], tuple[float, Array]], theta: Array, bounds: Array
) -> tuple[Array, float]:
    """An optimizer for scikit-learn: L-BFGS-B of -log likelihood, which it gives, plus -log prior."""
    from scipy.optimize import minimize

    counts = (1, len(theta) - 2, 1)
    centre, width = np.repeat(CENTRE, counts), np.repeat(WIDTH, counts)

    def loss(theta: Array) -> tuple[float, Array]:
        minus_log, slope = likelihood(theta)
        away = (theta - centre) / width
        return minus_log + away @ away / 2, slope + away / width

    inside = bounds + np.array([1.0, -1.0])  # scikit-learn warns of what it finds at its bounds
    starts = [centre + np.repeat((0.0, start, 0.0), counts) * width for start in STARTS]
    precise = {"ftol": 1e-12, "gtol": 1e-6}
    found = [
        minimize(loss, start, jac=True, method="L-BFGS-B", bounds=inside, options=precise) for start in starts
    ]
    best = min(found, key=lambda each: each.fun)
    return np.round(best.x, 3), best.fun


def posterior(kernel: Any, noise: float, columns: Array, scores: Array) -> Any:
    """The process given scores: it predicts them without their noise."""
    from sklearn.gaussian_process import GaussianProcessRegressor

    return GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(columns, scores)


def most_promising(model: Any, columns: Array) -> int:
    """The candidate of the greatest expected improvement; one that was tried only if all were."""
    mean, deviation = model.predict(columns, return_std=True)
    best = model.predict(model.X_train_).max()
    gains = expected_improvement(mean, deviation, best)
    new = untried(columns, model.X_train_)
    return first_best(np.where(new, gains, -1.0) if new.any() else gains)


def expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """By how much a normal variable is above `best`, counting 0 where it is below (Jones et al., eq. 15)."""
    from scipy.special import ndtr

    z = (mean - best) / deviation
    gains: Array = deviation * (z * ndtr(z) + np.exp(-z * z / 2) / math.sqrt(2 * math.pi))
    return gains


def untried(columns: Array, tried: Array) -> NDArray[np.bool_]:
    """Which rows are none of those tried, to 9 decimals."""
    known = set(map(tuple, np.round(tried, 9).tolist()))
    return np.array([tuple(row) not in known for row in np.round(columns, 9).tolist()])


def first_best(gains: Array) -> int:
    """Where the greatest is, the first of those that agree in nine digits: some are equal by symmetry, and
    which of them the last bits put first depends on the machine."""
    return int(np.argmax(gains >= gains.max() * (1 - 1e-9)))
