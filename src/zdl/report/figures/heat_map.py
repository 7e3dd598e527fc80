"""The trials of a grid, as heat maps."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke
from numpy.typing import NDArray

from zdl.report.figures.base import (
    DIVERGED,
    INK,
    MANY,
    add_axes,
    add_legend,
    legend_handle,
    new_figure,
    style,
)
from zdl.report.figures.dots import diverged_handle, scatter
from zdl.report.figures.scale import ACCURACY, Scale
from zdl.report.figures.search_map import search_map
from zdl.report.figures.space_axes import Space, hidden_note
from zdl.report.formatting import count, listed, short, title

PANELS = 12  # at most; with more combinations, one panel shows the best over them
LEFT, HEADER, FOOTER, GAP = 1.1, 0.72, 0.6, 0.14  # margins around panels and the gap between them, in inches


def heat_map(ranking: pd.DataFrame, space: Space, best: int = 20, scale: Scale = ACCURACY) -> Figure:
    """The validation scores of a grid: a cell for each pair of values of two hyper-parameters.

    The axes are the first two of `space` that have more than one value; those that play a part in every trial
    come first. Each combination of the others has a panel, or if there are more than PANELS, one panel shows
    the best over them. A cell is grey with a cross if all its trials diverged, and blank without trials. With
    fewer than two such hyper-parameters, the figure is a `search_map`.
    """
    values = {name: _values(ranking[name], spec) for name, spec in space.items() if name in ranking}
    axes = [name for name in values if len(values[name]) > 1]
    axes.sort(key=lambda name: ranking[name].hasnans)
    if len(axes) < 2:
        return search_map(ranking, space, best, scale=scale)
    x, y, *others = axes
    heading = f"The whole grid: {count(len(ranking), 'trial')}"
    trials = ranking.dropna(subset=[x, y])
    if others and trials.groupby(others, dropna=False).ngroups > PANELS:
        names = listed(map(title, others)) if len(others) < 3 else f"{len(others)} others"
        heading += f", in each cell the best over {names}"
        panels = {"": trials}
    else:
        panels = _panels(trials, {name: values[name] for name in others})
    heading += hidden_note(ranking, (x, y))
    with style():
        return _draw_panels(heading, panels, {name: values[name] for name in (x, y)}, scale)


def _values(column: "pd.Series[Any]", spec: Mapping[str, Any]) -> list[Any]:
    """The values of a hyper-parameter in a ranking: numbers ascending, names in the order of the options."""
    values = set(column.dropna())
    if any(isinstance(value, str) for value in values):
        return [name for name in map(str, spec["options"]) if name in values]
    return sorted(values)


def _panels(trials: pd.DataFrame, others: Mapping[str, Sequence[Any]]) -> dict[str, pd.DataFrame]:
    """The trials of each combination of the other hyper-parameters, by the title of their panel.

    A hyper-parameter that plays no part in a trial is not in the title; such trials come last.
    """
    panels = {}
    for combination in itertools.product(*([*values, None] for values in others.values())):
        point = {name: value for name, value in zip(others, combination, strict=True) if value is not None}
        inside = pd.Series(True, trials.index)
        for name in others:
            inside &= trials[name] == point[name] if name in point else trials[name].isna()
        if inside.any():
            panels["\n".join(f"{title(name)} {short(v)}" for name, v in point.items())] = trials[inside]
    return panels


def _draw_panels(
    heading: str, panels: Mapping[str, pd.DataFrame], axes: Mapping[str, Sequence[Any]], scale: Scale
) -> Figure:
    """Draw panels in rows over the same two `axes` (names with their values), and one colour bar."""
    columns = 2 if len(panels) == 4 else min(len(panels), 3 if len(panels) < 10 else 4)
    rows = math.ceil(len(panels) / columns)
    caption = 0.08 + 0.15 * max(name.count("\n") + bool(name) for name in panels)
    _, y_values = axes.values()
    width = (6.85 - (columns - 1) * GAP) / columns
    height = min(3.75, 1.25 * len(y_values)) if columns == 1 else max(0.62 * width, 0.18 * len(y_values))
    row_step = caption + height + GAP
    figure = new_figure(9, HEADER + rows * row_step - GAP + FOOTER, heading)
    for k, (name, trials) in enumerate(panels.items()):
        row, column = divmod(k, columns)
        ax = add_axes(figure, LEFT + column * (width + GAP), HEADER + caption + row * row_step, width, height)
        mesh = _draw_panel(ax, trials, axes, scale)
        ax.set_title(name, fontsize=8, loc="left", pad=4)
        _label_axes(ax, axes, (width, height), bottom=k + columns >= len(panels), left=column == 0)
    bar = add_axes(figure, 8.05, HEADER + caption, 0.16, rows * row_step - GAP - caption)
    figure.colorbar(mesh, cax=bar, label=scale.short_label).outline.set_visible(False)
    add_legend(figure, _legend_handles(pd.concat(panels.values())), handlelength=0.8)
    return figure


def _legend_handles(trials: pd.DataFrame) -> list[Line2D]:
    diverged = int((trials["status"] == "diverged").sum())
    handles = []
    if len(trials) > diverged:
        handles.append(legend_handle("Best-1", marker="s", markersize=8, mfc="none", mec=INK, mew=1.6))
    if diverged:
        handles.append(diverged_handle(diverged))
    return handles


def _label_axes(
    ax: Axes, axes: Mapping[str, Sequence[Any]], size: tuple[float, float], bottom: bool, left: bool
) -> None:
    """Label the axes of a panel, whose size is in inches: x at the bottom, y on the left."""
    (x, x_values), (y, y_values) = axes.items()
    ax.tick_params(length=0)
    ax.set(xticks=[], yticks=[])
    if bottom:
        ax.set_xticks(*_ticks(x_values, size[0], upright=False))
        ax.set_xlabel(title(x))
    if left:
        ax.set_yticks(*_ticks(y_values, size[1], upright=True))
        ax.set_ylabel(title(y))


def _ticks(values: Sequence[Any], length: float, upright: bool) -> tuple[list[float], list[str]]:
    """The places (middles of cells) and labels of the values that fit on an axis of `length` inches."""
    labels = [short(value) for value in values]
    room = 0.18 if upright else 0.15 + 0.075 * max(map(len, labels))
    step = math.ceil(len(values) * room / length)
    return [k + 0.5 for k in range(0, len(values), step)], labels[::step]


def _draw_panel(ax: Axes, trials: pd.DataFrame, axes: Mapping[str, Sequence[Any]], scale: Scale) -> QuadMesh:
    """Draw a cell for each pair of values that has trials, with the best of them."""
    (x, x_values), (y, y_values) = axes.items()
    columns, rows = len(x_values), len(y_values)
    places = trials.assign(x=trials[x].map(x_values.index), y=trials[y].map(y_values.index))
    cells = places.sort_values("rank").drop_duplicates(["x", "y"])
    diverged = cells[cells["status"] == "diverged"]
    finished = cells.drop(diverged.index)
    many = rows * columns > MANY
    ax.spines[:].set_visible(False)
    ax.set(xlim=(0, columns), ylim=(0, rows))
    look: dict[str, Any] = {
        "edgecolors": "none" if many else "white",
        "linewidth": 0 if many else 1.2,
        "rasterized": many,
    }
    edges = np.arange(columns + 1), np.arange(rows + 1)
    diverged_cells = np.full((rows, columns), np.nan)
    diverged_cells[diverged["y"], diverged["x"]] = 0
    ax.pcolormesh(*edges, diverged_cells, cmap=ListedColormap(["#ececec"]), **look)
    size = ax.get_window_extent().size / np.array([columns, rows]) / ax.figure.dpi  # of a cell, in inches
    cross = 5 * min(1, 3 * size.min())  # points
    middles = diverged[["x", "y"]].astype("float64") + 0.5
    scatter(ax, middles, s=cross**2, c=DIVERGED, marker="x", linewidths=0.32 * cross)
    _write_scores(ax, finished, size, scale)
    scores = np.full((rows, columns), np.nan)
    scores[finished["y"], finished["x"]] = finished["val_acc"]
    return ax.pcolormesh(*edges, scores, **scale.colours, **look)


def _write_scores(ax: Axes, finished: pd.DataFrame, size: NDArray[np.float64], scale: Scale) -> None:
    """Write the score in each cell if it fits (`size` is in inches), and frame the best cell."""
    font = 8 + 3 * min(1.0, max(0.0, size.min() - 0.4))
    for x, y, val_acc, rank in finished[["x", "y", "val_acc", "rank"]].itertuples(index=False):
        if size[0] > 0.36 and size[1] > 0.17:
            ax.text(
                x + 0.5,
                y + 0.5,
                scale.text(val_acc),
                ha="center",
                va="center",
                fontsize=font,
                color="white" if val_acc < scale.low + 0.48 * (scale.high - scale.low) else INK,
                fontweight="bold" if rank == 1 else "normal",
            )
        if rank == 1:
            frame = Rectangle((x, y), 1, 1, fill=False, edgecolor=INK, linewidth=1.8, zorder=4, clip_on=False)
            frame.set_path_effects([withStroke(linewidth=3.6, foreground="white"), Normal()])
            ax.add_patch(frame)
