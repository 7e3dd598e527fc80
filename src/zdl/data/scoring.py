"""Scores answers to rows with scikit-learn's scorers, also on bootstrap samples of the rows.

Records must be the same on every machine. So answers are rounded to float32 before they are scored, since
their last bits would decide which of two equal ones comes first. Scores are rounded to 4 significant digits.
"""

import math
import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.data.scores import Score

DRAWS = 500  # bootstrap samples: the ends of a 95 % interval are then accurate to 1/8 of a standard error
LARGEST = 1e30  # larger answers are clipped: they are as wrong, and float32 ends at 3e38


def scored(score: Score, answers: NDArray[Any], t: NDArray[Any]) -> float:
    """The score of answers to rows with labels t (n,).

    Answers are probabilities (n, classes), or in regression numbers (n,). Raises `Error` if the score is not
    defined for these rows.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a class without answers, which counts as 0
        try:
            rounded = np.clip(answers, -LARGEST, LARGEST).astype(np.float32).astype(np.float64)
            value = _scored(score.name, rounded, t)
        except ValueError as error:
            raise Error(f"{score.name}: {' '.join(str(error).split())}") from None
    if not math.isfinite(value):
        raise Error(f"{score.name}: is {value} for these rows (needed: labels for which it is defined)")
    return float(f"{value:.4g}")


def redrawn(score: Score, answers: NDArray[Any], t: NDArray[Any]) -> list[float | None]:
    """The score in each of DRAWS bootstrap samples of the rows.

    It is None where it is not defined, such as in a sample without a row of some class. The samples depend
    only on the number of rows, so the scores of two trials can be compared in pairs. (Indices come from raw
    bits, which NumPy guarantees across versions.)
    """
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
