"""The trials of a search where they lie in its space."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zdl.analysis.ranking import CROWDED, map_axes
from zdl.report.figures.base import (
    DIVERGED,
    FAINT,
    INK,
    MANY,
    QUIET,
    VALIDATION,
    _axes,
    _faint,
    _figure,
    _handle,
    _legend,
    _scatter,
    _style,
)
from zdl.report.formatting import count, short, title

Surface = tuple[Sequence[NDArray[Any]], NDArray[np.float64]]  # values along each axis, what is expected there
CONTOUR = "#9a9a9a"
CELLS = (42, 22)  # of a crowded map, across and up: almost square, and of 10,000 trials each has about ten


def search_map(
    ranking: pd.DataFrame,
    space: Mapping[str, Mapping[str, Any]],
    best: int = 20,
    *,
    expected: Surface | None = None,
    names: Sequence[str] = (),
) -> Figure:
    """Every trial where it lies in the space (`search.space` of the settings), the best ones ringed.

    Over two numeric hyper-parameters the colour is the validation accuracy; over the only one, or else over
    the options of the first choice, accuracy has the upright axis. More than CROWDED trials are not dots but
    cells in the colour of their mean; or fainter dots, darker where they are dense. `names` are those
    hyper-parameters, as `zdl.analysis.ranking.map_axes` gives them (and those that it gives of itself, if
    left out). Axes span what was searched, on a log scale where the distribution is log-uniform. Diverged
    trials are crosses, at accuracy 0 if never evaluated. Trials in which one of the hyper-parameters plays no
    part are left out and counted in the heading. Where there is `expected`, the surface over `names` as
    `zdl.analysis.surrogate.surface` gives it, lines show what is expected of a score: at every tenth over two
    numbers, a curve over one.
    """
    names = names or map_axes(ranking, space)
    with _style():
        figure, ax, places = _map("The whole search", ranking, space, names)
        lines: list[Line2D] = []
        if expected is not None and "options" not in space[names[0]] and not np.isnan(expected[1]).all():
            lines = _expected(ax, places, *expected)
        if not lines or len(names) == 1:
            ax.grid(color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        handles = _trials(figure, ax, places, best, coloured=len(names) == 2)
        if handles:
            _legend(figure, handles + lines, handlelength=1.6 if lines else 0.8)
    return figure


def _expected(
    ax: Axes, places: pd.DataFrame, ticks: Sequence[NDArray[Any]], mean: NDArray[np.float64]
) -> list[Line2D]:
    """Draw what is expected of a score over one hyper-parameter or two; the handle of a legend."""
    if len(ticks) == 1:
        return list(ax.plot(ticks[0], mean, color=INK, lw=1.4, zorder=1, label="expected"))
    tenths = np.arange(2, 10) / 10  # a tenth is what chance gives: its line would wander over level ground
    levels = tenths[(tenths > mean.min()) & (tenths < mean.max())]
    if not len(levels):
        return []
    lines = ax.contour(*ticks, mean.T, levels, colors=CONTOUR, linewidths=0.8, zorder=1)
    labels = []
    if free := _free(ax, lines, places):
        labels = ax.clabel(lines, manual=free, fmt="%.1f", fontsize=8, colors=QUIET)
    if len(places) > CROWDED:  # the ground is dark
        for drawn in (lines, *labels):
            drawn.set_path_effects([withStroke(linewidth=2.4, foreground="white")])
    return [Line2D([], [], color=CONTOUR, lw=0.8, label="expected")]


def _free(ax: Axes, lines: ContourSet, places: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Where on each long line a label is farthest from the trials and from the labels before it."""
    box = ax.bbox.padded(-0.15 * ax.figure.dpi)
    taken = ax.transData.transform(places[["x", "y"]].to_numpy("float64"))
    free = []
    for piece in itertools.chain(*lines.allsegs):
        spots = ax.transData.transform(piece)
        inside = spots[[bool(box.contains(x, y)) for x, y in spots]]
        if len(inside) and np.ptp(spots, axis=0).max() > ax.figure.dpi:
            room = np.linalg.norm(inside[:, None] - taken, axis=2).min(axis=1)
            spot = inside[room.round(3).argmax()]
            taken = np.vstack([taken, spot])
            free.append(ax.transData.inverted().transform(spot))
    return free


def _map(
    what: str, ranking: pd.DataFrame, space: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> tuple[Figure, Axes, pd.DataFrame]:
    """A figure of the space with nothing in it; and the trials in which its axes play a part, each with its
    place (x, y), the best last: they are drawn on top."""
    shown = ranking.dropna(subset=names).iloc[::-1]
    heading = f"{what}: {count(len(ranking), 'trial')}"
    if hidden := len(ranking) - len(shown):
        absent = " or ".join(title(name) for name in names if ranking[name].hasnans)
        heading += f" ({hidden} without {absent} not shown)"
    figure = _figure(9, 5.2, heading)
    ax = _axes(figure, 0.85, 0.8, 7.0 if len(names) == 2 else 8.0, 3.75)
    ax.spines[["top", "right"]].set_visible(False)
    places = shown.assign(x=_along(ax, "x", shown, names[0], space))
    if len(names) == 2:
        places["y"] = _along(ax, "y", shown, names[1], space)
    else:
        places["y"] = shown["val_acc"].fillna(0.0)
        ax.set(ylim=(0, 1), ylabel="validation accuracy")
    return figure, ax, places


def _along(
    ax: Axes,
    which: str,
    shown: pd.DataFrame,
    name: str,
    space: Mapping[str, Mapping[str, Any]],
    *,
    apart: float = 0.04,
) -> "pd.Series[float]":
    """Set up one axis for a hyper-parameter, as wide as what was searched; where the trials lie on it. Those
    of one option whose accuracies are not so far `apart` lie side by side."""
    spec = space[name]
    ax.set(**{f"{which}label": title(name)})
    if "options" in spec:
        options = spec["options"]
        ax.set_xlim(-0.5, len(options) - 0.5)
        ax.set_xticks(range(len(options)), [short(option) for option in options])
        return _strips(shown, name, options, apart)
    if spec["distribution"] == "log_uniform":
        ax.set(**{f"{which}scale": "log"})
    elif spec["distribution"] == "int_uniform":
        getattr(ax, f"{which}axis").set_major_locator(MaxNLocator(integer=True))
    ax.set(**{f"{which}lim": (spec["low"], spec["high"])})
    return shown[name].astype("float64")


def _strips(shown: pd.DataFrame, name: str, options: Sequence[Any], apart: float) -> "pd.Series[float]":
    """A strip for each option, in which trials of about the same accuracy lie side by side."""
    place = {**{str(option): k for k, option in enumerate(options)}, **{o: k for k, o in enumerate(options)}}
    middle = shown[name].map(place).astype("float64")
    level = (shown["val_acc"].fillna(0.0) / apart).round()  # closer than that, dots overlap
    group = shown["rank"].groupby([middle, level])
    aside = group.cumcount() - (group.transform("size") - 1) / 2
    return middle + aside * min(0.02 * len(options), 0.8 / group.size().max())


def _trials(figure: Figure, ax: Axes, places: pd.DataFrame, best: int, coloured: bool) -> list[Line2D]:
    """Draw the trials where `places` (columns x, y, rank, status, val_acc) says; the handles of a legend."""
    size = _size(places, 55.0)
    finished, diverged = places[places["status"] != "diverged"], places[places["status"] == "diverged"]
    crowded, handles = len(places) > CROWDED, []
    if coloured and crowded:
        handles += _cells(figure, ax, finished, diverged)
    else:
        alpha = _faint(len(places)) if crowded else None
        if len(finished):
            look = {"s": size, "alpha": alpha, "linewidths": 0.4 if len(places) <= MANY else 0}
            dots, handle = _dots(ax, finished, "finished", "o", coloured, **look)
            handles.append(handle)
            if coloured:
                _bar(figure, dots, "validation accuracy")
        handles += _crosses(ax, diverged, size, alpha=alpha)
    if best < len(finished):  # a ring around every trial would say nothing
        leaders = finished[finished["rank"] <= best]
        halo = [withStroke(linewidth=2.6, foreground="white")] if coloured and crowded else None
        ring: dict[str, Any] = {
            "facecolors": "none",
            "edgecolors": INK,
            "linewidths": 1,
            "path_effects": halo,
        }
        _scatter(ax, leaders, s=2.2 * size, zorder=4, **ring)
        handles.append(_handle(f"the best {best}", marker="o", markersize=10, mfc="none", mec=INK))
    _name_best(ax, finished)
    return handles


def _cells(figure: Figure, ax: Axes, finished: pd.DataFrame, diverged: pd.DataFrame) -> list[Line2D]:
    """Tile the axes with cells in the colour of the mean of the trials in them that finished; a cross where
    at least half diverged. The handle of a legend."""
    unit, data = ax.transData - ax.transAxes, ax.transAxes - ax.transData
    sums = []
    for trials, weights in ((finished, finished["val_acc"]), (finished, None), (diverged, None)):
        at = unit.transform(trials[["x", "y"]].to_numpy("float64"))
        # Those on an edge belong to the cell beyond it, whatever the last bits of a logarithm are
        x, y = np.clip(np.floor(at * CELLS + 1e-9), 0, np.subtract(CELLS, 1)).astype(np.int64).T
        flat = np.bincount(x * CELLS[1] + y, weights, minlength=CELLS[0] * CELLS[1])
        sums.append(flat.reshape(CELLS).T)
    total, count, lost = sums
    mean = np.ma.masked_invalid(total / np.where(count, count, np.nan))
    edges = [data.transform(np.column_stack([np.linspace(0, 1, n + 1)] * 2)) for n in CELLS]
    look: dict[str, Any] = {"cmap": "viridis", "vmin": 0, "vmax": 1, "zorder": 0.5, "rasterized": True}
    _bar(figure, ax.pcolormesh(edges[0][:, 0], edges[1][:, 1], mean, **look), "mean validation accuracy")
    if not lost.any():
        return []
    y, x = np.nonzero((lost > 0) & (lost >= count))
    middles = data.transform((np.column_stack([x, y]) + 0.5) / CELLS)
    _scatter(
        ax, pd.DataFrame(middles, columns=["x", "y"]), s=14, c=DIVERGED, marker="x", linewidths=0.9, zorder=3
    )
    label = f"half or more diverged ({int(lost.sum()):,} in all)"
    return [_handle(label, marker="x", mew=1.6, color=DIVERGED)]


def _size(places: pd.DataFrame, most: float) -> float:
    """Of a dot, in square points: smaller, where they are many."""
    return max(8.0, min(most, 9000 / max(1, len(places))))


def _dots(
    ax: Axes, trials: pd.DataFrame, label: str, marker: str, coloured: bool, **look: Any
) -> tuple[PathCollection, Line2D]:
    """Draw trials that finished, in the colour of their accuracy or all in one; the handle of a legend."""
    colours: dict[str, Any] = {"c": VALIDATION}
    if coloured:
        colours = {"c": trials["val_acc"], "cmap": "viridis", "vmin": 0, "vmax": 1}
    dots = _scatter(ax, trials, marker=marker, edgecolors="white", zorder=2, **colours, **look)
    face = matplotlib.colormaps["viridis"](0.5) if coloured else VALIDATION
    return dots, _handle(label, marker=marker, markersize=7, color=face)


def _crosses(ax: Axes, diverged: pd.DataFrame, size: float, **look: Any) -> list[Line2D]:
    """Draw trials that diverged, if there are any; the handle of a legend."""
    if diverged.empty:
        return []
    width = min(1.6, 0.22 * math.sqrt(size))
    _scatter(ax, diverged, s=0.8 * size, c=DIVERGED, marker="x", linewidths=width, zorder=3, **look)
    return [_handle(f"diverged ({len(diverged)})", marker="x", mew=1.6, color=DIVERGED)]


def _bar(figure: Figure, colours: ScalarMappable, label: str, **look: Any) -> None:
    bar = _axes(figure, 8.05, 0.8, 0.16, 3.75)
    figure.colorbar(colours, cax=bar, label=label, **look).outline.set_visible(False)


def _name_best(ax: Axes, trials: pd.DataFrame) -> None:
    """Write Best-1 above the best trial, and not over the edge."""
    for x, y in trials.loc[trials["rank"] == 1, ["x", "y"]].itertuples(index=False):
        across, _ = ax.transAxes.inverted().transform(ax.transData.transform((x, y)))
        ax.annotate(
            "Best-1",
            (x, y),
            (0, 8),
            textcoords="offset points",
            ha="left" if across < 0.04 else "right" if across > 0.96 else "center",
            fontweight="bold",
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )


def surface_map(
    ranking: pd.DataFrame,
    space: Mapping[str, Mapping[str, Any]],
    expected: Surface,
    first: int,
    best: int = 20,
    *,
    names: Sequence[str] = (),
) -> Figure:
    """What a Bayesian search expects of a score, and the trials that it learnt it from.

    `expected` is the surface over `names` (as for `search_map`), as `zdl.analysis.surrogate.surface` gives
    it: over two numeric hyper-parameters the ground that the trials lie on, in the same colours; over one a
    curve among them. Squares are the first round, the trials with numbers below `first`, and circles were
    proposed. Where nothing is expected (no trial finished), or over a choice: `search_map`.
    """
    names = names or map_axes(ranking, space)
    ticks, mean = expected
    if "options" in space[names[0]] or np.isnan(mean).all():
        return search_map(ranking, space, best, names=names)
    coloured = len(names) == 2
    handles = []
    with _style():
        figure, ax, places = _map("What the search learnt", ranking, space, names)
        if coloured:
            bands = np.linspace(0, 1, 41)
            ground = ax.contourf(*ticks, mean.T.clip(0, 1), bands, cmap="viridis", vmin=0, vmax=1)
            _bar(figure, ground, "validation accuracy: expected, and as it was", ticks=bands[::8])
        else:
            ax.grid(color=FAINT, linewidth=0.6)
            handles += _expected(ax, places, ticks, mean)
        handles += _learnt_from(ax, places, first, coloured)
        _legend(figure, handles, handlelength=0.8 if coloured else 1.6)
    return figure


def _learnt_from(ax: Axes, places: pd.DataFrame, first: int, coloured: bool) -> list[Line2D]:
    """Draw the trials of a Bayesian search where `places` says; the handles of a legend."""
    size = _size(places, 45.0)
    finished, diverged = places[places["status"] != "diverged"], places[places["status"] == "diverged"]
    at_random = finished["trial"] < first
    handles = [
        _dots(ax, dots, label, marker, coloured, s=size, linewidths=0.9)[1]
        for dots, label, marker in (
            (finished[at_random], "drawn at random", "s"),
            (finished[~at_random], "proposed", "o"),
        )
        if len(dots)
    ]
    handles += _crosses(ax, diverged, size)
    _name_best(ax, finished)
    return handles
