"""The learning curves of the best trials: the book's figure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zdl.analysis.ranking import FIXED
from zdl.report.figures.base import (
    FAINT,
    QUIET,
    TRAINING,
    VALIDATION,
    add_axes,
    add_legend,
    new_figure,
    style,
)
from zdl.report.figures.scale import ACCURACY, Scale
from zdl.report.formatting import count, short, title

BOOK = ("lr", "weight_decay")  # what the book searches
COLUMNS, NAMED = 5, 3  # panels in a row; hyper-parameters named above each
WIDTH, HEIGHT, GAP = 1.59, 1.05, 0.125  # of a panel and between two, in inches
LEFT, RIGHT, HEADER, FOOTER = 0.45, 0.15, 0.46, 0.42  # margins around the panels, in inches


def best20(curves: pd.DataFrame, ranking: pd.DataFrame, scale: Scale = ACCURACY) -> Figure:
    """Small multiples of learning curves, with the score and the hyper-parameters above each.

    `curves` is the table of `zdl.analysis.ranking.curves`: each of its trials has a panel, five in a row. All
    panels share both axes: the score's scale, and epochs from the first to the last of the longest curve.
    """
    panels = list(curves.groupby("trial", sort=False))
    with style():
        if not panels:
            return new_figure(4, 0.4, "No trial finished")
        names = [str(name) for name in ranking if name not in FIXED]
        names.sort(key=lambda name: name not in BOOK)  # the book's hyper-parameters come first
        rows, columns = math.ceil(len(panels) / COLUMNS), max(2, min(COLUMNS, len(panels)))
        lines = min(NAMED, len(names))
        caption = 0.36 + 0.15 * lines
        column_step, row_step = WIDTH + GAP, caption + HEIGHT
        figure = new_figure(
            LEFT + (columns - 1) * column_step + WIDTH + RIGHT,
            HEADER + rows * row_step + FOOTER,
            _heading(len(panels), len(ranking)),
        )
        end = curves["epoch"].max()
        ranked = {row["trial"]: row for row in ranking.to_dict("records")}
        for k, (trial, curve) in enumerate(panels):
            row, column = divmod(k, COLUMNS)
            ax = add_axes(
                figure, LEFT + column * column_step, HEADER + caption + row * row_step, WIDTH, HEIGHT
            )
            handles = _draw_curve(ax, curve, end, scale, last=k + columns >= len(panels))
            _write_caption(ax, ranked[trial], names, lines, scale)
            if column:
                ax.set_yticks([])
        add_legend(figure, handles, handlelength=2.6)
        w, h = figure.get_size_inches()
        figure.text(LEFT / w, 0.06 / h, "epoch", fontsize=8, color=QUIET)
    return figure


def _heading(best: int, trials: int) -> str:
    if best == 1:
        return "The only trial" if trials == 1 else f"The best of {count(trials, 'trial')}"
    return f"The best {best:,} of {count(trials, 'trial')}"


def _draw_curve(ax: Axes, curve: pd.DataFrame, end: int, scale: Scale, last: bool) -> list[Line2D]:
    """Draw one panel, with an x axis up to epoch `end`, which has numbers if the panel is the `last` of its
    column. Returns legend handles."""
    ax.set(xlim=(1 - 0.02 * end, end + 0.02 * end), ylim=scale.limits)
    ticks = sorted({1, round(end / 2), end} if end > 4 else {1, end})
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks] if last else [], fontsize=8)
    ax.tick_params(axis="x", length=2.5, pad=2)
    levels = scale.ticks(2)
    ax.set_yticks(levels, [f"{level:.4g}" for level in levels], fontsize=8)
    for level in levels[1:-1] if scale.score.is_share else levels:
        ax.axhline(level, color=FAINT, linewidth=0.7, zorder=0)
    x = curve["epoch"]
    val = ax.plot(x, curve["val_acc"], "-", color=VALIDATION, lw=1.4, label=f"validation {scale.title}")
    train = ax.plot(x, curve["train_acc"], "--", color=TRAINING, lw=1.2, label=f"training {scale.title}")
    if len(curve) == 1:  # a line through one point is invisible
        val[0].set(marker="o", markersize=3, clip_on=False)
        train[0].set(marker="o", markersize=7, markerfacecolor="none", clip_on=False)
    return val + train


def _write_caption(ax: Axes, row: Mapping[Any, Any], names: Sequence[str], lines: int, scale: Scale) -> None:
    """Write Best-k and the score, and below them the first hyper-parameters of `names` that play a part, in
    this many lines."""
    pad = 4 + 11 * lines
    active_names = [name for name in names if not pd.isna(row[name])][:lines]
    ax.set_title(f"Best-{row['rank']}", loc="left", fontsize=9, fontweight="bold", pad=pad)
    ax.set_title(
        f"val {'acc ' * scale.score.counts}{scale.text(row['val_acc'])}", loc="right", fontsize=8, pad=pad
    )
    ax.annotate(
        "\n".join(
            [
                *(f"{title(name)} {short(row[name])}" for name in active_names),
                *[""] * (lines - len(active_names)),
            ]
        ),
        (0, 1),
        (0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=8,
        color=QUIET,
    )
