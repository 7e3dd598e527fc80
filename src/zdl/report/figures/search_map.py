"""All trials of a search over its space."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from zdl.analysis.ranking import CROWDED, map_axes
from zdl.report.figures.base import DIVERGED, FAINT, INK, MANY, add_legend, legend_handle, style
from zdl.report.figures.dots import (
    add_colour_bar,
    crowd_alpha,
    dot_size,
    draw_diverged,
    draw_finished,
    label_best,
    scatter,
)
from zdl.report.figures.expected import Surface, draw_expected
from zdl.report.figures.scale import ACCURACY, Scale
from zdl.report.figures.space_axes import Space, empty_map

CELLS = (42, 22)  # of a crowded map, across and up: almost square, about ten of 10,000 trials in each


def search_map(
    ranking: pd.DataFrame,
    space: Space,
    best: int = 20,
    *,
    surface: Surface | None = None,
    names: Sequence[str] = (),
    scale: Scale = ACCURACY,
) -> Figure:
    """All trials over the space, with rings around the best.

    `names` are the hyper-parameters to draw it over, by default those of `zdl.analysis.ranking.map_axes`.
    Over two, the colour is the validation score; over one, or the options of a choice, it is the y axis.
    More than CROWDED trials are drawn as cells in the colour of their mean, or as fainter dots. Diverged
    trials are crosses, at the bottom where the score is an axis. Lines show the predicted `surface` over
    `names`, if it is given.
    """
    names = names or map_axes(ranking, space)
    with style():
        figure, ax, places = empty_map("The whole search", ranking, space, names, scale)
        lines: list[Line2D] = []
        if surface is not None and "options" not in space[names[0]] and not np.isnan(surface[1]).all():
            lines = draw_expected(ax, places, surface, scale)
        if not lines or len(names) == 1:
            ax.grid(color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        handles = _draw_trials(figure, ax, places, best, scale, coloured=len(names) == 2)
        if handles:
            add_legend(figure, handles + lines, handlelength=1.6 if lines else 0.8)
    return figure


def _draw_trials(
    figure: Figure, ax: Axes, places: pd.DataFrame, best: int, scale: Scale, *, coloured: bool
) -> list[Line2D]:
    """Draw trials at `places` (columns x, y, rank, status, val_acc). Returns legend handles."""
    finished, diverged = places[places["status"] != "diverged"], places[places["status"] == "diverged"]
    size = dot_size(places, 55.0)
    crowded = len(places) > CROWDED
    handles = []
    if coloured and crowded:
        handles += _draw_cells(figure, ax, finished, diverged, scale)
    else:
        alpha = crowd_alpha(len(places)) if crowded else None
        if len(finished):
            look = {"s": size, "alpha": alpha, "linewidths": 0.4 if len(places) <= MANY else 0}
            dots, handle = draw_finished(ax, finished, "finished", "o", scale if coloured else None, **look)
            handles.append(handle)
            if coloured:
                add_colour_bar(figure, dots, scale.label)
        handles += draw_diverged(ax, diverged, size, alpha=alpha)
    if best < len(finished):  # a ring around every trial would say nothing
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": INK, "linewidths": 1, "zorder": 4}
        halo = [withStroke(linewidth=2.6, foreground="white")] if coloured and crowded else None
        scatter(ax, finished[finished["rank"] <= best], s=2.2 * size, path_effects=halo, **ring)
        label = f"the best {best:,}" if best > 1 else "the best trial"
        handles.append(legend_handle(label, marker="o", markersize=10, mfc="none", mec=INK))
    label_best(ax, finished)
    return handles


def _draw_cells(
    figure: Figure, ax: Axes, finished: pd.DataFrame, diverged: pd.DataFrame, scale: Scale
) -> list[Line2D]:
    """Draw cells in the colour of the mean of their trials that finished, and a cross where at least half of
    them diverged. Returns legend handles."""
    sums = _cell_sums(ax, finished, scale.places(finished["val_acc"]))
    finished_counts, diverged_counts = _cell_sums(ax, finished), _cell_sums(ax, diverged)
    mean = np.ma.masked_invalid(sums / np.where(finished_counts, finished_counts, np.nan))
    data = ax.transAxes - ax.transData
    edges = [data.transform(np.column_stack([np.linspace(0, 1, n + 1)] * 2)) for n in CELLS]
    look: dict[str, Any] = {**scale.colours, "zorder": 0.5, "rasterized": True}
    mesh = ax.pcolormesh(edges[0][:, 0], edges[1][:, 1], mean, **look)
    add_colour_bar(figure, mesh, f"mean {scale.label}")
    if not diverged_counts.any():
        return []
    y, x = np.nonzero((diverged_counts > 0) & (diverged_counts >= finished_counts))
    middles = pd.DataFrame(data.transform((np.column_stack([x, y]) + 0.5) / CELLS), columns=["x", "y"])
    scatter(ax, middles, s=14, c=DIVERGED, marker="x", linewidths=0.9, zorder=3)
    label = f"half or more diverged ({int(diverged_counts.sum()):,} in all)"
    return [legend_handle(label, marker="x", mew=1.6, color=DIVERGED)]


def _cell_sums(ax: Axes, trials: pd.DataFrame, weights: "pd.Series[float] | None" = None) -> NDArray[Any]:
    """The number of trials in each cell, or the sum of their weights, of shape (up, across)."""
    unit = (ax.transData - ax.transAxes).transform(trials[["x", "y"]].to_numpy("float64"))
    # A trial on an edge belongs to the cell beyond it, whatever the last bits of its logarithm
    x, y = np.clip(np.floor(unit * CELLS + 1e-9), 0, np.subtract(CELLS, 1)).astype(np.int64).T
    sums = np.bincount(x * CELLS[1] + y, weights, minlength=CELLS[0] * CELLS[1])
    return sums.reshape(CELLS).T
