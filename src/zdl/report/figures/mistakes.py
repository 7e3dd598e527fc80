"""Which classes the confirmed best trial confuses, and the rows that it is most surely wrong about."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zdl.report.figures.base import FAINT, INK, QUIET, VALIDATION, add_axes, new_figure, style

SHOWN, COLUMNS = 20, 5  # images, and of these in a row
LEFT, TOP = 4.5, 0.8  # where the rows begin, in inches
WIDTH, HEIGHT, SIDE = 0.9, 0.87, 0.55  # of an image with its caption, and of the image alone
LINES, LINE = 11, 0.31  # rows of a table, and the height of one
NUMBERED = 12  # classes: with more, cells are too small for numbers
ROOM = 9  # letters of a class

Deviations = Sequence[Sequence[tuple[str, float, float]]]


def mistakes(
    confusion: NDArray[np.float64],
    mistakes: pd.DataFrame,
    shown: NDArray[Any] | Deviations,
    trial: int | None,
    *,
    words: Mapping[str, Any],
    classes: Sequence[str],
) -> Figure:
    """Left, which classes trial number `trial` takes for which; right, its surest mistakes.

    confusion  shares (classes, classes), each row's adding up to 1: in whole percent, blank below 0.5
    mistakes   as `zdl.analysis.mistakes.mistakes` gives them
    shown      of each mistake: an image (height, width), 1 for ink and 0 for paper, or in colour (..., 3);
               or the columns in which it deviates most, as `zdl.analysis.mistakes.deviations` gives them
    words      what a `row`, its `class` and a `model` are called
    """
    with style():
        if not len(confusion):
            return new_figure(4, 0.4, "No trial was confirmed")
        networks = f"its {mistakes['repeats'].max()} replicates" if len(mistakes) else "its replicates"
        row = words["row"]
        figure = new_figure(
            9, 4.75, f"What trial {trial} takes for what: the mean of {networks}, on held-out {row}s"
        )
        mesh = _draw_confusion(add_axes(figure, 0.6, TOP, 3.45, 3.45), confusion, words["class"], classes)
        _draw_key(figure, mesh)
        w, h = figure.get_size_inches()
        surest = f"the surest mistakes: wrong in how many {words['model']}s, and how sure they were"
        for left, text in (
            (0.6, f"percent of the {row}s of a {words['class']}"),
            (LEFT, surest if len(mistakes) else "no mistakes"),
        ):
            figure.text(left / w, 1 - 0.6 / h, text, fontsize=8, color=QUIET, va="center")
        if isinstance(shown, np.ndarray):
            _draw_images(figure, mistakes.head(SHOWN), shown, classes)
        else:
            _write_rows(figure, mistakes.head(LINES), shown, classes)
    return figure


def _draw_images(
    figure: Figure, mistakes: pd.DataFrame, images: NDArray[Any], classes: Sequence[str]
) -> None:
    """Draw images, each with what it was taken for under it."""
    for k, mistake in enumerate(mistakes.to_dict("records")):
        row, column = divmod(k, COLUMNS)
        ax = add_axes(figure, LEFT + column * WIDTH, TOP + row * HEIGHT, SIDE, SIDE)
        ax.imshow(images[k], cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(color=FAINT)
        ax.annotate(
            f"{_taken(mistake, classes)}\n{_how_often(mistake)}",
            (0, 0),
            (0, -3),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            fontsize=8,
        )


def _write_rows(
    figure: Figure, mistakes: pd.DataFrame, deviations: Deviations, classes: Sequence[str]
) -> None:
    """Write two lines a row: what it was taken for, and in which columns it is far from the mean."""
    w, h = figure.get_size_inches()
    for k, (mistake, columns) in enumerate(zip(mistakes.to_dict("records"), deviations, strict=False)):
        y = TOP + 0.05 + k * LINE
        figure.text(
            LEFT / w, 1 - y / h, f"{_taken(mistake, classes)}: {_how_often(mistake)}", fontsize=8, va="center"
        )
        text = "; ".join(f"{name} {value:.3g} ({score:+.1f} sd)" for name, value, score in columns)
        figure.text(
            (LEFT + 0.1) / w,
            1 - (y + LINE / 2) / h,
            _cut(text, 80),
            fontsize=7,
            color=QUIET,
            va="center",
        )


def _taken(mistake: Mapping[Any, Any], classes: Sequence[str]) -> str:
    return f"{_cut(classes[mistake['label']])} taken for {_cut(classes[mistake['taken_for']])}"


def _how_often(mistake: Mapping[Any, Any]) -> str:
    return f"{mistake['wrong']} of {mistake['repeats']}, {mistake['confidence']:.2f}"


def _cut(text: str, room: int = ROOM) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _draw_key(figure: Figure, mesh: QuadMesh) -> None:
    """Which colour is how many percent."""
    key = add_axes(figure, 2.75, TOP - 0.24, 1.3, 0.08)
    bar = figure.colorbar(mesh, cax=key, orientation="horizontal", ticks=[0, 0.1, 0.5, 1])
    bar.ax.set_xticklabels(["0", "10", "50", "100"], fontsize=7)
    bar.ax.tick_params(length=0, pad=2, top=True, bottom=False, labeltop=True, labelbottom=False)
    bar.outline.set_visible(False)


def _draw_confusion(
    ax: Axes, confusion: NDArray[np.float64], class_name: str, classes: Sequence[str]
) -> QuadMesh:
    """Draw a matrix of shares, in colours and in whole percent. Returns what is coloured."""
    numbered = len(classes) <= NUMBERED
    cmap = LinearSegmentedColormap.from_list("shares", ["#ffffff", VALIDATION, "#00304d"])
    edges = np.arange(len(classes) + 1)
    mesh = ax.pcolormesh(
        edges,
        edges,
        confusion,
        cmap=cmap,
        norm=PowerNorm(0.5, 0, 1),
        edgecolors="white",
        linewidth=1 if numbered else 0,
    )
    ax.set(xlim=(0, len(classes)), ylim=(len(classes), 0), xlabel="taken for", ylabel=class_name)
    named = edges[: -1 : -(-len(classes) // (2 * NUMBERED))]  # not every one, of many
    long = max(map(len, classes)) > 3
    ax.xaxis.set_ticks(
        named + 0.5, [_cut(classes[k]) for k in named], rotation=90 if long and len(named) > 3 else 0
    )
    ax.yaxis.set_ticks(
        named + 0.5, [_cut(classes[k]) for k in named], rotation=90 if long else 0, va="center"
    )
    ax.tick_params(labelsize=8 if numbered else 6)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for (i, j), share in np.ndenumerate(confusion):
        if numbered and (percent := round(100 * share)):
            ax.text(
                j + 0.5,
                i + 0.5,
                str(percent),
                ha="center",
                va="center",
                fontsize=8,
                color="white" if share > 0.2 else INK,
                fontweight="bold" if i == j else "normal",
            )
    return mesh
