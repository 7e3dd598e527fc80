"""Two searches over one space: what an edit moved."""

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

from zdl.report.figures.base import FAINT, INK, QUIET, VALIDATION, _handle, _legend, _scatter, _style
from zdl.report.figures.space import _bar, _crosses, _dots, _map, _name_best, _size

LOOKS = {"both": ("the same in both", "o"), "old": ("only before", "s"), "new": ("only now", "^")}
Half = Literal["left", "right"]
Space = Mapping[str, Mapping[str, Any]]


def overlay(trials: pd.DataFrame, spaces: tuple[Space, Space], names: Sequence[str]) -> Figure:
    """The trials of two searches where they lie over the hyper-parameters `names`, which both searched.

    `trials` is a ranking with two columns more: `side` is both, again (which came out otherwise), old or new,
    and `before` the accuracy that it had in the old search. The left half of a trial that came out otherwise
    is as it was before; over one hyper-parameter, where accuracy is upright, a line leads from there.
    A dashed frame is the old range, a solid one the new. Best-1 is that of the new search.
    """
    old, new = spaces
    space = {name: _union(old[name], new[name]) for name in names}
    with _style():
        figure, ax, places = _map("Before and after", trials, space, names)
        ax.grid(color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        coloured = len(names) == 2
        size = _size(places, 50.0)
        handles: list[Artist] = []
        finished = places[places["status"] != "diverged"]
        for side, (label, marker) in LOOKS.items():
            shown = finished[finished["side"] == side]
            if len(shown):
                look = {"s": size, "linewidths": 0.6}
                dots, handle = _dots(ax, shown, f"{label} ({len(shown)})", marker, coloured, **look)
                handles.append(handle)
        again = finished[finished["side"] == "again"]
        if len(again):
            dots, handle = _changed(ax, again, coloured, size)
            handles.append(handle)
        if coloured and handles:
            _bar(figure, dots, "validation accuracy")
        handles += _crosses(ax, places[places["status"] == "diverged"], size)
        if coloured and any(dict(old[name]) != dict(new[name]) for name in names):
            handles += [
                _frame(ax, [old[name] for name in names], label="old range", ls="--", ec=QUIET),
                _frame(ax, [new[name] for name in names], label="new range", ls="-", ec=INK),
            ]
        now = finished[finished["side"] != "old"]
        first = now[now["rank"] == 1]
        _scatter(ax, first, s=3 * size, facecolors="none", edgecolors=INK, linewidths=1.2, zorder=4)
        _name_best(ax, now)
        if handles:
            _legend(figure, handles, handlelength=1.2)
    return figure


def _changed(ax: Axes, trials: pd.DataFrame, coloured: bool, size: float) -> tuple[PathCollection, Line2D]:
    """Draw trials that came out otherwise, as they were and as they are; the handle of a legend."""
    label = f"before | now ({len(trials)})"
    if not coloured:
        ax.vlines(trials["x"], trials["before"], trials["y"], colors=QUIET, linewidths=0.7, zorder=1.8)
        _scatter(ax, trials.assign(y=trials["before"]), s=size, c="white", edgecolors=VALIDATION, zorder=1.9)
        dots, _ = _dots(ax, trials, label, "o", coloured, s=size, linewidths=0.6)
        return dots, _handle(label, marker="o", fillstyle="right", mfcalt="white", color=VALIDATION)
    look: dict[str, Any] = {
        "s": 1.6 * size,
        "linewidths": 0.6,
        "clip_on": False,
        "zorder": 2,
        "plotnonfinite": True,
    }
    colours = matplotlib.colormaps["viridis"].with_extremes(bad="white")  # it diverged
    halves: tuple[tuple[Half, str], ...] = (("left", "before"), ("right", "val_acc"))
    for half, column in halves:
        dots = ax.scatter(
            trials["x"], trials["y"], c=trials[column], cmap=colours, vmin=0, vmax=1, edgecolors=QUIET,
            marker=MarkerStyle("o", half), **look,
        )  # fmt: skip
    handle = _handle(label, marker="o", markersize=8, fillstyle="left", color=colours(0.25), mec=QUIET)
    handle.set_markerfacecoloralt(colours(0.75))
    return dots, handle


def _union(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A range, or options, in which both searches lie."""
    if "options" in new:
        return {**new, "options": list(dict.fromkeys([*old["options"], *new["options"]]))}
    return {**new, "low": min(old["low"], new["low"]), "high": max(old["high"], new["high"])}


def _frame(ax: Axes, ranges: Sequence[Mapping[str, Any]], **look: Any) -> Rectangle:
    """Draw a frame around a space of two ranges; it is its own handle of a legend."""
    x, y = (each["low"] for each in ranges)
    width, height = (each["high"] - each["low"] for each in ranges)
    frame = Rectangle((x, y), width, height, fill=False, clip_on=False, lw=1.3, zorder=1.5, **look)
    ax.add_patch(frame)
    return frame
