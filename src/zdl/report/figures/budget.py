"""How good the best of a given number of trials is."""

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from zdl.analysis.significance import single_searches
from zdl.report.figures.base import FAINT, INK, VALIDATION, add_axes, add_legend, new_figure, style
from zdl.report.figures.scale import ACCURACY, Scale
from zdl.report.formatting import count

WIDTH = 7.6  # inches
BAND = 0.07  # the opacity of the band, behind the curve


def budget(budget: pd.DataFrame, scale: Scale = ACCURACY) -> Figure:
    """The best validation score over the number of trials, from `zdl.analysis.significance.budget`.

    For a random search (columns trials, expected, low, high, lower, median, upper) it shows the expected
    best, its confidence band if there is one, and the median and quartiles of disjoint searches, on a
    logarithmic x axis. For any other search (columns trials, best) it shows the best so far.
    """
    column = "expected" if "expected" in budget else "best"
    rows = budget.dropna(subset=[column])
    with style():
        if rows.empty:
            return new_figure(4, 0.4, "No trial finished")
        trials = count(int(budget["trials"].max()), "trial")
        random = f"The best of so many random trials, estimated from {trials}"
        figure = new_figure(9, 3.9, random if column == "expected" else f"The best so far: {trials}")
        ax = add_axes(figure, 0.6, 0.66, WIDTH, 2.7)
        ax.set(ylim=scale.limits, xlabel="trials", ylabel=f"best {scale.short_label}")
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        if column == "expected":
            add_legend(figure, _draw_expected(ax, rows), handlelength=1.6)
        else:
            _draw_best_so_far(ax, rows)
        _mark_last(ax, rows["trials"].iloc[-1], rows[column].iloc[-1], scale)
    return figure


def _draw_expected(ax: Axes, rows: pd.DataFrame) -> list[Artist]:
    """Draw the expected best of random trials. Returns legend handles."""
    end = int(rows["trials"].max())
    doublings = [2**k for k in range(end.bit_length())]
    _scale_by_doublings(ax, doublings, end)
    x = rows["trials"]
    handles: list[Artist] = []
    if rows["low"].notna().any():
        ax.fill_between(x, rows["low"], rows["high"], color=VALIDATION, alpha=BAND, lw=0)
        for edge in ("low", "high"):
            ax.plot(x, rows[edge], color=VALIDATION, lw=0.7, ls=(0, (4, 3)), alpha=0.6)
        band = Patch(fc=(VALIDATION, BAND), ec=(VALIDATION, 0.6), lw=0.7, label="its 95 % confidence band")
        handles = [band]
    handles = [*ax.plot(x, rows["expected"], color=VALIDATION, lw=2.4, label="mean of the best"), *handles]
    quartiles = single_searches(rows)
    if quartiles.empty:
        return handles
    ax.vlines(quartiles["trials"], quartiles["lower"], quartiles["upper"], color=INK, lw=1, alpha=0.6)
    ax.plot(quartiles["trials"], quartiles["median"], "_", color=INK, markersize=9, mew=1.4)
    label = "single searches cut out of these trials: median and quartiles"
    return [*handles, Line2D([], [], color=INK, marker="_", lw=0, markersize=9, mew=1.4, label=label)]


def _scale_by_doublings(ax: Axes, doublings: list[int], end: int) -> None:
    """Set a logarithmic x axis up to `end`, with labels at `end` and at the doublings that leave it room."""
    ax.set(xscale="log", xlim=(0.9, max(2, end) * 1.02))
    room = end ** (0.45 / WIDTH)
    ticks = [n for n in doublings if n * room < end] + [end]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([f"{n:,}" for n in ticks])


def _draw_best_so_far(ax: Axes, rows: pd.DataFrame) -> None:
    end = int(rows["trials"].max())
    ax.set_xlim(min(1, end - 1), end)
    ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True))
    ax.step(rows["trials"], rows["best"], where="post", color=VALIDATION, lw=1.8, clip_on=False)


def _mark_last(ax: Axes, trials: int, best: float, scale: Scale) -> None:
    """Draw a dot at the end of the line, and the score beside it."""
    ax.plot(trials, best, "o", color=VALIDATION, markersize=5, clip_on=False)
    ax.annotate(
        scale.text(best), (trials, best), (8, 0), textcoords="offset points", va="center", fontweight="bold"
    )
