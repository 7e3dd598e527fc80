"""What of the best trials survives other splits and held-out images, and what the confirmed best mistakes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zdl.analysis.replication import survivor
from zdl.report.figures.base import (
    FAINT,
    INK,
    PALE,
    QUIET,
    TRAINING,
    VALIDATION,
    _axes,
    _figure,
    _handle,
    _legend,
    _style,
)
from zdl.report.formatting import count

HELD_OUT = "#009E73"  # Okabe and Ito's; in print, a diamond
BASELINE = "logistic regression"
NONE = "No trial was confirmed"
APART = 0.11  # inches between the lines of a row
SHOWN, IN_A_ROW = 20, 5  # images


def confirmed(
    confirmed: pd.DataFrame,
    again: pd.DataFrame,
    again_curves: pd.DataFrame,
    baseline: Mapping[str, float],
) -> Figure:
    """Left, what the search found and what survived; right, learning curves of the confirmed best.

    Tables as `zdl.analysis.replication` gives them. A row for each trial: its validation accuracy in the
    search with Wilson's interval, those of its repeats on other splits and their mean, and the held-out mean
    with its interval. Lines mark the accuracies of logistic regression: held out on the left, validation on
    the right.
    """
    with _style():
        if confirmed.empty:
            return _figure(4, 0.4, NONE)
        height = len(confirmed) * min(0.75, max(0.42, 2.6 / len(confirmed)))
        figure = _figure(9, 0.9 + max(2.6, height) + 0.5, _heading(confirmed, again))
        left = 0.2 + 0.073 * max(len(_named(one).split("\n")[0]) for one in confirmed.to_dict("records"))
        ax = _axes(figure, left, 0.9, 5 - left, height)
        _legend(figure, _rows(ax, confirmed, again, baseline, APART * len(confirmed) / height), 0.8)
        if len(again_curves):
            ax = _axes(figure, 5.75, 0.9, 2.4, 2.6)
            best = confirmed[confirmed["trial"] == survivor(confirmed)].iloc[0]
            name = f"Best-{best['rank']:.0f}, trial {best['trial']:.0f}: the confirmed best"
            ax.set_title(name, fontsize=8, loc="left", pad=5)
            _legend(figure, _again(ax, again_curves, baseline), handlelength=1.6, left=5.3)
    return figure


def _rows(
    ax: Axes, confirmed: pd.DataFrame, again: pd.DataFrame, baseline: Mapping[str, float], apart: float
) -> list[Line2D]:
    """A row for each trial, with three lines in it; the handles of a legend."""
    row = dict(zip(confirmed["rank"], range(len(confirmed)), strict=True))
    y = confirmed["rank"].map(row).to_numpy()
    ax.set(ylim=(len(row) - 0.5, -0.5), xlabel="accuracy")
    ax.set_yticks(y, [_named(one) for one in confirmed.to_dict("records")], fontsize=8)
    if (best := survivor(confirmed)) is not None:
        ax.get_yticklabels()[confirmed["trial"].tolist().index(best)].set_fontweight("bold")
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.tick_params(axis="x", labelsize=8)
    ax.spines[["top", "right", "left"]].set_visible(False)
    for k in y[::2]:
        ax.axhspan(k - 0.5, k + 0.5, color="#f5f5f5", lw=0, zorder=0)
    ax.hlines(y - apart, confirmed["low"], confirmed["high"], color=QUIET, lw=1, zorder=2)
    ax.plot(confirmed["val_acc"], y - apart, "o", mfc="white", mec=INK, markersize=5.5, mew=1.2, zorder=3)
    ax.plot(again["val_acc"], again["rank"].map(row), "o", color=VALIDATION, alpha=0.45, mew=0, markersize=4)
    ax.plot(confirmed["val_mean"], y, "|", color=VALIDATION, markersize=10, mew=2, zorder=3)
    low, high = confirmed["held_out_low"], confirmed["held_out_high"]
    ax.hlines(y + apart, low, high, color=HELD_OUT, lw=1.6, zorder=2)
    ax.plot(confirmed["held_out"], y + apart, "D", color=HELD_OUT, markersize=5, mew=0, zorder=3)
    _reach(ax, [confirmed["low"], confirmed["high"], again["val_acc"], low, high], baseline["held_out"])
    return [
        _handle("in the search", marker="o", mfc="white", mec=INK, markersize=5.5, mew=1.2),
        _handle("on other splits", marker="o", color=VALIDATION, alpha=0.45, mew=0, markersize=4.5),
        _handle("their mean", marker="|", color=VALIDATION, markersize=10, mew=2),
        _handle("held-out images", marker="D", color=HELD_OUT, mew=0, markersize=5),
    ]


def _heading(confirmed: pd.DataFrame, again: pd.DataFrame) -> str:
    trials = len(confirmed)
    what = "the best trial," if trials == 1 else f"the best {trials} trials, each"
    repeats = int(again.groupby("rank").size().max())
    times = "once" if repeats == 1 else count(repeats, "time")
    return f"What survived: {what} trained {times} more"


def _named(one: Mapping[Any, Any]) -> str:
    name = f"Best-{one['rank']}, trial {one['trial']}"
    if one["diverged"]:
        name += f"\n{one['diverged']} of {one['repeats'] + one['diverged']} diverged"
    return name


def _reach(ax: Axes, shown: list["pd.Series[float]"], baseline: float) -> None:
    """An axis as wide as what it shows, and the baseline's line across it, named above."""
    values = np.concatenate([*shown, [baseline]])
    low, high = np.nanmin(values), np.nanmax(values)
    pad = max(0.01, 0.05 * (high - low))
    marker = 0.4 * pad  # half of one: it is not cut where all or nothing is recognised
    ax.set_xlim(max(min(0.0, low - marker), low - pad), min(max(1.0, high + marker), high + pad))
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.axvline(baseline, color=QUIET, lw=1.2, ls=(0, (4, 2)), zorder=1)
    across = ax.transLimits.transform((baseline, 0))[0]
    ax.annotate(
        f"{BASELINE}, held out {baseline:.3f}",
        (baseline, 1),
        (0, 3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="left" if across < 0.3 else "right" if across > 0.7 else "center",
        fontsize=8,
        color=QUIET,
    )


def _again(ax: Axes, curves: pd.DataFrame, baseline: Mapping[str, float]) -> list[Line2D]:
    """The learning curves of all repeats of a trial; the handles of a legend."""
    end = curves["epoch"].max()
    look: dict[str, Any] = {}
    if end == 1:  # a line through one point is not seen
        look = {"marker": "o", "clip_on": False}
    ax.set(
        xlim=(1 - 0.02 * end, end * 1.02) if end > 1 else (0, 2),
        ylim=(0, 1),
        xlabel="epoch",
        ylabel="accuracy",
    )
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    for _, curve in curves.groupby("repeat"):
        ax.plot(curve["epoch"], curve["val_acc"], color=PALE, lw=0.8, markersize=3, **look)
    mean = curves.groupby("epoch")[["train_acc", "val_acc"]].mean()
    ax.plot(mean["train_acc"], "--", color=TRAINING, lw=1.3, markersize=6, mfc="none", **look)
    ax.plot(mean["val_acc"], color=VALIDATION, lw=2, markersize=5, **look)
    level = baseline["val_mean"]
    ax.axhline(level, color=QUIET, lw=1.2, ls=(0, (4, 2)), zorder=1)
    ax.annotate(
        f"{BASELINE.replace(' ', chr(10))}\n{level:.3f}",
        (1, level),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=QUIET,
    )
    return [
        Line2D([], [], color=PALE, lw=0.8, label="validation"),
        Line2D([], [], color=VALIDATION, lw=2, label="mean"),
        Line2D([], [], color=TRAINING, lw=1.3, ls="--", label="training, mean"),
    ]


def mistakes(
    confusion: NDArray[np.float64],
    mistakes: pd.DataFrame,
    images: NDArray[np.float32],
    trial: int | None,
    called: str,
) -> Figure:
    """Left, which classes the confirmed best (number `trial`) takes for which; right, its surest mistakes.

    Tables as `zdl.analysis.replication` gives them. Shares of a row of `confusion` (CLASSES, CLASSES) are in
    whole percent, below half a percent blank. `images` (n, height, width), ink 1 on paper 0, are
    those of `mistakes`: the first 20 are shown. `called` is the word for what an image shows, such as digit.
    """
    with _style():
        if not len(confusion):
            return _figure(4, 0.4, NONE)
        figure = _figure(9, 4.75, f"What trial {trial} takes for what, among the held-out images")
        _confusion(_axes(figure, 0.6, 0.8, 3.45, 3.45), confusion, called)
        width, height = 0.9, 0.87
        top = mistakes.head(SHOWN)
        look: dict[str, Any] = {"cmap": "gray_r", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
        if images.shape[1] == 1:
            look["aspect"] = "auto"  # a row as stripes, not as a thin line
        said = "the surest mistakes: wrong in how many networks, and how sure they were"
        w, h = figure.get_size_inches()
        for left, text in (
            (0.6, f"percent of the images of a {called}"),
            (4.5, said if len(top) else "no mistakes"),
        ):
            figure.text(left / w, 1 - 0.6 / h, text, fontsize=8, color=QUIET, va="center")
        for k, one in enumerate(top.to_dict("records")):
            row, column = divmod(k, IN_A_ROW)
            ax = _axes(figure, 4.5 + column * width, 0.8 + row * height, 0.55, 0.55)
            ax.imshow(images[k], **look)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set(color=FAINT)
            ax.annotate(
                f"{one['digit']} taken for {one['taken_for']}\n"
                f"{one['wrong']} of {one['repeats']}, {one['confidence']:.2f}",
                (0, 0), (0, -3), xycoords="axes fraction", textcoords="offset points", va="top", fontsize=8,
            )  # fmt: skip
    return figure


def _confusion(ax: Axes, confusion: NDArray[np.float64], called: str) -> None:
    """A matrix of shares, in colours and in whole percent."""
    cmap = LinearSegmentedColormap.from_list("shares", ["#ffffff", VALIDATION, "#00304d"])
    classes = len(confusion)
    edges = np.arange(classes + 1)
    ax.pcolormesh(
        edges, edges, confusion, cmap=cmap, norm=PowerNorm(0.5, 0, 1), edgecolors="white", linewidth=1
    )
    ax.set(xlim=(0, classes), ylim=(classes, 0), xlabel="taken for", ylabel=called)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(edges[:-1] + 0.5, [str(k) for k in range(classes)])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for (i, j), share in np.ndenumerate(confusion):
        if percent := round(100 * share):
            ax.text(
                j + 0.5, i + 0.5, str(percent), ha="center", va="center", fontsize=8,
                color="white" if share > 0.2 else INK, fontweight="bold" if i == j else "normal",
            )  # fmt: skip
