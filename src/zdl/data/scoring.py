"""How scikit-learn's scorers score answers to rows, and the same rows drawn again.

What records hold is to be the same on every machine. So answers are rounded to float32 before they are
scored, or the last bits would decide which of two equal ones comes first; and scores to 4 significant digits.
"""

import math
import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.data.scores import Score

DRAWS = 500  # of a bootstrap: the ends of a 95 % interval are then known to an eighth of a standard error
LARGEST = 1e30  # an answer beyond that is as wrong, and float32 ends at 3e38


def scored(score: Score, answers: NDArray[Any], t: NDArray[Any]) -> float:
    """The score of answers to rows with labels t (n,): probabilities (n, classes), or numbers (n,)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class without answers, which counts as 0
        try:
            rounded = np.clip(answers, -LARGEST, LARGEST).astype(np.float32).astype(np.float64)
            value = _scored(score.name, rounded, t)
        except ValueError as error:
            raise Error(f"{score.name}: {' '.join(str(error).split())}") from None
    if not math.isfinite(value):
        raise Error(f"{score.name}: is {value} for these rows (needed: labels for which it is defined)")
    return float(f"{value:.4g}")


def redrawn(score: Score, answers: NDArray[Any], t: NDArray[Any]) -> list[float | None]:
    """The score in each of DRAWS bootstrap samples of the rows; None where a sample has none, as without a
    row of some class. The samples depend on the number of rows alone, so those of two trials are pairs.
    (Indices are from raw bits, which NumPy keeps across versions.)"""
    n = len(t)
    bits = np.random.PCG64(np.random.SeedSequence(n)).random_raw(DRAWS * n)
    rows = (bits % np.uint64(n)).astype(np.int64).reshape(DRAWS, n)
    return [_or_none(score, answers[sample], t[sample]) for sample in rows]


def _or_none(score: Score, answers: NDArray[Any], t: NDArray[Any]) -> float | None:
    try:
        return scored(score, answers, t)
    except Error:
        return None


def _scored(name: str, answers: NDArray[Any], t: NDArray[Any]) -> float:
    from zdl.data.answered import Classes, Numbers

    if answers.ndim == 1:
        return float(_scorer(name)(Numbers(), answers, t))
    return float(_scorer(name)(Classes(answers.shape[1]), answers, t.astype(np.int64)))


@cache
def _scorer(name: str) -> Any:
    from sklearn.metrics import get_scorer

    return get_scorer(name)
