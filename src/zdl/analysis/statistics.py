"""Statistics of scores: functions of arrays and numbers only.

A score is a share of images, in [0, 1]. Among many scores some are high by chance, and these functions say
how much. `zdl.analysis.significance` and its neighbours apply them to a search.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ALPHA = 0.05  # a p-value below it is called significant
CONFIDENCE = 0.95  # of an interval or a band
RARELY_EXCEEDED = 2.5  # times the mean gain by chance: at most 5 of 100 single searches gain more
EXPERIMENTS = 4  # disjoint experiments of a size, at least, for their quartiles
DRAWS = 4000  # of a bootstrap: a share of one half is then within 0.016 of the true one, 19 times of 20


def wilson(correct: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share, from `correct` out of `total` (E. B. Wilson, "Probable inference,
    the law of succession, and statistical inference", 1927)."""
    from scipy.special import ndtri  # as scipy.stats.binomtest, which takes a second to import

    share, z = correct / total, float(ndtri((1 + CONFIDENCE) / 2)) / math.sqrt(total)
    middle, half = share + z**2 / 2, z * math.sqrt(share * (1 - share) + z**2 / 4)
    return max(0.0, (middle - half) / (1 + z**2)), min(1.0, (middle + half) / (1 + z**2))


@cache  # a large search calls it for every trial, with a few hundred different pairs of counts
def mcnemar(only_first: int, only_second: int) -> float:
    """The exact p-value of no difference between two networks on the same images: of those that only one of
    them recognises, each would have half (Q. McNemar, "Note on the sampling error of the difference between
    correlated proportions or percentages", 1947). 1 where there is no such image."""
    from scipy.stats import binomtest

    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


def holm(p_values: ArrayLike) -> Array:
    """p-values, (k,), corrected for testing all of them (S. Holm, "A simple sequentially rejective multiple
    test procedure", 1979). NaN was not tested, and stays NaN."""
    p = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def significant_digits(p: Any) -> Any:
    """p-values, one or many, to 4 significant digits: further ones differ between machines."""
    if np.ndim(p):
        return [significant_digits(value) for value in p]
    return float(f"{float(p):.4g}")


def first_shares(hits: NDArray[np.bool_], rng: np.random.Generator, draws: int = DRAWS) -> Array:
    """How often each of k networks recognises most when the images are drawn again: the share of bootstrap
    samples of the n images in which it does. `hits` (k, n) says which it recognises; networks that tie in a
    sample share it.

    It is no probability of being the best. The samples are of the images that chose the first network, so
    they flatter it: of seven equally good ones it gets a third to a half, and not a seventh.

    All networks see the same images, and what is hard for one is hard for most, so the difference of two
    scores is less uncertain than either score. Indices come from raw bits, which NumPy keeps across versions,
    and counts are whole numbers, which float32 holds exactly: the same on every machine.
    """
    k, n = hits.shape
    shares = np.zeros(k)
    patterns, pattern_of, counts = np.unique(hits, axis=0, return_inverse=True, return_counts=True)
    for start in range(0, draws, 500):
        size = min(500, draws - start)
        images = (rng.bit_generator.random_raw(size * n) % np.uint64(n)).astype(np.int64).reshape(size, n)
        cells = (images + n * np.arange(size)[:, None]).ravel()
        times = np.bincount(cells, minlength=size * n).reshape(size, n)
        scores = patterns.astype(np.float32) @ times.T.astype(np.float32)
        is_first = scores == scores.max(axis=0)
        shares += (is_first / (counts @ is_first)).sum(axis=1)[pattern_of.reshape(-1)]
    return shares / draws


def expected_maximum(scores: ArrayLike) -> Array:
    """The expected best of n trials, for n from 1 to N, (N,), from the scores of N independent ones, (N,).

    It is unbiased: the mean over all subsets of n (R. Tang et al., "Showing your work doesn't always work",
    ACL 2020; drawn with replacement, as by Dodge et al. before them, it is too low).
    """
    from scipy.special import gammaln

    values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    ranks, n = counts.cumsum(), np.arange(1, counts.sum() + 1)
    spare = ranks[:, None] - n
    # The probability that all n are among the lowest scores: the share of such subsets
    log_ways = gammaln(ranks + 1)[:, None] - gammaln(np.maximum(spare, 0) + 1)
    chance = np.where(spare < 0, 0.0, np.exp(log_ways - log_ways[-1]))
    return np.asarray(values @ np.diff(chance, axis=0, prepend=0.0))


def maximum_band(scores: ArrayLike) -> tuple[Array, Array]:
    """A 95 % band for the expected best of n independent trials, for all n from 1 to N at once: two (N,),
    from N scores in [0, 1], whatever their distribution.

    It is a band of the distribution function F, carried through E max = integral of 1 - F(x)**n, as N.
    Lourie, K. Cho and H. He do ("Show your work with confidence", NAACL 2024). F at the i-th least of N
    scores is a Beta(i, N + 1 - i) variable; by the union bound its quantiles hold for all i together, at a
    level of 0.05 / N each. The band is valid with ties. Their package opda finds the exact level by
    simulation, in 13 seconds for 100 scores and a minute for 1,000. Its two fast bands (Dvoretzky, Kiefer and
    Wolfowitz; Kolmogorov and Smirnov) are wide for the highest scores, which matter most here.
    """
    from scipy.special import betainccinv, betaincinv  # as scipy.stats.beta, which takes a second to import

    values, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    total, last_rank = int(counts.sum()), counts.cumsum()
    level = (1 - CONFIDENCE) / (2 * total)
    lower = np.append(0.0, betaincinv(last_rank, total + 1 - last_rank, level))  # F from each value on
    first_rank = last_rank - counts + 1  # up to a value's first score, F is below its quantile
    upper = np.append(betainccinv(first_rank, total + 1 - first_rank, level), 1.0)
    widths = np.diff(values, prepend=0.0, append=1.0)
    n = np.arange(1, total + 1)[:, None]
    return (1 - upper**n) @ widths, (1 - lower**n) @ widths


def quartiles_of_experiments(scores: Sequence[float] | Array) -> Array:
    """The quartiles, (N, 3), of the best score of experiments of n trials, for n from 1 to N: N independent
    trials, in their order, are cut into N // n disjoint experiments. NaN where these are fewer than four.
    The random experiment efficiency curve of Bergstra and Bengio, 2012, sec. 2.2 (here of validation scores,
    there of test scores)."""
    scores = np.asarray(scores, dtype=np.float64)
    quartiles = np.full((len(scores), 3), np.nan)
    for n in range(1, len(scores) // EXPERIMENTS + 1):
        best = scores[: len(scores) // n * n].reshape(-1, n).max(axis=1)
        quartiles[n - 1] = np.quantile(best, [0.25, 0.5, 0.75])
    return quartiles


def chance_gain_of_doubling(scores: ArrayLike, images: int, other_scores: ArrayLike = ()) -> float:
    """What twice as many trials add to the best score by chance alone, on average, if those of `scores`,
    (n,), are equally good: each has the mean as its true score, and is measured on so many images. Half of
    all trials hold a hypergeometric number of them, and if none, the best of `other_scores`, (m,).

    The expected best of k binomial scores is from the distribution function F of one: sum of 1 - F(i)**k.
    (The gain of a single search scatters widely: see RARELY_EXCEEDED.)
    """
    from scipy.stats import binom, hypergeom

    scores, other_scores = np.asarray(scores, dtype=np.float64), np.asarray(other_scores, dtype=np.float64)
    n, trials = len(scores), len(scores) + len(other_scores)
    if n < 2:
        return 0.0
    cdf = binom.cdf(np.arange(images), images, scores.mean())
    best = np.array([(images - (cdf**k).sum()) / images for k in range(n + 1)])
    if n <= trials - trials // 2:  # or else no half is without one of them
        best[0] = expected_maximum(other_scores)[trials // 2 - 1]
    return float(best[n] - hypergeom.pmf(np.arange(n + 1), trials, n, trials // 2) @ best)


def standard_error_over_splits(deviation: float, splits: int, ratio: float) -> float:
    """The standard error of a mean over random splits of the same images, from the standard deviation over
    them. `ratio` is the number of validation images by that of training images. The splits overlap, so their
    mean is less certain than that of independent ones (C. Nadeau and Y. Bengio, "Inference for the
    generalization error", Machine Learning 52, 2003, sec. 3)."""
    return deviation * math.sqrt(1 / splits + ratio)


def crossed_standard_error(values: NDArray[Any]) -> float:
    """The standard error of the mean of `values` (R networks, N images), where each network saw each image.

    The variance is s2_networks / R + s2_images / N, of the means of rows and of columns. It counts what
    belongs to neither twice, so it is rather too large (A. B. Owen, "The pigeonhole bootstrap", Annals of
    Applied Statistics 1, 2007).
    """
    means = [(values.mean(axis=1), values.shape[0]), (values.mean(axis=0), values.shape[1])]
    return math.sqrt(sum(float(np.var(mean, ddof=1)) / size for mean, size in means if size > 1))


def crossed_mean(hits: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The mean share of images recognised, and its 95 % interval, from `hits` (R networks, N images). It
    allows for other networks and for other images (`crossed_standard_error`). With one network, or where all
    recognise all images or none, it is Wilson's interval."""
    networks, images = hits.shape
    mean = int(np.count_nonzero(hits)) / hits.size
    error = crossed_standard_error(hits)
    if networks == 1 or error == 0:
        return mean, *wilson(int(np.count_nonzero(hits[0])), images)
    return mean, *student_interval(mean, error, networks)


def student_interval(
    mean: float, error: float, n: int, limits: tuple[float, float] = (0, 1), confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The interval of a mean of n values with this standard error (Student's t, n - 1 degrees of freedom),
    cut to the `limits` of such a mean. NaN for one value, and for values that agree exactly, as their spread
    says nothing about others."""
    from scipy.special import stdtrit  # as scipy.stats.t, which takes a second to import

    if n < 2 or error == 0:
        return math.nan, math.nan
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    return max(limits[0], mean - half), min(limits[1], mean + half)


def signs_of_differences(
    means: Sequence[float], errors: Sequence[float], counts: Sequence[int], tests: int = 0
) -> list[int]:
    """Of each of k mean differences, (k,), whether it is significantly above 0 (1), below (-1), or neither
    (0): Student's t of its standard error, and Holm's p below 0.05. If they were picked from more
    differences, `tests` is the number of all, and the others count with p = 1. A difference of fewer than two
    values is not tested. If all n values are equal, there is no error, and a sign test is used
    (`p_if_all_agree`)."""
    from scipy.special import stdtr

    p_values = []
    for mean, error, n in zip(means, errors, counts, strict=True):
        if n < 2:
            p_values.append(math.nan)
        elif error > 0:
            p_values.append(2 * float(stdtr(n - 1, -abs(mean) / error)))
        else:
            p_values.append(p_if_all_agree(n) if mean else 1.0)
    is_significant = holm(p_values + [1.0] * (tests - len(p_values)))[: len(p_values)] < ALPHA
    return [
        int(np.sign(mean)) if significant else 0
        for mean, significant in zip(means, is_significant, strict=True)
    ]


def p_if_all_agree(n: int) -> float:
    """The p-value of a sign test where all n differences have the same sign: by chance, once in 2**n / 2."""
    return 2.0 ** (1 - n)


def sign_of_difference(mean: float, low: float, high: float, n: int) -> int:
    """Whether a difference, the mean of n values with a 95 % interval, is significantly above 0 (1), below
    (-1), or neither (0).

    One value says nothing about others, whatever its interval. If all n are equal, they have no interval
    (`student_interval`), and a sign test is used, as in `signs_of_differences`.
    """
    if n < 2:
        return 0
    if math.isnan(low):
        return int(np.sign(mean)) if p_if_all_agree(n) < ALPHA else 0
    return int(low > 0) - int(high < 0)
