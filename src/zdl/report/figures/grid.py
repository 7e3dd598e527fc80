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
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke
from numpy.typing import NDArray

from zdl.report.figures.base import DIVERGED, INK, MANY, _axes, _figure, _handle, _legend, _scatter, _style
from zdl.report.figures.space import search_map
from zdl.report.formatting import accuracy, count, listed, short, title

PANELS = 12  # small multiples of a heat map; with more combinations it shows the best over them


def heat_map(ranking: pd.DataFrame, space: Mapping[str, Mapping[str, Any]], best: int = 20) -> Figure:
    """The validation accuracies of a grid: a cell for each pair of values of two hyper-parameters.

    These are the first two of `space` that have more than one value (those that play a part in every trial
    come first). Each combination of the further ones has a panel; if those are more than PANELS, there is
    one panel, whose cells show the best over them. A cell is grey, with a cross, where all trials diverged,
    and blank where there is none. With fewer than two such hyper-parameters: `search_map`.
    """
    values = {name: _values(ranking[name], spec) for name, spec in space.items() if name in ranking}
    axes = [name for name in values if len(values[name]) > 1]
    axes.sort(key=lambda name: ranking[name].hasnans)
    if len(axes) < 2:
        return search_map(ranking, space, best)
    x, y, *further = axes
    heading = f"The whole grid: {count(len(ranking), 'trial')}"
    shown = ranking.dropna(subset=[x, y])
    if further and shown.groupby(further, dropna=False).ngroups > PANELS:
        others = listed(map(title, further)) if len(further) < 3 else f"{len(further)} others"
        heading += f", in each cell the best over {others}"
        panels = {"": shown}
    else:
        panels = _panels(shown, {name: values[name] for name in further})
    if hidden := len(ranking) - len(shown):
        absent = " or ".join(title(name) for name in (x, y) if ranking[name].hasnans)
        heading += f" ({hidden} without {absent} not shown)"
    with _style():
        return _heat_maps(heading, panels, {name: values[name] for name in (x, y)})


def _values(column: "pd.Series[Any]", spec: Mapping[str, Any]) -> list[Any]:
    """A hyper-parameter's values in a ranking: numbers in ascending order, names in that of the options."""
    found = set(column.dropna())
    if any(isinstance(value, str) for value in found):
        return [name for name in map(str, spec["options"]) if name in found]
    return sorted(found)


def _panels(shown: pd.DataFrame, further: Mapping[str, Sequence[Any]]) -> dict[str, pd.DataFrame]:
    """The trials of each combination of further hyper-parameters, by the name of their panel.

    One that plays no part in a trial is not in the name, and comes after its values.
    """
    panels = {}
    for combination in itertools.product(*([*values, None] for values in further.values())):
        named = {name: value for name, value in zip(further, combination, strict=True) if value is not None}
        inside = pd.Series(True, shown.index)
        for name in further:
            inside &= shown[name] == named[name] if name in named else shown[name].isna()
        if inside.any():
            panels["\n".join(f"{title(name)} {short(v)}" for name, v in named.items())] = shown[inside]
    return panels


def _heat_maps(heading: str, panels: Mapping[str, pd.DataFrame], axes: Mapping[str, Sequence[Any]]) -> Figure:
    """Panels in rows, all over the same two `axes` (x and y, with their values), and one colour bar."""
    (x, across), (y, up) = axes.items()
    columns = 2 if len(panels) == 4 else min(len(panels), 3 if len(panels) < 10 else 4)
    rows = math.ceil(len(panels) / columns)
    lines = max(name.count("\n") + bool(name) for name in panels)
    left, header, footer, gap, caption = 1.1, 0.72, 0.6, 0.14, 0.08 + 0.15 * lines
    width = (6.85 - (columns - 1) * gap) / columns
    height = min(3.75, 1.25 * len(up)) if columns == 1 else max(0.62 * width, 0.18 * len(up))
    figure = _figure(9, header + rows * (caption + height + gap) - gap + footer, heading)
    for k, (name, trials) in enumerate(panels.items()):
        row, column = divmod(k, columns)
        top = header + caption + row * (caption + height + gap)
        ax = _axes(figure, left + column * (width + gap), top, width, height)
        places = trials.assign(x=trials[x].map(across.index), y=trials[y].map(up.index))
        mesh = _cells(ax, places, len(across), len(up))
        ax.set_title(name, fontsize=8, loc="left", pad=4)
        ax.tick_params(length=0)
        ax.set(xticks=[], yticks=[])
        if k + columns >= len(panels):
            ax.set_xticks(*_ticks(across, width, upright=False))
            ax.set_xlabel(title(x))
        if column == 0:
            ax.set_yticks(*_ticks(up, height, upright=True))
            ax.set_ylabel(title(y))
    bar = _axes(figure, 8.05, header + caption, 0.16, rows * (caption + height + gap) - gap - caption)
    figure.colorbar(mesh, cax=bar, label="validation accuracy").outline.set_visible(False)
    trials = pd.concat(panels.values())
    diverged = int((trials["status"] == "diverged").sum())
    handles = [_handle("Best-1", marker="s", markersize=8, mfc="none", mec=INK, mew=1.6)]
    handles = handles[: len(trials) - diverged]
    if diverged:
        handles.append(_handle(f"diverged ({diverged})", marker="x", mew=1.6, color=DIVERGED))
    _legend(figure, handles, handlelength=0.8)
    return figure


def _ticks(values: Sequence[Any], length: float, upright: bool) -> tuple[list[float], list[str]]:
    """Places and labels of values in the middle of their cells, as many as there is room for on an axis of
    that length in inches."""
    labels = [short(value) for value in values]
    room = 0.18 if upright else 0.15 + 0.075 * max(map(len, labels))
    every = math.ceil(len(values) * room / length)
    return [k + 0.5 for k in range(0, len(values), every)], labels[::every]


def _cells(ax: Axes, trials: pd.DataFrame, columns: int, rows: int) -> QuadMesh:
    """Colour the cells that `trials` (columns x, y, rank, status, val_acc) lie in, each after its best."""
    cells = trials.sort_values("rank").drop_duplicates(["x", "y"])
    diverged = cells[cells["status"] == "diverged"]
    finished = cells.drop(diverged.index)
    accuracies = np.full((rows, columns), np.nan)
    accuracies[finished["y"], finished["x"]] = finished["val_acc"]
    many = rows * columns > MANY
    ax.spines[:].set_visible(False)
    ax.set(xlim=(0, columns), ylim=(0, rows))
    look: dict[str, Any] = {
        "edgecolors": "none" if many else "white",
        "linewidth": 0 if many else 1.2,
        "rasterized": many,
    }
    edges = np.arange(columns + 1), np.arange(rows + 1)
    failed = np.full((rows, columns), np.nan)
    failed[diverged["y"], diverged["x"]] = 0
    ax.pcolormesh(*edges, failed, cmap=ListedColormap(["#ececec"]), **look)
    size = ax.get_window_extent().size / np.array([columns, rows]) / ax.figure.dpi  # of a cell, in inches
    cross = 5 * min(1, 3 * size.min())  # points
    places = diverged[["x", "y"]].astype("float64") + 0.5
    _scatter(ax, places, s=cross**2, c=DIVERGED, marker="x", linewidths=0.32 * cross)
    _numbers(ax, finished, size)
    return ax.pcolormesh(*edges, accuracies, cmap="viridis", vmin=0, vmax=1, **look)


def _numbers(ax: Axes, finished: pd.DataFrame, size: NDArray[np.float64]) -> None:
    """The accuracy in each cell of that size in inches, if it has room; a frame around the best of all."""
    font = 8 + 3 * min(1.0, max(0.0, size.min() - 0.4))
    for x, y, val_acc, rank in finished[["x", "y", "val_acc", "rank"]].itertuples(index=False):
        if size[0] > 0.36 and size[1] > 0.17:
            ax.text(
                x + 0.5, y + 0.5, accuracy(val_acc), ha="center", va="center", fontsize=font,
                color="white" if val_acc < 0.6 else INK, fontweight="bold" if rank == 1 else "normal",
            )  # fmt: skip
        if rank == 1:
            frame = Rectangle((x, y), 1, 1, fill=False, edgecolor=INK, linewidth=1.8, zorder=4, clip_on=False)
            frame.set_path_effects([withStroke(linewidth=3.6, foreground="white"), Normal()])
            ax.add_patch(frame)
