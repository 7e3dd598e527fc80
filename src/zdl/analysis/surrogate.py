"""The surrogate: the scores that a Gaussian process predicts over the space, for the report. A Bayesian
search has one; for other methods it is fitted to the trials afterwards."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.search import rounds
from zdl.search.samplers import History
from zdl.search.samplers.bayes import Bayes
from zdl.search.samplers.gaussian_process import fit, posterior, standard
from zdl.search.samplers.grid import values

MODEL_TRIALS = 500  # trials of a fit, at most: its time grows with the cube of their number
PROFILE_STEPS = 41  # values along a range
Surface = tuple[list[NDArray[Any]], NDArray[np.float64]]


def surface(search: Mapping[str, Any], history: History, *names: str, steps: int = 80) -> Surface:
    """The scores that a Bayesian search predicts after `history` on a regular grid over the hyper-parameters
    `names`, to 4 decimals: the values along each of them, and an array with an axis for each.

    The other hyper-parameters have their values at the best point; one that plays no part there is in the
    middle of its range. A trial that diverged counts as in the search (`gaussian_process.standard`). NaN if
    no trial finished.
    """
    axes = [_ticks(search["space"][name], steps) for name in names]
    shape = [len(ticks) for ticks in axes]
    scores = np.full(math.prod(shape), np.nan)
    if any(score is not None for _, score in history):
        scores = Surrogate(search, history).predict(names, list(itertools.product(*axes)))
    return [np.array(ticks) for ticks in axes], np.round(scores, 4).reshape(shape)


def observations(trials: Sequence[Mapping[str, Any]], search: Mapping[str, Any]) -> History:
    """The points and scores of trials in the order of the search, as its sampler learns from them."""
    points, outcomes = ([trial[part] for trial in trials] for part in ("point", "outcome"))
    return rounds.bounded(rounds.history(points, outcomes), search)


class Surrogate:
    """The Gaussian process fitted to a history in which some trial finished."""

    def __init__(self, search: Mapping[str, Any], history: History) -> None:
        self.space, self.model = search["space"], Bayes(search)
        columns = self.model.columns(self.model.places([point for point, _ in history]))
        scores, self.mean, self.deviation = standard(history)
        self.process = posterior(*fit(columns, scores), columns, scores)
        finished = [(point, score) for point, score in history if score is not None]
        self.best, _ = max(finished, key=lambda trial: trial[1])

    def _columns(self, names: Sequence[str], values: Sequence[Sequence[Any]]) -> NDArray[np.float64]:
        points = [{**self.best, **dict(zip(names, combination, strict=True))} for combination in values]
        return self.model.columns(self.model.places(points))

    def predict(self, names: Sequence[str], values: Sequence[Sequence[Any]]) -> NDArray[np.float64]:
        """The scores (n,) at n combinations of values of the hyper-parameters `names`; all else as at the
        best point."""
        scores: NDArray[np.float64] = self.process.predict(self._columns(names, values))
        return self.mean + self.deviation * scores

    def scores_along(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The standard scores (n,) along a range, from its low end to its high one, and the standard error
        (n,) of the distance of each from the greatest."""
        values = [[tick] for tick in _ticks(self.space[name], PROFILE_STEPS)]
        scores, covariance = self.process.predict(self._columns([name], values), return_cov=True)
        best = int(np.argmax(np.round(scores, 6)))
        variances = np.diag(covariance) + covariance[best, best] - 2 * covariance[best]
        return scores, np.sqrt(np.maximum(variances, 1e-12))


def _ticks(spec: Mapping[str, Any], steps: int) -> list[Any]:
    """At most `steps` values of a range, as in a grid search; or all options of a choice."""
    if spec["distribution"] == "int_uniform":
        steps = min(steps, spec["high"] - spec["low"] + 1)
    return values({**spec, "points": steps})
