"""What a search finds with so many trials."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from zdl.report.figures.base import FAINT, INK, VALIDATION, _axes, _figure, _legend, _style
from zdl.report.formatting import accuracy, count

WIDTH = 7.6  # inches


def budget(budget: pd.DataFrame) -> Figure:
    """The best validation accuracy that so many trials find, as `zdl.analysis.significance.budget` tells it.

    Of a random search (columns trials, expected, low, high, lower, median, upper) the expected best with its
    band, and quartile bars of the best of disjoint experiments; each doubling of the trials is as long as any
    other. Of any other search (columns trials, best) the best so far.
    """
    level = "expected" if "expected" in budget else "best"
    known = budget.dropna(subset=[level])
    with _style():
        if known.empty:
            return _figure(4, 0.4, "No trial finished")
        trials = count(int(budget["trials"].max()), "trial")
        random = f"The best of so many random trials, estimated from {trials}"
        figure = _figure(9, 3.9, random if level == "expected" else f"The best so far: {trials}")
        ax = _axes(figure, 0.6, 0.66, WIDTH, 2.7)
        ax.set(ylim=(0, 1), xlabel="trials", ylabel="best validation accuracy")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        if level == "expected":
            _legend(figure, _expected(ax, known), handlelength=1.6)
        else:
            _so_far(ax, known)
        last = known.iloc[-1]
        ax.plot(last["trials"], last[level], "o", color=VALIDATION, markersize=5, clip_on=False)
        ax.annotate(
            accuracy(last[level]),
            (last["trials"], last[level]),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold",
        )
    return figure


def _expected(ax: Axes, known: pd.DataFrame) -> list[Line2D | Patch]:
    """Draw what random trials are expected to find; the handles of a legend."""
    end = int(known["trials"].max())
    ax.set(xscale="log", xlim=(0.9, max(2, end) * 1.02))
    doublings = [2**k for k in range(end.bit_length())]
    room = end ** (0.45 / WIDTH)  # between a doubling and the end, for their labels
    ticks = [n for n in doublings if n * room < end] + [end]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([f"{n:,}" for n in ticks])
    x = known["trials"]
    band = ax.fill_between(x, known["low"], known["high"], color=VALIDATION, alpha=0.15, lw=0)
    band.set_label("its 95 % confidence band")
    (line,) = ax.plot(x, known["expected"], color=VALIDATION, lw=1.8, label="mean of the best")
    bars = known[known["trials"].isin(doublings)].dropna(subset=["median"])
    handles: list[Line2D | Patch] = [line, Patch(color=VALIDATION, alpha=0.15, lw=0, label=band.get_label())]
    if len(bars):
        ax.vlines(bars["trials"], bars["lower"], bars["upper"], color=INK, lw=4, alpha=0.35)
        ax.plot(bars["trials"], bars["median"], "_", color=INK, markersize=11, mew=1.8)
        handles.append(
            Line2D(
                [],
                [],
                color=INK,
                marker="_",
                lw=0,
                markersize=11,
                mew=1.8,
                label="single searches cut out of these trials: median and quartiles",
            )
        )
    return handles


def _so_far(ax: Axes, known: pd.DataFrame) -> None:
    end = int(known["trials"].max())
    ax.set_xlim(min(1, end - 1), end)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True))
    ax.step(known["trials"], known["best"], where="post", color=VALIDATION, lw=1.8, clip_on=False)
