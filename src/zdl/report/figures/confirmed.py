"""The scores of the best trials on other splits and on held-out rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zdl.analysis.replication import confirmed_best
from zdl.report.figures.base import (
    HELD_OUT,
    INK,
    PALE,
    QUIET,
    TRAINING,
    VALIDATION,
    add_axes,
    add_legend,
    legend_handle,
    new_figure,
    style,
)
from zdl.report.figures.scale import ACCURACY, Scale
from zdl.report.formatting import count

LINE_GAP = 0.11  # inches between the lines of a row
DOTS = (0, (1, 1.5))  # as training is dashed


def confirmed(
    confirmed: pd.DataFrame,
    replicates: pd.DataFrame,
    replicate_curves: pd.DataFrame,
    baseline: Mapping[str, float],
    scale: Scale = ACCURACY,
) -> Figure:
    """On the left scores of the best trials, a row each; on the right learning curves of the confirmed best.

    The tables are those of `zdl.analysis.replication`. A row shows the validation score in the search with
    its interval, the scores of the replicates with their mean, and the held-out mean with its interval.
    Crosses on the left are a linear model's held-out score, a dotted line on the right its validation score.
    """
    with style():
        if confirmed.empty:
            return new_figure(4, 0.4, "No trial was confirmed")
        height = len(confirmed) * min(0.75, max(0.42, 2.6 / len(confirmed)))
        figure = new_figure(9, 0.9 + max(2.6, height) + 0.5, _heading(confirmed, replicates))
        names = [_row_name(row) for row in confirmed.to_dict("records")]
        left = 0.2 + 0.073 * max(len(name.split("\n")[0]) for name in names)
        ax = add_axes(figure, left, 0.9, 5 - left, height)
        _set_up_rows(ax, confirmed, names, scale)
        gap = LINE_GAP * len(confirmed) / height
        add_legend(figure, _draw_rows(ax, confirmed, replicates, gap), 0.8)
        intervals = confirmed[["low", "high", "held_out_low", "held_out_high"]].to_numpy("float64").ravel()
        _fit_x_axis(ax, np.concatenate([intervals, replicates["val_acc"]]), baseline["held_out"], scale)
        _draw_held_out_baseline(ax, baseline["held_out"], len(confirmed), gap, scale)
        if len(replicate_curves):
            ax = add_axes(figure, 5.75, 0.9, 2.4, 2.6)
            best = confirmed[confirmed["trial"] == confirmed_best(confirmed)].iloc[0]
            name = f"Best-{best['rank']:.0f}, trial {best['trial']:.0f}: the confirmed best"
            ax.set_title(name, fontsize=8, loc="left", pad=5)
            add_legend(figure, _draw_curves(ax, replicate_curves, scale), handlelength=1.6, left=5.3)
            _draw_validation_baseline(ax, baseline["val_mean"], scale)
    return figure


def _heading(confirmed: pd.DataFrame, replicates: pd.DataFrame) -> str:
    trials = len(confirmed)
    stopped = confirmed["rank"].max() > trials  # some trials were stopped, so these are not just the best
    best = "the best trial," if trials == 1 else f"{'' if stopped else 'the best '}{trials} trials, each"
    times = int(replicates.groupby("rank").size().max())
    return f"What survived: {best} trained {'once' if times == 1 else count(times, 'time')} more"


def _row_name(row: Mapping[Any, Any]) -> str:
    name = f"Best-{row['rank']}, trial {row['trial']}"
    if row["diverged"]:
        name += f"\n{row['diverged']} of {row['repeats'] + row['diverged']} diverged"
    return name


def _set_up_rows(ax: Axes, confirmed: pd.DataFrame, names: list[str], scale: Scale) -> None:
    """Set up a row for each trial. Every other row is shaded, and the name of the confirmed best is bold."""
    y = range(len(confirmed))
    ax.set(ylim=(len(confirmed) - 0.5, -0.5), xlabel=scale.title)
    ax.set_yticks(y, names, fontsize=8)
    if (best := confirmed_best(confirmed)) is not None:
        ax.get_yticklabels()[confirmed["trial"].tolist().index(best)].set_fontweight("bold")
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.tick_params(axis="x", labelsize=8)
    ax.spines["left"].set_visible(False)
    for k in y[::2]:
        ax.axhspan(k - 0.5, k + 0.5, color="#f5f5f5", lw=0, zorder=0)


def _draw_rows(ax: Axes, confirmed: pd.DataFrame, replicates: pd.DataFrame, gap: float) -> list[Line2D]:
    """Draw three lines in each row, `gap` rows apart. Returns legend handles."""
    y = np.arange(len(confirmed))
    places = replicates["rank"].map(dict(zip(confirmed["rank"], y, strict=True)))
    ax.hlines(y - gap, confirmed["low"], confirmed["high"], color=QUIET, lw=1, zorder=2)
    ax.plot(confirmed["val_acc"], y - gap, "o", mfc="white", mec=INK, markersize=5.5, mew=1.2, zorder=3)
    ax.plot(replicates["val_acc"], places, "o", color=VALIDATION, alpha=0.45, mew=0, markersize=4)
    ax.plot(confirmed["val_mean"], y, "|", color=VALIDATION, markersize=10, mew=2, zorder=3)
    low, high = confirmed["held_out_low"], confirmed["held_out_high"]
    ax.hlines(y + gap, low, high, color=HELD_OUT, lw=1.6, zorder=2)
    ax.plot(confirmed["held_out"], y + gap, "D", color=HELD_OUT, markersize=5, mew=0, zorder=3)
    return [
        legend_handle("in the search", marker="o", mfc="white", mec=INK, markersize=5.5, mew=1.2),
        legend_handle("on other splits", marker="o", color=VALIDATION, alpha=0.45, mew=0, markersize=4.5),
        legend_handle("their mean", marker="|", color=VALIDATION, markersize=10, mew=2),
        legend_handle("held-out rows", marker="D", color=HELD_OUT, mew=0, markersize=5),
    ]


def _fit_x_axis(ax: Axes, scores: NDArray[np.float64], baseline: float, scale: Scale) -> None:
    """Fit the x axis to the scores and the baseline."""
    values = np.append(scores, baseline)
    low, high = np.nanmin(values), np.nanmax(values)
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if not scale.score.is_share:
        pad = 0.05 * (high - low) or 0.5
        ax.set_xlim(low - pad, high + pad)
        return
    pad = max(0.01, 0.05 * (high - low))
    marker = 0.4 * pad  # half a marker, so that one at accuracy 0 or 1 is whole
    ax.set_xlim(max(min(0.0, low - marker), low - pad), min(max(1.0, high + marker), high + pad))


def _draw_held_out_baseline(ax: Axes, baseline: float, rows: int, gap: float, scale: Scale) -> None:
    """Draw a cross in each row, in the colour and at the height of the held-out mean, and its name above."""
    y = np.arange(rows) + gap
    ax.plot(np.full(rows, baseline), y, "x", color=HELD_OUT, markersize=5, mew=1.4, zorder=4)
    x = ax.transLimits.transform((baseline, 0))[0]
    ax.annotate(
        f"linear model, held-out rows {scale.mean(baseline)}",
        (baseline, 1),
        (0, 3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="left" if x < 0.3 else "right" if x > 0.7 else "center",
        fontsize=8,
        color=HELD_OUT,
    )


def _draw_curves(ax: Axes, curves: pd.DataFrame, scale: Scale) -> list[Line2D]:
    """Draw the learning curves of all replicates of a trial. Returns legend handles."""
    end = curves["epoch"].max()
    look: dict[str, Any] = {}
    if end == 1:  # a line through one point is invisible
        look = {"marker": "o", "clip_on": False}
    ax.set(
        xlim=(1 - 0.02 * end, end * 1.02) if end > 1 else (0, 2),
        ylim=scale.limits,
        xlabel="epoch",
        ylabel=scale.short_title,
    )
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    ax.tick_params(labelsize=8)
    for _, curve in curves.groupby("repeat"):
        ax.plot(curve["epoch"], curve["val_acc"], color=PALE, lw=0.8, markersize=3, **look)
    mean = curves.groupby("epoch")[["train_acc", "val_acc"]].mean()
    ax.plot(mean["train_acc"], "--", color=TRAINING, lw=1.3, markersize=6, mfc="none", **look)
    ax.plot(mean["val_acc"], color=VALIDATION, lw=2, markersize=5, **look)
    return [
        Line2D([], [], color=PALE, lw=0.8, label="validation"),
        Line2D([], [], color=VALIDATION, lw=2, label="mean"),
        Line2D([], [], color=TRAINING, lw=1.3, ls="--", label="training, mean"),
    ]


def _draw_validation_baseline(ax: Axes, baseline: float, scale: Scale) -> None:
    """Draw a line across the curves, and its name on the right."""
    ax.axhline(baseline, color=QUIET, lw=1.4, ls=DOTS, zorder=1)
    ax.annotate(
        f"linear\nmodel\n{scale.mean(baseline)}",
        (1, baseline),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=QUIET,
    )
