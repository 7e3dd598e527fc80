"""What can be said of the scores of several networks on the same rows.

Accuracy counts rows, so there are Wilson's interval and McNemar's test, and each row can be compared. Another
score has only its values on the same bootstrap samples of the rows (`zdl.data.scoring.redrawn`), so its
intervals and tests are those of the bootstrap. Both kinds answer the same questions.
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
class Counted:
    """Which rows each network answers correctly: `hits` (k, n)."""

    hits: NDArray[Any]

    def __len__(self) -> int:
        """The number of networks."""
        return len(self.hits)

    def intervals(self) -> list[Interval]:
        """The 95 % interval of each network's score, for other rows."""
        return [wilson(int(hits.sum()), len(hits)) for hits in self.hits]

    def comes_first(self, rng: np.random.Generator) -> Array:
        """How often each is best when the rows are drawn again, (k,) (`statistics.first_shares`)."""
        one_row = self.hits.shape[1] < 2  # of which all samples are alike
        return np.full(len(self), math.nan) if one_row else statistics.first_shares(self.hits, rng)

    def only(self) -> tuple[list[int], list[int]]:
        """Of each network, how many rows only the first recognises, and how many only it does."""
        first = (self.hits[0] & ~self.hits).sum(axis=1)
        this = (self.hits & ~self.hits[0]).sum(axis=1)
        return first.tolist(), this.tolist()

    def p_values(self) -> Array:
        """Of no difference from the first network, (k,); NaN in its own place."""
        pairs = zip(*self.only(), strict=True)
        p_values = np.array([statistics.mcnemar(*pair) for pair in pairs])
        p_values[0] = math.nan
        return p_values

    def mean(self) -> tuple[float, float, float]:
        """The mean score and its 95 % interval, for other rows and other networks."""
        return crossed_mean(self.hits) if self.hits.size else (math.nan, *NONE)

    def less(self, other: Any) -> tuple[float, float]:
        """The mean difference from as many other networks, in pairs, and its standard error."""
        apart = self.hits.astype(int) - other.hits
        return float(apart.mean()), crossed_standard_error(apart)

    def error(self) -> float:
        """The standard error of the mean score."""
        return crossed_standard_error(self.hits)


@dataclass(frozen=True)
class Redrawn:
    """The score of each network (k,), and those of the same samples of rows, `drawn` again (k, draws): NaN
    where a sample has none. `limits` are the least and the greatest that a score can be; in tests, one below
    the `floor` is no worse than that (`zdl.data.scores.Score.floor`)."""

    scores: Array
    drawn: Array
    limits: Interval
    floor: float = -math.inf

    @classmethod
    def of(cls, score: Score, scores: Sequence[float], drawn: Sequence[Sequence[float | None]]) -> "Redrawn":
        """From what records hold."""
        shape = len(scores), max(map(len, drawn), default=0)
        values = np.array(drawn, np.float64).reshape(shape)
        return cls(np.array(scores, np.float64), values, score.limits, score.floor(scores))

    def __len__(self) -> int:
        return len(self.scores)

    def intervals(self) -> list[Interval]:
        return [_middle(drawn) for drawn in self.drawn]

    def comes_first(self, rng: np.random.Generator) -> Array:
        drawn = self.drawn[:, ~np.isnan(self.drawn).any(axis=0)]
        if not drawn.size:
            return np.full(len(self), math.nan)
        first = drawn == drawn.max(axis=0)
        shares: Array = (first / first.sum(axis=0)).mean(axis=1)
        return shares

    def p_values(self) -> Array:
        """By the normal distribution, with the bootstrap's standard error of a difference: more draws than
        there are would be needed to count how often the sign changes, once many differences are tested. (Of a
        score that a single row makes a thousand times worse, that error would hide any difference: hence the
        floor.)"""
        scores, drawn = np.maximum(self.scores, self.floor), np.maximum(self.drawn, self.floor)
        errors = [_deviation(each) for each in drawn - drawn[0]]
        apart = scores - scores[0]
        pairs = zip(apart.tolist(), errors, strict=True)
        p_values = [math.erfc(abs(each) / error / math.sqrt(2)) if error else 1.0 for each, error in pairs]
        return np.array([math.nan, *p_values[1:]])

    def mean(self) -> tuple[float, float, float]:
        if not len(self):
            return math.nan, *NONE
        mean = float(self.scores.mean())
        if len(self) == 1 or not self.error():
            return mean, *_middle(self.drawn[0])
        return mean, *student_interval(mean, self.error(), len(self), self.limits)

    def less(self, other: Any) -> tuple[float, float]:
        apart = Redrawn(self.scores - other.scores, self.drawn - other.drawn, (-math.inf, math.inf))
        return float(apart.scores.mean()), apart.error()

    def error(self) -> float:
        """As `crossed_standard_error`: the variance of the networks' scores, and that of the mean score over
        samples of rows."""
        of_networks = float(np.var(self.scores, ddof=1)) / len(self) if len(self) > 1 else 0.0
        return math.sqrt(of_networks + _deviation(self.drawn.mean(axis=0)) ** 2)


Scored = Counted | Redrawn


def _middle(drawn: Array) -> Interval:
    """The middle 95 % of a bootstrap; none if it has fewer than two values, as of a single row."""
    known = drawn[~np.isnan(drawn)]
    if len(set(known.tolist())) < 2:
        return NONE
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _deviation(drawn: Array) -> float:
    """The standard deviation of what is known; 0 of values that agree to nine digits."""
    known = drawn[~np.isnan(drawn)]
    differ = len(known) > 1 and np.ptp(known) > 1e-9 * np.abs(known).max()
    return float(np.std(known, ddof=1)) if differ else 0.0
