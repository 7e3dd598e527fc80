"""The results of a comparison of search methods: tables of all searches, and figures of them.

All begins with the rows that `bench.searches` describes. docs/comparison/PROTOCOL.md defines the statistics.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from zdl.report.figures.base import FAINT, INK, QUIET, add_axes, add_legend, new_figure, style
from zdl.report.formatting import count

SEEDS = 20  # of the protocol
REFERENCE = "random"
TITLES = {
    "random": "random search",
    "halton": "Halton search",
    "bayes": "Bayesian search",
    "tpe": "TPE",
    "cmaes": "CMA-ES",
    "halving": "successive halving",
    "hyperband": "Hyperband",
}
PROBLEMS = {"mnist": "MNIST", "iris": "iris", "function": "the function"}
MEASURES = {"best": "validation accuracy, best so far", "held_out": "held-out accuracy of the pick"}
MARKS = (25, 50, 100)  # hundredths of the budget, after which differences are told
CONFIDENCE = 0.95
COLOUR = "#0072B2"  # Okabe and Ito's, for colour-blind readers; in print, the reference is dashed
STEP = 0.05  # of the axis of accuracy
EQUAL = 1e-9  # accuracies that differ by less are the same number of rows

Budgets = Mapping[str, int]  # epochs, by problem


# Tables.


def after(rows: pd.DataFrame, spent: float) -> pd.DataFrame:
    """The best so far of each search and its held-out accuracy, after so many epochs: a row a seed, columns
    (measure, method), blank where no trial was trained in full yet."""
    last = rows[rows["epochs"] <= spent].groupby(["method", "seed"])[[*MEASURES]].last()
    levels = [rows[name].unique() for name in ("method", "seed")]
    every = pd.MultiIndex.from_product(levels, names=["method", "seed"])
    return last.reindex(every).unstack("method")


def curves(rows: pd.DataFrame, budgets: Budgets) -> pd.DataFrame:
    """Median and quartiles over the seeds after each hundredth of a budget, blank if a seed has no pick."""
    out = []
    for problem, own in rows.groupby("problem", sort=False):
        for hundredth in range(1, 101):
            spent = budgets[str(problem)] * hundredth / 100
            values = after(own, spent)
            for method in own["method"].unique():
                row = {"problem": problem, "method": method, "epochs": int(spent)}
                for measure in MEASURES:
                    quartiles = np.quantile(values[measure, method], (0.25, 0.5, 0.75)).round(6)  # NaN of NaN
                    names = (f"{measure}_{name}" for name in ("q1", "median", "q3"))
                    row |= dict(zip(names, quartiles.tolist(), strict=True))
                out.append(row)
    return pd.DataFrame(out)


def searches(rows: pd.DataFrame) -> pd.DataFrame:
    """What each search came to."""
    last = rows.groupby(["problem", "method", "seed"], sort=False).last().round(6)
    return last.reset_index()


def differences(rows: pd.DataFrame, budgets: Budgets) -> pd.DataFrame:
    """Each method against the random search of the same seed, after parts of the budget: the median of the
    differences, and an interval for it. Blank, if a search has no pick yet."""
    out = []
    for problem, own in rows.groupby("problem", sort=False):
        for mark in MARKS:
            values = after(own, budgets[str(problem)] * mark / 100)
            for method in own["method"].unique():
                if method != REFERENCE:
                    row = {"problem": problem, "method": method, "after": mark}
                    more = (values["held_out", method] - values["held_out", REFERENCE]).to_numpy()
                    low, high = interval(more)
                    out.append({**row, "low": low, "median": float(np.median(more)), "high": high})
    return pd.DataFrame(out)


def interval(values: np.ndarray) -> tuple[float, float]:
    """An interval that holds the median of what the values are drawn from, with CONFIDENCE or more: from one
    of the ordered values to another. Without bounds, if there are too few."""
    n, k = len(values), 0
    if np.isnan(values).any():
        return math.nan, math.nan
    while 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n <= 1 - CONFIDENCE:
        k += 1
    ordered = np.sort(values)
    return (float(ordered[k - 1]), float(ordered[n - k])) if k else (-math.inf, math.inf)


def verdict(low: float, high: float) -> str:
    """What the rule of the protocol says about an interval."""
    if math.isinf(low):
        return "has too few seeds to tell"
    if low > EQUAL:
        return "pays"
    return "costs" if high < -EQUAL else "makes no clear difference"


def capital(text: str) -> str:
    """A name at the beginning of a sentence."""
    return text[0].upper() + text[1:]


# The figures. They only draw.


def draw(table: pd.DataFrame, problem: str, seeds: int) -> Figure:
    """A row of panels for each measure, with a panel for each method and the reference in all of them.

    `table` as `curves` gives it. (All bands in one panel would hide each other.) An axis of accuracy begins
    where the curves are after the first tenth of the budget.
    """
    own = table[table["problem"] == problem]
    methods = [method for method in own["method"].unique() if method != REFERENCE]
    left, gap, top, width, height = 0.62, 0.14, 0.92, 1.62, 1.75
    with style():
        size = left + len(methods) * (width + gap), top + 2 * (height + 0.36) + 0.2
        figure = new_figure(*size, f"{capital(PROBLEMS[problem])}: accuracy by the epochs spent")
        for i, (measure, label) in enumerate(MEASURES.items()):
            for k, method in enumerate(methods):
                ax = add_axes(figure, left + k * (width + gap), top + i * (height + 0.36), width, height)
                _panel(ax, own, method, measure)
                end = own["epochs"].max()
                ax.set(ylim=_limits(own, measure), xlim=(0, end), xticks=[0, 0.4 * end, 0.8 * end])
                ax.tick_params(labelsize=7.5, labelleft=k == 0, labelbottom=i == 1)
                ax.set_ylabel("" if k else label, fontsize=7.5)
                ax.set_xlabel("" if k or not i else "epochs spent", fontsize=7.5)
        look: list[Any] = [
            Line2D([], [], color=INK, lw=1.6, label=f"median of {count(seeds, 'seed')}"),
            Patch(facecolor=INK, alpha=0.22, linewidth=0, label="quartiles"),
            Line2D([], [], color=QUIET, ls="--", lw=1.4, label="random search: the same"),
        ]
        add_legend(figure, look, handlelength=2.6)
    return figure


def _panel(ax: Axes, own: pd.DataFrame, method: str, measure: str) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    for name, colour, line in ((REFERENCE, QUIET, "--"), (method, COLOUR, "-")):
        curve = own[own["method"] == name]
        low, middle, high = (curve[f"{measure}_{part}"] for part in ("q1", "median", "q3"))
        ax.fill_between(curve["epochs"], low, high, color=colour, lw=0, alpha=0.22, step="post")
        ax.plot(curve["epochs"], middle, line, color=colour, lw=1.4, drawstyle="steps-post")
    ax.set_title(capital(TITLES[method]), loc="left", fontsize=8.5, fontweight="bold", color=COLOUR)


def _limits(own: pd.DataFrame, measure: str) -> tuple[float, float]:
    later = own[own["epochs"] >= own["epochs"].max() / 10]
    low = math.floor(later[f"{measure}_q1"].min() / STEP + EQUAL)
    high = math.floor(later[f"{measure}_q3"].max() / STEP + EQUAL) + 1  # above a line, which has a width
    return low * STEP, high * STEP
