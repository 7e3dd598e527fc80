"""For regression: the answers of the confirmed best trial, and the rows with the largest errors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zdl.report.figures.base import MANY, QUIET, VALIDATION, add_axes, new_figure, style
from zdl.report.figures.mistakes import LEFT, TOP, Deviations, draw_images, write_rows
from zdl.report.formatting import number, plural


def errors(
    t: NDArray[np.float64],
    answers: NDArray[np.float64],
    worst_rows: pd.DataFrame,
    details: NDArray[Any] | Deviations,
    trial: int | None,
    *,
    words: Mapping[str, Any],
) -> Figure:
    """On the left the mean answers (n,) of a trial's replicates over the labels `t` (n,) of the held-out
    rows; on the right the `worst_rows` (`zdl.analysis.mistakes.errors`), with `details` as in
    `zdl.report.figures.mistakes.mistakes`."""
    with style():
        if not len(answers):
            return new_figure(4, 0.4, "No trial was confirmed")
        rows = plural(words["row"])
        heading = f"What trial {trial} answers: the mean of its replicates, on held-out {rows}"
        figure = new_figure(9, 4.75, heading)
        _draw_answers(add_axes(figure, 0.7, TOP, 3.35, 3.35), t, answers)
        w, h = figure.get_size_inches()
        for left, text in (
            (0.7, "on the line, the two are equal"),
            (LEFT, f"the {rows} with the largest errors"),
        ):
            figure.text(left / w, 1 - 0.6 / h, text, fontsize=8, color=QUIET, va="center")
        records = worst_rows.to_dict("records")
        if isinstance(details, np.ndarray):
            draw_images(figure, [_caption(row, "\n") for row in records], details, small=True)
        else:
            write_rows(figure, [_caption(row, ", ") for row in records], details)
    return figure


def _draw_answers(ax: Axes, t: NDArray[np.float64], answers: NDArray[np.float64]) -> None:
    """Draw a dot for each row, and the line on which answers equal labels."""
    ends = min(t.min(), answers.min()), max(t.max(), answers.max())
    pad = 0.03 * (ends[1] - ends[0]) or 0.5
    ax.set(xlim=(ends[0] - pad, ends[1] + pad), ylim=(ends[0] - pad, ends[1] + pad))
    ticks = [tick for tick in MaxNLocator(5).tick_values(*ends) if ends[0] <= tick <= ends[1]]
    ax.set(xlabel="label", ylabel="answer", xticks=ticks, yticks=ticks)
    ax.tick_params(labelsize=8)
    ax.plot(ends, ends, color=QUIET, lw=0.8, zorder=1)
    look: dict[str, Any] = {
        "markersize": 4,
        "mew": 0,
        "rasterized": len(t) > MANY,
        "alpha": max(0.05, min(0.6, 300 / len(t))),
    }
    ax.plot(t, answers, "o", color=VALIDATION, **look)


def _caption(row: Mapping[Any, Any], between: str) -> str:
    return f"label {number(row['label'])}{between}answer {number(row['answer'])}"
