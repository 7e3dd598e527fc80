"""Trials as dots and crosses, for several figures."""

import math
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from zdl.report.figures.base import DIVERGED, MANY, VALIDATION, add_axes, legend_handle
from zdl.report.figures.scale import Scale

TEXT = (34, 8)  # width and height of the label Best-1, in points
NUMBER = (18, 10)  # the same of a contour's number
# Where the middle of the label may be, in points from its dot
SPOTS = ((0, 13), (0, -13), (-27, 0), (27, 0), (-24, 12), (24, 12), (-24, -12), (24, -12))


def scatter(ax: Axes, places: pd.DataFrame, **look: Any) -> PathCollection:
    """Draw markers at columns x and y, also beyond the edge of the axes."""
    look = {"rasterized": len(places) > MANY, "clip_on": False, **look}
    return ax.scatter(places["x"], places["y"], **look)


def crowd_alpha(trials: int) -> float:
    """The opacity of a dot among this many; overlapping dots look darker."""
    return min(1.0, max(0.03, 1500 / trials))


def dot_size(places: pd.DataFrame, largest: float) -> float:
    """The area of a dot in square points; it falls with the number of dots."""
    return max(8.0, min(largest, 9000 / max(1, len(places))))


def draw_finished(
    ax: Axes, trials: pd.DataFrame, label: str, marker: str, scale: Scale | None, **look: Any
) -> tuple[PathCollection, Line2D]:
    """Draw trials that finished, coloured by score, or all in one colour without a `scale`. Returns the dots
    and a legend handle."""
    colours: dict[str, Any] = {"c": trials["val_acc"], **scale.colours} if scale else {"c": VALIDATION}
    dots = scatter(ax, trials, marker=marker, edgecolors="white", zorder=2, **colours, **look)
    face = matplotlib.colormaps["viridis"](0.5) if scale else VALIDATION
    return dots, legend_handle(label, marker=marker, markersize=7, color=face)


def draw_diverged(ax: Axes, diverged: pd.DataFrame, size: float, **look: Any) -> list[Line2D]:
    """Draw a cross for each trial that diverged. Returns the legend handle, if there are any."""
    if diverged.empty:
        return []
    width = min(1.6, 0.22 * math.sqrt(size))
    scatter(ax, diverged, s=0.8 * size, c=DIVERGED, marker="x", linewidths=width, zorder=3, **look)
    return [diverged_handle(len(diverged))]


def diverged_handle(trials: int) -> Line2D:
    """The legend handle for this many trials that diverged."""
    return legend_handle(f"diverged ({trials:,})", marker="x", mew=1.6, color=DIVERGED)


def diverged_at_the_bottom(ranking: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """A ranking in which trials that diverged have the lowest score of the scale (0 for accuracy), so that
    they are drawn at the bottom where the score is an axis."""
    return ranking.assign(val_acc=ranking["val_acc"].mask(ranking["status"] == "diverged", scale.low))


def add_colour_bar(figure: Figure, colours: ScalarMappable, label: str, **look: Any) -> None:
    """Add a colour bar to the right of a map."""
    bar = add_axes(figure, 8.05, 0.8, 0.16, 3.75)
    figure.colorbar(colours, cax=bar, label=label, **look).outline.set_visible(False)


def label_best(ax: Axes, trials: pd.DataFrame) -> None:
    """Write Best-1 beside the best trial, at the spot that covers the fewest other trials, and if possible no
    number of a contour, within the width of the axes."""
    numbers = np.array([ax.transData.transform(text.get_position()) for text in ax.texts]).reshape(-1, 2)
    numbers *= 72 / ax.figure.dpi
    points = ax.transData.transform(trials[["x", "y"]].to_numpy("float64")) * 72 / ax.figure.dpi
    left, right = (edge * 72 / ax.figure.dpi for edge in ax.bbox.intervalx)
    for (x, y), (best_x, best_y) in zip(
        trials.loc[trials["rank"] == 1, ["x", "y"]].to_numpy(), points[trials["rank"] == 1], strict=True
    ):
        costs = []
        for dx, dy in SPOTS:  # the middle of the text
            distances = np.abs(points - (best_x + dx, best_y + dy)) - np.divide(TEXT, 2)
            inside = left <= best_x + dx - TEXT[0] / 2 and best_x + dx + TEXT[0] / 2 <= right
            covered = np.abs(numbers - (best_x + dx, best_y + dy)) < np.add(TEXT, NUMBER) / 2
            is_clear = inside and not covered.all(axis=1).any()
            costs.append(int((distances < 5).all(axis=1).sum()) + (0 if is_clear else len(points) + 1))
        ax.annotate(
            "Best-1",
            (x, y),
            SPOTS[int(np.argmin(costs))],
            textcoords="offset points",
            ha="center",
            va="center",
            fontweight="bold",
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
