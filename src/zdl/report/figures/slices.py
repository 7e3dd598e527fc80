"""The score against each hyper-parameter, in small multiples."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter

from zdl.report.figures.base import (
    FAINT,
    INK,
    MANY,
    PALE,
    add_axes,
    add_legend,
    legend_handle,
    new_figure,
    style,
)
from zdl.report.figures.dots import (
    crowd_alpha,
    diverged_at_the_bottom,
    diverged_handle,
    dot_size,
    draw_diverged,
    scatter,
)
from zdl.report.figures.scale import ACCURACY, Scale
from zdl.report.figures.space_axes import Space, place_on_axis
from zdl.report.formatting import count, short, title

COLUMNS = 4  # panels in a row, at most
FEW = 12  # whole numbers: a range of fewer is drawn as a choice
LETTER = 0.068  # width of a letter of the smallest font, in inches
LEFT, RIGHT, HEADER, GAP = 0.55, 0.2, 0.66, 0.4  # around panels and between them, in inches
LEGEND = ("finished", "not", "Best-1", "diverged")  # the beginnings of its entries, in order


def slices(ranking: pd.DataFrame, space: Space, contenders: Sequence[int], scale: Scale = ACCURACY) -> Figure:
    """The validation score against each hyper-parameter of `space`, in a panel each.

    The x axis is the searched range on its own scale; a choice, or a range of a few whole numbers, has a
    strip for each value. The `contenders` are dark unless they are all that finished, and Best-1 has a ring.
    Diverged trials are crosses at the bottom. A panel leaves out the trials in which its hyper-parameter
    plays no part, and its label counts the others.
    """
    specs = {name: _with_options(spec) for name, spec in space.items() if name in ranking}
    rows = math.ceil(len(specs) / COLUMNS)
    columns = math.ceil(len(specs) / rows)
    width, height = (9 - LEFT - RIGHT - (columns - 1) * GAP) / columns, 2.6 if rows == 1 else 1.9
    options = {name: _option_labels(spec, width) for name, spec in specs.items() if "options" in spec}
    lines = max((label.count("\n") for labels in options.values() for label in labels), default=0)
    footer = 0.6 + 0.14 * max(lines, int(ranking[list(specs)].isna().any(axis=None)))
    row_step = height + footer
    trials = diverged_at_the_bottom(ranking, scale).iloc[::-1]
    finished = int((ranking["status"] != "diverged").sum())
    dark = contenders if len(contenders) < finished else []
    subject = "each hyper-parameter" if len(specs) > 1 else title(*specs)
    heading = f"Validation {scale.title} against {subject}: {count(len(ranking), 'trial')}"
    rasterized = len(trials) * len(specs) > MANY
    handles: dict[str, Line2D] = {}
    with style():
        figure = new_figure(9, HEADER + rows * row_step, heading)
        for k, (name, spec) in enumerate(specs.items()):
            row, column = divmod(k, columns)
            ax = add_axes(figure, LEFT + column * (width + GAP), HEADER + row * row_step, width, height)
            for handle in _draw_slice(ax, trials, name, spec, dark, scale=scale, rasterized=rasterized):
                handles[str(handle.get_label())] = handle
            if name in options:
                ax.set_xticks(range(len(options[name])), options[name])
            else:
                _set_ticks(ax, spec, width)
            _label_y_axis(ax, scale, first=column == 0)
        add_legend(figure, [handles[label] for label in sorted(handles, key=_order)], handlelength=0.8)
    return figure


def _with_options(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A range of a few whole numbers as a choice, as dots on a line would hide each other."""
    if spec["distribution"] == "int_uniform" and spec["high"] - spec["low"] < FEW:
        return {**spec, "options": range(spec["low"], spec["high"] + 1)}
    return spec


def _option_labels(spec: Mapping[str, Any], width: float) -> list[str]:
    """The labels of an axis `width` inches wide; long names alternate between two or three lines."""
    labels = [short(option) for option in spec["options"]]
    room = (max(map(len, labels)) * LETTER + 0.08) * len(labels) / width
    return ["\n" * (k % min(math.ceil(room), 3)) + label for k, label in enumerate(labels)]


def _order(label: str) -> int:
    """The place of an entry in the legend; a panel may lack some entries."""
    return [label.startswith(start) for start in LEGEND].index(True)


def _label_y_axis(ax: Axes, scale: Scale, first: bool) -> None:
    """Label the y axis, which all panels of a row share, in the first one."""
    ax.tick_params(labelsize=8)
    if first:
        ax.set_ylabel(scale.short_label + scale.note)
    else:
        ax.tick_params(axis="y", length=0, labelleft=False)


def _draw_slice(
    ax: Axes,
    trials: pd.DataFrame,
    name: str,
    spec: Mapping[str, Any],
    contenders: Sequence[int],
    *,
    scale: Scale,
    rasterized: bool,
) -> list[Line2D]:
    """Draw one panel, the contenders dark. Returns legend handles."""
    panel_trials = trials.dropna(subset=[name])
    many = len(trials) > MANY
    overlap = (0.01 if many else 0.04) * (scale.high - scale.low)
    x = place_on_axis(ax, "x", panel_trials, name, spec, overlap=overlap)
    places = panel_trials.assign(x=x, y=scale.places(panel_trials["val_acc"]))
    ax.set(ylim=scale.limits, yticks=scale.ticks(5))
    ax.grid(axis="y", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    if len(panel_trials) < len(trials):
        ax.set_xlabel(f"{title(name)}\n(in {len(panel_trials):,} of {count(len(trials), 'trial')})")
    size = 5.0 if many else dot_size(places, 24.0)
    look = {"alpha": crowd_alpha(len(trials)), "lw": 0} if many else {"lw": 0.3}
    finished = places[places["status"] != "diverged"]
    dark = finished["trial"].isin(contenders)
    alike = f"not distinguishable from Best-1 ({len(contenders):,})"
    handles = []
    for dots, label, colour, area, extra_look in (
        (finished[~dark], "finished", PALE, size, {**look, "rasterized": rasterized}),
        (finished[dark], alike, INK, max(size, 9.0), {"lw": 0.4}),
    ):
        if len(dots):
            scatter(ax, dots, s=area, c=colour, edgecolors="white", zorder=2, **extra_look)
            handles.append(legend_handle(label, marker="o", markersize=6, color=colour))
    handles += _ring_best(ax, finished[finished["rank"] == 1])
    diverged = places[places["status"] == "diverged"]
    if draw_diverged(ax, diverged, size, rasterized=rasterized):
        handles.append(diverged_handle(int((trials["status"] == "diverged").sum())))  # of all panels
    return handles


def _ring_best(ax: Axes, best: pd.DataFrame) -> list[Line2D]:
    """Draw a ring around the best trial, if it is in this panel. Returns legend handles."""
    if best.empty:
        return []
    scatter(ax, best, s=60, facecolors="none", edgecolors=INK, lw=1.2, zorder=4)
    return [legend_handle("Best-1", marker="o", markersize=8, mfc="none", mec=INK, mew=1.2)]


def _set_ticks(ax: Axes, spec: Mapping[str, Any], width: float) -> None:
    """Set as many ticks as fit on the axis of a range, `width` inches long."""
    low, high = spec["low"], spec["high"]
    locator: Locator
    if spec["distribution"] != "log_uniform":
        is_whole = spec["distribution"] == "int_uniform"
        locator = MaxNLocator(max(2, int(width / 0.5)), steps=[1, 2, 5, 10], integer=is_whole)
    elif high < 10 * low:  # the range may have no power of ten
        locator = LogLocator(subs=(1, 2, 5))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(float(value))))
    else:
        locator = LogLocator(numticks=max(3, int(width / 0.45)))
    ax.set_xticks([tick for tick in locator.tick_values(low, high) if low <= tick <= high])
    ax.xaxis.set_minor_formatter(NullFormatter())
