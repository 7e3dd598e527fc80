"""The trials of two searches over the same hyper-parameters."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle

from zdl.report.figures.base import FAINT, INK, QUIET, VALIDATION, add_legend, legend_handle, style
from zdl.report.figures.dots import (
    add_colour_bar,
    dot_size,
    draw_diverged,
    draw_finished,
    label_best,
    scatter,
)
from zdl.report.figures.scale import ACCURACY, Scale
from zdl.report.figures.space_axes import Space, empty_map

SIDES = {"both": ("the same in both", "o"), "old": ("only before", "s"), "new": ("only now", "^")}


def overlay(
    trials: pd.DataFrame, spaces: tuple[Space, Space], names: Sequence[str], scale: Scale = ACCURACY
) -> Figure:
    """The trials of two searches over the hyper-parameters `names`, which both searched.

    `trials` is a ranking with two more columns: `side` is both, again (in both, with another result), old or
    new, and `before` is the score in the old search. A trial with another result has two halves, the left one
    for the old score; over one hyper-parameter, where the score is the y axis, a line leads from the old
    score. A dashed frame is the old range, a solid one the new. Best-1 is that of the new search.
    """
    old, new = spaces
    coloured = len(names) == 2
    with style():
        space = {name: _union(old[name], new[name]) for name in names}
        figure, ax, places = empty_map("Before and after", trials, space, names, scale)
        ax.grid(color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        size = dot_size(places, 50.0)
        finished = places[places["status"] != "diverged"]
        handles: list[Artist] = [*_draw_finished(figure, ax, finished, size, scale, coloured=coloured)]
        handles += draw_diverged(ax, places[places["status"] == "diverged"], size)
        if coloured and any(dict(old[name]) != dict(new[name]) for name in names):
            handles += [
                _draw_frame(ax, [old[name] for name in names], label="old range", ls="--", ec=QUIET),
                _draw_frame(ax, [new[name] for name in names], label="new range", ls="-", ec=INK),
            ]
        new_trials = finished[finished["side"] != "old"]
        best = new_trials[new_trials["rank"] == 1]
        scatter(ax, best, s=3 * size, facecolors="none", edgecolors=INK, linewidths=1.2, zorder=4)
        label_best(ax, new_trials)
        if handles:
            add_legend(figure, handles, handlelength=1.2)
    return figure


def _union(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest range, or all options, of both searches."""
    if "options" in new:
        return {**new, "options": list(dict.fromkeys([*old["options"], *new["options"]]))}
    return {**new, "low": min(old["low"], new["low"]), "high": max(old["high"], new["high"])}


def _draw_finished(
    figure: Figure, ax: Axes, finished: pd.DataFrame, size: float, scale: Scale, *, coloured: bool
) -> list[Line2D]:
    """Draw the trials that finished, with a colour bar. Returns legend handles."""
    handles = []
    for side, (label, marker) in SIDES.items():
        trials = finished[finished["side"] == side]
        if len(trials):
            look = {"s": size, "linewidths": 0.6}
            dots, handle = draw_finished(
                ax, trials, f"{label} ({len(trials)})", marker, scale if coloured else None, **look
            )
            handles.append(handle)
    retrained = finished[finished["side"] == "again"]
    if len(retrained):
        draw = _draw_halves if coloured else _draw_moves
        dots, handle = draw(ax, retrained, f"before | now ({len(retrained)})", size, scale)
        handles.append(handle)
    if coloured and handles:
        add_colour_bar(figure, dots, scale.label)
    return handles


def _draw_moves(
    ax: Axes, trials: pd.DataFrame, label: str, size: float, scale: Scale
) -> tuple[PathCollection, Line2D]:
    """Draw trials with another result, with a line from the old score. Returns dots and a legend handle."""
    old_scores = scale.places(trials["before"])
    ax.vlines(trials["x"], old_scores, trials["y"], colors=QUIET, linewidths=0.7, zorder=1.8)
    scatter(ax, trials.assign(y=old_scores), s=size, c="white", edgecolors=VALIDATION, zorder=1.9)
    dots, _ = draw_finished(ax, trials, label, "o", None, s=size, linewidths=0.6)
    return dots, legend_handle(label, marker="o", fillstyle="right", mfcalt="white", color=VALIDATION)


def _draw_halves(
    ax: Axes, trials: pd.DataFrame, label: str, size: float, scale: Scale
) -> tuple[PathCollection, Line2D]:
    """Draw trials with another result as two halves, old and new. Returns dots and a legend handle."""
    colours = matplotlib.colormaps["viridis"].with_extremes(bad="white")  # a trial that diverged has no score
    halves: tuple[tuple[Literal["left", "right"], str], ...] = (("left", "before"), ("right", "val_acc"))
    for half, column in halves:
        look: dict[str, Any] = {"c": trials[column], **scale.colours, "cmap": colours, "plotnonfinite": True}
        look |= {"marker": MarkerStyle("o", half), "edgecolors": QUIET, "linewidths": 0.6, "zorder": 2}
        dots = scatter(ax, trials, s=1.6 * size, **look)
    handle = legend_handle(label, marker="o", markersize=8, fillstyle="left", color=colours(0.25), mec=QUIET)
    handle.set_markerfacecoloralt(colours(0.75))
    return dots, handle


def _draw_frame(ax: Axes, ranges: Sequence[Mapping[str, Any]], **look: Any) -> Rectangle:
    """Draw a frame around two ranges. Returns it as a legend handle."""
    x, y = (spec["low"] for spec in ranges)
    width, height = (spec["high"] - spec["low"] for spec in ranges)
    frame = Rectangle((x, y), width, height, fill=False, clip_on=False, lw=1.3, zorder=1.5, **look)
    ax.add_patch(frame)
    return frame
