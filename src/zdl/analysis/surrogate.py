"""The surrogate: the scores that a Gaussian process predicts over the space, for the report. It is that of a
Bayesian search, or one that learns afterwards from the trials of another."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.search.samplers import History
from zdl.search.samplers.bayes import Bayes
from zdl.search.samplers.gaussian_process import fit, posterior, standard
from zdl.search.samplers.grid import values

MODELLED = 500  # trials, the first ones, to learn from if the search did not: a fit takes the cube of it
Surface = tuple[list[NDArray[Any]], NDArray[np.float64]]


def surface(search: Mapping[str, Any], history: History, *names: str, steps: int = 80) -> Surface:
    """The scores that a Bayesian search predicts after `history` on a regular grid over the hyper-parameters
    `names`, to 4 decimals: the values along each of them, and an array with an axis for each.

    The others are as at the best point tried; one that plays no part there is in the middle of its range. A
    trial that diverged counts as it does in the search (`gaussian_process.standard`). NaN if no
    trial finished.
    """
    model = Bayes(search)
    axes = [_ticks(search["space"][name], steps) for name in names]
    shape = [len(ticks) for ticks in axes]
    predicted = np.full(math.prod(shape), np.nan)
    finished = [(point, score) for point, score in history if score is not None]
    if finished:
        best, _ = max(finished, key=lambda trial: trial[1])
        grid = [{**best, **dict(zip(names, ticks, strict=True))} for ticks in itertools.product(*axes)]
        tried = model.columns(model.places([point for point, _ in history]))
        scores, mean, deviation = standard(history)
        process = posterior(*fit(tried, scores), tried, scores)
        predicted = mean + deviation * process.predict(model.columns(model.places(grid)))
    return [np.array(ticks) for ticks in axes], np.round(predicted, 4).reshape(shape)


def _ticks(spec: Mapping[str, Any], steps: int) -> list[Any]:
    """At most so many values of a hyper-parameter, as a grid search has them; all of its options."""
    if spec["distribution"] == "int_uniform":
        steps = min(steps, spec["high"] - spec["low"] + 1)
    return values({**spec, "points": steps})
