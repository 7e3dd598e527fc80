"""What a table of scores can and cannot tell: formulas alone, arrays in and numbers out.

A score is a share of images, in [0, 1]. Who compares many of them finds some that are good by luck; each
function here puts a number to that. `zdl.analysis.significance` says which are asked of a search.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ALPHA = 0.05  # the p-value below which something is said to be found
SELDOM = 2.5  # times what luck brings on average: so much is seldom luck
DRAWS = 4000  # of a bootstrap: a probability of one half is then known to within 0.016, 19 times of 20


def wilson(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a share of which `correct` out of `total` were seen (E. B. Wilson, "Probable
    inference, the law of succession, and statistical inference", 1927)."""
    from scipy.stats import binomtest

    low, high = binomtest(correct, total).proportion_ci(confidence, method="wilson")
    return float(low), float(high)


@cache  # a large search asks it of every trial, and few hundred pairs of counts are different
def mcnemar(only_first: int, only_second: int) -> float:
    """The exact p-value of equal shares where both were seen on the same images: of those that only one of
    the two recognises, either has half (Q. McNemar, "Note on the sampling error of the difference between
    correlated proportions or percentages", 1947). 1 where there is no such image."""
    from scipy.stats import binomtest

    differ = only_first + only_second
    return float(binomtest(only_first, differ).pvalue) if differ else 1.0


def holm(p_values: ArrayLike) -> Array:
    """p-values, (k,), as they count if all are looked at (S. Holm, "A simple sequentially rejective multiple
    test procedure", 1979). A blank (NaN) was not looked at, and stays one."""
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def digits(p: Any) -> Any:
    """p-values, one or many, to 4 significant digits: beyond these they are of the machine."""
    if np.ndim(p):
        return [digits(each) for each in p]
    return float(f"{float(p):.4g}")


def p_best_scores(means: ArrayLike, variances: ArrayLike) -> Array:
    """The probability of each of k scores to be the greatest, if they are independent and normal, with
    these means and variances above 0, (k,); they sum to 1.

    The weights w of J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", JMLR 13,
    2012, sec. 2.1, by an integral over where the greatest lies, where they simulate. Scores that are equal
    share the work: it grows with the number of those that differ.
    """
    from scipy.special import log_ndtr

    rows = np.column_stack([np.asarray(means, dtype=np.float64), np.asarray(variances, dtype=np.float64)])
    if not len(rows):
        return np.zeros(0)
    kinds, which, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    mean, deviation = kinds[:, :1], np.sqrt(kinds[:, 1:])
    start, end = mean.max() - 9 * deviation.max(), (mean + 9 * deviation).max()
    steps = math.ceil(8 * (end - start) / deviation.min())
    z = (np.linspace(start, end, steps + 1) - mean) / deviation
    below = log_ndtr(z)
    # The density of one, times the chance of all others to be below, at each place
    weights = np.exp(counts @ below - below - z * z / 2).sum(axis=1) / deviation[:, 0]
    weights /= counts @ weights
    return np.asarray(weights[which.reshape(-1)])


def p_best_images(hits: NDArray[np.bool_], rng: np.random.Generator, draws: int = DRAWS) -> Array:
    """The probability of each of k networks to recognise most, on other images of the same kind: the share of
    bootstrap samples of the n images in which it does. `hits` (k, n) says which it recognises; those that
    are equal in a sample share it.

    All networks see the same images, so what is hard for one is hard for most: that makes their scores less
    uncertain against each other than each alone is. Indices come from raw bits, which NumPy promises, and
    counts are whole numbers, which float32 holds exactly: the same on every machine.
    """
    k, n = hits.shape
    shares = np.zeros(k)
    kinds, which, counts = np.unique(hits, axis=0, return_inverse=True, return_counts=True)
    for start in range(0, draws, 500):
        size = min(500, draws - start)
        images = (rng.bit_generator.random_raw(size * n) % np.uint64(n)).astype(np.int64).reshape(size, n)
        cells = (images + n * np.arange(size)[:, None]).ravel()
        times = np.bincount(cells, minlength=size * n).reshape(size, n)
        scores = kinds.astype(np.float32) @ times.T.astype(np.float32)
        first = scores == scores.max(axis=0)
        shares += (first / (counts @ first)).sum(axis=1)[which.reshape(-1)]
    return shares / draws


def expected_maximum(scores: ArrayLike) -> Array:
    """The expected best of n trials, for n from 1 to N, (N,), from the scores of N independent ones, (N,).

    Without bias: the mean over all subsets of n (R. Tang et al., "Showing your work doesn't always work",
    ACL 2020; with replacement, as by Dodge et al. before them, it is too low).
    """
    from scipy.special import gammaln

    values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    up_to, n = counts.cumsum(), np.arange(1, counts.sum() + 1)
    left = up_to[:, None] - n
    # The chance of all n to be among the first so many: their subsets, of all subsets
    log_ways = gammaln(up_to + 1)[:, None] - gammaln(np.maximum(left, 0) + 1)
    chance = np.where(left < 0, 0.0, np.exp(log_ways - log_ways[-1]))
    return np.asarray(values @ np.diff(chance, axis=0, prepend=0.0))


def maximum_band(scores: ArrayLike, confidence: float = 0.95) -> tuple[Array, Array]:
    """A band for the expected best of n independent trials, for all n from 1 to N at once: two (N,),
    from N scores in [0, 1], whatever their distribution.

    It is a band of the distribution's function F, carried through E max = integral of 1 - F(x)**n, as N.
    Lourie, K. Cho and H. He do ("Show your work with confidence", NAACL 2024). F at the i-th least of N
    scores is a Beta(i, N + 1 - i) variable; its quantiles hold for all i together at a level of
    (1 - confidence) / N each, by the union bound. Their package opda finds the exact level by simulation,
    with NumPy's Generator, and needs 13 seconds for 100 scores and a minute for 1,000; its two quick bands
    (those of Dvoretzky, Kiefer and Wolfowitz, and of Kolmogorov and Smirnov) are as wide at the top of the
    scores, which decides here, as in the middle, and so say much less. Ties make the band no less true.
    """
    from scipy.stats import beta

    values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    total, up_to = int(counts.sum()), counts.cumsum()
    level = (1 - confidence) / (2 * total)
    least = np.append(0.0, beta.ppf(level, up_to, total + 1 - up_to))  # F from each value on
    first = up_to - counts + 1  # the place of each value's first score: F is below its quantile till there
    most = np.append(beta.isf(level, first, total + 1 - first), 1.0)
    widths = np.diff(values, prepend=0.0, append=1.0)
    n = np.arange(1, total + 1)[:, None]
    return (1 - most**n) @ widths, (1 - least**n) @ widths


def experiments(scores: Sequence[float] | Array, fewest: int = 4) -> Array:
    """The quartiles, (N, 3), of what searches of n trials find, for n from 1 to N: of the best of each of the
    N // n disjoint experiments into which N independent trials fall in their order; NaN where there are
    fewer than `fewest`. The random experiment efficiency curve of Bergstra and Bengio, 2012, sec. 2.2 (of
    validation scores, where theirs is of test scores)."""
    scores = np.asarray(scores, dtype=np.float64)
    quartiles = np.full((len(scores), 3), np.nan)
    for n in range(1, len(scores) // fewest + 1):
        best = scores[: len(scores) // n * n].reshape(-1, n).max(axis=1)
        quartiles[n - 1] = np.quantile(best, [0.25, 0.5, 0.75])
    return quartiles


def luck_of_doubling(scores: ArrayLike, images: int) -> float:
    """What twice as many trials add to the best score by luck alone, if those of `scores`, (n,), are equally
    good: each is then their mean, seen through so many images. The expected best of n binomial scores, less
    that of half as many, from the distribution function F of one: E max = sum of 1 - F(k)**n.

    That is a mean: of 100 single searches, 1 to 5 gain more than SELDOM times as much (by simulation; the
    gain is a mean of gaps between the greatest scores, which scatter widely).
    """
    from scipy.stats import binom

    scores = np.asarray(scores, dtype=np.float64)
    n = len(scores)
    if n < 2:
        return 0.0
    below = binom.cdf(np.arange(images), images, scores.mean())
    best, *halves = (images - (below**k).sum() for k in (n, n // 2, n - n // 2))
    return float(best - sum(halves) / 2) / images


def resampled(deviation: float, repeats: int, ratio: float) -> float:
    """The standard error of a mean over `repeats` random splits of the same images, from the standard
    deviation over them. `ratio` is that of the numbers of validation and training images: the splits overlap,
    so that they tell less than independent ones would (C. Nadeau and Y. Bengio, "Inference for the
    generalization error", Machine Learning 52, 2003, sec. 3)."""
    return deviation * math.sqrt(1 / repeats + ratio)


def crossed(hits: NDArray[np.bool_], confidence: float = 0.95) -> tuple[float, float, float]:
    """The mean share of images recognised, and its interval, from R networks that each saw the same N images:
    `hits` (R, N). Other networks and other images would both have made it another.

    The variance is s2_networks / R + s2_images / N, of the means of rows and of columns; it counts what is
    of neither twice, and so errs on the safe side (A. B. Owen, "The pigeonhole bootstrap", Annals of Applied
    Statistics 1, 2007). The quantile is Student's with R - 1 degrees of freedom. One network, or many
    that agree about all images to be right or all wrong: Wilson's interval.
    """
    networks, images = hits.shape
    mean = int(np.count_nonzero(hits)) / hits.size
    error = crossed_error(hits)
    if networks == 1 or error == 0:
        return mean, *wilson(int(np.count_nonzero(hits[0])), images, confidence)
    return mean, *interval(mean, error, networks, confidence=confidence)


def interval(
    mean: float, error: float, repeats: int, within: tuple[float, float] = (0, 1), confidence: float = 0.95
) -> tuple[float, float]:
    """The interval of a mean with that standard error over so many repeats (Student's t), cut to where such a
    mean can be at all. One repeat has none: NaN."""
    from scipy.stats import t

    if repeats < 2:
        return math.nan, math.nan
    half = float(t.ppf((1 + confidence) / 2, repeats - 1)) * error
    return max(within[0], mean - half), min(within[1], mean + half)


def sides(means: Sequence[float], errors: Sequence[float], repeats: Sequence[int]) -> list[int]:
    """Of each of k mean differences, (k,), whether it is above 0 (1), below (-1), or by chance neither (0):
    Student's t of its standard error, and Holm's p below 0.05. Fewer than two repeats tell nothing. Where all
    are the same there is no error, and their sign alone is judged: by chance all have one in 2 of 2**n."""
    from scipy.stats import t

    p_values = []
    for mean, error, n in zip(means, errors, repeats, strict=True):
        if n < 2:
            p_values.append(math.nan)
        elif error > 0:
            p_values.append(2 * float(t.sf(abs(mean) / error, n - 1)))
        else:
            p_values.append(2.0 ** (1 - n) if mean else 1.0)
    sure = holm(p_values) < ALPHA
    return [int(np.sign(mean)) * int(found) for mean, found in zip(means, sure, strict=True)]


def crossed_error(values: NDArray[Any]) -> float:
    """The standard error of the mean of `values` (R networks, N images), as `crossed` has it."""
    parts = [(values.mean(axis=1), values.shape[0]), (values.mean(axis=0), values.shape[1])]
    return math.sqrt(sum(float(np.var(part, ddof=1)) / size for part, size in parts if size > 1))
