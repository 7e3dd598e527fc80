"""The scores that a search predicts, and its trials."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zdl.analysis.ranking import map_axes
from zdl.report.figures.base import FAINT, add_legend, style
from zdl.report.figures.dots import add_colour_bar, dot_size, draw_diverged, draw_finished, label_best
from zdl.report.figures.expected import Surface, draw_expected
from zdl.report.figures.scale import ACCURACY, Scale
from zdl.report.figures.search_map import search_map
from zdl.report.figures.space_axes import Space, empty_map


def surface_map(
    ranking: pd.DataFrame,
    space: Space,
    surface: Surface,
    first: int,
    best: int = 20,
    *,
    names: Sequence[str] = (),
    scale: Scale = ACCURACY,
) -> Figure:
    """The predicted score, and the trials behind the prediction.

    `surface` is over `names` (as for `search_map`): over two numeric hyper-parameters it is the ground under
    the trials, in the same colours; over one it is a curve. Squares are trials of the first round, whose
    numbers are below `first`; circles were proposed. Over a choice, or if no trial finished, there is no
    surface, and `search_map` draws the trials.
    """
    names = names or map_axes(ranking, space)
    values, mean = surface
    if "options" in space[names[0]] or np.isnan(mean).all():
        return search_map(ranking, space, best, names=names, scale=scale)
    coloured = len(names) == 2
    handles = []
    with style():
        figure, ax, places = empty_map("What the search learnt", ranking, space, names, scale)
        if coloured:
            levels = np.linspace(*scale.limits, 41)
            ground = ax.contourf(*values, mean.T.clip(*scale.limits), levels, **scale.colours)
            ticks = levels[::8] if scale.score.is_share else scale.ticks(5)
            add_colour_bar(figure, ground, f"{scale.label}: expected, and as it was", ticks=ticks)
        else:
            ax.grid(color=FAINT, linewidth=0.6)
            handles += draw_expected(ax, places, surface, scale)
        handles += _draw_trials(ax, places, first, scale if coloured else None)
        add_legend(figure, handles, handlelength=0.8 if coloured else 1.6)
    return figure


def _draw_trials(ax: Axes, places: pd.DataFrame, first: int, scale: Scale | None) -> list[Line2D]:
    """Draw the trials of a search that learns at `places`, coloured on a scale. Returns legend handles."""
    size = dot_size(places, 45.0)
    finished, diverged = places[places["status"] != "diverged"], places[places["status"] == "diverged"]
    at_random = finished["trial"] < first
    handles = []
    for trials, label, marker in (
        (finished[at_random], "drawn at random", "s"),
        (finished[~at_random], "proposed", "o"),
    ):
        if len(trials):
            _, handle = draw_finished(ax, trials, label, marker, scale, s=size, linewidths=0.9)
            handles.append(handle)
    handles += draw_diverged(ax, diverged, size)
    label_best(ax, finished)
    return handles
