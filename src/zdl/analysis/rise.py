"""Whether accuracy still rises at the end of the learning curves.

The curves are those of replicates. The search ranks trials by the last point of their curve, so the curves of
the best trials tend to end high by chance. Replicates are not picked by their curves.
"""

import numpy as np

from zdl.analysis.outcomes import Outcome, Replicates, score_of, split_ratio, with_interval
from zdl.analysis.statistics import standard_error_over_splits, student_interval
from zdl.search.curves import scores

PART = 5  # the last fifth of a curve
FEWEST = 2 * PART  # points of a curve: a slope needs two


def rise(replicates: Replicates) -> dict[str, float]:
    """How much validation accuracy rises in the last fifth of a curve, by its slope there: `rise`, the mean
    over the splits; its 95 % interval `rise_low` to `rise_high`, NaN for one split; and the number of
    `splits`. Empty if curves are short or differ in length."""
    splits = zip(*replicates.values(), strict=True)
    finished_by_split = [[outcome for outcome in split if outcome["final"]] for split in splits]
    finished = [outcome for split in finished_by_split for outcome in split]
    lengths = {len(scores(outcome["curve"], "val")) for outcome in finished}
    if len(lengths) != 1 or min(lengths) < FEWEST:
        return {}
    means = [float(np.mean([_rise(outcome) for outcome in split])) for split in finished_by_split if split]
    deviation = float(np.std(means, ddof=1)) if len(means) > 1 else 0.0
    error = standard_error_over_splits(round(deviation, 9), len(means), split_ratio(finished[0]))
    mean = float(np.mean(means))
    interval = student_interval(mean, error, len(means), score_of(finished).differences)
    return {**with_interval("rise", mean, interval), "splits": len(means)}


def _rise(outcome: Outcome) -> float:
    """The slope of the last fifth of a curve, by least squares, times its length."""
    curve = np.array(scores(outcome["curve"], "val"), dtype=np.float64)
    tail = curve[-(len(curve) // PART) :]
    places = np.arange(len(tail)) - (len(tail) - 1) / 2
    return float(places @ tail / (places @ places)) * len(tail)
