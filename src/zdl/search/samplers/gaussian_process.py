"""A Gaussian process of scores, fitted with scikit-learn.

It has a Matern kernel (nu = 5/2), a length scale for each column, and noise (C. E. Rasmussen and C. K. I.
Williams, "Gaussian Processes for Machine Learning", 2006). Columns (points, columns) are in [0, 1].
scikit-learn and SciPy are imported where they are used, since most processes propose no point and would only
lose time.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.search.samplers.base import History

Array = NDArray[np.float64]

# The prior of the logarithms of the scores' variance, of each length scale, and of the noise's variance
CENTRE, WIDTH = (0.0, math.log(0.5), math.log(0.01)), (1.0, 1.0, 2.0)
STARTS = (0.0, -1.0)  # where length scales start, in widths from their centre


def standard(history: History) -> tuple[Array, float, float]:
    """Scores with mean 0 and variance 1, and the mean and standard deviation of the scores themselves.

    A trial that diverged gets the worst score of the finished trials minus their standard deviation. With the
    worst score alone, there would be nothing to learn if all finished trials had equal scores.
    """
    known = [score for _, score in history if score is not None]
    worst = min(known, default=0.0) - _deviation(known)
    scores = np.array([worst if score is None else score for _, score in history])
    mean, deviation = float(scores.mean()), _deviation(scores)
    standardised: Array = (scores - mean) / deviation
    return standardised, mean, deviation


def _deviation(scores: Sequence[float] | Array) -> float:
    """The standard deviation, or 1 if all scores are equal (or so nearly that it is 0)."""
    return (float(np.std(scores)) if len(set(scores)) > 1 else 0.0) or 1.0


def fit(columns: Array, scores: Array) -> tuple[Any, float]:
    """The most probable kernel and variance of the noise, given scores with mean 0 and variance 1.

    scikit-learn maximises the likelihood. With ten points it is often greatest at the extremes (all noise, or
    none), and flat in parameters that do not matter. A log-normal prior of each parameter prevents that. The
    logarithms of the parameters are rounded to 3 decimals; two machines agree on 6.
    """
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    kernel = ConstantKernel() * Matern(np.ones(columns.shape[1]), nu=2.5) + WhiteKernel()
    kernel = GaussianProcessRegressor(kernel, optimizer=_most_probable).fit(columns, scores).kernel_
    return kernel.k1, kernel.k2.noise_level


def _most_probable(
    likelihood: Callable[[Array], tuple[float, Array]], theta: Array, bounds: Array
) -> tuple[Array, float]:
    """An optimizer for scikit-learn. It minimises -log likelihood, which it is given, plus -log prior."""
    from scipy.optimize import minimize

    counts = (1, len(theta) - 2, 1)
    centre, width = np.repeat(CENTRE, counts), np.repeat(WIDTH, counts)

    def loss(theta: Array) -> tuple[float, Array]:
        minus_log, slope = likelihood(theta)
        z = (theta - centre) / width
        return minus_log + z @ z / 2, slope + z / width

    inner = bounds + np.array([1.0, -1.0])  # scikit-learn warns about a result at its bounds
    starts = [centre + np.repeat((0.0, start, 0.0), counts) * width for start in STARTS]
    options = {"ftol": 1e-12, "gtol": 1e-6}
    results = [
        minimize(loss, start, jac=True, method="L-BFGS-B", bounds=inner, options=options) for start in starts
    ]
    best = min(results, key=lambda result: result.fun)
    return np.round(best.x, 3), best.fun


def posterior(kernel: Any, noise: float, columns: Array, scores: Array) -> Any:
    """The process given these scores. It predicts scores without noise."""
    from sklearn.gaussian_process import GaussianProcessRegressor

    return GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(columns, scores)


def expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """The expected excess over `best` of a normal variable; values below `best` count as 0.

    Jones et al., equation 15.
    """
    from scipy.special import ndtr

    z = (mean - best) / deviation
    gains: Array = deviation * (z * ndtr(z) + np.exp(-z * z / 2) / math.sqrt(2 * math.pi))
    return gains
