"""How a score is drawn: its name, and the limits of its axes and colours."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.ticker import MaxNLocator

from zdl.data.scores import Score
from zdl.report.formatting import accuracy, mean, number, share

LONG = 20  # letters: a longer name is replaced where there is little room


class Scale(NamedTuple):
    """A score, and the ends of its axis. Scores below the low end are drawn at the edge, as they would hide
    the differences between the others."""

    score: Score = Score()
    low: float = 0.0
    high: float = 1.0
    cut: bool = False  # whether some scores are below `low`

    @classmethod
    def of(cls, score: Score, *scores: Iterable[float]) -> "Scale":
        """The scale for these scores; NaN is ignored."""
        values = [value for group in scores for value in group]
        low, high = score.ends(values)
        return cls(score, low, high, any(value < low for value in values))

    @property
    def limits(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def colours(self) -> dict[str, Any]:
        """Keywords for the colours of a map."""
        return {"cmap": "viridis", "vmin": self.low, "vmax": self.high}

    @property
    def title(self) -> str:
        return self.score.title

    @property
    def label(self) -> str:
        """The label of an axis or a colour bar."""
        return f"validation {self.title}"

    @property
    def short_title(self) -> str:
        """The name, or "score" if it is long."""
        return self.title if len(self.title) <= LONG else "score"

    @property
    def short_label(self) -> str:
        return f"validation {self.short_title}"

    @property
    def note(self) -> str:
        """The note of an axis on scores that are drawn at its edge."""
        return " (lower: at the edge)" if self.cut else ""

    def ticks(self, steps: int) -> Sequence[float]:
        """Round numbers that divide the limits into about this many steps."""
        if self.score.is_share:
            return [round(k / steps, 9) for k in range(steps + 1)]
        ticks = MaxNLocator(steps, steps=[1, 2, 2.5, 5, 10]).tick_values(*self.limits)
        return [float(f"{tick:.9g}") for tick in ticks if self.low <= tick <= self.high]

    def places(self, scores: "pd.Series[float]") -> "pd.Series[float]":
        """The places of scores along an axis."""
        return scores if self.score.is_share else scores.clip(lower=self.low)

    def text(self, value: float) -> str:
        """A score as text."""
        return accuracy(value) if self.score.is_share else number(value)

    def mean(self, value: float) -> str:
        """A mean or a bound as text."""
        return share(value) if self.score.is_share else mean(value)


ACCURACY = Scale()
