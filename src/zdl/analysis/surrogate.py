"""What a Gaussian process expects of the score wherever one looks, for the report: that of a Bayesian search,
or one that learns afterwards from the trials of another."""

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

MODELLED = 500  # trials, the first ones, to learn from where no search did: a fit takes the cube of it
Surface = tuple[list[NDArray[Any]], NDArray[np.float64]]


def surface(search: Mapping[str, Any], history: History, *names: str, steps: int = 80) -> Surface:
    """What a Bayesian search expects after `history` of the score on a regular grid over the hyper-parameters
    `names`, to 4 decimals: the values along each of them, and an array with an axis for each.

    All else is held as at the best point tried, and what plays no part there in the middle of its range. A
    trial that diverged counts as it does in the search (`gaussian_process.standard`). Where none finished
    there is nothing to expect: NaN.
    """
    model = Bayes(search)
    axes = [_ticks(search["space"][name], steps) for name in names]
    shape = [len(ticks) for ticks in axes]
    expected = np.full(math.prod(shape), np.nan)
    finished = [(point, score) for point, score in history if score is not None]
    if finished:
        best, _ = max(finished, key=lambda trial: trial[1])
        grid = [{**best, **dict(zip(names, ticks, strict=True))} for ticks in itertools.product(*axes)]
        tried = model.columns(model.places([point for point, _ in history]))
        scores, mean, deviation = standard(history)
        process = posterior(*fit(tried, scores), tried, scores)
        expected = mean + deviation * process.predict(model.columns(model.places(grid)))
    return [np.array(ticks) for ticks in axes], np.round(expected, 4).reshape(shape)


def _ticks(spec: Mapping[str, Any], steps: int) -> list[Any]:
    """At most so many values of a hyper-parameter, as a grid search has them; all of its options."""
    if spec["distribution"] == "int_uniform":
        steps = min(steps, spec["high"] - spec["low"] + 1)
    return values({**spec, "points": steps})
