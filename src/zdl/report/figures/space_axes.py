"""Axes over the searched ranges of hyper-parameters."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zdl.report.figures.base import add_axes, new_figure
from zdl.report.figures.dots import diverged_at_the_bottom
from zdl.report.figures.scale import Scale
from zdl.report.formatting import count, short, title

Space = Mapping[str, Mapping[str, Any]]  # `search.space` of the settings


def empty_map(
    heading: str, ranking: pd.DataFrame, space: Space, names: Sequence[str], scale: Scale
) -> tuple[Figure, Axes, pd.DataFrame]:
    """A figure over one or two hyper-parameters, or over one and the score, with no trial drawn yet.

    The table has the trials in which these hyper-parameters play a part, each with its place (columns x and
    y). The best is last, so that it is drawn on top. The heading counts the other trials.
    """
    trials = diverged_at_the_bottom(ranking, scale).dropna(subset=names).iloc[::-1]
    heading = f"{heading}: {count(len(ranking), 'trial')}"
    figure = new_figure(9, 5.2, heading + hidden_note(ranking, names))
    ax = add_axes(figure, 0.85, 0.8, 7.0 if len(names) == 2 else 8.0, 3.75)
    overlap = 0.04 * (scale.high - scale.low)
    places = trials.assign(x=place_on_axis(ax, "x", trials, names[0], space[names[0]], overlap=overlap))
    if len(names) == 2:
        places["y"] = place_on_axis(ax, "y", trials, names[1], space[names[1]])
    else:
        places["y"] = scale.places(trials["val_acc"])
        ax.set(ylim=scale.limits, ylabel=scale.short_label + scale.note)
        if not scale.score.is_share:
            ax.set_yticks(scale.ticks(5))
    return figure, ax, places


def hidden_note(ranking: pd.DataFrame, names: Sequence[str]) -> str:
    """The note in a heading on trials that are not shown, as one of these hyper-parameters plays no part."""
    partial_names = [name for name in names if ranking[name].hasnans]
    n = len(ranking) - len(ranking.dropna(subset=partial_names))
    return f" ({n} without {' or '.join(map(title, partial_names))} not shown)" if n else ""


def place_on_axis(
    ax: Axes,
    direction: Literal["x", "y"],
    trials: pd.DataFrame,
    name: str,
    spec: Mapping[str, Any],
    *,
    overlap: float = 0.04,
) -> "pd.Series[float]":
    """Set up one axis for a hyper-parameter, and return the places of the trials on it.

    Options are on the x axis alone. Trials of one option lie side by side if their scores are so close
    (`overlap`) that their dots would hide each other.
    """
    ax.set(**{f"{direction}label": title(name)})
    if "options" in spec:
        options = spec["options"]
        ax.set_xlim(-0.5, len(options) - 0.5)
        ax.set_xticks(range(len(options)), [short(option) for option in options])
        return _place_in_strips(trials, name, options, overlap)
    if spec["distribution"] == "log_uniform":
        ax.set(**{f"{direction}scale": "log"})
    elif spec["distribution"] == "int_uniform":
        axis = ax.xaxis if direction == "x" else ax.yaxis
        axis.set_major_locator(MaxNLocator(integer=True))
    ax.set(**{f"{direction}lim": (spec["low"], spec["high"])})
    return trials[name].astype("float64")


def _place_in_strips(
    trials: pd.DataFrame, name: str, options: Sequence[Any], overlap: float
) -> "pd.Series[float]":
    """Places in a strip for each option; trials of about the same score lie side by side."""
    strips = {str(option): k for k, option in enumerate(options)}  # a ranking read from CSV has texts
    strips |= {option: k for k, option in enumerate(options)}
    middle = trials[name].map(strips).astype("float64")
    level = (trials["val_acc"] / overlap).round()
    groups = trials["rank"].groupby([middle, level])
    offset = groups.cumcount() - (groups.transform("size") - 1) / 2
    return middle + offset * min(0.02 * len(options), 0.8 / groups.size().max())
