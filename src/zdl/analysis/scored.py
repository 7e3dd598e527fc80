"""Intervals and tests of the scores of several networks on the same rows.

Accuracy counts rows, so it has Wilson's interval and McNemar's test. Any other score has its values on the
same bootstrap samples of the rows (`zdl.data.scoring.redrawn`), and intervals and tests from these. Both
classes have the same methods.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.analysis import statistics
from zdl.analysis.statistics import Array, crossed_mean, crossed_standard_error, student_interval, wilson
from zdl.data.scores import Score

Interval = tuple[float, float]
NONE = (math.nan, math.nan)


@dataclass(frozen=True)
class HitScores:
    """Which of n rows each of k networks answers correctly: `hits` (k, n)."""

    hits: NDArray[Any]

    def __len__(self) -> int:
        """The number of networks."""
        return len(self.hits)

    def intervals(self) -> list[Interval]:
        """The 95 % interval of each network's score, for other rows."""
        return [wilson(int(hits.sum()), len(hits)) for hits in self.hits]

    def first_shares(self, rng: np.random.Generator) -> Array:
        """How often each network is best on bootstrap samples of the rows, (k,)
        (`statistics.first_shares`)."""
        is_one_row = self.hits.shape[1] < 2
        return np.full(len(self), math.nan) if is_one_row else statistics.first_shares(self.hits, rng)

    def discordant_counts(self) -> tuple[list[int], list[int]]:
        """For each network, how many rows only the first network recognises, and how many only this one."""
        only_first = (self.hits[0] & ~self.hits).sum(axis=1)
        only_this = (self.hits & ~self.hits[0]).sum(axis=1)
        return only_first.tolist(), only_this.tolist()

    def p_values(self) -> Array:
        """The p-values (k,) of no difference from the first network; NaN for the first."""
        pairs = zip(*self.discordant_counts(), strict=True)
        p_values = np.array([statistics.mcnemar(*pair) for pair in pairs])
        p_values[0] = math.nan
        return p_values

    def mean(self) -> tuple[float, float, float]:
        """The mean score and its 95 % interval, for other rows and other networks."""
        return crossed_mean(self.hits) if self.hits.size else (math.nan, *NONE)

    def difference(self, other: Any) -> tuple[float, float]:
        """The mean difference from as many other networks, in pairs, and its standard error."""
        differences = self.hits.astype(int) - other.hits
        return float(differences.mean()), crossed_standard_error(differences)

    def error(self) -> float:
        """The standard error of the mean score."""
        return crossed_standard_error(self.hits)


@dataclass(frozen=True)
class BootstrapScores:
    """The `scores` (k,) of k networks, and their scores on the same bootstrap `samples` (k, draws) of the
    rows, NaN where a sample has none. `limits` are the least and the greatest possible score. Tests raise
    scores below the `floor` to it (`zdl.data.scores.Score.floor`)."""

    scores: Array
    samples: Array
    limits: Interval
    floor: float = -math.inf

    @classmethod
    def of(
        cls, score: Score, scores: Sequence[float], samples: Sequence[Sequence[float | None]]
    ) -> "BootstrapScores":
        """The scores of networks, from the values in their records."""
        shape = len(scores), max(map(len, samples), default=0)
        values = np.array(samples, np.float64).reshape(shape)
        return cls(np.array(scores, np.float64), values, score.limits, score.floor(scores))

    def __len__(self) -> int:
        return len(self.scores)

    def intervals(self) -> list[Interval]:
        return [_middle_interval(samples) for samples in self.samples]

    def first_shares(self, rng: np.random.Generator) -> Array:
        samples = self.samples[:, ~np.isnan(self.samples).any(axis=0)]
        if not samples.size:
            return np.full(len(self), math.nan)
        is_first = samples == samples.max(axis=0)
        shares: Array = (is_first / is_first.sum(axis=0)).mean(axis=1)
        return shares

    def p_values(self) -> Array:
        """From the normal distribution, with the bootstrap's standard error of the difference. To count how
        often the sign of a difference changes would take more draws, once many differences are tested. (If a
        single row makes a score a thousand times worse, that error would hide any difference; hence the
        floor.)"""
        scores, samples = np.maximum(self.scores, self.floor), np.maximum(self.samples, self.floor)
        errors = [_deviation(difference) for difference in samples - samples[0]]
        differences = scores - scores[0]
        pairs = zip(differences.tolist(), errors, strict=True)
        p_values = [
            math.erfc(abs(difference) / error / math.sqrt(2)) if error else 1.0 for difference, error in pairs
        ]
        return np.array([math.nan, *p_values[1:]])

    def mean(self) -> tuple[float, float, float]:
        if not len(self):
            return math.nan, *NONE
        mean = float(self.scores.mean())
        if len(self) == 1 or not self.error():
            return mean, *_middle_interval(self.samples[0])
        return mean, *student_interval(mean, self.error(), len(self), self.limits)

    def difference(self, other: Any) -> tuple[float, float]:
        difference = BootstrapScores(
            self.scores - other.scores, self.samples - other.samples, (-math.inf, math.inf)
        )
        return float(difference.scores.mean()), difference.error()

    def error(self) -> float:
        """The standard error of the mean score: from the variance between networks, and from that of their
        mean between samples of rows."""
        of_networks = float(np.var(self.scores, ddof=1)) / len(self) if len(self) > 1 else 0.0
        return math.sqrt(of_networks + _deviation(self.samples.mean(axis=0)) ** 2)


NetworkScores = HitScores | BootstrapScores


def _middle_interval(samples: Array) -> Interval:
    """The middle 95 % of bootstrap values; NaN if fewer than two values differ, as with a single row."""
    values = samples[~np.isnan(samples)]
    if len(set(values.tolist())) < 2:
        return NONE
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def _deviation(samples: Array) -> float:
    """The standard deviation of the values that are not NaN; 0 if they agree to nine digits."""
    values = samples[~np.isnan(samples)]
    varies = len(values) > 1 and np.ptp(values) > 1e-9 * np.abs(values).max()
    return float(np.std(values, ddof=1)) if varies else 0.0
