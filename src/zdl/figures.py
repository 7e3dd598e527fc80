"""The report's figures. Functions here only draw: what they show is computed in `zdl.ranking`.

No pyplot and no change of global settings: each figure is made and saved under STYLE and Matplotlib's own
defaults, whatever the user's matplotlibrc says. The same table gives the same bytes in every process.
"""

import io
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zdl.ranking import FIXED, accuracy, count, listed, map_axes, short, title

VALIDATION, TRAINING = "#0072B2", "#D55E00"  # Okabe and Ito's, for colour-blind readers; dashed in print
DIVERGED, INK, QUIET, FAINT = "#D55E00", "#1a1a1a", "#5a5a5a", "#dddddd"
BOOK = ("lr", "weight_decay")
COLUMNS = 5
DPI = 200  # twice the pixels of a page 900 wide, for sharp screens
PANELS = 12  # small multiples of a heat map; with more combinations it shows the best over them
MANY = 1000  # from so many points on they are one image in the SVG
STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with Matplotlib, and is found there first
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "legend.frameon": False,
    "svg.fonttype": "path",  # looks alike everywhere, whatever fonts a reader has
    "svg.hashsalt": "zdl",  # ids in the SVG come from it instead of from chance
}
_MACHINE = ("backend", "backend_fallback", "interactive", "toolbar", "timezone", "savefig.directory")


@contextmanager
def _style() -> Iterator[None]:
    defaults: dict[Any, Any] = dict(matplotlib.rcParamsDefault.items())
    with matplotlib.rc_context({key: defaults[key] for key in defaults if key not in _MACHINE} | STYLE):
        yield


def png(figure: Figure) -> bytes:
    """The figure as PNG, DPI pixels an inch, opaque, naming no software and no time."""
    return _saved(figure, format="png", dpi=DPI, metadata={"Software": None})


def svg(figure: Figure) -> bytes:
    """The figure as SVG, opaque, its text drawn as paths, naming no software and no time."""
    return _saved(figure, format="svg", dpi=DPI / 2, metadata={"Date": None, "Creator": None})


def _saved(figure: Figure, **how: Any) -> bytes:
    file = io.BytesIO()
    with _style():
        figure.savefig(file, facecolor="white", **how)
    return file.getvalue()


def _figure(width: float, height: float, heading: str) -> Figure:
    """An empty figure, its size in inches, with a heading in its upper left corner."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.1 / width, 1 - 0.1 / height, heading, va="top", fontsize=11, fontweight="bold")
    return figure


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in inches from the figure's upper left corner."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))


def _legend(figure: Figure, handles: Sequence[Line2D], handlelength: float) -> None:
    """The figure's one legend, in a line beneath the heading."""
    w, h = figure.get_size_inches()
    figure.legend(
        handles=handles,
        ncols=len(handles),
        loc="upper left",
        bbox_to_anchor=(0.02 / w, 1 - 0.3 / h),
        borderpad=0.2,
        handlelength=handlelength,
        columnspacing=1.6,
    )


def best20(curves: pd.DataFrame, ranking: pd.DataFrame) -> Figure:
    """The learning curves of the best trials as small multiples: the book's figure, with numbers added.

    `curves` as `zdl.ranking.curves` gives them: a panel for each of its trials, five in a row. All share
    both axes: accuracy from 0 to 1, and epochs from the first to the last of the longest curve.
    """
    panels = list(curves.groupby("trial", sort=False))
    if not panels:
        with _style():
            return _figure(4, 0.4, "No trial finished")
    searched = [str(name) for name in ranking if name not in FIXED]
    names = sorted(searched, key=lambda name: name not in BOOK)[:2]  # the book's two, if they are there
    rows, columns = math.ceil(len(panels) / COLUMNS), max(2, min(COLUMNS, len(panels)))
    width, height, left, right, header, footer = 1.59, 1.05, 0.45, 0.1, 0.46, 0.3
    across, caption = width + 0.125, 0.36 + 0.15 * len(names)
    down = caption + height
    with _style():
        figure = _figure(
            left + (columns - 1) * across + width + right,
            header + rows * down + footer,
            f"The best {len(panels)} of {count(len(ranking), 'trial')}",
        )
        end = curves["epoch"].max()
        ranked = {row["trial"]: row for row in ranking.to_dict("records")}
        for k, (trial, curve) in enumerate(panels):
            row, column = divmod(k, COLUMNS)
            ax = _axes(figure, left + column * across, header + caption + row * down, width, height)
            lines = _panel(ax, curve, end)
            _caption(ax, ranked[trial], names)
            if column:
                ax.set_yticks([])
        _legend(figure, lines, handlelength=2.6)
        w, h = figure.get_size_inches()
        epochs = f"epoch, 1 to {end}" if end > 1 else "epoch 1"
        figure.text(left / w, 0.08 / h, epochs, fontsize=8, color=QUIET)
    return figure


def _panel(ax: Axes, curve: pd.DataFrame, end: int) -> list[Line2D]:
    ax.set(xlim=(1 - 0.02 * end, end + 0.02 * end), ylim=(0, 1))
    ax.set_xticks([])
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    ax.axhline(0.5, color=FAINT, linewidth=0.7, zorder=0)
    x = curve["epoch"]
    val = ax.plot(x, curve["val_acc"], "-", color=VALIDATION, lw=1.4, label="validation accuracy")
    train = ax.plot(x, curve["train_acc"], "--", color=TRAINING, lw=1.2, label="training accuracy")
    if len(curve) == 1:  # a line through one point is not seen
        val[0].set(marker="o", markersize=3)
        train[0].set(marker="o", markersize=7, markerfacecolor="none")
    return val + train


def _caption(ax: Axes, row: Mapping[Any, Any], names: Sequence[str]) -> None:
    """Best-k and its accuracy; beneath them a line for each hyper-parameter in `names`."""
    above = 4 + 11 * len(names)
    ax.set_title(f"Best-{row['rank']}", loc="left", fontsize=9, fontweight="bold", pad=above)
    ax.set_title(f"val acc {accuracy(row['val_acc'])}", loc="right", fontsize=8, pad=above)
    ax.annotate(
        "\n".join(f"{title(name)} {short(row[name])}" for name in names),
        (0, 1),
        (0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=8,
        color=QUIET,
    )


def search_map(ranking: pd.DataFrame, space: Mapping[str, Mapping[str, Any]], best: int = 20) -> Figure:
    """Every trial where it lies in the space (`search.space` of the settings), the best ones ringed.

    Over the first two numeric hyper-parameters (those that play a part in every trial come first) the
    colour is the validation accuracy; over the only one, or else over the options of the first choice,
    accuracy has the upright axis. Axes span what was searched, on a log scale where the distribution is
    log-uniform. Diverged trials are crosses, at accuracy 0 if never evaluated. Trials in which one of the
    hyper-parameters plays no part are left out and counted in the heading.
    """
    with _style():
        figure, ax, places = _map("The whole search", ranking, space)
        ax.grid(color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        if handles := _trials(figure, ax, places, best, coloured=len(map_axes(ranking, space)) == 2):
            _legend(figure, handles, handlelength=0.8)
    return figure


def _map(
    what: str, ranking: pd.DataFrame, space: Mapping[str, Mapping[str, Any]]
) -> tuple[Figure, Axes, pd.DataFrame]:
    """A figure of the space with nothing in it; and the trials in which its axes play a part, each with its
    place (x, y), the best last: they are drawn on top."""
    names = map_axes(ranking, space)
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
    ax: Axes, which: str, shown: pd.DataFrame, name: str, space: Mapping[str, Mapping[str, Any]]
) -> "pd.Series[float]":
    """Set up one axis for a hyper-parameter, as wide as what was searched; where the trials lie on it."""
    spec = space[name]
    ax.set(**{f"{which}label": title(name)})
    if "options" in spec:
        options = spec["options"]
        ax.set_xlim(-0.5, len(options) - 0.5)
        ax.set_xticks(range(len(options)), [short(option) for option in options])
        return _strips(shown, name, options)
    if spec["distribution"] == "log_uniform":
        ax.set(**{f"{which}scale": "log"})
    elif spec["distribution"] == "int_uniform":
        getattr(ax, f"{which}axis").set_major_locator(MaxNLocator(integer=True))
    ax.set(**{f"{which}lim": (spec["low"], spec["high"])})
    return shown[name].astype("float64")


def _strips(shown: pd.DataFrame, name: str, options: Sequence[Any]) -> "pd.Series[float]":
    """A strip for each option, in which trials of about the same accuracy lie side by side."""
    place = {**{str(option): k for k, option in enumerate(options)}, **{o: k for k, o in enumerate(options)}}
    middle = shown[name].map(place).astype("float64")
    level = (shown["val_acc"].fillna(0.0) / 0.04).round()  # closer than that, dots overlap
    group = shown["rank"].groupby([middle, level])
    aside = group.cumcount() - (group.transform("size") - 1) / 2
    return middle + aside * min(0.02 * len(options), 0.8 / group.size().max())


def _trials(figure: Figure, ax: Axes, places: pd.DataFrame, best: int, coloured: bool) -> list[Line2D]:
    """Draw the trials where `places` (columns x, y, rank, status, val_acc) says; the handles of a legend."""
    size = _size(places, 55.0)
    finished, diverged = places[places["status"] != "diverged"], places[places["status"] == "diverged"]
    handles = []
    if len(finished):
        dots, handle = _dots(
            ax, finished, "finished", "o", coloured, s=size, linewidths=0.4 if len(places) <= MANY else 0
        )
        handles.append(handle)
        if coloured:
            _bar(figure, dots, "validation accuracy")
    handles += _crosses(ax, diverged, size)
    if best < len(finished):  # a ring around every trial would say nothing
        leaders = finished[finished["rank"] <= best]
        _scatter(ax, leaders, s=2.2 * size, facecolors="none", edgecolors=INK, linewidths=1, zorder=4)
        handles.append(_handle(f"the best {best}", marker="o", markersize=10, mfc="none", mec=INK))
    _name_best(ax, finished)
    return handles


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


def _crosses(ax: Axes, diverged: pd.DataFrame, size: float) -> list[Line2D]:
    """Draw trials that diverged, if there are any; the handle of a legend."""
    if diverged.empty:
        return []
    width = min(1.6, 0.22 * math.sqrt(size))
    _scatter(ax, diverged, s=0.8 * size, c=DIVERGED, marker="x", linewidths=width, zorder=3)
    return [_handle(f"diverged ({len(diverged)})", marker="x", mew=1.6, color=DIVERGED)]


def _bar(figure: Figure, colours: ScalarMappable, label: str, **look: Any) -> None:
    bar = _axes(figure, 8.05, 0.8, 0.16, 3.75)
    figure.colorbar(colours, cax=bar, label=label, **look).outline.set_visible(False)


def _scatter(ax: Axes, places: pd.DataFrame, **look: Any) -> PathCollection:
    """Dots at x and y, whole even on the edge of the range."""
    return ax.scatter(places["x"], places["y"], clip_on=False, rasterized=len(places) > MANY, **look)


def _handle(label: str, **look: Any) -> Line2D:
    return Line2D([], [], linestyle="", label=label, **look)


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
    expected: tuple[Sequence[NDArray[Any]], NDArray[np.float64]],
    first: int,
    best: int = 20,
) -> Figure:
    """What a Bayesian search expects of a score, and the trials that it learnt it from.

    `expected` is the surface over `map_axes`, as `zdl.surface.surface` gives it: over two numeric
    hyper-parameters the ground that the trials lie on, in the same colours; over one a curve among them.
    Squares are the first round, the trials with numbers below `first`, and circles were proposed.
    Where nothing is expected (no trial finished), or over a choice: `search_map`.
    """
    names = map_axes(ranking, space)
    ticks, mean = expected
    if "options" in space[names[0]] or np.isnan(mean).all():
        return search_map(ranking, space, best)
    coloured = len(names) == 2
    handles = []
    with _style():
        figure, ax, places = _map("What the search learnt", ranking, space)
        if coloured:
            bands = np.linspace(0, 1, 41)
            ground = ax.contourf(*ticks, mean.T.clip(0, 1), bands, cmap="viridis", vmin=0, vmax=1)
            _bar(figure, ground, "validation accuracy: expected, and as it was", ticks=bands[::8])
        else:
            ax.grid(color=FAINT, linewidth=0.6)
            handles += ax.plot(ticks[0], mean, color=INK, lw=1.4, zorder=1, label="expected")
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
