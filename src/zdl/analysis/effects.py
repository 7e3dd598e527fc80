"""The tests behind `zdl.analysis.recommendations`, for one hyper-parameter: whether it matters, and whether
the best trials crowd at an end of its range.

p-values are rounded to 4 significant digits, other numbers to 6 decimals or fewer, so that they are the same
on every machine.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.analysis import statistics

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Row = dict[str, Any]

OUTER = 0.1  # of a range: the best trials crowd here if better ones lie beyond the end
NEAR_END = 0.3  # of a range: scores rise here if better trials lie beyond the end
ENOUGH_AT_END = 6  # trials in the outer tenth (half as many at the very end), to see a rise
WEAK_EVIDENCE = 0.15  # a p-value of a fall below it casts doubt on a rise
FEWEST = 10  # trials for a test: the distributions behind the p-values do not hold for fewer
DIVERGED = -math.inf  # a score below all others


def ends(values: Array, places: Array, scores: Array, best: Mask) -> Row:
    """Where the best trials lie, which share of them is in the outer tenths, and how scores change towards
    each end. `cliff` (trials beyond the best diverged), `falling` and `rising` are sets of ends.

    `values`, `places` (0 to 1 along the range), `scores` and `best` are arrays (n,), one element a trial.
    p_low and p_high are hypergeometric: they take the places of all trials as given, so they also hold for
    whole numbers and for a grid.
    """
    from scipy.stats import hypergeom

    if not best.any():
        return {}
    row: Row = {"best_low": values[best].min(), "best_high": values[best].max()}
    row |= {"cliff": set(), "falling": set(), "rising": set()}
    trials, size = len(values), int(best.sum())
    for end, nearness in (("low", 1 - places), ("high", places)):
        outer = nearness >= 1 - OUTER - 1e-9
        n_outer, n_outer_best = int(outer.sum()), int((outer & best).sum())
        row |= {f"at_{end}": round(n_outer_best / size, 6), f"all_{end}": round(n_outer / trials, 6)}
        if hypergeom.sf(min(n_outer, size) - 1, trials, n_outer, size) < statistics.ALPHA:
            row[f"p_{end}"] = statistics.significant_digits(
                hypergeom.sf(n_outer_best - 1, trials, n_outer, size)
            )
        _trends_near_end(row, end, nearness, scores, best)
    return row


def _trends_near_end(row: Row, end: str, nearness: Array, scores: Array, best: Mask) -> None:
    """Add to `row` whether scores fall towards an end, from the median place of the best trials near it; rise
    over the outer three tenths without a hint of a fall; or whether trials diverge beyond the best.

    The median place was picked for its scores, so the trials beyond it look worse than they are. Hence a
    fall is tested at a smaller level.
    """
    outer, tenth = (nearness >= 1 - share - 1e-9 for share in (NEAR_END, OUTER))
    row[f"near_{end}"] = int(outer.sum())
    near = best & (nearness >= 1 - 2 * OUTER - 1e-9)
    if not near.any():
        return
    if (scores[nearness > nearness[near].max()] == DIVERGED).any():
        row["cliff"] |= {end}
    from_median = nearness >= np.median(nearness[near]) - 1e-9
    p_fall, p_fall_at_end = (_trend(nearness[part], scores[part], "less") for part in (from_median, tenth))
    if p_fall < statistics.ALPHA / 5:
        row["falling"] |= {end}
    # A few trials may all lie on this side of a peak, unless they are at the very end, as in a grid
    enough_trials = tenth.sum() >= ENOUGH_AT_END or (nearness >= 1 - 1e-9).sum() >= ENOUGH_AT_END / 2
    is_rising = _trend(nearness[outer], scores[outer], "greater") < statistics.ALPHA
    if enough_trials and is_rising and min(p_fall, p_fall_at_end) > WEAK_EVIDENCE:
        row["rising"] |= {end}


def _trend(places: Array, scores: Array, alternative: str) -> float:
    """The one-sided p-value of Spearman's correlation of place and score ("greater" or "less" than 0); 1 for
    fewer than 5 trials, or if all are alike."""
    from scipy.stats import spearmanr

    places = np.round(places, 9)
    if len(places) < FEWEST // 2 or len(set(places)) < 2 or len(set(scores)) < 2:
        return 1.0
    return float(spearmanr(places, scores, alternative=alternative).pvalue)


def correlation(places: Array, scores: Array) -> Row:
    """Spearman's rank correlation of place and score; empty for too few trials, or if all are alike."""
    from scipy.stats import spearmanr

    if len(scores) < FEWEST or len(set(scores)) < 2 or len(set(places)) < 2:
        return {}
    rho, p = spearmanr(np.round(places, 9), scores)
    return {"rho": round(float(rho), 4), "p_rho": statistics.significant_digits(p)}


def importance(groups: NDArray[np.int64], scores: Array) -> Row:
    """The test of Kruskal and Wallis over groups, and the share of the variance of scores' ranks that the
    groups explain, corrected for what chance explains.

    That share is epsilon squared of ranks (T. L. Kelley, "An unbiased correlation ratio measure", 1935). It
    fits no model and needs no random numbers. The permutation importance of a random forest depends on the
    seed, and gave a tenth to a weight decay without effect (p 0.7), as a forest fits noise. A Gaussian
    process is too slow for 10,000 trials.
    """
    from scipy.stats import kruskal

    kinds = np.unique(groups)
    if len(scores) < FEWEST or len(set(scores)) < 2 or not 1 < len(kinds) < len(scores):
        return {}
    statistic, p = kruskal(*(scores[groups == kind] for kind in kinds))
    epsilon_squared = (float(statistic) - len(kinds) + 1) / (len(scores) - len(kinds))
    return {
        "p_groups": statistics.significant_digits(p),
        "importance": round(min(max(epsilon_squared, 0.0), 1.0), 2),
    }
