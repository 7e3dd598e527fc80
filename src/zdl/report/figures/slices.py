"""Scores against each hyper-parameter, in small multiples."""

import math
from collections.abc import Mapping
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
    _axes,
    _faint,
    _figure,
    _handle,
    _legend,
    _scatter,
    _style,
)
from zdl.report.figures.space import _along, _crosses, _size
from zdl.report.formatting import count, short, title

ACROSS = 4  # panels in a row, at most
FEW = 12  # whole numbers
LETTER = 0.068  # inches of a line that a letter of the smallest font takes


def slices(ranking: pd.DataFrame, space: Mapping[str, Mapping[str, Any]], best: int = 20) -> Figure:
    """Validation accuracy against each hyper-parameter of `space` (`search.space` of the settings).

    A panel each, over what was searched and on its own scale; all share the axis of accuracy, from 0 to 1.
    The best n are dark, and Best-1 is ringed. Diverged trials are crosses at 0, whatever they had reached. A
    choice, or a range of a few whole numbers, has a strip for each value. Trials in which a hyper-parameter
    plays no part are not in its panel, whose label says so.
    """
    specs = {name: _strips_of(spec) for name, spec in space.items() if name in ranking}
    rows = math.ceil(len(specs) / ACROSS)
    columns = math.ceil(len(specs) / rows)
    left, right, header, gap, height = 0.55, 0.2, 0.66, 0.4, 2.6 if rows == 1 else 1.9
    width = (9 - left - right - (columns - 1) * gap) / columns
    labels = {name: _options(spec, width) for name, spec in specs.items() if "options" in spec}
    lines = max(name.count("\n") for names in ([""], *labels.values()) for name in names)
    footer = 0.6 + 0.14 * max(lines, int(ranking[list(specs)].isna().any(axis=None)))
    diverged = ranking["status"] == "diverged"
    trials = ranking.assign(val_acc=ranking["val_acc"].mask(diverged, 0.0)).iloc[::-1]
    against = "each hyper-parameter" if len(specs) > 1 else title(*specs)
    heading = f"Validation accuracy against {against}: {count(len(ranking), 'trial')}"
    handles: dict[str, Line2D] = {}
    with _style():
        figure = _figure(9, header + rows * (height + footer), heading)
        for k, (name, spec) in enumerate(specs.items()):
            row, column = divmod(k, columns)
            top = header + row * (height + footer)
            ax = _axes(figure, left + column * (width + gap), top, width, height)
            drawn = _slice(ax, trials, name, specs, best)
            handles |= {str(handle.get_label()): handle for handle in drawn}
            _ticks(ax, spec, width)
            if name in labels:
                ax.set_xticks(range(len(labels[name])), labels[name])
            ax.tick_params(labelsize=8)
            if column:
                ax.tick_params(axis="y", length=0, labelleft=False)
            else:
                ax.set_ylabel("validation accuracy")
        _legend(figure, [handles[name] for name in sorted(handles, key=_place)], handlelength=0.8)
    return figure


def _place(label: str) -> int:
    """Of a legend's entry: panels may lack some."""
    return [label.startswith(start) for start in ("finished", "the best", "Best", "diverged")].index(True)


def _strips_of(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A range of a few whole numbers as if it were a choice: on a line, dots would hide each other."""
    if spec["distribution"] == "int_uniform" and spec["high"] - spec["low"] < FEW:
        return {**spec, "options": range(spec["low"], spec["high"] + 1)}
    return spec


def _slice(
    ax: Axes, trials: pd.DataFrame, name: str, specs: Mapping[str, Mapping[str, Any]], best: int
) -> list[Line2D]:
    """Draw one panel; the handles of a legend."""
    shown = trials.dropna(subset=[name])
    many = len(trials) > MANY
    places = shown.assign(
        x=_along(ax, "x", shown, name, specs, apart=0.01 if many else 0.04), y=shown["val_acc"]
    )
    ax.set(ylim=(0, 1), yticks=[0, 0.2, 0.4, 0.6, 0.8, 1])
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    if len(shown) < len(trials):
        ax.set_xlabel(f"{title(name)}\n(in {len(shown):,} of {count(len(trials), 'trial')})")
    size = 5.0 if many else _size(places, 24.0)
    image = {"rasterized": len(trials) * len(specs) > MANY}
    look = {"alpha": _faint(len(trials)), "lw": 0} if many else {"lw": 0.3}
    finished = places[places["status"] != "diverged"]
    others = int((trials["status"] != "diverged").sum()) - best
    leads = (finished["rank"] <= best) & (others > 0)  # if all were dark, it would say nothing
    handles = []
    for dots, label, colour, area, how in (
        (finished[~leads], "finished", PALE, size, look | image),
        (finished[leads], f"the best {best}", INK, max(size, 9.0), {"lw": 0.4}),
    ):
        if len(dots):
            _scatter(ax, dots, s=area, c=colour, edgecolors="white", zorder=2, **how)
            handles.append(_handle(label, marker="o", markersize=6, color=colour))
    first = finished[finished["rank"] == 1]
    if len(first):
        _scatter(ax, first, s=60, facecolors="none", edgecolors=INK, lw=1.2, zorder=4)
        handles.append(_handle("Best-1", marker="o", markersize=8, mfc="none", mec=INK, mew=1.2))
    for cross in _crosses(ax, places[places["status"] == "diverged"], size, **image):
        cross.set_label("diverged, at 0")
        handles.append(cross)
    return handles


def _options(spec: Mapping[str, Any], width: float) -> list[str]:
    """The names of options on an axis of that width in inches: on two lines in turn, or three, if long."""
    labels = [short(option) for option in spec["options"]]
    room = (max(map(len, labels)) * LETTER + 0.08) * len(labels) / width
    return ["\n" * (k % min(math.ceil(room), 3)) + label for k, label in enumerate(labels)]


def _ticks(ax: Axes, spec: Mapping[str, Any], width: float) -> None:
    """As many ticks as there is room for on a range's axis of that width in inches."""
    if "options" in spec:
        return
    low, high = spec["low"], spec["high"]
    locator: Locator
    if spec["distribution"] != "log_uniform":
        whole = spec["distribution"] == "int_uniform"
        locator = MaxNLocator(max(2, int(width / 0.5)), steps=[1, 2, 5, 10], integer=whole)
    elif high < 10 * low:  # perhaps no power of ten is in the range
        locator = LogLocator(subs=(1, 2, 5))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(float(value))))
    else:
        locator = LogLocator(numticks=max(3, int(width / 0.45)))
    ax.set_xticks([tick for tick in locator.tick_values(low, high) if low <= tick <= high])
    ax.xaxis.set_minor_formatter(NullFormatter())
